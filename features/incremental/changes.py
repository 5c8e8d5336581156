"""The changes of a stored ledger by new rows: `work_out` builds the ledger of the touched rows without and with them.

The difference becomes two tables for each stored one: <name>_before has the row numbers of stored rows to delete, and
<name>_after the rows to insert.
"""

from collections.abc import Sequence

import duckdb

from features.incremental.rebuild import (
    CORRECTIONS,
    LEDGER,
    LINE_COUNTS,
    Source,
    build,
    difference,
    first_lines,
    known,
    line_counts,
    load,
    summed,
)
from features.incremental.touched import ARRIVED, KEPT, KEYED, ROWS, subset, touch
from features.ingest.contract import TABLES
from features.ingest.cross_checks import delivery_faults, refuse_all
from features.ledger.build import ENTRIES
from features.ledger.new_to_seller import period_of
from features.ledger.order_versions import EVER, Sources

LINE = "order_id, line_id, seller_id, item_id, category, day"
FIRST = "seller_id, item_id, category, day"
LINES = f"select {LINE} from known_lines join seller_codes using (seller)"
NULLABLE = ("item_id", "category")  # of the keys' columns


def work_out(con: duckdb.DuckDBPyConnection, source: Source) -> None:
    """Make the tables of changes of ledger, ledger_corrections, first_lines and line_counts."""
    con.execute("create or replace table reopened (seller_id varchar)")
    sources = _load_before_and_after(con, source)
    con.execute(f"insert into reopened {_reopened()}")
    if con.execute("select count(*) from reopened").fetchall()[0][0]:
        sources = _load_before_and_after(con, source)
    _add_firsts(con)
    build(con, source, sources, firsts=True)
    for name, lines in (("old_line_counts", "old_lines"), ("line_counts", "new_lines")):
        con.execute(f"create or replace table {name} as {line_counts(lines)}")
    _changed(con, "ledger", LEDGER, source.quantities, counted=True)
    _changed(con, "ledger_corrections", CORRECTIONS, source.quantities, counted=False)
    _changed(con, "line_counts", LINE_COUNTS, ("lines",), counted=False)
    _changed_firsts(con)


def _load_before_and_after(con: duckdb.DuckDBPyConnection, source: Source) -> Sources:
    """Build the ledger of the touched rows as `old_<table>`, then load the same rows with the new ones among them.

    `old_lines` and `new_lines` have the lines known before and after.
    """
    touch(con)
    refuse_all(delivery_faults(con, {t: _before_and_after(t) for t in TABLES}))
    con.execute(f"create or replace table first_lines as select {FIRST} from kept.first_lines where {_touched()}")
    old, new = subset(KEPT), subset(ARRIVED)
    load(con, old)
    build(con, source, known(con, source), firsts=True)
    for table in ("ledger", "ledger_corrections"):
        con.execute(f"drop table if exists old_{table}")
        con.execute(f"alter table {table} rename to old_{table}")
    con.execute(f"create or replace table old_lines as {LINES}")
    load(con, {t: f"({old[t]}) union all ({new[t]})" for t in ROWS})
    sources = known(con, source)
    con.execute(f"create or replace table new_lines as {LINES}")
    con.execute(f"create or replace table firsts_of_lines as {first_lines()}")
    return sources


def _before_and_after(table: str) -> str:
    """The stored rows that the new ones touch, and the new ones; of a table without orders, all stored rows."""
    stored = f"was_{table}" if table in ("orders", *KEYED) else f"{KEPT}.{table}"
    names = ", ".join(TABLES[table].typed)
    return f"(select {names} from {stored} union all select {names} from {ARRIVED}.{table})"


def _touched() -> str:
    return "seller_id in (from touched_sellers)"


def _reopened() -> str:
    """Stored sellers whose ledger changes beyond the touched rows, so that all of their rows must be loaded.

    A seller's first lines change if a known line changes, or if a new line is older than the first one; then other
    orders are new to the seller. If it changes who ships, the fault of its late orders changes.
    """
    changed = "select seller_id from (from old_lines except from new_lines) as m"
    older = f"""select l.seller_id from firsts_of_lines as l
        join first_lines as f on {_same("f", "l", LINE_COUNTS)} and l.day < f.day
        where not exists (select 1 from first_lines as k where {_same_first("k", "l")} and k.day <= l.day)"""
    names, mine = ", ".join(TABLES["sellers"].typed), f"seller_id in (select seller_id from {ARRIVED}.sellers)"
    before, new = (f"select {names} from {s}.sellers where {mine}" for s in (KEPT, ARRIVED))
    timelines = _timeline(f"({before})"), _timeline(f"({before} union all {new})")
    shipping = " union all ".join(f"(({a}) except ({b}))" for a, b in (timelines, timelines[::-1]))
    sellers = f"select seller_id from ({shipping}) as t union {changed} union {older}"
    stored = "select seller_id from kept.first_lines"
    return f"select distinct seller_id from ({sellers}) as r where seller_id in ({stored})"


def _timeline(sellers: str) -> str:
    """Who ships for each seller, and from when; both of two rows with the same key and version are selected."""
    return f"select seller_id, coalesce(recorded_at, {EVER}) as since, fulfilment from {sellers} as s"


def _add_firsts(con: duckdb.DuckDBPyConnection) -> None:
    """Add the first lines among the new rows to those of the touched sellers.

    A reopened seller's first lines are all computed again. Any other seller has no line older than a stored first line.
    """
    con.execute("delete from first_lines where seller_id in (from reopened)")
    con.execute(f"""create or replace table begun as select {FIRST} from firsts_of_lines as f
        where not exists (select 1 from first_lines as k where {_same_first("k", "f")})""")
    con.execute(f"insert into first_lines select {FIRST} from begun")


def _changed(
    con: duckdb.DuckDBPyConnection, table: str, key: Sequence[str], quantities: Sequence[str], counted: bool
) -> None:
    """Make <table>_before and <table>_after of a table of sums."""
    names = [*quantities, *([ENTRIES] if counted else [])]
    gains = difference(key, quantities, table, f"old_{table}", counted)
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
    """SQL for the first line of the same seller, item, or category and period."""
    periods = " = ".join(period_of(f"{name}.day") for name in (one, other))
    return f"{_same(one, other, LINE_COUNTS)} and ({one}.category is null or {periods})"


def _same(one: str, other: str, columns: Sequence[str]) -> str:
    """SQL for the same key. Only = lets a scan skip blocks that cannot match, so columns without null use it."""
    ways = {c: "is not distinct from" if c in NULLABLE else "=" for c in columns}
    return " and ".join(f"{one}.{c} {way} {other}.{c}" for c, way in ways.items())
