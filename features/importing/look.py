"""A look at a source: its form, its columns with type and sample, what is ambiguous, and a draft of its mapping."""

import csv
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import takewhile
from pathlib import Path
from typing import Any

import duckdb

from core.errors import ForesellError
from features.engines.duckdb import connect
from features.importing.mapping import TableMapping
from features.importing.raw_tables import JSON, KINDS, SHEET, TEXT, files_in, kind_of, open_text, read_raw
from features.ingest.contract import TABLES, Column, Table
from features.ingest.sources import MARKS, unreadable

OF_A_LINE = ("order_id", "line_id", "item_id", "price", "quantity", "category")  # columns that differ within an order
SAMPLE = 1_000  # rows that are looked at
SEPARATORS = (",", ";", "\t", "|")
NULLS = ("n/a", "na", "null", "none", "-", "--", "nan", "#n/a")
ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.]\d{1,9})?)?(Z|[+-]\d{2}(:?\d{2})?)?)?")
WHOLE = re.compile(r"[+-]?\d+")
CURRENCY = r"([$€£¥₹]|EUR|USD|GBP|JPY|CHF|SEK|NOK|DKK|PLN|CZK|BRL|MXN|CAD|AUD|INR)?"
NUMBER = re.compile(rf"[(-]?\s*{CURRENCY}\s*-?(\d{{1,3}}([.,' ]?\d{{3}})*|\d+)([.,]\d{{1,4}})?\s*{CURRENCY}\s*[)-]?")
PLAIN_NUMBER = re.compile(r"-?\d*[.]?\d*")
BOOLEANS = {"true", "false", "yes", "no", "y", "n"}
DATES = ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y%m%d", "%b-%d-%y", "%d-%b-%y",
         "%d %b %Y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y", "%d/%m/%y", "%m/%d/%y", "%d.%m.%y")  # fmt: skip
CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", " %H:%M:%S %z", ", %H:%M", ", %H:%M:%S")
ZONED = ("%Y-%m-%d %H:%M:%S %z", "%Y-%m-%dT%H:%M:%S.%f%z")
# What the columns of exports are usually called, in small letters and without signs; the contract's own names too.
CALLED: Mapping[str, Mapping[str, str]] = {
    "orders": {
        "order_id": "order|order no|order number|order ref|order reference|name|order name|purchase id|amazon order id|"
        "bestellung|bestellnummer|pedido|id",
        "line_id": "line|line no|line number|order item id|order line|order line id|lineitem id|position|"
        "line items id|items id|lines id",
        "seller_id": "seller|shop|vendor|store|merchant|shop name|seller name|store name|supplier|"
        "handler|verkaufer|tienda",
        "item_id": "sku|item|item no|item number|product|product id|lineitem sku|asin|custom label|article|artikel",
        "category": "product category|product type|item category|department|kategorie|categoria",
        "price": "item price|unit price|line price|lineitem price|amount|sold for|total|line total|"
        "einzelpreis|preis|precio",
        "quantity": "qty|lineitem quantity|units|pieces|menge|cantidad",
        "currency": "currency code|waehrung",
        "ordered_at": "date|order date|created at|created|purchase date|sale date|ordered|ordered on|placed at|"
        "datum|bestelldatum|fecha",
        "ship_by": "ship by date|ship by|dispatch by|latest ship date|ship before",
        "shipped_at": "shipped|ship date|shipped on|shipped on date|fulfilled at|dispatched|dispatch date|versanddatum",
        "promised_at": "promised|promised delivery|delivery promise|due date|deliver by|latest delivery date|"
        "estimated delivery|maximum estimated delivery date|liefertermin",
        "delivered_at": "delivered|delivery date|delivered on|arrived|received at|zugestellt|lieferdatum",
        "cancelled_at": "cancelled|canceled at|canceled|cancelled on|cancellation date|storniert am",
        "cancelled_by": "canceled by|cancellation by",
        "buyer_id": "buyer|customer|customer id|buyer username|email",
    },
    "returns": {
        "return_id": "return|return no|return number|rma|license plate number|refund id",
        "order_id": "order|order no|order number",
        "line_id": "line|line no|order item id",
        "opened_at": "return date|returned at|returned|requested at|return requested|created at|date",
        "reason": "return reason|customer comments",
        "refunded_at": "refund date|refunded|refunded on",
        "refund_amount": "refund|refunded amount|amount refunded",
    },
    "cases": {
        "case_id": "case|claim|claim id|ticket|ticket id|dispute id",
        "opened_at": "created at|created|opened|date",
        "kind": "type|case type|claim type",
        "closed_at": "closed|resolved at|resolved",
    },
    "feedback": {
        "feedback_id": "review|review id|rating id",
        "rating": "stars|score|review score",
        "created_at": "date|review date|created|rated at",
    },
    "sellers": {
        "seller_id": "seller|shop|vendor|store|merchant",
        "joined_at": "joined|registered|since|created at",
        "region": "country|state|city",
    },
}


@dataclass(frozen=True)
class SeenColumn:
    """A column of a source. kind: text, whole, number, boolean, time or empty; forms: those that all its times have."""

    name: str
    kind: str
    sample: str
    forms: tuple[str, ...] = ()
    decimal: str = ""

    @property
    def ambiguous(self) -> bool:
        """Whether its times have several forms."""
        return len(self.forms) > 1

    def line(self) -> str:
        """One line for people."""
        form = f", {' or '.join(self.forms)}" if self.forms and self.forms != ("",) else ""
        return f"{self.name}: {self.kind}{form}; such as {self.sample!r}" if self.sample else f"{self.name}: empty"


@dataclass(frozen=True)
class SeenFile:
    """A file of a source, how it is read, and which contract columns its columns seem to be."""

    path: Path
    layout: TableMapping
    columns: tuple[SeenColumn, ...]
    table: str
    matches: Mapping[str, str]  # of contract columns to columns of the file
    nulls: tuple[str, ...] = ()
    others: tuple[Path, ...] = ()  # files of the same columns
    filled: tuple[str, ...] = ()  # columns with a value in the first line of an order only

    def column(self, name: str) -> SeenColumn:
        """The column with this name."""
        return next(column for column in self.columns if column.name == name)

    @property
    def unmapped(self) -> list[Column]:
        """The contract columns for which no column was found, the required ones first."""
        left = [c for c in TABLES[self.table].columns if c.name not in self.matches]
        return sorted(left, key=lambda c: not c.required)

    @property
    def questions(self) -> list[str]:
        """What must be said, because the file does not tell."""
        asked = [
            f"{c.name}: {c.sample!r} is {' or '.join(c.forms)}; say which"
            for c in self.columns
            if c.ambiguous and c.name in self.matches.values()
        ]
        unknown = [c for c in self.unmapped if c.required and not _looked_up(self, c)]
        return [*asked, *(f"{c.name}: which column gives it? ({c.doc})" for c in unknown)]


@dataclass(frozen=True)
class SourceLook:
    """What was seen of a source."""

    files: tuple[SeenFile, ...]
    ignored: tuple[str, ...] = field(default=())

    def lines(self) -> list[str]:
        """Lines for people."""
        out = []
        for seen in self.files:
            out += [_form(seen), *(f"  {column.line()}" for column in seen.columns)]
            out += (
                [f"  not found for {seen.table}: {', '.join(c.name for c in seen.unmapped)}"] if seen.unmapped else []
            )
            out += [f"  to be said: {question}" for question in seen.questions]
        return out + ([f"not looked at: {', '.join(self.ignored)}"] if self.ignored else [])

    def draft(self) -> str:
        """A mapping to edit, as TOML."""
        heads = [
            '# Made by `foresell import --look`; what ends in "?" must be said. docs/import.md explains each word.'
        ]
        heads.append('zone = "UTC"  # time zone in which days are counted, and of times without one')
        return "\n".join([*heads, *(_section(seen) for seen in self.files)]) + "\n"


def look(source: Path, scratch: Path) -> SourceLook:
    """Look at a file, an archive or every file of a folder. ForesellError if nothing can be read."""
    if not source.exists():
        raise ForesellError("The source must exist.", f"nothing at {source}", "check the path")
    place = files_in(source, scratch)
    paths = [place] if place.is_file() else sorted(p for p in place.rglob("*") if p.is_file())
    known = [p for p in paths if _known(p)]
    if not known:
        found = ", ".join(p.name for p in paths[:5]) or "nothing"
        raise ForesellError("The source must have a file that can be read.", found, f"use one of {', '.join(KINDS)}")
    with connect() as con:
        seen = [_seen(con, path, scratch, number) for number, path in enumerate(known)]
    return SourceLook(_one_a_table(seen), tuple(p.name for p in paths if p not in known))


def _known(path: Path) -> bool:
    try:
        return not path.name.startswith(".") and bool(kind_of(path))
    except ForesellError:
        return False


def _one_a_table(seen: Sequence[SeenFile]) -> tuple[SeenFile, ...]:
    """The file with most matches of each table, the orders first, and what other files are like it."""
    best: dict[str, SeenFile] = {}
    for one in seen:
        if one.table not in best or len(one.matches) > len(best[one.table].matches):
            best[one.table] = one
    return tuple(_with_others(best[name], seen) for name in TABLES if name in best)


def _with_others(one: SeenFile, seen: Sequence[SeenFile]) -> SeenFile:
    names = [column.name for column in one.columns]
    alike = [s.path for s in seen if s.table == one.table and [c.name for c in s.columns] == names]
    return replace(one, others=tuple(path for path in alike if path != one.path))


def _seen(con: duckdb.DuckDBPyConnection, path: Path, scratch: Path, number: int) -> SeenFile:
    layout = _layout(path)
    raw = read_raw(con, f"look_{number}", layout, [path], scratch)
    columns = ", ".join(f'{raw.named(name)} as "{i}"' for i, name in enumerate(raw.columns))
    rows = con.execute(f"select {columns} from {raw.relation} as raw limit {SAMPLE}").fetchall()
    values = {n: [v.strip() for row in rows if (v := row[i]) and v.strip()] for i, n in enumerate(raw.columns)}
    nulls = tuple(sorted({v for found in values.values() for v in found if v.lower() in NULLS}))
    seen = tuple(_column(name, [v for v in found if v.lower() not in NULLS]) for name, found in values.items())
    table, matches = _table_of(path, seen)
    filled = _filled(matches, {n: [row[i] for row in rows] for i, n in enumerate(raw.columns)})
    return SeenFile(path, layout, seen, table, matches, nulls, filled=filled)


def _filled(matches: Mapping[str, str], values: Mapping[str, Sequence[str | None]]) -> tuple[str, ...]:
    """The matched columns that are empty in later lines of an order, and not in its first."""
    keys = values.get(matches.get("order_id", ""), ())
    first = {key: place for place, key in reversed([*enumerate(keys)])}
    later = [place for place, key in enumerate(keys) if first[key] != place]
    names = [name for column, name in matches.items() if column not in OF_A_LINE]
    return tuple(name for name in names if later and not any(values[name][place] for place in later))


def _layout(path: Path) -> TableMapping:
    """How a file is read, found by trying."""
    kind = kind_of(path)
    if kind == TEXT:
        encoding = _encoding(path)
        separator, skip = _separator(path, encoding)
        return TableMapping(encoding=encoding, separator=separator, skip=skip, columns={})
    if kind == JSON:
        records, each = _lists(path)
        return TableMapping(records=records, each=each, columns={})
    return TableMapping(columns={})


def _encoding(path: Path) -> str:
    with path.open("rb") as start:
        mark = MARKS.get(start.read(2))
    if mark:
        return mark.lower()
    try:
        with open_text(path, "utf-8") as lines:
            while lines.read(1 << 20):
                pass
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _separator(path: Path, encoding: str) -> tuple[str, int]:
    """The separator that splits most of the first lines alike, and the number of lines before the column names."""
    with open_text(path, encoding) as lines:
        first = [line for _, line in zip(range(50), lines, strict=False)]
    best = (0, ",", 0)
    for separator in SEPARATORS:
        widths = [len(row) for row in csv.reader(first, delimiter=separator)]
        width, times = Counter(widths).most_common(1)[0] if widths else (0, 0)
        if width > 1 and times * width > best[0]:
            best = (times * width, separator, _physical(first, separator, width))
    return best[1], best[2]


def _physical(lines: Sequence[str], separator: str, width: int) -> int:
    """The number of the first line that has this many columns."""
    split = (len(next(csv.reader([line], delimiter=separator), [])) for line in lines)
    return next((number for number, found in enumerate(split) if found == width), 0)


def _lists(path: Path) -> tuple[str, str]:
    """The path of the records of a JSON file, and the list inside each of which every entry is a row."""
    with open_text(path, "utf-8") as lines:
        text = lines.read()
    try:
        records, top = _records(json.loads(text))
    except json.JSONDecodeError:
        records, top = "", _first_line(path, text)  # one record a line
    first = top[0] if isinstance(top, list) and top and isinstance(top[0], dict) else top
    inside = first.items() if isinstance(first, dict) else ()
    return records, next((key for key, value in inside if _is_list_of_records(value)), "")


def _first_line(path: Path, text: str) -> Any:
    try:
        return json.loads(text.lstrip().split("\n", 1)[0])
    except json.JSONDecodeError as e:
        raise unreadable(path, e) from None


def _records(top: Any) -> tuple[str, Any]:
    """The path of the first list of records in a document, and that list; the document itself without one."""
    if isinstance(top, dict):
        for key, value in top.items():
            if _is_list_of_records(value):
                return key, value
        for key, value in top.items():
            path, found = _records(value)
            if isinstance(found, list):
                return f"{key}.{path}" if path else key, found
    return "", top


def _is_list_of_records(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _column(name: str, values: Sequence[str]) -> SeenColumn:
    sample = max(values, key=lambda v: (len(v) <= 40, -values.index(v)), default="")
    forms = ("",) if values and all(ISO.fullmatch(v) for v in values) else _forms(values)
    kind = "time" if values and forms else _kind(values)
    return SeenColumn(name, kind, sample, forms if kind == "time" else (), _decimal(values) if kind == "number" else "")


def _kind(values: Sequence[str]) -> str:
    """The type of values that are no times."""
    if {v.lower() for v in values} <= BOOLEANS:
        return "boolean" if values else "empty"
    tests = {"whole": WHOLE, "number": NUMBER}
    return next((kind for kind, form in tests.items() if all(form.fullmatch(v) for v in values)), "text")


def _forms(values: Sequence[str]) -> tuple[str, ...]:
    """The forms of a time that every value has."""
    tried = [*ZONED, *(f"{day}{clock}" for day in DATES for clock in CLOCKS)]
    few = list(dict.fromkeys(values[:200]))
    return tuple(form for form in tried if all(_reads(value, form) for value in few))


def _reads(value: str, form: str) -> bool:
    try:
        return 1990 <= datetime.strptime(value, form).year <= 2100
    except ValueError:
        return False


def _decimal(values: Iterable[str]) -> str:
    """The decimal sign: the last of point and comma with one or two digits after it; a point if none has any."""
    ends = [m[1] for v in values if (m := re.search(r"([.,])\d{1,2}(?!\d)\D*$", v))]
    return "," if ends.count(",") > ends.count(".") else "."


def _table_of(path: Path, columns: Sequence[SeenColumn]) -> tuple[str, dict[str, str]]:
    """The table that most of a file's columns fit, and which column fits which of the contract's."""
    found = {name: _matches(TABLES[name], columns) for name in CALLED}
    named = next((n for n in ("returns", "feedback", "cases", "sellers") if n.rstrip("s") in path.stem.lower()), "")
    table = named or max(found, key=lambda n: (_fit(TABLES[n], found[n]), n == "orders"))
    return table, found[table]


def _fit(table: Table, matches: Mapping[str, str]) -> float:
    required = [c.name for c in table.columns if c.required]
    return len(matches) + 3 * sum(name in matches for name in required) / len(required)


def _matches(table: Table, columns: Sequence[SeenColumn]) -> dict[str, str]:
    plain, out = {_plain(c.name): c for c in columns if c.kind != "empty"}, dict[str, str]()
    plain = {_plain(name.rsplit(".", 1)[-1]): c for c in plain.values() if "." in (name := c.name)} | plain
    for column in table.columns:
        names = [_plain(column.name), *CALLED[table.name].get(column.name, "").split("|")]
        match = next((plain[n] for n in names if n in plain and _can_be(column, plain[n])), None)
        if match and match.name not in out.values():
            out[column.name] = match.name
    return out


def _plain(name: str) -> str:
    """A name in small letters without accents and signs; of a path, its last two parts."""
    last = ".".join(name.rsplit(".", 2)[-2:])
    ascii_letters = unicodedata.normalize("NFKD", last).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", " ", ascii_letters).strip()


def _can_be(column: Column, seen: SeenColumn) -> bool:
    """Whether values of this type can be those of the contract's column."""
    times, numbers = ("time", "time_or_date"), ("money", "whole", "share")
    if column.kind in times:
        return seen.kind == "time"
    if column.kind in numbers:
        return seen.kind in ("number", "whole")
    return column.kind not in ("boolean", "choice") or seen.kind in ("boolean", "text", "whole")


def _form(seen: SeenFile) -> str:
    layout, kind = seen.layout, kind_of(seen.path)
    said = {TEXT: f"encoding {layout.encoding}, separator {layout.separator!r}", SHEET: "a workbook", JSON: "JSON"}
    more = [f"{layout.skip} lines before the column names"] if layout.skip else []
    more += [f"records at {layout.records}"] if layout.records else []
    more += [f"a row for each of {layout.each}"] if layout.each else []
    return f"{seen.path.name}: {', '.join([said.get(kind, kind), *more])}; taken as {seen.table}"


def _section(seen: SeenFile) -> str:
    """The draft of a table's mapping."""
    layout = seen.layout
    lines = [f"\n[{seen.table}]", f"file = {_toml(_pattern([seen.path, *seen.others]))}"]
    given = layout.model_dump(include={"separator", "encoding", "skip", "records", "each"}, exclude_defaults=True)
    lines += [f"{name} = {_toml(value)}" for name, value in given.items()]
    lines += [f"null = {_toml(list(seen.nulls))}"] if seen.nulls else []
    if seen.filled:
        lines += [f"fill_down = {_toml(list(seen.filled))}", f"fill_within = {_toml([seen.matches['order_id']])}"]
    numbers = [column for source in seen.matches.values() if (column := seen.column(source)).kind == "number"]
    if not all(PLAIN_NUMBER.fullmatch(c.sample) for c in numbers):
        comma = any(c.decimal == "," for c in numbers)
        lines.append('number = {decimal = ",", thousands = "."}' if comma else 'number = {thousands = ","}')
    lines.append(f"[{seen.table}.columns]")
    lines += [_mapped(name, seen.column(source)) for name, source in seen.matches.items()]
    return "\n".join([*lines, *(_asked(seen, column) for column in seen.unmapped)])


def _pattern(paths: Sequence[Path]) -> str:
    """The name of a file, or a pattern that several names have in common."""
    names = [path.name for path in paths]
    if len(names) == 1:
        return names[0]
    start = _common_start(names)
    return f"{start}*{_common_start([name[len(start) :][::-1] for name in names])[::-1]}"


def _common_start(names: Sequence[str]) -> str:
    alike = takewhile(lambda letters: len({*letters}) == 1, zip(*names, strict=False))
    return "".join(letters[0] for letters in alike)


def _mapped(name: str, column: SeenColumn) -> str:
    if column.ambiguous:
        said = f"# {column.sample!r} is {' or '.join(column.forms)}"
        return f'{name} = {{from = {_toml(column.name)}, form = "?"}}  {said}'
    if column.forms and column.forms != ("",):
        return f"{name} = {{from = {_toml(column.name)}, form = {_toml(column.forms[0])}}}"
    return f"{name} = {_toml(column.name)}"


def _asked(seen: SeenFile, column: Column) -> str:
    if found := _looked_up(seen, column):
        return f"line_id = {found}  # {column.doc}"
    if column.required:
        more = '; or "file name", or {constant = "..."}' if column.name == "seller_id" else ""
        return f'{column.name} = "?"  # {column.doc}{more}'
    return f'# {column.name} = "..."  # {column.doc}'


def _looked_up(seen: SeenFile, column: Column) -> str:
    """The line of an order, where no column has it: its place in the order, or the line of an item."""
    if column.name != "line_id" or "order_id" not in seen.matches:
        return ""
    if seen.table == "orders":
        return f"{{number_within = {_toml(seen.matches['order_id'])}}}"
    item = next((c.name for c in seen.columns if _plain(c.name) in CALLED["orders"]["item_id"].split("|")), "")
    return f"{{of_item = {_toml(item)}}}" if item else ""


def _toml(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
