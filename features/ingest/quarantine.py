"""Rows that break the contract: stored with file, row, column, rule and value, and counted; too many are an error."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from core.errors import ForesellError
from core.sql_text import quoted
from features.engines.duckdb import Engine
from features.ingest.checks import BROKEN_ROW, no_line, unknown_lines
from features.ingest.contract import Table

CREATE = """create table quarantine (table_name varchar, file varchar, row varchar, column_name varchar, rule varchar,
value varchar)"""
LONGEST_LINE = 10_000  # DuckDB cuts the text of a broken row here, and the rest is lost


@dataclass(frozen=True)
class TableReport:
    """What became of one table's rows: read = kept + duplicates + quarantined (+ held back)."""

    name: str
    read: int
    kept: int
    duplicates: int = 0
    conflicting: int = 0  # the duplicates that differ in content from the row that was kept
    held_back: int = 0
    quarantined: Mapping[str, int] = field(default_factory=dict)  # "column: rule" to rows
    ignored_columns: tuple[str, ...] = ()

    def line(self) -> str:
        """One line for people."""
        parts = [f"{self.name}: {self.read:,} rows read, {self.kept:,} kept"]
        parts += [f"{self.duplicates:,} duplicates ({self.conflicting:,} of them differ)"] if self.duplicates else []
        parts += [f"{self.held_back:,} held back"] if self.held_back else []
        parts += [f"quarantined {n:,} ({rule})" for rule, n in self.quarantined.items()]
        parts += [f"not in the contract: {', '.join(self.ignored_columns)}"] if self.ignored_columns else []
        return "; ".join(parts)


@dataclass(frozen=True)
class IntakeReport:
    """What became of a source's rows. left_out: rows that an import could not express in the contract, by reason."""

    source: str
    zone: str
    tables: tuple[TableReport, ...]
    ignored_files: tuple[str, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)

    def table(self, name: str) -> TableReport:
        """The report of one table; zeros when the source lacks it."""
        return next((t for t in self.tables if t.name == name), TableReport(name, 0, 0))

    def as_json(self) -> dict[str, Any]:
        """The report as plain values."""
        return asdict(self)

    def lines(self) -> list[str]:
        """Lines for people."""
        out = [t.line() for t in self.tables]
        out += [f"left out: {n:,} {what}" for what, n in self.left_out.items()]
        return out + ([f"files not read: {', '.join(self.ignored_files)}"] if self.ignored_files else [])


def take_marked(con: duckdb.DuckDBPyConnection, table: str) -> None:
    """Move the rows that the checks marked from the table into quarantine."""
    con.execute(f"""insert into quarantine select '{table}', _file, _row, _column, _rule, _value from {table}
where _rule is not null""")
    con.execute(f"delete from {table} where _rule is not null")


def take_rejects(con: duckdb.DuckDBPyConnection, table: str, rejects: str) -> int:
    """Move the rows that the CSV reader could not split into quarantine; returns their number.

    After a quote that is never closed, the reader takes several lines as one row; each line counts as a row here.
    """
    _refuse_cut(con, rejects)
    found = con.execute(f"""insert into quarantine
select '{table}', file_path, cast(line + unnest(range(len(texts))) as varchar), null, '{BROKEN_ROW}', unnest(texts)
from (select file_id, scan_id, line, string_split(rtrim(any_value(csv_line), chr(13) || chr(10)), chr(10)) as texts
from {rejects}_rows group by file_id, scan_id, line) join {rejects}_files using (file_id, scan_id)""").fetchall()
    con.execute(f"drop table {rejects}_rows")
    con.execute(f"drop table {rejects}_files")
    return int(found[0][0])


def take_unknown_lines(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Move the rows that refer to no order line into quarantine."""
    con.execute(f"insert into quarantine {unknown_lines(table)}")
    con.execute(f"delete from {table.name} where {no_line(table.name)}")


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
            each = [f"{rule} ({n:,} rows{_example(con, table.name, rule)})" for rule, n in table.quarantined.items()]
            raise ForesellError(
                rule=f"At most {share:.2%} of a table's rows may break the contract.",
                found=f"{bad:,} of {table.read:,} rows of {table.name!r}: {', '.join(each)}",
                next_step="correct the source, or allow a larger share of quarantined rows",
            )


def _example(con: Engine, table: str, rule: str) -> str:
    rows = con.execute(f"""select file, row, value from quarantine where table_name = {quoted(table)}
and coalesce(column_name || ': ', '') || rule = {quoted(rule)} order by all limit 1""").fetchall()
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
