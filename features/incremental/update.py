"""The incremental ledger: each new file is added once, in a time that depends on the rows it touches, not the history.

The ledger is one database file. A day's files are added in one transaction, with their digests. A repeated run has
nothing to do, and an interrupted run leaves the ledger as it was.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import file_digest
from pathlib import Path

import duckdb

from core.days import iso
from core.errors import ForesellError
from core.sql_text import quoted
from core.words import count_of
from features.incremental import store
from features.incremental.changes import work_out
from features.incremental.rebuild import Source, build_whole
from features.incremental.touched import ARRIVED, KEPT, ROWS, SHORT, stored
from features.ingest import quarantine
from features.ingest.checks import SourcePart
from features.ingest.contract import TABLES
from features.ingest.cross_checks import check_arrived, delivery_faults, refuse_all
from features.ingest.far_days import BREAK_DAYS, before_break
from features.ingest.intake import (
    QUARANTINE_SHARE,
    available_of,
    check_columns,
    editor,
    load_table,
    report_of,
    source_parts,
    zones_from,
)
from features.ingest.quarantine import IntakeReport, TableReport
from features.ingest.source_settings import SourceSettings, read_settings
from features.ingest.sources import check_same_columns, parts_of, require_folder, table_files
from features.ledger.quantities import available_quantities

MEMORY_GB = 4.0
EARLY = "no order line when they came"


@dataclass(frozen=True)
class LedgerUpdate:
    """The result of a run. files: how many were new; whole: whether the ledger was built from the first day on."""

    files: int
    whole: bool
    report: IntakeReport


@dataclass(frozen=True)
class NewFiles:
    """Files that are not in the ledger yet: by table, and each with the digest of its content."""

    tables: Mapping[str, tuple[Path, ...]]
    digests: Mapping[Path, str]


def grow(
    place: Path,
    folder: Path,
    zone: str | None = None,
    share: float = QUARANTINE_SHARE,
    memory_gb: float = MEMORY_GB,
) -> LedgerUpdate:
    """Add the files of a contract folder that are not yet in the ledger of the folder `place`."""
    require_folder(folder)
    place.mkdir(parents=True, exist_ok=True)
    file = place / store.FILE
    if not file.exists():
        return _begin(file, folder, zone, share, memory_gb)
    with store.opened(file, memory_gb) as con:
        source, files = store.source_of(con), new_files(folder, store.taken(con))
        if not files.digests:
            return LedgerUpdate(0, False, IntakeReport(source.name, source.zone, ()))
        con.execute(f"create schema {ARRIVED}")
        wider, report = read_files(con, ARRIVED, files, source, folder, share)
        refuse_far_days(con, ARRIVED, "select day, sum(ordered) from kept.ledger where ordered > 0 group by day")
        whole = wider.quantities != source.quantities
        if whole:
            wider, report = _note_early(con, wider, report, ARRIVED, (f"{KEPT}.orders", f"{ARRIVED}.orders"))
            _rebuild(con, _draft(file), wider, files)
        else:
            work_out(con, wider)
            wider, report = _note_early(con, wider, report, ARRIVED, ("was_orders", f"{ARRIVED}.orders"))
            _add(con, wider, files)
    if whole:
        store.put_in_place(_draft(file), file)
    return LedgerUpdate(len(files.digests), whole, report)


def new_files(folder: Path, taken: frozenset[str] = frozenset()) -> NewFiles:
    """The files of the folder whose content is not among the digests."""
    digests: dict[Path, str] = {}
    for path in (path for table in TABLES for path in table_files(folder, table)):
        with path.open("rb") as content:
            digests[path] = file_digest(content, "sha256").hexdigest()
    new = {path: digest for path, digest in digests.items() if digest not in taken}
    tables = {t: tuple(p for p in table_files(folder, t) if p in new) for t in TABLES}
    return NewFiles({t: paths for t, paths in tables.items() if paths}, new)


def read_files(
    con: duckdb.DuckDBPyConnection, schema: str, files: NewFiles, source: Source, folder: Path, share: float
) -> tuple[Source, IntakeReport]:
    """Check the files and put their rows into a schema; returns the source with the files' columns, and the report."""
    settings, found = read_settings(folder), {t: parts_of(con, TABLES[t], p) for t, p in files.tables.items()}
    refuse_unfollowed(found, settings, source)
    zones = zones_from(settings, source.zone, None)
    parts = source_parts(found, settings, zones)
    check_columns(parts, zones)
    con.execute(f"set search_path = '{schema},memory.main'")
    con.execute(quarantine.CREATE)
    read = {t: load_table(con, TABLES[t], parts.get(t, ()), zones, SHORT.get(t, ())) for t in TABLES}
    report = report_of(source.name, zones, read, parts, check_arrived(editor(con), available_of(parts), zones), con)
    quarantine.refuse_many(con, report.tables, share)
    lost = quarantine.incomplete_sellers(con, parts, share)
    con.execute("drop table quarantine")
    con.execute("set search_path = 'memory.main'")
    available = source.available | available_of(parts)
    report = replace(report, incomplete=lost)
    quantities, intake = available_quantities(available), source.intake.plus(report)
    return replace(source, available=available, quantities=quantities, intake=intake), report


def refuse_far_days(con: duckdb.DuckDBPyConnection, schema: str, stored: str = "") -> None:
    """ForesellError for a few orders long after all others, such as a typing error in a year: no later day would count.

    stored: a query of the days in the ledger and the orders of each.
    """
    arrived = f"select ordered_at_day as day, count(*) as orders from {schema}.orders group by 1"
    both = (
        f"select day, sum(orders) from ({arrived}{f' union all {stored}' if stored else ''}) as d group by 1 order by 1"
    )
    rows = [(int(day), int(orders)) for day, orders in con.execute(both).fetchall()]
    days, orders = [day for day, _ in rows], [n for _, n in rows]
    far = rows[before_break(days, orders) :]
    if far:
        named = ", ".join(f"{iso(day)} ({count_of(n, 'order')})" for day, n in far[:5])
        step = "correct these rows in the new files, and run it again"
        rule = f"Orders may not come alone, more than {BREAK_DAYS} days after all others."
        raise ForesellError(rule, named, step)


def _note_early(
    con: duckdb.DuckDBPyConnection, source: Source, report: IntakeReport, schema: str, lines: Sequence[str]
) -> tuple[Source, IntakeReport]:
    """Count the returns that came before their order line: they are kept, and count once the line is there."""
    unknown = " and ".join(
        f"not exists (select 1 from {orders} as o where o.order_id = r.order_id and o.line_id = r.line_id)"
        for orders in lines
    )
    early = int(con.execute(f"select count(*) from {schema}.returns as r where {unknown}").fetchall()[0][0])
    if not early:
        return source, report
    noted = IntakeReport(source.name, source.zone, (TableReport("returns", 0, 0, noted={EARLY: early}),))
    return replace(source, intake=source.intake.plus(noted)), report.plus(noted)


def refuse_unfollowed(parts: Mapping[str, Sequence[SourcePart]], settings: SourceSettings, source: Source) -> None:
    """ForesellError for what only a ledger that is built at once can follow."""
    rules = {"the table aliases": "aliases" in parts, "an order of versions in source.toml": bool(settings.recorded_at)}
    for what, found in rules.items():
        if found:
            step = "build the features or scores from the folder itself (foresell features, foresell score)"
            raise ForesellError("An incremental ledger cannot follow renamed sellers or re-exports.", what, step)
    before = {name: _columns_before(name, source.available) for name in parts if name in source.available}
    check_same_columns({name: [*pieces, *before.get(name, ())] for name, pieces in parts.items()})


def _columns_before(table: str, available: frozenset[str]) -> list[SourcePart]:
    """The columns that the files in the ledger have, as a part without rows."""
    names = [name.removeprefix(f"{table}.") for name in available if name.startswith(f"{table}.")]
    return [SourcePart("", dict.fromkeys(names, ""), f"the files of {table} before")]


def _begin(file: Path, folder: Path, zone: str | None, share: float, memory_gb: float) -> LedgerUpdate:
    """Build a whole ledger from the first files, in a draft that is renamed when it is complete."""
    texts = read_settings(folder).texts
    name, zone = texts.get("name", folder.resolve().name), zone or texts.get("zone", "UTC")
    source = Source(name, zone, frozenset(), (), IntakeReport(name, zone, ()))
    files = new_files(folder)
    missing = [t.name for t in TABLES.values() if t.required and t.name not in files.tables]
    if missing:
        step = f"give a folder that also has {' and '.join(missing)}"
        raise ForesellError("The first files must have orders and sellers.", f"{folder} without {missing[0]}", step)
    store.remove(_draft(file))
    with store.opened(_draft(file), memory_gb) as con:
        source, report = read_files(con, KEPT, files, source, folder, share)
        refuse_far_days(con, KEPT)
        source, report = _note_early(con, source, report, KEPT, (f"{KEPT}.orders",))
        _build_draft(con, source, files)
    store.put_in_place(_draft(file), file)
    return LedgerUpdate(len(files.digests), True, report)


def _rebuild(con: duckdb.DuckDBPyConnection, draft: Path, source: Source, files: NewFiles) -> None:
    """Build a whole ledger of the old and the new rows in a draft, because the new files have new quantities."""
    both = {t: f"(from {KEPT}.{t} union all by name from {ARRIVED}.{t})" for t in ROWS}
    refuse_all(delivery_faults(con, both))
    store.remove(draft)
    con.execute(f"attach {quoted(draft)} as wider")
    store.create_rows(con, "wider.main")
    for table in ROWS:
        names = ", ".join(stored(table))
        rows = " union all ".join(f"select {names} from {schema}.{table}" for schema in (KEPT, ARRIVED))
        con.execute(f"insert into wider.main.{table} {rows}")
    before = con.execute("select digest, table_name, file from kept.taken").fetchall()
    con.execute("detach kept")
    con.execute("detach wider")
    store.attach(con, draft)
    _build_draft(con, source, files, before)


def _build_draft(
    con: duckdb.DuckDBPyConnection, source: Source, files: NewFiles, before: Sequence[tuple[str, str, str]] = ()
) -> None:
    store.create(con, source.quantities)
    build_whole(con, source)
    store.keep_source(con, source)
    _keep_files(con, [*before, *_named(files)])
    con.execute("checkpoint kept")
    con.execute("detach kept")


def _add(con: duckdb.DuckDBPyConnection, source: Source, files: NewFiles) -> None:
    """Write the changes of the ledger that `work_out` made, and the new rows, in one transaction."""
    store.spare(con)
    con.execute("begin")
    try:
        for table in ROWS:
            names = ", ".join(stored(table))
            con.execute(f"insert into {KEPT}.{table} ({names}) select {names} from {ARRIVED}.{table}")
        for table in ("ledger", "ledger_corrections", "first_lines", "line_counts"):
            con.execute(f"delete from kept.{table} where rowid in (select id from {table}_before)")
            con.execute(f"insert into kept.{table} from {table}_after")
        store.keep_source(con, source)
        _keep_files(con, _named(files))
        con.execute("commit")
    except BaseException:
        con.execute("rollback")
        raise


def _keep_files(con: duckdb.DuckDBPyConnection, files: Sequence[tuple[str, str, str]]) -> None:
    con.executemany("insert into kept.taken values (?, ?, ?)", [list(file) for file in files])


def _named(files: NewFiles) -> list[tuple[str, str, str]]:
    return [(files.digests[path], table, path.name) for table, paths in files.tables.items() for path in paths]


def _draft(file: Path) -> Path:
    return file.with_name(f".{file.name}.part")
