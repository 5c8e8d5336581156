"""Rows that break the contract: stored with file, row, column, rule and value, and counted; too many are an error."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb

from core.errors import ForesellError
from core.sql_text import quoted
from core.words import count_of
from features.engines.duckdb import Engine
from features.ingest.checks import BROKEN_ROW

CREATE = """create table quarantine (table_name varchar, file varchar, row varchar, column_name varchar, rule varchar,
value varchar, seller_id varchar)"""
OF_SELLERS = ("orders", "returns", "cases", "feedback", "sellers")  # tables whose rows a seller's scores depend on
TIME_FORMS = "2024-01-31T12:30:00Z, 2024-01-31 12:30:00+01:00, or a date such as 2024-01-31"
NAMED = 5  # sellers that a line of the report names
COUNTS = ("read", "kept", "duplicates", "held_back", "not_sales", "far")  # numbers of rows in a table's report
RULES = ("quarantined", "noted")  # numbers of rows by rule
LONGEST_LINE = 10_000  # DuckDB cuts the text of a broken row here, and the rest is lost


@dataclass(frozen=True)
class TableReport:
    """What became of one table's rows: read = kept + duplicates + not_sales + far + held_back + quarantined.

    far: rows of days far from the rest, held back whatever the day of a run;
    not_sales: replacements, tests and what refers to them; noted: rows kept although something about them is odd.
    """

    name: str
    read: int
    kept: int
    duplicates: int = 0
    held_back: int = 0
    quarantined: Mapping[str, int] = field(default_factory=dict)  # "column: rule" to rows
    ignored_columns: tuple[str, ...] = ()
    not_sales: int = 0
    far: int = 0
    noted: Mapping[str, int] = field(default_factory=dict)

    def plus(self, other: "TableReport") -> "TableReport":
        """The report of both tables' rows."""
        both: dict[str, Any] = {name: getattr(self, name) + getattr(other, name) for name in COUNTS}
        for name in RULES:
            both[name] = dict(Counter(getattr(self, name)) + Counter(getattr(other, name)))
        both["ignored_columns"] = tuple(dict.fromkeys((*self.ignored_columns, *other.ignored_columns)))
        return replace(self, **both)

    def line(self) -> str:
        """One line for people."""
        parts = [f"{self.name}: {count_of(self.read, 'row')} read, {self.kept:,} kept"]
        parts += [count_of(self.duplicates, "duplicate")] if self.duplicates else []
        parts += [f"{self.not_sales:,} of replacements and tests left out"] if self.not_sales else []
        parts += [f"{self.far:,} on days far from the rest"] if self.far else []
        parts += [f"{self.held_back:,} held back"] if self.held_back else []
        parts += [f"quarantined {n:,} ({rule})" for rule, n in self.quarantined.items()]
        parts += [f"{n:,} kept with {what}" for what, n in self.noted.items()]
        parts += [f"not in the contract: {', '.join(self.ignored_columns)}"] if self.ignored_columns else []
        return "; ".join(parts)


@dataclass(frozen=True)
class IncompleteSeller:
    """A seller of whom a table lost more rows to quarantine than the share at which a run stops."""

    seller_id: str
    table: str
    lost: int
    read: int


@dataclass(frozen=True)
class IntakeReport:
    """What became of a source's rows.

    left_out: rows that an import could not express in the contract, by reason; far_days: the days whose rows are held
    back because they are far from the rest; incomplete: the sellers who lost too many of their own rows.
    """

    source: str
    zone: str
    tables: tuple[TableReport, ...]
    ignored_files: tuple[str, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    far_days: tuple[str, ...] = ()
    incomplete: tuple[IncompleteSeller, ...] = ()

    def table(self, name: str) -> TableReport:
        """The report of one table; zeros when the source lacks it."""
        return next((t for t in self.tables if t.name == name), TableReport(name, 0, 0))

    def plus(self, other: "IntakeReport") -> "IntakeReport":
        """The report of this source's rows and of those that came after; who is incomplete in one is in both."""
        names = dict.fromkeys(t.name for t in (*self.tables, *other.tables))
        tables = tuple(self.table(name).plus(other.table(name)) for name in names)
        files = tuple(dict.fromkeys((*self.ignored_files, *other.ignored_files)))
        days = tuple(sorted({*self.far_days, *other.far_days}))
        left_out = dict(Counter(self.left_out) + Counter(other.left_out))
        lost = {(s.seller_id, s.table): s for s in (*self.incomplete, *other.incomplete)}
        return IntakeReport(self.source, self.zone, tables, files, left_out, days, tuple(lost.values()))

    def as_json(self) -> dict[str, Any]:
        """The report as plain values, and its lines for people."""
        return {**asdict(self), "lines": self.lines()}

    def lines(self) -> list[str]:
        """Lines for people."""
        out = [t.line() for t in self.tables]
        out += [f"left out: {n:,} {what}" for what, n in self.left_out.items()]
        out += [f"days far from the rest, held back: {', '.join(self.far_days)}"] if self.far_days else []
        out += [self._incomplete_line()] if self.incomplete else []
        return out + ([f"files not read: {', '.join(self.ignored_files)}"] if self.ignored_files else [])

    def _incomplete_line(self) -> str:
        sellers = {one.seller_id: one for one in self.incomplete}
        named = [f"{s.seller_id} ({s.lost:,} of {s.read:,} {s.table})" for s in list(sellers.values())[:NAMED]]
        more = [f"and {len(sellers) - NAMED:,} more"] if len(sellers) > NAMED else []
        return f"scores incomplete, because too many rows were lost: {', '.join([*named, *more])}"


def take_marked(con: duckdb.DuckDBPyConnection, table: str) -> None:
    """Move the rows that the checks marked from the table into quarantine."""
    con.execute(f"""insert into quarantine select '{table}', _file, _row, _column, _rule, _value, _seller from {table}
where _rule is not null""")
    con.execute(f"delete from {table} where _rule is not null")


def take_rejects(con: duckdb.DuckDBPyConnection, table: str, rejects: str) -> int:
    """Move the rows that the CSV reader could not split into quarantine; returns their number.

    After a quote that is never closed, the reader takes several lines as one row; each line counts as a row here.
    """
    _refuse_cut(con, rejects)
    found = con.execute(f"""insert into quarantine
select '{table}', file_path, cast(line + unnest(range(len(texts))) as varchar), null, '{BROKEN_ROW}', unnest(texts),
null
from (select file_id, scan_id, line, string_split(rtrim(any_value(csv_line), chr(13) || chr(10)), chr(10)) as texts
from {rejects}_rows group by file_id, scan_id, line) join {rejects}_files using (file_id, scan_id)""").fetchall()
    con.execute(f"drop table {rejects}_rows")
    con.execute(f"drop table {rejects}_files")
    return int(found[0][0])


def counts(con: Engine, table: str) -> dict[str, int]:
    """The number of quarantined rows of a table by column and rule, the most frequent first."""
    rows = con.execute(f"""select coalesce(column_name || ': ', '') || rule, count(*) as n from quarantine
where table_name = {quoted(table)} group by all order by n desc, 1""").fetchall()
    return {str(rule): int(n) for rule, n in rows}


def write(con: Engine, path: Path) -> None:
    """Write the quarantine as a Parquet file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    con.execute(f"copy (select * from quarantine order by all) to {quoted(path)} (format parquet)")


def refuse_many(con: Engine, tables: tuple[TableReport, ...], share: float) -> None:
    """ForesellError if more than this share of a table is quarantined, with the count and an example of each rule."""
    for table in tables:
        bad = sum(table.quarantined.values())
        if bad > share * table.read:
            each = [
                f"{rule} ({count_of(n, 'row')}{_example(con, table.name, rule)})"
                for rule, n in table.quarantined.items()
            ]
            raise ForesellError(
                rule=f"At most {share:.2%} of a table's rows may break the contract.",
                found=f"{bad:,} of {table.read:,} rows of {table.name!r}: {', '.join(each)}",
                next_step=f"{_other_letters(con, table)}correct the source{_forms(table)}, "
                "or allow a larger share of quarantined rows",
            )


def _other_letters(con: Engine, table: TableReport) -> str:
    """What to do about a file that is not UTF-8, if rows were broken by that."""
    if BROKEN_ROW not in table.quarantined:
        return ""
    files = con.execute(f"select distinct file from quarantine where rule = {quoted(BROKEN_ROW)}").fetchall()
    wrong = [Path(file).name for (file,) in files if file and Path(file).is_file() and not _is_utf8(Path(file))]
    return f"save {', '.join(wrong[:NAMED])} as UTF-8, or use foresell import --look; or " if wrong else ""


def _is_utf8(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8") as lines:
            while lines.read(1 << 20):
                pass
    except UnicodeDecodeError:
        return False
    return True


def _forms(table: TableReport) -> str:
    """The accepted forms of times, if a time was not read."""
    times = any("_at: " in rule or "ship_by: " in rule for rule in table.quarantined)
    return f" (times such as {TIME_FORMS}; foresell import reads other forms)" if times else ""


def incomplete_sellers(con: Engine, tables: Iterable[str], share: float) -> tuple[IncompleteSeller, ...]:
    """The sellers of whom a table lost more than this share of their rows, those with the largest losses first."""
    lost = """select table_name, coalesce(q.seller_id, o.seller_id) as seller_id from quarantine as q
left join (select concat_ws('/', order_id, line_id) as line, min(seller_id) as seller_id from orders group by 1) as o
on q.table_name = 'returns' and q.value = o.line"""
    rows = con.execute(f"select table_name, seller_id, count(*) as n from ({lost}) as l group by 1, 2").fetchall()
    found = [(str(t), str(s), int(n)) for t, s, n in rows if s is not None and t in {*tables} & {*OF_SELLERS}]
    kept = {t: _kept(con, t, [s for table, s, _ in found if table == t]) for t in {t for t, _, _ in found}}
    every = [IncompleteSeller(s, t, n, n + kept[t].get(s, 0)) for t, s, n in found]
    return tuple(sorted((one for one in every if one.lost > share * one.read), key=lambda s: (-s.lost, s.seller_id)))


def _kept(con: Engine, table: str, sellers: list[str]) -> dict[str, int]:
    """The number of rows that each of these sellers still has in a table."""
    rows = "returns join orders using (order_id, line_id)" if table == "returns" else table
    chosen = ", ".join(map(quoted, sellers))
    found = con.execute(f"select seller_id, count(*) from {rows} where seller_id in ({chosen}) group by 1").fetchall()
    return {str(seller): int(n) for seller, n in found}


def _example(con: Engine, table: str, rule: str) -> str:
    rows = con.execute(f"""select file, row, value from quarantine where table_name = {quoted(table)}
and coalesce(column_name || ': ', '') || rule = {quoted(rule)} order by all limit 1""").fetchall()
    if not rows:
        return ""
    file, number, value = rows[0]
    return f"; such as {value if value is None else str(value)[:80]!r} in row {number}{f' of {file}' if file else ''}"


def _refuse_cut(con: duckdb.DuckDBPyConnection, rejects: str) -> None:
    rows = con.execute(f"""select file_path, line from {rejects}_rows join {rejects}_files using (file_id, scan_id)
where length(csv_line) >= {LONGEST_LINE} order by all limit 1""").fetchall()
    if rows:
        raise ForesellError(
            rule="A quoted value of a CSV file must be closed.",
            found=f"{rows[0][0]}, line {rows[0][1]}: a row that never ends",
            next_step="close the quote, or write the file as Parquet",
        )
