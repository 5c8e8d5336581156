"""Intake on Spark: a contract folder of Parquet files, with the same checks and the same counts.

Spark's tables cannot be changed, so rows that break a rule are left out of the next view of their table instead of
being deleted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from core.errors import ForesellError
from features.engines.spark import Spark, cause
from features.ingest import quarantine
from features.ingest.checks import STAGING, SourcePart, checked, is_repeated, place
from features.ingest.column_parsers import Zones
from features.ingest.contract import TABLES, Table
from features.ingest.cross_checks import TableEditor, check_across
from features.ingest.intake import (
    QUARANTINE_SHARE,
    Marketplace,
    Parts,
    accepted,
    available_of,
    check_columns,
    one,
    report_of,
    source_parts,
    zones_from,
)
from features.ingest.source_settings import first_versions, read_settings
from features.ingest.sources import folder_files, ignored_files, unreadable

if TYPE_CHECKING:
    from pyspark.sql.types import StructType

REPLACED = count(1)  # numbers the tables that replace others

# DuckDB's names for Spark's types.
TYPES: Mapping[str, str] = {
    "string": "VARCHAR",
    "byte": "TINYINT",
    "short": "SMALLINT",
    "integer": "INTEGER",
    "long": "BIGINT",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
    "timestamp_ntz": "TIMESTAMP",
}


def open_folder(
    con: Spark,
    folder: Path,
    zone: str | None = None,
    quarantine_share: float = QUARANTINE_SHARE,
    quarantine_to: Path | None = None,
    times_zone: str | None = None,
    added: Mapping[str, pa.Table] | None = None,
    all_days: bool = False,
) -> Marketplace:
    """Read a contract folder of Parquet files as `intake.open_folder` does; `quarantine_to` becomes a folder."""
    settings = read_settings(folder)
    zones = zones_from(settings, zone, times_zone)
    read = {name: _parts(con, TABLES[name], files) for name, files in folder_files(folder).items()}
    parts = with_frames(con, source_parts(read, settings, zones), added or {})
    market = read_parts(
        con, settings.texts.get("name", folder.resolve().name), zones, parts, settings.recorded_at, all_days
    )
    market = replace(market, report=replace(market.report, ignored_files=ignored_files(folder)))
    return accepted(market, quarantine_share, quarantine_to)


def with_frames(con: Spark, parts: Parts, added: Mapping[str, pa.Table]) -> dict[str, tuple[SourcePart, ...]]:
    """The parts with the rows of each added table, as `subsets.with_frames`."""
    found = dict(parts)
    for table, rows in added.items():
        if rows.num_rows:
            found[table] = (*found.get(table, ()), _frame_part(con, table, rows))
    return found


def _parts(con: Spark, table: Table, files: tuple[Path, ...]) -> tuple[SourcePart, ...]:
    """One part for all files of a folder with the same columns and types."""
    grouped: dict[tuple[Path, tuple[tuple[str, str], ...]], list[Path]] = {}
    for path in files:
        grouped.setdefault((path.parent, _columns(con, path)), []).append(path)
    return tuple(
        _part(con, f"part_{table.name}_{number}", folder, dict(columns), paths)
        for number, ((folder, columns), paths) in enumerate(grouped.items())
    )


def _frame_part(con: Spark, table: str, rows: pa.Table) -> SourcePart:
    """A few rows in memory, such as reviewers' corrections."""
    relation = f"frame_{table}"
    con.register(relation, rows)
    return SourcePart(relation, dict(_typed(con.session.table(relation).schema)), f"the frame {table!r}")


def _columns(con: Spark, path: Path) -> tuple[tuple[str, str], ...]:
    """Names and types of a file's columns, the types with DuckDB's names."""
    if path.suffix != ".parquet":
        rule = "The Spark engine must get Parquet files: its CSV reader accepts a quote that is never closed."
        raise ForesellError(rule, str(path), "write the file as Parquet, or use --engine duckdb")
    try:
        schema = con.session.read.parquet(_uri(path)).schema
    except Exception as error:  # whatever Spark's readers raise
        raise unreadable(path, str(error).split(". ")[0]) from None
    return _typed(schema)


def _typed(schema: "StructType") -> tuple[tuple[str, str], ...]:
    return tuple((f.name, TYPES.get(f.dataType.typeName(), f.dataType.simpleString().upper())) for f in schema)


def _part(con: Spark, relation: str, folder: Path, columns: Mapping[str, str], paths: list[Path]) -> SourcePart:
    read = con.session.read.parquet(*map(_uri, paths))
    read.selectExpr("*", "_metadata.file_name as _at_name", "_metadata.row_index as _at_index").createOrReplaceTempView(
        relation
    )
    at, row = f"concat('{_escaped(folder)}/', _at_name)", "cast(_at_index + 1 as varchar)"
    return SourcePart(relation, columns, paths[0].name, at, row, tuple(paths))


def read_parts(
    con: Spark, name: str, zones: Zones, parts: Parts, ordered: Iterable[str] = (), all_days: bool = False
) -> Marketplace:
    """Make the typed tables of the parts, as `intake.read_parts`; the source is read only once."""
    check_columns(parts, zones)
    con.execute(quarantine.CREATE)
    read = {table.name: _load(con, table, parts.get(table.name, ()), zones) for table in TABLES.values()}
    for table in ordered:
        _editor(con).replace(table, first_versions(TABLES[table]))
    available = available_of(parts)
    report = report_of(name, zones, read, parts, check_across(_editor(con), available, zones, all_days), con)
    return Marketplace(con, name, zones.market, available, report)


def _editor(con: Spark) -> TableEditor:
    """How Spark changes the typed tables: each change makes the next view of its table."""

    def remove(table: str, condition: str) -> None:
        _replace(con, TABLES[table], f"select * from {table} where not ({condition})")

    def replace(table: str, query: str) -> None:
        _replace(con, TABLES[table], query)

    return TableEditor(con, remove, replace, drop_copies=lambda table: _drop_copies(con, table))


def _load(con: Spark, table: Table, parts: tuple[SourcePart, ...], zones: Zones) -> int:
    """Make the table of the valid rows, and quarantine the others; returns the number of rows in the source."""
    if not parts:
        nothing = ", ".join(f"cast(null as {kind}) as {name}" for name, kind in table.typed.items())
        con.execute(f"create table {table.name} as select {nothing} where false")
        return 0
    rows = " union all ".join(f"select * from ({checked(table, part, zones)}) as p" for part in parts)
    _run(con, table, f"create table {table.name}_read as {rows}")
    where = ", ".join(STAGING)
    con.execute(f"insert into quarantine select '{table.name}', {where} from {table.name}_read where _rule is not null")
    valid = f"select {', '.join(table.typed)} from {table.name}_read where _rule is null"
    con.execute(f"create view {table.name} as {valid}")
    return one(con, f"select count(*) from {table.name}_read")


def _run(con: Spark, table: Table, statement: str) -> None:
    """Run a statement that reads the source; only this may show that a file is broken."""
    try:
        con.execute(statement)
    except Exception as error:  # whatever Spark's readers raise
        rule = f"The table {table.name!r} must be readable."
        raise ForesellError(rule, cause(error), "correct the data that the message names") from error


def known_by(con: Spark, day: int) -> None:
    """Treat corrections that were decided after a day as decided on it, as `appeals.known_by` does."""
    if one(con, "select count(*) from corrections"):
        days = {name: f"least({name}, {day})" for name in ("decided_at_day", "recorded_at_day")}
        columns = ", ".join(f"{days.get(name, name)} as {name}" for name in TABLES["corrections"].typed)
        _replace(con, TABLES["corrections"], f"select {columns} from corrections")


def _drop_copies(con: Spark, table: Table) -> int:
    """Keep one of the equal rows of each key and version in `doubled`; returns how many were dropped."""
    double = f"select * from {table.name} where {is_repeated(table)}"
    rows = one(con, f"select count(*) from ({double}) as d")
    if not rows:
        return 0
    columns = ", ".join(table.typed)
    first = f"select {columns} from (select *, {place(table)} as place from ({double}) as {table.name}) as p"
    others = f"select {columns} from {table.name} where not {is_repeated(table)}"
    keys = one(con, f"select count(*) from (select distinct * from ({double}) as d) as u")
    _replace(con, table, f"{first} where place = 1 union all {others}")
    return rows - keys


def _replace(con: Spark, table: Table, query: str) -> None:
    """Replace the table by the result of a query over it."""
    name = f"{table.name}_{next(REPLACED)}"
    con.execute(f"create table {name} as {query}")
    con.execute(f"create or replace view {table.name} as select * from {name}")


def _uri(path: Path) -> str:
    return path.resolve().as_uri()


def _escaped(folder: Path) -> str:
    return str(folder).replace("'", "''")
