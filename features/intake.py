"""Intake: a marketplace's tables, checked against the contract and typed; what breaks it is quarantined and counted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import duckdb
import pandas as pd
import pyarrow as pa

from features import quarantine
from features.checks import STAGING, Part, checked, is_repeated, known_day, place, repeated
from features.contract import TABLES, Column, Table
from features.engine import Engine, connect
from features.errors import ForesellError
from features.keys import Short
from features.quarantine import IntakeReport, TableReport
from features.readings import ACCEPTED, FORMS, Zones, family
from features.sources import closest, find_unreadable, folder_parts, frame_parts, ignored_files, settings_of
from features.subsets import of_seller, with_frames

QUARANTINE_SHARE = 0.01
Parts = Mapping[str, tuple[Part, ...]]


@dataclass(frozen=True)
class Marketplace:
    """Typed tables in a connection; `available` names the tables and the columns that the source has."""

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
) -> Marketplace:
    """Read a contract folder. `zone` counts the days, naive times are meant in `times_zone` (else: source.toml's).

    added: rows beside the folder's own, by table; seller_id: only what a ledger of this seller needs.
    """
    con = connect()
    parts = with_frames(con, folder_parts(con, folder), added or {})
    parts = parts if seller_id is None else of_seller(parts, seller_id)
    said = settings_of(folder)
    zones = said_zones(said, zone, times_zone)
    market = read_parts(con, said.get("name", folder.resolve().name), zones, parts)
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
) -> Marketplace:
    """The same for tables in memory. A pandas NaN is a missing value; in Arrow it is a number that is none."""
    con = connect()
    market = read_parts(con, name, zones_of(zone, times_zone), frame_parts(con, frames))
    for table in frames:
        con.unregister(f"frame_{table}")
    return accepted(market, quarantine_share, quarantine_to)


def hold_back(market: Marketplace, day: int) -> Marketplace:
    """Move rows known only after the day into held_<table>, and count them; a later day brings rows back."""
    tables = tuple(_hold(market.con, table, day) for table in market.report.tables)
    return replace(market, report=replace(market.report, tables=tables))


def read_parts(con: duckdb.DuckDBPyConnection, name: str, zones: Zones, parts: Parts) -> Marketplace:
    """The typed tables of the parts, and what became of their rows."""
    for table, pieces in parts.items():
        for part in pieces:
            check_columns(TABLES[table], part, zones)
    con.execute(quarantine.CREATE)
    read = {table.name: load_table(con, table, parts.get(table.name, ()), zones) for table in TABLES.values()}
    quarantine.take_unknown_lines(con, TABLES["returns"])
    tables = tuple(_report(con, TABLES[t], read[t], parts[t]) for t in TABLES if t in parts)
    return Marketplace(con, name, zones.market, available_of(parts), IntakeReport(name, zones.market, tables))


def load_table(
    con: duckdb.DuckDBPyConnection, table: Table, parts: tuple[Part, ...], zones: Zones, beside: Sequence[Short] = ()
) -> int:
    """Fill the typed table, with some texts' short keys beside; returns how many rows the source has."""
    staging = STAGING if parts else {}
    types = table.typed | staging | {short.name: short.TYPE for short in beside}
    con.execute(f"create table {table.name} ({', '.join(f'{name} {kind}' for name, kind in types.items())})")
    broken = sum(_insert(con, table, part, zones, beside) for part in parts)
    read = one(con, f"select count(*) from {table.name}")
    if read:
        quarantine.take_marked(con, table.name)
    for name in staging:
        con.execute(f"alter table {table.name} drop column {name}")
    return read + broken


def _insert(con: duckdb.DuckDBPyConnection, table: Table, part: Part, zones: Zones, beside: Sequence[Short]) -> int:
    """Add a part to its table; returns how many rows could not be split into columns."""
    columns = ", ".join(["*", *(short.sql for short in beside)])
    try:
        con.execute(f"insert into {table.name} select {columns} from ({checked(table, part, zones)}) as c")
    except duckdb.Error as e:
        find_unreadable(con, part)
        rule = f"The table {table.name!r} must be readable."
        raise ForesellError(rule, str(e).split("\n")[0], "mend what it names") from e
    return quarantine.take_rejects(con, table.name, part.rejects) if part.rejects else 0


def _report(con: duckdb.DuckDBPyConnection, table: Table, read: int, parts: tuple[Part, ...]) -> TableReport:
    duplicates, conflicting = drop_duplicates(con, table)
    kept = one(con, f"select count(*) from {table.name}")
    bad = quarantine.counts(con, table.name)
    known = {c.name for c in table.columns}
    ignored = dict.fromkeys(name for part in parts for name in part.columns if name not in known)
    return TableReport(table.name, read, kept, duplicates, conflicting, 0, bad, tuple(ignored))


def drop_duplicates(con: duckdb.DuckDBPyConnection, table: Table) -> tuple[int, int]:
    """Keep one row of each key and version; returns how many were dropped, and how many of those differ in content."""
    con.execute(f"create or replace temp table doubled as {repeated(table)}")
    keys = one(con, "select count(*) from doubled")
    if not keys:
        return 0, 0
    rows = f"from {table.name} where {is_repeated(table)}"
    distinct = one(con, f"select count(*) from (select distinct * {rows})")
    extra = f"select id from (select rowid as id, {place(table)} as place {rows}) where place > 1"
    return one(con, f"delete from {table.name} where rowid in ({extra})"), distinct - keys


def _hold(con: Engine, table: TableReport, day: int) -> TableReport:
    held, late = f"held_{table.name}", f"{known_day(TABLES[table.name])} > {day}"
    con.execute(f"create table if not exists {held} as select * from {table.name} limit 0")
    con.execute(f"insert into {table.name} select * from {held}")
    con.execute(f"create or replace table {held} as select * from {table.name} where {late}")
    gone = one(con, f"delete from {table.name} where {late}")
    return replace(table, held_back=gone, kept=table.kept + table.held_back - gone)


def accepted(market: Marketplace, share: float, path: Path | None) -> Marketplace:
    """The marketplace, its quarantine written; ForesellError when too many rows are in there, or none is left."""
    if path is not None:
        quarantine.write(market.con, path)
    quarantine.refuse_many(market.con, market.report.tables, share)
    for table in market.report.tables:
        if TABLES[table.name].required and not table.kept:
            raise ForesellError(f"The table {table.name!r} must hold at least one row.", "none", "hand over its rows")
    return market


def check_columns(table: Table, part: Part, zones: Zones) -> None:
    """ForesellError when a part lacks a required column or holds one of a type that cannot be read."""
    for column in table.columns:
        if column.name in part.columns:
            _check_type(f"{table.name}.{column.name}", column, part, zones)
        elif column.required:
            names = list(part.columns)
            found = f"{part.label} with the columns {', '.join(names)}{closest(column.name, names)}"
            step = "add the column, or rename the one that holds it"
            raise ForesellError(f"The column {table.name}.{column.name} is required.", found, step)


def _check_type(where: str, column: Column, part: Part, zones: Zones) -> None:
    held = family(part.columns[column.name])
    accepted = ACCEPTED[column.kind]
    if held not in (*accepted, "null"):
        rule = f"{where} must hold {' or '.join(FORMS[f] for f in accepted)}."
        raise ForesellError(rule, f"{part.columns[column.name]} in {part.label}", "write the column as one of these")
    naive = held == "naive" or (held == "date" and column.kind != "time_or_date")
    if naive and not zones.times:
        rule = f"{where} must carry a time zone, or the source must declare one."
        step = "write times with their zone, or say in times_zone (of source.toml) which one they are meant in"
        raise ForesellError(rule, f"times without a zone in {part.label}", step)


def said_zones(said: Mapping[str, str], zone: str | None, times_zone: str | None) -> Zones:
    """The zones as asked for, or else as the source says of itself."""
    return zones_of(zone or said.get("zone", "UTC"), times_zone or said.get("times_zone"))


def zones_of(market: str, times: str | None) -> Zones:
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
    found = {name: {column for part in pieces for column in part.columns} for name, pieces in parts.items()}
    columns = {f"{name}.{c.name}" for name in found for c in TABLES[name].columns if c.name in found[name]}
    return frozenset(found) | columns


def one(con: Engine, sql: str) -> int:
    """The whole number that a query finds."""
    return int(con.execute(sql).fetchall()[0][0])
