"""What new rows change in a ledger: <name>_before are the rows that go, by number, <name>_after those that come."""

from collections.abc import Mapping, Sequence

import duckdb

from features.contract import TABLES
from features.growth_build import (
    CORRECTIONS,
    LEDGER,
    LINE_COUNTS,
    Source,
    build,
    build_appeals,
    difference,
    first_lines,
    known,
    line_counts,
    load,
    summed,
)
from features.growth_following import as_new, following
from features.growth_rows import ARRIVED, KEPT, ROWS, subset, touch
from features.ledger import ENTRIES
from features.novelties import period_of
from features.states import EVER, Sources

LINE = "order_id, line_id, seller_id, item_id, category, day"
FIRST = "seller_id, item_id, category, day"
LINES = f"select {LINE} from known_lines join seller_codes using (seller)"
NULLABLE = ("item_id", "category")  # of the keys' columns


def work_out(con: duckdb.DuckDBPyConnection, source: Source) -> None:
    """Make the tables that say what changes in ledger, ledger_corrections, first_lines and line_counts."""
    con.execute("create or replace table reopened (seller_id varchar)")
    told_from, sources = _lines_and_before(con, source, may_skip=True)
    con.execute(f"insert into reopened {_reopened()}")
    if con.execute("select count(*) from reopened").fetchall()[0][0]:
        told_from, sources = _lines_and_before(con, source, may_skip=False)
    _add_firsts(con)
    build(con, source, sources, firsts=True, told_from=told_from)
    for name, lines in (("old_line_counts", "old_lines"), ("line_counts", "new_lines")):
        con.execute(f"create or replace table {name} as {line_counts(lines)}")
    _changed(con, "ledger", LEDGER, source.quantities, counted=True)
    _changed(con, "ledger_corrections", CORRECTIONS, source.quantities, counted=False)
    _changed(con, "line_counts", LINE_COUNTS, ("lines",), counted=False)
    _changed_firsts(con)


def _lines_and_before(con: duckdb.DuckDBPyConnection, source: Source, may_skip: bool) -> tuple[int | None, Sources]:
    """The ledger of the touched rows before, and their lines as they were and are known; ends with the new rows.

    Where the new rows follow all that they touch, only what is told from the first of them on is looked at: nothing
    was there before it. Returns that day, or None.
    """
    touch(con)
    told_from = following(con, source) if may_skip else None
    con.execute(f"create or replace table first_lines as select {FIRST} from kept.first_lines where {_touched()}")
    old, new = subset(KEPT), subset(ARRIVED)
    if told_from is None:
        _before(con, source, old)
    else:
        build_appeals(con, source, old)
    for table in ("ledger", "ledger_corrections"):
        con.execute(f"drop table if exists old_{table}")
        con.execute(f"alter table {table} rename to old_{table}")
    if told_from is not None:
        new = {t: as_new(t, rows) for t, rows in new.items()}
    load(con, {t: f"({old[t]}) union all ({new[t]})" for t in ROWS})
    sources = known(con, source)
    _lines(con, told_from)
    return told_from, sources


def _before(con: duckdb.DuckDBPyConnection, source: Source, rows: Mapping[str, str]) -> None:
    load(con, rows)
    build(con, source, known(con, source), firsts=True)
    con.execute(f"create or replace table old_lines as {LINES}")


def _lines(con: duckdb.DuckDBPyConnection, told_from: int | None) -> None:
    """The lines that are known, and the first ones among them; of those that were known before, where it matters."""
    new = "" if told_from is None else f" where day >= {told_from}"
    con.execute(f"create or replace table new_lines as {LINES}{new}")
    con.execute(f"create or replace table firsts_of_lines as {first_lines(f'(from known_lines{new}) as l')}")
    if new:
        con.execute("create or replace table old_lines as from new_lines limit 0")


def _touched() -> str:
    return "seller_id in (from touched_sellers)"


def _reopened() -> str:
    """Sellers known before of whom more changes than the touched rows: all of their rows must be looked at.

    A line that is known otherwise than it was, or one before a first that is known, moves what is new to its seller;
    who ships tells whose fault a late order is.
    """
    moved = "select seller_id from (from old_lines except from new_lines) as m"
    older = f"""select l.seller_id from firsts_of_lines as l
        join first_lines as f on {_same("f", "l", LINE_COUNTS)} and l.day < f.day
        where not exists (select 1 from first_lines as k where {_same_first("k", "l")} and k.day <= l.day)"""
    names, mine = ", ".join(TABLES["sellers"].typed), f"seller_id in (select seller_id from {ARRIVED}.sellers)"
    before, news = (f"select {names} from {s}.sellers where {mine}" for s in (KEPT, ARRIVED))
    timelines = _timeline(f"({before})"), _timeline(f"({before} union all {news})")
    shipping = " union all ".join(f"(({a}) except ({b}))" for a, b in (timelines, timelines[::-1]))
    found = f"select seller_id from ({shipping}) as t union {moved} union {older}"
    return f"select distinct seller_id from ({found}) as r where seller_id in (select seller_id from kept.first_lines)"


def _timeline(sellers: str) -> str:
    """Who ships for each seller, from when on; of two rows with one key and version, both are told."""
    return f"select seller_id, coalesce(recorded_at, {EVER}) as since, fulfilment from {sellers} as s"


def _add_firsts(con: duckdb.DuckDBPyConnection) -> None:
    """Add to the first lines of the touched sellers what the new rows begin; those of reopened sellers are made anew.

    A line before a first that is known already reopens its seller: of other sellers only what is new begins.
    """
    con.execute("delete from first_lines where seller_id in (from reopened)")
    con.execute(f"""create or replace table begun as select {FIRST} from firsts_of_lines as f
        where not exists (select 1 from first_lines as k where {_same_first("k", "f")})""")
    con.execute(f"insert into first_lines select {FIRST} from begun")


def _changed(
    con: duckdb.DuckDBPyConnection, table: str, key: Sequence[str], quantities: Sequence[str], counted: bool
) -> None:
    """Rows of a table of sums that go, and the sums that come in their place."""
    names = [*quantities, *([ENTRIES] if counted else [])]
    gains = difference(key, quantities, table, f"old_{table}", counted)
    if counted and not con.execute(f"from old_{table} limit 1").fetchall():  # a row a key, and nothing to take back
        gains = f"select {', '.join((*key, *names))} from {table}"
    con.execute(f"create or replace table gained as {gains}")
    places = f"select k.rowid from kept.{table} as k semi join gained as g on {_same('k', 'g', key)}"
    con.execute(f"""create or replace table {table}_before as select k.rowid as id, k.* from kept.{table} as k
        where k.rowid in ({places})""")
    rows = f"(from gained union all select {', '.join((*key, *names))} from {table}_before)"
    con.execute(f"create or replace table {table}_after as {summed(key, names, rows)}")


def _changed_firsts(con: duckdb.DuckDBPyConnection) -> None:
    stored = "kept.first_lines as k where seller_id in (from reopened)"
    con.execute(f"create or replace table first_lines_after as from begun except select {FIRST} from {stored}")
    con.execute(f"""create or replace table first_lines_before as select rowid as id from {stored}
        and not exists (select 1 from begun as b where {_same("b", "k", (*LINE_COUNTS, "day"))})""")


def _same_first(one: str, other: str) -> str:
    """SQL for the first of the same seller, item, or category and period."""
    periods = " = ".join(period_of(f"{name}.day") for name in (one, other))
    return f"{_same(one, other, LINE_COUNTS)} and ({one}.category is null or {periods})"


def _same(one: str, other: str, columns: Sequence[str]) -> str:
    """SQL for the same key; = where no value is missing, for it alone lets a scan skip what cannot match."""
    ways = {c: "is not distinct from" if c in NULLABLE else "=" for c in columns}
    return " and ".join(f"{one}.{c} {way} {other}.{c}" for c, way in ways.items())
