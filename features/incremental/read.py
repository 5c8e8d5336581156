"""Feature rows of the last day of an incremental ledger, from its sums and from the order lines of the last weeks.

The rows are computed for a slice of sellers at a time, by the same statements as any rows, so that memory does not grow
with the number of sellers. Groups' figures are summed over all slices. A file on disk stores the tables of each slice.
"""

import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from core.errors import ForesellError
from core.sql_text import Step, quoted
from features.columns import problem_orders, worst_items
from features.columns.peers import LineTables
from features.incremental import store
from features.incremental.rebuild import HISTORY, Source, load
from features.incremental.touched import KEPT, KEYED, ROWS, TOUCHED, spread, touched_rows
from features.ingest.contract import TABLES
from features.ingest.intake import Marketplace
from features.ledger.build import Ledger, read_sources, statements
from features.ledger.order_versions import SHARED_ORDERS
from features.ledger.quantities import failure_parts
from features.standards.standard import Standard
from features.table import BLOCK, PLAIN, Plan, RowBlocks, plan, usable
from features.table import statements as row_statements

MEMORY_GB = 2.0
SLICE = 1_000_000  # ledger rows that are processed at once
ROWS_BACK = max(
    worst_items.ITEM_DAYS, problem_orders.UNITS_DAYS, problem_orders.DAYS
)  # days of order lines that rows need
COUNTED = LineTables("line_tally", "cast(sum(l.lines) as bigint)", "line_tally", "history")
PLACE = "slices.main"  # the schema with the tables of all slices
WHOLE = (PLAIN.figures, PLAIN.rows)  # tables that are made from all slices
SELLERS = """select seller_id, row_number() over (order by seller_id) as seller from (
    select seller_id from ledger_rows union select seller_id from sellers union select seller_id from orders
    union select seller_id from cases union select seller_id from feedback) as s"""
TALLY = """select c.seller, t.item_id, t.category, {day} as day, t.lines from (
        select seller_id, item_id, category, lines from kept.line_counts where {chosen} union all
        select c.seller_id, l.item_id, l.category, -1 as lines from known_lines as l
            join seller_codes as c on c.seller = l.seller where l.day > {day}) as t
    join seller_codes as c on c.seller_id = t.seller_id"""


@dataclass(frozen=True)
class IncrementalRows:
    """An incremental ledger opened to be read. day: as-of day of its rows; back: days of order lines to read."""

    con: duckdb.DuckDBPyConnection
    source: Source
    first_day: int
    day: int
    back: int

    @property
    def ledger(self) -> Ledger:
        """The ledger; its tables have the rows of one slice at a time."""
        source = self.source
        market = Marketplace(self.con, source.name, source.zone, source.available, source.intake)
        return Ledger(market, self.con, source.quantities, failure_parts(source.quantities), self.first_day, self.day)


def is_incremental(place: Path) -> bool:
    """Whether a folder has a ledger that `foresell grow` made."""
    return (place / store.FILE).is_file()


MoreSteps = Callable[[Plan, int], Sequence[Step]]  # steps that make more tables with a seller_id, as of a day


@contextmanager
def incremental_blocks(
    place: Path,
    standards: Collection[Standard],
    size: int = BLOCK,
    memory_gb: float = MEMORY_GB,
    back: int = 0,
    more_steps: MoreSteps = lambda needs, day: (),
) -> Iterator[RowBlocks]:
    """The rows of the ledger's last day, block by block in the order of seller ids, while the context is open.

    more_steps: more tables to make of each slice, with all slices under one name; back: days of order lines they need.
    """
    with reading(place, memory_gb, max(back, ROWS_BACK)) as read:
        source = read.source
        needs = plan(source.quantities, usable(standards, source.quantities))
        ids = make_rows(read, needs, more_steps(needs, read.day))
        yield RowBlocks(read.ledger, needs, PLAIN, tuple(ids[::size]), len(ids))


@contextmanager
def reading(place: Path, memory_gb: float, back: int) -> Iterator[IncrementalRows]:
    """Open a ledger to be read, and copy the recent order lines into a file of their own."""
    if not is_incremental(place):
        rule, step = "The folder must have an incremental ledger.", "make one with `foresell grow LEDGER DATA`"
        raise ForesellError(rule, f"none in {place}", step)
    with (
        tempfile.TemporaryDirectory(prefix="foresell-rows-") as scratch,
        store.opened(place / store.FILE, memory_gb, read_only=True) as con,
    ):
        con.execute(f"attach {quoted(Path(scratch) / 'slices.duckdb')} as slices")
        con.execute("create schema slices.recent")
        first, last = con.execute("select min(day), max(day) from kept.ledger where ordered > 0").fetchall()[0]
        read = IncrementalRows(con, store.source_of(con), int(first), int(last), back)
        keep_recent(read)
        yield read


def keep_recent(read: IncrementalRows) -> None:
    """Copy the rows of the last days, and all other rows of the same orders and keys."""
    con = read.con
    con.execute(TOUCHED)
    for table in ("orders", *KEYED):
        con.execute(f"insert into touched_orders {_recent_orders(table, read.day - read.back)}")
    con.execute("create or replace table touched_orders as select distinct order_id from touched_orders")
    spread(con, (KEPT,))
    for table in ("orders", *KEYED):
        con.execute(f"create table slices.recent.{table} as {touched_rows(KEPT, table)}")


def _recent_orders(table: str, day: int) -> str:
    days = ", ".join(name for name in TABLES[table].typed if name.endswith("_day"))
    return f"select order_id from {KEPT}.{table} where greatest({days}) > {day} and order_id is not null"


def make_rows(read: IncrementalRows, needs: Plan, more: Sequence[Step] = ()) -> list[str]:
    """Make `feature_rows` of all sellers, and the tables of more steps; returns the sellers' ids in order."""
    corrected = bool(read.con.execute("select count(*) > 0 from kept.ledger_corrections").fetchall()[0][0])
    steps = row_statements(needs, [read.day], corrected=corrected, lines=COUNTED)
    of_slices = [*(step for step in steps if step.name not in WHOLE), *more]
    stored = [*_stored(needs), *(step.name for step in more)]
    for number, (first, past) in enumerate(edges(read.con)):
        load_slice(read, first, past)
        _run(read, of_slices)
        for name in stored:
            how = f"insert into {PLACE}.{name}" if number else f"create table {PLACE}.{name} as"
            read.con.execute(f"{how} select * from {name} where {_between(first, past)}")
    for name in stored:
        read.con.execute(f"drop table {name}")
        read.con.execute(Step(name, f"select * from {PLACE}.{name}", view=True).sql)
    _run(read, [step for step in steps if step.name in WHOLE])
    return [
        row[0] for row in read.con.execute(f"select seller_id from {PLAIN.attributes} order by seller_id").fetchall()
    ]


def _run(read: IncrementalRows, steps: Sequence[Step]) -> None:
    for step in steps:
        read.con.execute(step.sql)


def _stored(needs: Plan) -> set[str]:
    """The tables with one row per seller from which the feature rows are joined."""
    used = {PLAIN.time_since: needs.since, PLAIN.worst_items: needs.items, PLAIN.problem_orders: needs.problems}
    return {PLAIN.attributes, *(table for table, columns in used.items() if columns)}


def edges(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str | None]]:
    """First seller of each slice, and the first of the next; slices have about the same number of ledger rows."""
    sums = "select seller_id, sum(count(*)) over (order by seller_id) as so_far from kept.ledger group by seller_id"
    query = f"select min(seller_id) from ({sums}) as s group by so_far // {SLICE} order by so_far // {SLICE}"
    firsts = [row[0] for row in con.execute(query).fetchall()]
    return list(zip(firsts, [*firsts[1:], None], strict=True))


def _between(first: str, past: str | None) -> str:
    return f"seller_id >= {quoted(first)}" + (f" and seller_id < {quoted(past)}" if past is not None else "")


def load_slice(read: IncrementalRows, first: str, past: str | None) -> None:
    """Make the tables from which feature rows are made, for the sellers of a slice."""
    con, source, mine = read.con, read.source, _between(first, past)
    load(con, slice_rows(con, mine))
    con.execute(f"create or replace table ledger_rows as select * from kept.ledger where {mine}")
    con.execute(Step("seller_codes", SELLERS).sql)
    con.execute(Step("shared_orders", SHARED_ORDERS).sql)
    con.execute(f"create or replace table first_lines as select * from kept.first_lines where {mine}")
    con.execute(HISTORY)
    for step in _until_ledger(statements(source.quantities, read_sources(read.ledger.market), "history")):
        con.execute(step.sql)
    coded = "select l.*, c.seller from ledger_rows as l join seller_codes as c on c.seller_id = l.seller_id"
    corrections = "select c.seller, k.* from kept.ledger_corrections as k join seller_codes as c using (seller_id)"
    con.execute(Step("ledger", coded).sql)
    con.execute(Step("ledger_corrections", f"{corrections} where {mine}").sql)
    con.execute(Step("line_tally", TALLY.format(day=read.day, chosen=mine)).sql)


def slice_rows(con: duckdb.DuckDBPyConnection, mine: str) -> dict[str, str]:
    """Selects of the rows that a slice's sellers need, by table: all rows of their orders and keys."""
    con.execute(TOUCHED)
    for table in ("orders", "cases", "feedback"):
        con.execute(f"insert into touched_orders select distinct order_id from slices.recent.{table} where {mine}")
    spread(con, ("slices.recent",))
    rows = {table: touched_rows("slices.recent", table) for table in ("orders", *KEYED)}
    others = {"sellers": mine, "interventions": "false", "corrections": "true", "aliases": "false"}
    names = {table: ", ".join(TABLES[table].typed) for table in ROWS}
    return rows | {t: f"select {names[t]} from {KEPT}.{t} where {chosen}" for t, chosen in others.items()}


def _until_ledger(steps: Sequence[Step]) -> list[Step]:
    return list(steps[: [step.name for step in steps].index("ledger")])
