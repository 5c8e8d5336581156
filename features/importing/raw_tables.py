"""The rows of a mapped source as text: delimited files, workbooks, JSON, Parquet, archives and database queries."""

import codecs
import csv
import gzip
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any

import duckdb
import pyarrow as pa

from core.errors import ForesellError
from core.sql_text import quoted
from features.importing.expressions import PATH, ROW
from features.importing.mapping import TableMapping
from features.ingest.sources import closest, unreadable

TEXT, JSON, SHEET, PARQUET = "text", "json", "sheet", "parquet"
KINDS = {
    **dict.fromkeys((".csv", ".tsv", ".txt", ".tab", ".dat"), TEXT),
    **dict.fromkeys((".json", ".jsonl", ".ndjson"), JSON),
    **dict.fromkeys((".xlsx", ".xls", ".xlsb", ".ods"), SHEET),
    ".parquet": PARQUET,
}
ADDRESSES = ("postgresql://", "postgres://")


@dataclass(frozen=True)
class RawTable:
    """Rows of text as SQL with the columns PATH and ROW. rejects: the prefix of the tables of rows never split."""

    relation: str
    columns: tuple[str, ...]
    files: tuple[Path, ...] = ()
    rejects: tuple[str, ...] = ()
    paths: dict[str, str] = field(default_factory=dict)  # of JSON: the SQL of a column

    def named(self, name: str) -> str:
        """The SQL of a column."""
        return self.paths.get(name) or '"' + name.replace('"', '""') + '"'


@contextmanager
def open_text(path: Path, encoding: str) -> Iterator[IO[str]]:
    """A text file, unpacked if it is compressed, to be read as text; a byte order mark is no part of it."""
    name, opener = "utf-8-sig" if encoding == "utf-8" else encoding, gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding=name, newline="") as lines:
        yield lines


def kind_of(path: Path) -> str:
    """How a file is read, by its suffix; ForesellError for any other."""
    suffix = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    if suffix.lower() not in KINDS:
        step = f"save it as one of {', '.join(KINDS)}, also packed as .gz or .zip"
        raise ForesellError("A file to import must have a known form.", str(path.name), step)
    return KINDS[suffix.lower()]


def files_in(source: Path, scratch: Path) -> Path:
    """The folder or file of a source; an archive is unpacked first, without what would land outside."""
    if source.suffix != ".zip":
        return source
    folder = scratch / "unpacked"
    try:
        with zipfile.ZipFile(source) as archive:
            archive.extractall(folder)  # zipfile drops absolute paths and parts that lead upwards
    except zipfile.BadZipFile as e:
        raise unreadable(source, e) from None
    return folder


def files_of(source: Path, mapping: TableMapping, label: str) -> tuple[Path, ...]:
    """The files of a table, in the order of their names. ForesellError if there is none."""
    if not source.exists():
        raise ForesellError("The source must exist.", f"nothing at {source}", "check the path")
    if source.is_file():
        found = [source]
    else:
        patterns = mapping.file or ("*",)
        found = sorted({p for pattern in patterns for p in source.rglob(pattern) if p.is_file()})
        found = [p for p in found if not p.name.startswith(".") and "__MACOSX" not in p.parts]
    if not found and not mapping.optional:
        present = ", ".join(sorted(p.name for p in source.iterdir())[:10]) or "nothing"
        step = f"correct `file` under [{label}] of the mapping"
        raise ForesellError(f"The files of [{label}] must exist.", f"{', '.join(mapping.file)} in {present}", step)
    return tuple(found)


def read_raw(
    con: duckdb.DuckDBPyConnection, label: str, mapping: TableMapping, files: Sequence[Path], scratch: Path
) -> RawTable:
    """The rows of a table's files. ForesellError if they differ in form or lack columns that the mapping reads."""
    kinds = {kind_of(path) for path in files}
    if len(kinds) > 1:
        rule = f"All files of [{label}] must have the same form."
        raise ForesellError(rule, ", ".join(p.name for p in files[:5]), "name the files with `file = ...`")
    [kind] = kinds
    readers = {TEXT: _text, JSON: _json, SHEET: _sheet, PARQUET: _parquet}
    return _filled(readers[kind](con, label, mapping, tuple(files), scratch), mapping)


def _filled(raw: RawTable, mapping: TableMapping) -> RawTable:
    """The rows with the empty values of some columns taken from the rows above."""
    if not mapping.fill_down:
        return raw
    within = ", ".join([PATH, *map(raw.named, mapping.fill_within)])
    window = f"over (partition by {within} order by {ROW} rows unbounded preceding)"
    filled = [
        f"last_value(nullif(trim({raw.named(n)}), '') ignore nulls) {window} as {raw.named(n)}"
        for n in mapping.fill_down
    ]
    relation = f"(select * replace ({', '.join(filled)}) from {raw.relation})"
    return RawTable(relation, raw.columns, raw.files, raw.rejects)


def check_columns(label: str, mapping: TableMapping, raw: RawTable) -> list[ForesellError]:
    """The fault that the source lacks columns that the mapping reads, with what they may be called."""
    missing = [name for name in mapping.names if name not in raw.columns and name not in raw.paths]
    if not missing:
        return []
    shown = ", ".join(f"{name!r}{closest(name, list(raw.columns))}" for name in missing)
    has = f"it has {', '.join(raw.columns)}"
    place = raw.files[0].name if raw.files else "the query"
    return [
        ForesellError(f"The source of [{label}] must have the columns of the mapping.", f"no {shown} in {place}", has)
    ]


def header(path: Path, mapping: TableMapping) -> tuple[str, ...]:
    """The column names of a text file; ForesellError where a name is empty, or there twice."""
    try:
        with open_text(path, mapping.encoding) as lines:
            for _ in range(mapping.skip):
                lines.readline()
            first = next(csv.reader(lines, delimiter=mapping.separator), [])
    except (UnicodeError, LookupError, OSError, csv.Error) as e:
        raise unreadable(path, f"{e}; look at it with foresell import --look") from None
    names = tuple(name.strip() for name in first)
    twice = [name for i, name in enumerate(names) if name in names[:i]]
    if not any(names) or twice:
        found = f"{path.name}: {f'the column {twice[0]!r} occurs twice' if twice else 'no column names'}"
        raise ForesellError(
            "The first line read must have different column names.", found, "correct `skip` or the file"
        )
    return names


def _text(
    con: duckdb.DuckDBPyConnection, label: str, mapping: TableMapping, files: tuple[Path, ...], scratch: Path
) -> RawTable:
    grouped: dict[tuple[str, ...], list[Path]] = {}
    for path in files:
        grouped.setdefault(header(path, mapping), []).append(path)
    every = list(dict.fromkeys(name for names in grouped for name in names))
    lacks = {name for names in grouped for name in every if name not in names} & {*mapping.names}
    if lacks:
        found = f"only some of {', '.join(p.name for p in files[:5])} have {', '.join(sorted(lacks))}"
        raise ForesellError(f"All files of [{label}] must have the columns of the mapping.", found, "correct the files")
    numbered, selects, rejects = needs_rows(mapping), [], []
    for number, (names, paths) in enumerate(grouped.items()):
        rejects.append(f"rejects_{label}_{number}")
        reader = _reader([_utf8(path, mapping, scratch) for path in paths], len(names), mapping, rejects[-1])
        shown = ", ".join(f'c{i} as "{n.replace(chr(34), chr(34) * 2)}"' for i, n in enumerate(names) if n in every)
        row = "row_number() over ()" if numbered else "0"
        selects.append(f"select {shown}, {_original(paths, mapping)} as {PATH}, {row} as {ROW} from {reader}")
    relation = f"({' union all by name '.join(selects)})"
    return RawTable(relation, tuple(every), files, tuple(rejects))


def needs_rows(mapping: TableMapping) -> bool:
    """Whether the mapping reads the order of the rows."""
    return bool(mapping.fill_down) or any(one.number_within for one in mapping.columns.values())


def _reader(paths: Sequence[Path], columns: int, mapping: TableMapping, rejects: str) -> str:
    names = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(columns))
    listed = ", ".join(quoted(path) for path in paths)
    return f"""read_csv([{listed}], auto_detect = false, columns = {{{names}}}, header = true, skip = {mapping.skip},
delim = {quoted(mapping.separator)}, quote = '"', escape = '"', nullstr = '', filename = '{PATH}',
hive_partitioning = false, null_padding = {"true" if mapping.needs else "false"},
store_rejects = true, rejects_table = '{rejects}_rows', rejects_scan = '{rejects}_files')"""


def _original(paths: Sequence[Path], mapping: TableMapping) -> str:
    """SQL for the path of a row's file, where copies in UTF-8 were read instead."""
    if mapping.encoding == "utf-8":
        return PATH
    cases = " ".join(f"when {quoted(path.name)} then {quoted(path)}" for path in paths)
    return f"case parse_filename({PATH}) {cases} end"


def _utf8(path: Path, mapping: TableMapping, scratch: Path) -> Path:
    """The file itself, or a copy of it in UTF-8."""
    if mapping.encoding == "utf-8":
        return path
    folder = scratch / f"utf8-{abs(hash(path.parent))}"
    folder.mkdir(exist_ok=True)
    copy = folder / path.name.removesuffix(".gz")
    try:
        codecs.lookup(mapping.encoding)
        with open_text(path, mapping.encoding) as lines, copy.open("w", encoding="utf-8", newline="") as out:
            shutil.copyfileobj(lines, out, 1 << 20)
    except (UnicodeError, LookupError) as e:
        raise unreadable(path, f"{e}; look at it with foresell import --look") from None
    return copy


def _json(
    con: duckdb.DuckDBPyConnection, label: str, mapping: TableMapping, files: tuple[Path, ...], scratch: Path
) -> RawTable:
    listed = ", ".join(quoted(path) for path in files)
    reader = f"read_json_objects([{listed}], filename = '{PATH}', format = 'auto', maximum_object_size = 1073741824)"
    relation = f"(select json as record, {PATH} from {reader})"
    if mapping.records:
        path = quoted(f"$.{mapping.records}[*]")
        relation = f"(select unnest(json_extract(record, {path})) as record, {PATH} from {relation})"
    entry = "cast(null as json)"
    if mapping.each:
        entry = f"unnest(json_extract(record, {quoted(f'$.{mapping.each}[*]')}))"
    made = f"raw_{label}"
    try:
        con.execute(
            f"create or replace table {made} as select record, {entry} as entry, {PATH}, row_number() over () as {ROW} "
            f"from {relation}"
        )
    except duckdb.Error as e:
        raise unreadable(files[0], e) from None
    _refuse_empty(con, made, label, mapping, files[0])
    names = {*json_columns(con, made, mapping.each), *mapping.names}
    return RawTable(
        made, tuple(json_columns(con, made, mapping.each)), files, paths={n: _at(n, mapping) for n in names}
    )


def _refuse_empty(con: duckdb.DuckDBPyConnection, made: str, label: str, mapping: TableMapping, path: Path) -> None:
    if not con.execute(f"select count(*) from {made}").fetchall()[0][0]:
        found = f"no entries at {mapping.records or 'the top'}{f' with {mapping.each}' if mapping.each else ''}"
        step = f"correct `records` and `each` under [{label}]"
        raise ForesellError(f"The file of [{label}] must have records.", f"{found} in {path.name}", step)


def _at(name: str, mapping: TableMapping) -> str:
    """SQL for the text at a path of a record, or of an entry in its list `each`."""
    inside = f"{mapping.each}."
    column, path = (
        ("entry", name.removeprefix(inside)) if mapping.each and name.startswith(inside) else ("record", name)
    )
    parts = "".join(f'."{part}"' for part in path.replace('"', "").split("."))
    return f"({column} ->> {quoted(f'${parts}')})"


def json_columns(con: duckdb.DuckDBPyConnection, made: str, each: str) -> list[str]:
    """The paths of the plain values in the first records, as a mapping names them."""
    found: dict[str, None] = {}
    for record, entry in con.execute(f"select record, entry from {made} limit 1000").fetchall():
        _collect(record, "", found, each)
        if entry is not None:
            _collect(entry, f"{each}.", found, "")
    return list(found)


def _collect(text: str, before: str, found: dict[str, None], without: str) -> None:
    import json

    def inside(value: object, path: str) -> None:
        if isinstance(value, dict):
            for key, one in value.items():
                inside(one, f"{path}.{key}" if path else key)
        elif not isinstance(value, list) and path != without:
            found.setdefault(before + path)

    inside(json.loads(text), "")


def _sheet(
    con: duckdb.DuckDBPyConnection, label: str, mapping: TableMapping, files: tuple[Path, ...], scratch: Path
) -> RawTable:
    tables = [sheet_rows(path, mapping) for path in files]
    placed = [_with_place(rows, path) for rows, path in zip(tables, files, strict=True)]
    made = pa.concat_tables(placed, promote_options="default")
    con.register(f"raw_{label}", made)
    return RawTable(f"raw_{label}", tuple(n for n in made.column_names if n not in (PATH, ROW)), files)


def _with_place(rows: pa.Table, path: Path) -> pa.Table:
    numbers = pa.array(range(rows.num_rows), pa.int64())
    return rows.append_column(PATH, pa.array([str(path)] * rows.num_rows)).append_column(ROW, numbers)


def sheet_rows(path: Path, mapping: TableMapping) -> pa.Table:
    """The rows of a sheet as text; dates and times are written as the contract reads them."""
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_path(str(path))
    except (CalamineError, OSError) as e:
        raise unreadable(path, e) from None
    name = mapping.sheet or book.sheet_names[0]
    if name not in book.sheet_names:
        rule = f"{path.name} must have the sheet {name!r}."
        raise ForesellError(rule, ", ".join(book.sheet_names), "correct `sheet`")
    rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)[mapping.skip :]
    names = [str(value).strip() for value in rows[0]] if rows else []
    kept = [i for i, value in enumerate(names) if value]
    if not kept or len({names[i] for i in kept}) < len(kept):
        found = f"{path.name}: {', '.join(names) or 'an empty sheet'}"
        raise ForesellError("The first row read must have different column names.", found, "correct `skip`")
    return pa.table({names[i]: pa.array([_cell(row[i]) for row in rows[1:]], pa.string()) for i in kept})


def _cell(value: Any) -> str | None:
    if value == "" or value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, date) else str(value)


def _parquet(
    con: duckdb.DuckDBPyConnection, label: str, mapping: TableMapping, files: tuple[Path, ...], scratch: Path
) -> RawTable:
    listed = ", ".join(quoted(path) for path in files)
    reader = f"read_parquet([{listed}], filename = '{PATH}', file_row_number = true, union_by_name = true)"
    try:
        described = con.execute(f"describe select * exclude ({PATH}, file_row_number) from {reader}").fetchall()
    except duckdb.Error as e:
        raise unreadable(files[0], e) from None
    names = tuple(str(row[0]) for row in described)
    shown = ", ".join(f'cast("{name}" as varchar) as "{name}"' for name in names)
    return RawTable(f"(select {shown}, {PATH}, file_row_number as {ROW} from {reader})", names, files)


def read_query(con: duckdb.DuckDBPyConnection, label: str, mapping: TableMapping, address: str) -> RawTable:
    """The rows of a query as text. ForesellError if the database refuses it."""
    import psycopg

    if not mapping.query:
        step = f'add query = "select ..." under [{label}]'
        raise ForesellError(f"[{label}] must have a query, because the source is a database.", "none", step)
    try:
        with psycopg.connect(address) as database, database.cursor() as cursor:
            cursor.execute("set transaction read only")
            cursor.execute(mapping.query.encode())
            names = [column.name for column in cursor.description or ()]
            rows = cursor.fetchall()
    except psycopg.Error as e:
        raise ForesellError(f"The query of [{label}] must run.", str(e).split("\n")[0], "correct it") from None
    columns = {n: pa.array([_cell(row[i]) for row in rows], pa.string()) for i, n in enumerate(names)}
    con.register(f"raw_{label}", _with_place(pa.table(columns), Path("query")))
    return _filled(RawTable(f"raw_{label}", tuple(names)), mapping)
