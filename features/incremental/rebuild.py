"""Rebuild a stored ledger, as a whole or for a few rows, and compute the difference of two ledgers.

All use the statements of a ledger that is built at once. A whole build takes one slice of sellers at a time, so that
memory does not grow with the history. A seller's ledger needs its own rows only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from core.sql_text import Step
from features.incremental.touched import KEPT, NAMING, ROWS
from features.ingest import quarantine
from features.ingest.contract import TABLES
from features.ingest.cross_checks import drop_repeated, take_wrong_references
from features.ingest.intake import Marketplace, editor
from features.ingest.quarantine import IntakeReport
from features.ledger.appeals import add_appeals
from features.ledger.build import ENTRIES, read_sources, statements
from features.ledger.new_to_seller import firsts_sql
from features.ledger.order_versions import BASICS, Sources

LEDGER, CORRECTIONS = ("seller_id", "day"), ("seller_id", "effective_day", "decided_day")
LINE_COUNTS = ("seller_id", "item_id", "category")
NAMED_LINES = "(select seller_id, item_id, category from known_lines join seller_codes using (seller))"
SLICE = 4_000_000  # order lines of a slice: about 3 GB where a seller rarely has two on one day
HISTORY = """create or replace table history as select c.seller, f.* exclude (seller_id)
    from first_lines as f join seller_codes as c on c.seller_id = f.seller_id"""


@dataclass(frozen=True)
class Source:
    """What is known of a source: name, zone, tables and columns, the quantities they fill, and its intake so far."""

    name: str
    zone: str
    available: frozenset[str]
    quantities: tuple[str, ...]
    intake: IntakeReport


def build_whole(con: duckdb.DuckDBPyConnection, source: Source) -> None:
    """Fill the ledger's tables in the attached file from the rows stored there."""
    lines = con.execute(f"select count(*) from {KEPT}.orders").fetchall()[0][0]
    slices = max(1, -(-int(lines) // SLICE))
    names = ", ".join(("seller_id", "day", *source.quantities, ENTRIES))
    for number in range(slices):
        load(con, _slice(number, slices))
        build(con, source, known(con, source), firsts=False)
        con.execute(f"insert into kept.ledger select {names} from ledger")
        con.execute(
            f"insert into kept.ledger_corrections {summed(CORRECTIONS, source.quantities, 'ledger_corrections')}"
        )
        con.execute(f"insert into kept.first_lines {first_lines()}")
        con.execute(f"insert into kept.line_counts {line_counts(NAMED_LINES)}")


def load(con: duckdb.DuckDBPyConnection, rows: Mapping[str, str]) -> None:
    """Make the typed tables from selects, as intake makes them: one row a version, and no return without its line."""
    for table, query in rows.items():
        con.execute(f"create or replace table {table} as {query}")
    con.execute(quarantine.CREATE.replace("create table", "create or replace table"))
    for typed in TABLES.values():
        drop_repeated(editor(con), typed)
    take_wrong_references(editor(con), "returns")


def known(con: duckdb.DuckDBPyConnection, source: Source) -> Sources:
    """Make `known_lines` of the loaded rows, and return their Sources; `build` needs both."""
    for step in BASICS:
        con.execute(step.sql)
    sources = read_sources(_market(con, source))
    for step in _split(statements(source.quantities, sources))[0]:
        con.execute(step.sql)
    return sources


def build(con: duckdb.DuckDBPyConnection, source: Source, sources: Sources, firsts: bool) -> None:
    """Make `ledger`, with its entries counted, and `ledger_corrections`, after `known`.

    firsts: take what is new to a seller from the table `first_lines`, not from the loaded rows.
    """
    if firsts:
        con.execute(HISTORY)
    history = "history" if firsts else "known_lines"
    steps = statements(source.quantities, sources, history, counted=True)
    for step in _split(steps)[1]:
        con.execute(step.sql)
    add_appeals(con, source.quantities, sources, statements)


def _slice(number: int, slices: int) -> dict[str, str]:
    """Selects of the rows of one slice of sellers, by table."""
    if slices == 1:
        mine, theirs = "true", "true"
    else:
        mine = f"hash(seller_id) % {slices} = {number}"
        theirs = "order_id in (select order_id from memory.main.orders)"
    chosen = dict.fromkeys((*NAMING, "sellers"), mine) | {
        "returns": theirs,
        "interventions": "false",
        "corrections": "true",
        "aliases": "false",
    }
    return {t: f"select {', '.join(TABLES[t].typed)} from {KEPT}.{t} where {chosen[t]}" for t in ROWS}


def _split(steps: Sequence[Step]) -> tuple[Sequence[Step], Sequence[Step]]:
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
    """A select of the number of lines of each seller, item and category."""
    key = ", ".join(LINE_COUNTS)
    return f"select {key}, count(*) as lines from {lines} as l group by {key}"


def difference(key: Sequence[str], quantities: Sequence[str], new: str, old: str, counted: bool) -> str:
    """A select of the new sums minus the old ones, by key, without keys whose sums are equal."""
    names = [*quantities, *([ENTRIES] if counted else [])]
    taken = ", ".join(f"-{q}" for q in names)
    rows = f"select {', '.join((*key, *names))} from {new} union all select {', '.join(key)}, {taken} from {old}"
    return summed(key, names, f"({rows})")


def summed(key: Sequence[str], names: Sequence[str], rows: str) -> str:
    """A select of the sums by key, without keys whose sums are all 0."""
    sums = ", ".join(f"cast(sum({q}) as bigint) as {q}" for q in names)
    some = " or ".join(f"sum({q}) <> 0" for q in names)
    return f"select {', '.join(key)}, {sums} from {rows} as r group by {', '.join(key)} having {some}"


def _market(con: duckdb.DuckDBPyConnection, source: Source) -> Marketplace:
    return Marketplace(con, source.name, source.zone, source.available, IntakeReport(source.name, source.zone, ()))
