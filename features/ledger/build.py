"""The ledger: per seller and day, what became known that day, as whole numbers that add up.

Each fact about a unit (order, case, rating, return) becomes an entry on the later of two days: the fact's own day, and
the day its version was recorded. A later version that changes an entry adds a new entry and a correction that takes the
old entry back (effective on the old day, decided on the new version's day). No past day ever changes.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import count, product

from core.errors import ForesellError
from core.packed_keys import day_of, entry, seller_of
from core.sql_text import Step, columns_in
from features.engines.duckdb import Engine, with_own_schema
from features.ingest.contract import TABLES
from features.ingest.intake import Marketplace
from features.ledger.appeals import add_appeals
from features.ledger.facts import UNITS, Fact, Unit
from features.ledger.new_to_seller import new_to_seller_orders
from features.ledger.order_versions import BASICS, COLUMNS, FIRST_DAY, NEVER, Sources, tables
from features.ledger.quantities import NEW_TO_SELLER, available_quantities, failure_parts, kind_of
from features.ledger.restatements import Amount, Chain

Addition = tuple[Unit, Fact, Mapping[str, str]]  # a unit, a fact of it, and its additions to the quantities in use


@dataclass(frozen=True)
class DayAdditions:
    """What units with one state add on one of their days; where: the condition for these units."""

    unit: Unit
    day: str
    where: str
    adds: Mapping[str, str]


@dataclass(frozen=True)
class Ledger:
    """A built ledger: the handle through which its tables are read, and what they hold.

    con: finds the tables `ledger`, `ledger_corrections` and those on the way to them in a schema of this ledger alone,
    so that several ledgers of one database do not disturb each other.
    """

    market: Marketplace
    con: Engine
    quantities: tuple[str, ...]
    failure_parts: tuple[str, ...]
    first_day: int
    last_day: int


STAGGERED = f"""select count(*) > 0 from (select o.order_id from orders as o
    join shared_orders as s on s.order_id = o.order_id
    group by o.seller_id, o.order_id having min({FIRST_DAY}) < max({FIRST_DAY}) limit 1) as s"""
LATER_ENTRIES = "entries of orders, cases, ratings and returns that have several states; `quantity` is its place"
DAILY_SUMS = "what became known of a seller on that day, as whole numbers that add up"
TAKEN_BACK = "entries taken back by a later version: minus what they added"
BUILDS = count(1)  # gives the schema of each ledger a number of its own
ENTRIES = "entries"  # how many entries a row of the ledger sums, one for each quantity


def build_ledger(market: Marketplace) -> Ledger:
    """Make the tables `ledger` and `ledger_corrections` from the typed tables of a marketplace."""
    quantities, con = available_quantities(market.available), _own_schema(market.con)
    for step in BASICS:
        con.execute(step.sql)
    sources = read_sources(replace(market, con=con))
    for step in statements(quantities, sources):
        con.execute(step.sql)
    add_appeals(con, quantities, sources, statements)
    first, last = con.execute("select min(day), max(day) from ledger where ordered > 0").fetchall()[0]
    if first is None:
        raise ForesellError(
            "A ledger needs at least one order.", "none after the checks", "read the quarantine report of the source"
        )
    return Ledger(market, con, quantities, failure_parts(quantities), int(first), int(last))


def _own_schema(con: Engine) -> Engine:
    """A new schema for the tables of one ledger, in which the marketplace's typed tables are views."""
    home = con.execute("select current_schema()").fetchall()[0][0]
    inner = with_own_schema(con, f"ledger_{next(BUILDS)}")
    for table in TABLES:
        inner.execute(f"create view {table} as select * from {home}.{table}")
    return inner


def read_sources(market: Marketplace) -> Sources:
    """Which tables have versions, and whether an order can have more than one state."""
    versioned = frozenset(
        t for t in ("orders", "returns", "cases", "feedback", "sellers") if f"{t}.recorded_at" in market.available
    )
    staggered = bool(market.con.execute(STAGGERED).fetchall()[0][0])
    stateful = staggered or bool(versioned - {"sellers"}) or "cases.fault" in market.available
    return Sources(versioned, staggered, stateful, market.zone, "orders.delivered_at" in market.available)


def statements(
    quantities: tuple[str, ...],
    sources: Sources,
    history: str = "known_lines",
    counted: bool = False,
) -> list[Step]:
    """The steps that make the ledger, in order.

    history: a table with at least the first line of each seller and item, and of each category in each period; counted:
    add a column with the number of entries to `ledger`.
    """
    return [
        *tables(sources, failure_parts(quantities), fact_columns(quantities)),
        *([new_to_seller_orders(history)] if {*NEW_TO_SELLER} & {*quantities} else []),
        Step("later_entries", later_entries_sql(quantities), LATER_ENTRIES, "a unit, state and quantity"),
        Step("ledger", ledger_sql(quantities, counted), DAILY_SUMS, "a seller and day"),
        Step("ledger_corrections", corrections_sql(quantities), TAKEN_BACK, "a seller, day and day of correction"),
    ]


def fact_columns(quantities: tuple[str, ...]) -> set[str]:
    """The columns of order states that the facts of orders read."""
    texts = [text for unit, fact, adds in _facts(quantities) if unit is UNITS[0] for text in (fact.day, *adds.values())]
    return {name for text in texts for name in columns_in(text)} & COLUMNS


def ledger_sql(quantities: tuple[str, ...], counted: bool = False) -> str:
    """One row per seller and day on which something became known; counted: with the number of entries it sums.

    Each usual fact is summed by itself and all rare facts are summed together; then the sums are joined. Rows of all
    quantities for each entry would be mostly zeros, and each join reads and writes nearly every day of every seller.
    """
    groups = _groups(_facts(quantities))
    names = [list(dict.fromkeys(q for additions in group for q in additions.adds)) for group in groups]
    owned = [{*own} - {q for other in names[:i] for q in other} for i, own in enumerate(names)]
    joined = " full join ".join(
        f"({_daily(group, names[i], owned[i], quantities)}) as f{i}{' using (entry)' if i else ''}"
        for i, group in enumerate(groups)
    )
    summed = (*quantities, ENTRIES) if counted else quantities
    places = {q: [f"coalesce(f{i}.{q}, 0)" for i, own in enumerate(names) if q in own] for q in summed}
    named = ", ".join(f"{' + '.join(places[q])} as {q}" for q in summed)
    return f"""select c.seller_id, {day_of("e.entry")} as day, {", ".join(f"e.{q}" for q in summed)}, c.seller
        from (select entry, {named} from {joined}) as e join seller_codes as c on c.seller = {seller_of("e.entry")}"""


def later_entries_sql(quantities: tuple[str, ...]) -> str:
    """The entries of units with several states, one row per entry and quantity; the quantity is given by its number."""
    chains = _chains(quantities)
    changes = ", ".join(f"changes_{place} as ({chain.changes})" for place, (chain, _) in enumerate(chains))
    rows = " union all ".join(
        f"select seller, day, replaced, {quantities.index(q)} as quantity, added from ({entries}) as e"
        for place, (chain, names) in enumerate(chains)
        for q, entries in zip(names, chain.entries(f"changes_{place}"), strict=True)
    )
    return f"with {changes} {rows}"


def _chains(quantities: tuple[str, ...]) -> list[tuple[Chain, tuple[str, ...]]]:
    """The chains of entries and their quantities; usual and rare facts have chains of their own, to keep rows short."""
    by_unit = [(unit, _amounts(unit, usual, quantities)) for unit, usual in product(UNITS, (True, False))]
    return [(Chain(unit, tuple(amounts.values())), tuple(amounts)) for unit, amounts in by_unit if amounts]


def _amounts(unit: Unit, usual: bool, quantities: tuple[str, ...]) -> dict[str, Amount]:
    """What the usual (or the rare) facts of a unit add to the quantities in use."""
    facts = (fact for fact in unit.facts if fact.usual == usual)
    return {q: (fact.day, sql) for fact in facts for q, sql in fact.adds.items() if q in quantities}


def corrections_sql(quantities: tuple[str, ...]) -> str:
    """The entries that a later version takes back: their day, the day of that version, and minus what they added."""
    sums = ", ".join(
        f"cast(sum(case when quantity = {number} then -added else 0 end) as bigint) as {q}"
        for number, q in enumerate(quantities)
    )
    return f"""select c.seller_id, day as effective_day, replaced as decided_day, {sums} from later_entries as r
        join seller_codes as c on c.seller = r.seller where replaced < {NEVER} group by c.seller_id, day, replaced"""


def _facts(quantities: tuple[str, ...]) -> list[Addition]:
    additions = [
        (unit, fact, {q: sql for q, sql in fact.adds.items() if q in quantities})
        for unit in UNITS
        for fact in unit.facts
    ]
    return [(unit, fact, adds) for unit, fact, adds in additions if adds]


def _groups(facts: list[Addition]) -> list[list[DayAdditions]]:
    """The groups of facts to sum together: each usual fact with those mostly on its day, and all the rest."""
    days = {(unit.table, fact.day) for unit, fact, _ in facts if not fact.mostly}
    dependent = [(unit, fact, adds) for unit, fact, adds in facts if (unit.table, fact.mostly) in days]
    leading = [one for one in facts if one not in dependent]
    usual = [[_on_same_day(one, dependent)] for one in leading if one[1].usual]
    rare = [_on_same_day(one, dependent) for one in leading if not one[1].usual]
    rare += [_on_other_days(*one) for one in dependent]
    return [*usual, *([rare] if rare else [])]


def _on_same_day(leading: Addition, dependent: list[Addition]) -> DayAdditions:
    """A fact, and the dependent facts that fall on the same day."""
    unit, fact, adds = leading
    others = [(other, more) for u, other, more in dependent if u is unit and other.mostly == fact.day]
    same = "case when {0.day} = {0.mostly} then {1} else 0 end"
    also = {q: same.format(other, sql) for other, more in others for q, sql in more.items()}
    entries = " + ".join([str(len(adds)), *(same.format(other, len(more)) for other, more in others)])
    return DayAdditions(unit, fact.day, f"{fact.day} is not null", {**adds, **also, ENTRIES: entries})


def _on_other_days(unit: Unit, fact: Fact, adds: Mapping[str, str]) -> DayAdditions:
    """A dependent fact, if it does not fall on the day on which it mostly falls."""
    where = f"{fact.day} is not null and {fact.day} is distinct from {fact.mostly}"
    return DayAdditions(unit, fact.day, where, {**adds, ENTRIES: str(len(adds))})


def _daily(group: list[DayAdditions], names: list[str], owned: Collection[str], quantities: tuple[str, ...]) -> str:
    """Sums per seller and day of units with one state, and of all other entries of the owned quantities."""
    rows = [*(_entries(additions, names) for additions in group), _later_entries(names, owned, quantities)]
    sums = ", ".join(f"cast(sum({q}) as {kind_of(q)}) as {q}" for q in names)
    return f"select entry, {sums} from ({' union all '.join(rows)}) as d group by entry"


def _entries(additions: DayAdditions, names: Iterable[str]) -> str:
    known = f"greatest({additions.day}, {additions.unit.since})"
    amounts = ", ".join(f"{additions.adds.get(q, 0)} as {q}" for q in names)
    key = entry("seller", known)
    return f"select {key} as entry, {amounts} from {additions.unit.table} where lone and {additions.where}"


def _later_entries(names: Iterable[str], owned: Collection[str], quantities: tuple[str, ...]) -> str:
    numbers = {q: quantities.index(q) for q in quantities if q in owned}
    amounts = {q: f"case when quantity = {number} then added else 0 end" for q, number in numbers.items()}
    sums = ", ".join(f"{(amounts | {ENTRIES: '1'}).get(q, 0)} as {q}" for q in names)
    chosen = f"quantity in ({', '.join(map(str, numbers.values()))})" if numbers else "false"
    return f"select {entry('seller', 'day')} as entry, {sums} from later_entries where {chosen}"
