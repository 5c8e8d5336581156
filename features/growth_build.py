"""The ledger of some rows, and the difference between two: the same statements as of a whole ledger."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from features import quarantine
from features.appeals import add_appeals
from features.contract import TABLES
from features.intake import Marketplace, drop_duplicates
from features.ledger import ENTRIES, read_sources, statements
from features.novelties import firsts_sql
from features.quarantine import IntakeReport
from features.states import BASICS, Sources, Step

LEDGER, CORRECTIONS = ("seller_id", "day"), ("seller_id", "effective_day", "decided_day")
LINE_COUNTS = ("seller_id", "item_id", "category")


HISTORY = """create or replace table history as select c.seller, f.* exclude (seller_id)
    from first_lines as f join seller_codes as c on c.seller_id = f.seller_id"""


@dataclass(frozen=True)
class Source:
    """What is known of a source: its name, zone, tables and columns, and the ledger quantities that they fill."""

    name: str
    zone: str
    available: frozenset[str]
    quantities: tuple[str, ...]


def load(con: duckdb.DuckDBPyConnection, rows: Mapping[str, str]) -> None:
    """Make the typed tables from selects, as intake leaves them: one row a version, and no return without its line."""
    for table, query in rows.items():
        con.execute(f"create or replace table {table} as {query}")
    con.execute(quarantine.CREATE.replace("create table", "create or replace table"))
    quarantine.take_unknown_lines(con, TABLES["returns"])
    for typed in TABLES.values():
        drop_duplicates(con, typed)


def known(con: duckdb.DuckDBPyConnection, source: Source) -> Sources:
    """Make `known_lines` of the loaded rows; returns what was found of them, to go on with."""
    for step in BASICS:
        con.execute(step.sql)
    sources = read_sources(_market(con, source))
    for step in _parted(statements(source.quantities, sources))[0]:
        con.execute(step.sql)
    return sources


def build(
    con: duckdb.DuckDBPyConnection, source: Source, sources: Sources, firsts: bool, told_from: int | None = None
) -> None:
    """Make `ledger` (with its entries counted) and `ledger_corrections`, where `known` has been.

    firsts: what is new to a seller is told by the table `first_lines`, not by the loaded rows.
    told_from: only what the states from that day on change.
    """
    if firsts:
        con.execute(HISTORY)
    history = "history" if firsts else "known_lines"
    made = statements(source.quantities, sources, history, counted=True, told_from=told_from)
    for step in _parted(made)[1]:
        con.execute(step.sql)
    add_appeals(con, source.quantities, sources, statements)


def build_appeals(con: duckdb.DuckDBPyConnection, source: Source, rows: Mapping[str, str]) -> None:
    """Make `ledger_corrections` of what appeals about the rows change and of nothing else, and an empty `ledger`."""
    for name in ("ledger", "ledger_corrections"):
        con.execute(f"create or replace table {name} as from kept.{name} limit 0")
    con.execute(f"create or replace table corrections as {rows['corrections']}")
    if con.execute("select count(*) from corrections").fetchall()[0][0]:
        load(con, rows)
        for step in BASICS:
            con.execute(step.sql)
        add_appeals(con, source.quantities, read_sources(_market(con, source)), statements)


def _parted(steps: Sequence[Step]) -> tuple[Sequence[Step], Sequence[Step]]:
    """The steps that make `known_lines`, and those after them."""
    first = [step.name for step in steps].index("known_lines") + 1
    return steps[:first], steps[first:]


def first_lines(lines: str = "known_lines") -> str:
    """A select of the first day of each seller, of each of its items, and of each of its categories in each period."""
    nothing = "cast(null as varchar)"
    return f"""select c.seller_id, f.item_id, f.category, f.day from (
            select seller, {nothing} as item_id, {nothing} as category, min(day) as day from {lines} group by seller
            union all select seller, item_id, {nothing}, first_day from ({firsts_sql("item_id", lines)}) as i
            where item_id is not null
            union all select seller, {nothing}, category, first_day from ({firsts_sql("category", lines)}) as g
            where category is not null) as f
        join seller_codes as c on c.seller = f.seller"""


def line_counts(lines: str) -> str:
    """A select of how many of the lines there are of each seller, item and category."""
    key = ", ".join(LINE_COUNTS)
    return f"select {key}, count(*) as lines from {lines} as l group by {key}"


def difference(key: Sequence[str], quantities: Sequence[str], new: str, old: str, counted: bool) -> str:
    """A select of what a table of sums gains: new minus old by key, without what stays as it is."""
    names = [*quantities, *([ENTRIES] if counted else [])]
    taken = ", ".join(f"-{q}" for q in names)
    rows = f"select {', '.join((*key, *names))} from {new} union all select {', '.join(key)}, {taken} from {old}"
    return summed(key, names, f"({rows})")


def summed(key: Sequence[str], names: Sequence[str], rows: str) -> str:
    """A select of the sums by key that are not all 0."""
    sums = ", ".join(f"cast(sum({q}) as bigint) as {q}" for q in names)
    some = " or ".join(f"sum({q}) <> 0" for q in names)
    return f"select {', '.join(key)}, {sums} from {rows} as r group by {', '.join(key)} having {some}"


def _market(con: duckdb.DuckDBPyConnection, source: Source) -> Marketplace:
    return Marketplace(con, source.name, source.zone, source.available, IntakeReport(source.name, source.zone, ()))
