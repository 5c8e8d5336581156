"""What new rows change in a ledger: <name>_before are the rows that go, by number, <name>_after those that come."""

from collections.abc import Sequence

import duckdb

from features.contract import TABLES
from features.growth_build import (
    CORRECTIONS,
    LEDGER,
    LINE_COUNTS,
    Source,
    build,
    build_on,
    difference,
    first_lines,
    known,
    line_counts,
    load,
    summed,
)
from features.growth_rows import ARRIVED, KEPT, ROWS, subset, touch
from features.ledger import ENTRIES
from features.states import EVER

LINE = "order_id, line_id, seller_id, item_id, category, day"
FIRST = "seller_id, item_id, category, day"
NULLABLE = ("item_id", "category")  # other keys are compared by =, which alone lets a scan skip what cannot match


def work_out(con: duckdb.DuckDBPyConnection, source: Source) -> None:
    """Make the tables that say what changes in ledger, ledger_corrections, first_lines and line_counts."""
    con.execute("create or replace table reopened (seller_id varchar)")
    _before_and_lines(con, source)
    con.execute(f"insert into reopened {_reopened()}")
    if con.execute("select count(*) from reopened").fetchall()[0][0]:
        _before_and_lines(con, source)
    con.execute(f"create or replace table first_lines as {_firsts_after()}")
    build_on(con, source, firsts=True)
    _changed(con, "ledger", LEDGER, source.quantities, counted=True)
    _changed(con, "ledger_corrections", CORRECTIONS, source.quantities, counted=False)
    _changed_firsts(con)
    for name, lines in (("old_line_counts", "old_lines"), ("line_counts", "new_lines")):
        con.execute(f"create or replace table {name} as {line_counts(lines)}")
    _changed(con, "line_counts", LINE_COUNTS, ("lines",), counted=False)


def _before_and_lines(con: duckdb.DuckDBPyConnection, source: Source) -> None:
    """The ledger of the touched rows before, and their lines as they were and are known; ends with the new rows."""
    touch(con)
    con.execute(f"create or replace table first_lines as select {FIRST} from kept.first_lines where {_touched()}")
    old, new = subset(KEPT), subset(ARRIVED)
    load(con, old)
    build(con, source, firsts=True)
    for table in ("ledger", "ledger_corrections"):
        con.execute(f"create or replace table old_{table} as from {table}")
    con.execute(f"create or replace table old_lines as {_lines()}")
    load(con, {t: f"({old[t]}) union all ({new[t]})" for t in ROWS})
    known(con, source)
    con.execute(f"create or replace table new_lines as {_lines()}")
    con.execute(f"create or replace table firsts_of_lines as {first_lines()}")


def _lines() -> str:
    return f"select {LINE} from known_lines join seller_codes using (seller)"


def _touched() -> str:
    return "seller_id in (from touched_sellers)"


def _reopened() -> str:
    """Sellers known before of whom more changes than the touched rows: all of their rows must be looked at.

    A line that is known otherwise than it was, or an older one than the first, moves what is new to its seller; who
    ships tells whose fault a late order is.
    """
    moved = "select seller_id from (from old_lines except from new_lines) as m"
    older = """select l.seller_id from firsts_of_lines as l join first_lines as f on f.seller_id = l.seller_id
        and f.item_id is not distinct from l.item_id and f.category is not distinct from l.category and l.day < f.day"""
    names, mine = ", ".join(TABLES["sellers"].typed), f"seller_id in (select seller_id from {ARRIVED}.sellers)"
    before, news = (f"select {names} from {s}.sellers where {mine}" for s in (KEPT, ARRIVED))
    timelines = _timeline(f"({before})"), _timeline(f"({before} union all {news})")
    shipping = " union all ".join(f"(({a}) except ({b}))" for a, b in (timelines, timelines[::-1]))
    found = f"select seller_id from ({shipping}) as t union {moved} union {older}"
    return f"select distinct seller_id from ({found}) as r where seller_id in (select seller_id from kept.first_lines)"


def _timeline(sellers: str) -> str:
    """Who ships for each seller, from when on; of two rows with one key and version, both are told."""
    return f"select seller_id, coalesce(recorded_at, {EVER}) as since, fulfilment from {sellers} as s"


def _firsts_after() -> str:
    """The first lines of the touched sellers with the new rows; those of reopened sellers are worked out anew."""
    kept = (
        "select * from kept.first_lines where seller_id in (from touched_sellers) and seller_id not in (from reopened)"
    )
    return f"""select seller_id, item_id, category, min(day) as day from ({kept} union all from firsts_of_lines) as f
        group by seller_id, item_id, category"""


def _changed(
    con: duckdb.DuckDBPyConnection, table: str, key: Sequence[str], quantities: Sequence[str], counted: bool
) -> None:
    """Rows of a table of sums that go, and the sums that come in their place."""
    names = [*quantities, *([ENTRIES] if counted else [])]
    con.execute(f"create or replace table gained as {difference(key, quantities, table, f'old_{table}', counted)}")
    same = " and ".join(f"k.{c} {'is not distinct from' if c in NULLABLE else '='} g.{c}" for c in key)
    places = f"select k.rowid from kept.{table} as k semi join gained as g on {same}"
    con.execute(f"""create or replace table {table}_before as select k.rowid as id, k.* from kept.{table} as k
        where k.rowid in ({places})""")
    rows = f"(from gained union all select {', '.join((*key, *names))} from {table}_before)"
    con.execute(f"create or replace table {table}_after as {summed(key, names, rows)}")


def _changed_firsts(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(f"""create or replace table first_lines_after as select {FIRST} from first_lines
        except select {FIRST} from kept.first_lines where {_touched()}""")
    con.execute(f"""create or replace table first_lines_before as select rowid as id from kept.first_lines as k
        where seller_id in (from reopened) and not exists (select 1 from first_lines as f where f.seller_id = k.seller_id
            and f.item_id is not distinct from k.item_id and f.category is not distinct from k.category
            and f.day = k.day)""")
