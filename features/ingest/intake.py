"""Intake: check a marketplace's tables against the contract and type them; broken rows are quarantined and counted."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import duckdb
import pandas as pd
import pyarrow as pa

from core.errors import ForesellError
from core.packed_keys import ShortKey
from features.engines.duckdb import Engine, connect
from features.ingest import quarantine
from features.ingest.checks import STAGING, UNREAD, SourcePart, checked, is_repeated, known_day, place
from features.ingest.column_parsers import ACCEPTED, FORMS, Zones, family
from features.ingest.contract import TABLES, Column, Table
from features.ingest.cross_checks import CheckedCounts, TableEditor, check_across, refuse_all
from features.ingest.quarantine import IntakeReport, TableReport
from features.ingest.source_settings import SourceSettings, first_versions, read_settings, with_versions
from features.ingest.sources import (
    check_same_columns,
    closest,
    find_unreadable,
    folder_parts,
    frame_parts,
    ignored_files,
    separator_hint,
)
from features.ingest.subsets import of_seller, with_frames

QUARANTINE_SHARE = 0.01
Parts = Mapping[str, tuple[SourcePart, ...]]


@dataclass(frozen=True)
class Marketplace:
    """Typed tables in a connection; `available`: the names of the tables and columns that the source has."""

    con: Engine
    name: str
    zone: str
    available: frozenset[str]
    report: IntakeReport


def open_folder(
    folder: Path,
    zone: str | None = None,
    quarantine_share: float = QUARANTINE_SHARE,
    quarantine_to: Path | None = None,
    times_zone: str | None = None,
    added: Mapping[str, pa.Table] | None = None,
    seller_id: str | None = None,
    all_days: bool = False,
) -> Marketplace:
    """Read a contract folder. zone: of the days; times_zone: of times without one (both default to source.toml's).

    added: more rows, by table; seller_id: read only the rows that this seller's ledger needs; all_days: keep days far
    from the rest too.
    """
    con, settings = connect(), read_settings(folder)
    zones = zones_from(settings, zone, times_zone)
    parts = with_frames(con, source_parts(folder_parts(con, folder), settings, zones), added or {})
    parts = parts if seller_id is None else of_seller(parts, seller_id)
    name = settings.texts.get("name", folder.resolve().name)
    market = read_parts(con, name, zones, parts, settings.recorded_at, all_days or seller_id is not None)
    for table in added or {}:
        con.unregister(f"frame_{table}")
    market = replace(market, report=replace(market.report, ignored_files=ignored_files(folder)))
    return accepted(market, quarantine_share, quarantine_to)


def open_frames(
    frames: Mapping[str, pd.DataFrame | pa.Table],
    zone: str = "UTC",
    quarantine_share: float = QUARANTINE_SHARE,
    quarantine_to: Path | None = None,
    times_zone: str | None = None,
    name: str = "frames",
    date_only: Iterable[str] | None = None,
    all_days: bool = False,
) -> Marketplace:
    """Read tables in memory. A NaN in pandas is a missing value; a NaN in Arrow breaks the contract.

    date_only: the deadlines of orders whose times mean days; None: not said, which is refused if all are midnights.
    """
    con, dates = connect(), None if date_only is None else frozenset(date_only)
    market = read_parts(
        con, name, replace(zones_of(zone, times_zone), dates=dates), frame_parts(con, frames), (), all_days
    )
    for table in frames:
        con.unregister(f"frame_{table}")
    return accepted(market, quarantine_share, quarantine_to)


def hold_back(market: Marketplace, day: int) -> Marketplace:
    """Move rows that became known after the day into held_<table>, and count them; a later day brings rows back."""
    tables = tuple(_hold_back(market.con, table, day) for table in market.report.tables)
    return replace(market, report=replace(market.report, tables=tables))


def source_parts(parts: Parts, settings: SourceSettings, zones: Zones) -> dict[str, tuple[SourcePart, ...]]:
    """The parts of a folder's files, with the versions that its settings order; their columns must agree."""
    check_same_columns(parts)
    zone, rules = zones.times or zones.market, settings.recorded_at
    return {
        name: with_versions(TABLES[name], pieces, rules[name], zone) if name in rules else tuple(pieces)
        for name, pieces in parts.items()
    }


def read_parts(
    con: duckdb.DuckDBPyConnection,
    name: str,
    zones: Zones,
    parts: Parts,
    ordered: Iterable[str] = (),
    all_days: bool = False,
) -> Marketplace:
    """Make the typed tables of the parts; the report counts what became of their rows.

    ordered: the tables whose versions a rule of the source orders.
    """
    check_columns(parts, zones)
    con.execute(quarantine.CREATE)
    read = {table.name: load_table(con, table, parts.get(table.name, ()), zones) for table in TABLES.values()}
    for table in ordered:
        editor(con).replace(table, first_versions(TABLES[table]))
    available = available_of(parts)
    report = report_of(name, zones, read, parts, check_across(editor(con), available, zones, all_days), con)
    return Marketplace(con, name, zones.market, available, report)


def report_of(
    name: str, zones: Zones, read: Mapping[str, int], parts: Parts, checked: CheckedCounts, con: Engine
) -> IntakeReport:
    """What became of the rows of each table of the source."""
    tables = tuple(_report(con, TABLES[t], read[t], parts[t], checked) for t in TABLES if t in parts)
    return IntakeReport(name, zones.market, tables, far_days=checked.far_days)


def editor(con: duckdb.DuckDBPyConnection) -> TableEditor:
    """How DuckDB changes the typed tables."""

    def remove(table: str, condition: str) -> None:
        con.execute(f"delete from {table} where {condition}")

    def replace(table: str, query: str) -> None:
        con.execute(f"create or replace table {table} as {query}")

    return TableEditor(con, remove, replace, drop_copies=lambda table: drop_copies(con, table))


def load_table(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    parts: tuple[SourcePart, ...],
    zones: Zones,
    beside: Sequence[ShortKey] = (),
) -> int:
    """Fill the typed table and the columns `beside` it; returns the number of rows in the source."""
    types = table.typed | (STAGING if parts else {}) | {short.name: short.TYPE for short in beside}
    if not parts:
        con.execute(f"create table {table.name} ({', '.join(f'{name} {kind}' for name, kind in types.items())})")
        return 0
    columns = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind in types.items())
    shorts = ", ".join(["*", *(f"{short.sql} as {short.name}" for short in beside)])
    broken = 0
    for number, part in enumerate(parts):
        how = "insert into {} select" if number else "create table {} as select"  # creating is faster than inserting
        rows = f"(select {shorts} from ({checked(table, part, zones)}) as c)"
        broken += _load(con, table, part, f"{how.format(table.name)} {columns} from {rows} as r")
    read = one(con, f"select count(*) from {table.name}")
    if read:
        quarantine.take_marked(con, table.name)
    for name in STAGING:
        con.execute(f"alter table {table.name} drop column {name}")
    return read + broken


def _load(con: duckdb.DuckDBPyConnection, table: Table, part: SourcePart, sql: str) -> int:
    """Load a part into its table; returns the number of rows that could not be split into columns."""
    try:
        con.execute(sql)
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as e:
        find_unreadable(con, part)
        rule = f"The table {table.name!r} must be readable."
        raise ForesellError(rule, str(e).split("\n")[0], "correct the data that the message names") from e
    return quarantine.take_rejects(con, table.name, part.rejects) if part.rejects else 0


def _report(con: Engine, table: Table, read: int, parts: tuple[SourcePart, ...], checked: CheckedCounts) -> TableReport:
    known = {*(c.name for c in table.columns), *UNREAD}
    ignored = dict.fromkeys(name for part in parts for name in part.columns if name not in known)
    return TableReport(
        table.name,
        read,
        one(con, f"select count(*) from {table.name}"),
        checked.duplicates.get(table.name, 0),
        quarantined=quarantine.counts(con, table.name),
        ignored_columns=tuple(ignored),
        not_sales=checked.not_sales.get(table.name, 0),
        far=checked.far.get(table.name, 0),
        noted=checked.noted.get(table.name, {}),
    )


def drop_copies(con: duckdb.DuckDBPyConnection, table: Table) -> int:
    """Keep one of the equal rows of each key and version in `doubled`; returns how many were dropped."""
    if not one(con, "select count(*) from doubled"):
        return 0
    rows = f"from {table.name} where {is_repeated(table)}"
    extra = f"select id from (select rowid as id, {place(table)} as place {rows}) where place > 1"
    return one(con, f"delete from {table.name} where rowid in ({extra})")


def _hold_back(con: Engine, table: TableReport, day: int) -> TableReport:
    held, late = f"held_{table.name}", f"{known_day(TABLES[table.name])} > {day}"
    con.execute(f"create table if not exists {held} as select * from {table.name} limit 0")
    con.execute(f"insert into {table.name} select * from {held}")
    con.execute(f"create or replace table {held} as select * from {table.name} where {late}")
    removed = one(con, f"delete from {table.name} where {late}")
    return replace(table, held_back=removed, kept=table.kept + table.held_back - removed)


def accepted(market: Marketplace, share: float, path: Path | None) -> Marketplace:
    """Write the quarantine and return the marketplace; ForesellError if too many rows are in it, or none is left."""
    if path is not None:
        quarantine.write(market.con, path)
    quarantine.refuse_many(market.con, market.report.tables, share)
    for table in market.report.tables:
        if TABLES[table.name].required and not table.kept:
            raise ForesellError(f"The table {table.name!r} must have at least one row.", "none", "add its rows")
    names = [table.name for table in market.report.tables if table.quarantined]
    lost = quarantine.incomplete_sellers(market.con, names, share) if names else ()
    return replace(market, report=replace(market.report, incomplete=lost))


def check_columns(parts: Parts, zones: Zones) -> None:
    """ForesellError names every required column that a part lacks, and every column whose type cannot be read."""
    pairs = [(TABLES[table], part) for table, pieces in parts.items() for part in pieces]
    lacking = [fault for table, part in pairs for fault in _lacking(table, part)]
    refuse_all(lacking or [fault for table, part in pairs for fault in _wrong_types(table, part, zones)])


def _lacking(table: Table, part: SourcePart) -> list[ForesellError]:
    """The fault that a part lacks required columns, with what each may be called in it."""
    names = list(part.columns)
    missing = [c.name for c in table.columns if c.required and c.name not in names]
    if not missing:
        return []
    wanted, meant = (", ".join(f"{table.name}.{name}" for name in missing), "".join(closest(n, names) for n in missing))
    found = f"{part.label} with the columns {', '.join(names)}{meant}{separator_hint(names)}"
    step = "add the columns, or rename those that have their values"
    rule = f"The column {wanted} is required." if len(missing) == 1 else f"The columns {wanted} are required."
    return [ForesellError(rule, found, step)]


def _wrong_types(table: Table, part: SourcePart, zones: Zones) -> list[ForesellError]:
    """The faults of columns that are there and cannot be read."""
    found = (_wrong_type(f"{table.name}.{c.name}", c, part, zones) for c in table.columns if c.name in part.columns)
    return [fault for fault in found if fault]


def _wrong_type(where: str, column: Column, part: SourcePart, zones: Zones) -> ForesellError | None:
    form = family(part.columns[column.name])
    accepted = ACCEPTED[column.kind]
    if form not in (*accepted, "null"):
        rule = f"{where} must hold {' or '.join(FORMS[f] for f in accepted)}."
        return ForesellError(rule, f"{part.columns[column.name]} in {part.label}", "write the column as one of these")
    naive = form == "naive" or (form == "date" and column.kind != "time_or_date")
    if naive and not zones.times:
        rule = f"{where} must have a time zone, or the source must declare one."
        step = "write times with their zone, or name their zone as times_zone in source.toml"
        return ForesellError(rule, f"times without a zone in {part.label}", step)
    return None


def zones_from(settings: SourceSettings, zone: str | None, times_zone: str | None) -> Zones:
    """The given zones, or else those of the source's settings, and which of its times mean days."""
    texts = settings.texts
    zones = zones_of(zone or texts.get("zone", "UTC"), times_zone or texts.get("times_zone"))
    return replace(zones, dates=settings.date_only)


def zones_of(market: str, times: str | None) -> Zones:
    """The zones with these names; ForesellError for an unknown name."""
    for zone in (market, times or "UTC"):
        try:
            ZoneInfo(zone)
        except (KeyError, ValueError, OSError):
            found = f"{zone!r}{closest(zone, sorted(available_timezones()))}"
            rule = "A time zone must be a name of the IANA database."
            raise ForesellError(rule, found, "use a name such as Europe/Paris or UTC") from None
    return Zones(market, times)


def available_of(parts: Parts) -> frozenset[str]:
    """The tables and `table.column`s that the parts have."""
    names = {name: {column for part in pieces for column in part.columns} for name, pieces in parts.items()}
    columns = {f"{name}.{c.name}" for name in names for c in TABLES[name].columns if c.name in names[name]}
    return frozenset(names) | columns


def one(con: Engine, sql: str) -> int:
    """The whole number that a query returns."""
    return int(con.execute(sql).fetchall()[0][0])
