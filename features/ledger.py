"""The ledger: per seller and day, what became known that day, as whole numbers that add up.

Its second half: each fact about a unit (order, case, rating, return) becomes an entry on the later of its own day and
the day its version was recorded. A later version that changes an entry adds a correction that takes the old entry
back (effective on the old day, decided on the new version's day) and a new entry; no past day ever changes.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import product

from features.appeals import add_appeals
from features.chains import Amount, Chain, is_new
from features.engine import Engine
from features.errors import ForesellError
from features.intake import Marketplace
from features.keys import day_of, entry, seller_of
from features.novelties import novelties_sql
from features.quantities import NOVELTIES, available_quantities, failure_parts, kind_of
from features.states import BASICS, BORN, COLUMNS, NEVER, Sources, Step, tables
from features.units import UNITS, Fact, Unit

Addition = tuple[Unit, Fact, Mapping[str, str]]  # a fact of a unit, and what it adds to the quantities in use


@dataclass(frozen=True)
class Falling:
    """What units with one state add on one day of theirs; where: the units of which it is so."""

    unit: Unit
    day: str
    where: str
    adds: Mapping[str, str]


@dataclass(frozen=True)
class Ledger:
    """Tables `ledger` and `ledger_corrections` in a connection, and what they hold."""

    market: Marketplace
    quantities: tuple[str, ...]
    failure_parts: tuple[str, ...]
    first_day: int
    last_day: int

    @property
    def con(self) -> Engine:
        """The connection that holds the tables."""
        return self.market.con


STAGGERED = f"""select count(*) > 0 from (select o.order_id from orders as o
    join shared_orders as s on s.order_id = o.order_id
    group by o.seller_id, o.order_id having min({BORN}) < max({BORN}) limit 1) as s"""
IDENTIFIER = re.compile(r"[a-z_]+")
ENTRIES = "entries"  # how many entries a row of the ledger sums, one for each quantity


def build_ledger(market: Marketplace) -> Ledger:
    """Make the tables `ledger` and `ledger_corrections` from the typed tables of a marketplace."""
    quantities = available_quantities(market.available)
    for step in BASICS:
        market.con.execute(step.sql)
    sources = read_sources(market)
    for step in statements(quantities, sources):
        market.con.execute(step.sql)
    add_appeals(market.con, quantities, sources, statements)
    first, last = market.con.execute("select min(day), max(day) from ledger where ordered > 0").fetchall()[0]
    if first is None:
        raise ForesellError(
            "A ledger needs at least one order.", "none after the checks", "look at the quarantine report of the source"
        )
    return Ledger(market, quantities, failure_parts(quantities), int(first), int(last))


def read_sources(market: Marketplace) -> Sources:
    """Which tables carry versions; whether any order can have more than one state."""
    versioned = frozenset(
        t for t in ("orders", "returns", "cases", "feedback", "sellers") if f"{t}.recorded_at" in market.available
    )
    staggered = bool(market.con.execute(STAGGERED).fetchall()[0][0])
    stateful = staggered or bool(versioned - {"sellers"}) or "cases.fault" in market.available
    return Sources(versioned, staggered, stateful, market.zone)


def statements(
    quantities: tuple[str, ...],
    sources: Sources,
    history: str = "known_lines",
    counted: bool = False,
    told_from: int | None = None,
) -> list[Step]:
    """Everything that is made on the way to the ledger, in order.

    history: lines that hold the first of each seller and item, and of each category in each period; counted: add a
    column of entries to `ledger`; told_from: only what the states from that day on change, where no state before it has
    changed itself.
    """
    return [
        *tables(sources, failure_parts(quantities), fact_columns(quantities)),
        *([Step("novelties", novelties_sql(history))] if {*NOVELTIES} & {*quantities} else []),
        Step("later_entries", later_entries_sql(quantities, told_from)),
        Step("ledger", ledger_sql(quantities, counted, told_from)),
        Step("ledger_corrections", corrections_sql(quantities)),
    ]


def fact_columns(quantities: tuple[str, ...]) -> set[str]:
    """What the facts of orders read of an order's states."""
    texts = [text for unit, fact, adds in _facts(quantities) if unit is UNITS[0] for text in (fact.day, *adds.values())]
    return {word for text in texts for word in IDENTIFIER.findall(text)} & COLUMNS


def ledger_sql(quantities: tuple[str, ...], counted: bool = False, told_from: int | None = None) -> str:
    """One row per seller and day on which something became known; counted: with the number of entries it sums.

    What is usual is summed by itself, all that is rare together, and the sums are put side by side: a row of all
    quantities for each entry would be mostly zeros, and each join reads and writes nearly every day of every seller.
    """
    groups = _groups(_facts(quantities))
    names = [list(dict.fromkeys(q for falling in group for q in falling.adds)) for group in groups]
    owned = [{*held} - {q for other in names[:i] for q in other} for i, held in enumerate(names)]
    joined = " full join ".join(
        f"({_daily(group, names[i], owned[i], quantities, told_from)}) as f{i}{' using (entry)' if i else ''}"
        for i, group in enumerate(groups)
    )
    summed = (*quantities, ENTRIES) if counted else quantities
    places = {q: [f"coalesce(f{i}.{q}, 0)" for i, held in enumerate(names) if q in held] for q in summed}
    named = ", ".join(f"{' + '.join(places[q])} as {q}" for q in summed)
    return f"""select c.seller_id, {day_of("e.entry")} as day, {", ".join(f"e.{q}" for q in summed)}, c.seller
        from (select entry, {named} from {joined}) as e join seller_codes as c on c.seller = {seller_of("e.entry")}"""


def later_entries_sql(quantities: tuple[str, ...], told_from: int | None = None) -> str:
    """The entries of units with several states, a row for each quantity (by its place): most of a day's new rows."""
    chains = _chains(quantities)
    changes = ", ".join(f"changes_{place} as ({chain.changes})" for place, (chain, _) in enumerate(chains))
    sign = "" if told_from is None else ", sign"
    rows = " union all ".join(
        f"select seller, day, replaced, {quantities.index(q)} as quantity, added{sign} from ({entries}) as e"
        for place, (chain, names) in enumerate(chains)
        for q, entries in zip(names, chain.entries(f"changes_{place}", told_from), strict=True)
    )
    return f"with {changes} {rows}"


def _chains(quantities: tuple[str, ...]) -> list[tuple[Chain, tuple[str, ...]]]:
    """The chains of entries and their quantities; usual and rare facts apart, for side by side they are wide."""
    found = [(unit, _amounts(unit, usual, quantities)) for unit, usual in product(UNITS, (True, False))]
    return [(Chain(unit, tuple(amounts.values())), tuple(amounts)) for unit, amounts in found if amounts]


def _amounts(unit: Unit, usual: bool, quantities: tuple[str, ...]) -> dict[str, Amount]:
    """What usual, or rare, facts of a unit add to the quantities in use."""
    facts = (fact for fact in unit.facts if fact.usual == usual)
    return {q: (fact.day, sql) for fact in facts for q, sql in fact.adds.items() if q in quantities}


def corrections_sql(quantities: tuple[str, ...]) -> str:
    """Entries taken back by a later version: their day, the day that was decided, and minus what they added."""
    sums = ", ".join(
        f"cast(sum(case when quantity = {number} then -added else 0 end) as bigint) as {q}"
        for number, q in enumerate(quantities)
    )
    return f"""select c.seller_id, day as effective_day, replaced as decided_day, {sums} from later_entries as r
        join seller_codes as c on c.seller = r.seller where replaced < {NEVER} group by c.seller_id, day, replaced"""


def _facts(quantities: tuple[str, ...]) -> list[Addition]:
    kept = [
        (unit, fact, {q: sql for q, sql in fact.adds.items() if q in quantities})
        for unit in UNITS
        for fact in unit.facts
    ]
    return [(unit, fact, adds) for unit, fact, adds in kept if adds]


def _groups(facts: list[Addition]) -> list[list[Falling]]:
    """What is summed at once: each usual fact with those mostly on its day, and all the rest."""
    days = {(unit.table, fact.day) for unit, fact, _ in facts if not fact.mostly}
    led = [(unit, fact, adds) for unit, fact, adds in facts if (unit.table, fact.mostly) in days]
    leading = [one for one in facts if one not in led]
    usual = [[_together(one, led)] for one in leading if one[1].usual]
    rare = [_together(one, led) for one in leading if not one[1].usual] + [_elsewhere(*one) for one in led]
    return [*usual, *([rare] if rare else [])]


def _together(leading: Addition, led: list[Addition]) -> Falling:
    """A fact, and what else there is on its day of those that mostly fall on it."""
    unit, fact, adds = leading
    others = [(other, more) for u, other, more in led if u is unit and other.mostly == fact.day]
    same = "case when {0.day} = {0.mostly} then {1} else 0 end"
    also = {q: same.format(other, sql) for other, more in others for q, sql in more.items()}
    entries = " + ".join([str(len(adds)), *(same.format(other, len(more)) for other, more in others)])
    return Falling(unit, fact.day, f"{fact.day} is not null", {**adds, **also, ENTRIES: entries})


def _elsewhere(unit: Unit, fact: Fact, adds: Mapping[str, str]) -> Falling:
    """A fact where it does not fall on the day that it mostly falls on."""
    where = f"{fact.day} is not null and {fact.day} is distinct from {fact.mostly}"
    return Falling(unit, fact.day, where, {**adds, ENTRIES: str(len(adds))})


def _daily(
    group: list[Falling],
    names: list[str],
    owned: Collection[str],
    quantities: tuple[str, ...],
    told_from: int | None,
) -> str:
    """Sums per seller and day: of units with one state, and of the owned quantities' every other entry."""
    later = _later_entries(names, owned, quantities, signed=told_from is not None)
    rows = [*(_entries(falling, names, told_from) for falling in group), later]
    sums = ", ".join(f"cast(sum({q}) as {kind_of(q)}) as {q}" for q in names)
    return f"select entry, {sums} from ({' union all '.join(rows)}) as d group by entry"


def _entries(falling: Falling, names: Iterable[str], told_from: int | None) -> str:
    known = f"greatest({falling.day}, {falling.unit.since})"
    plain = ", ".join(f"{falling.adds.get(q, 0)} as {q}" for q in names)
    told = known if falling.unit.timeless else falling.unit.since
    new = "" if told_from is None else f" and {is_new(told, told_from)}"
    return f"""select {entry("seller", known)} as entry, {plain} from {falling.unit.table}
        where lone and {falling.where}{new}"""


def _later_entries(names: Iterable[str], owned: Collection[str], quantities: tuple[str, ...], signed: bool) -> str:
    numbers = {q: quantities.index(q) for q in quantities if q in owned}
    one, added = ("sign", "added * sign") if signed else ("1", "added")
    kept = {q: f"case when quantity = {number} then {added} else 0 end" for q, number in numbers.items()}
    sums = ", ".join(f"{(kept | {ENTRIES: one}).get(q, 0)} as {q}" for q in names)
    chosen = f"quantity in ({', '.join(map(str, numbers.values()))})" if numbers else "false"
    told = " and sign <> 0" if signed else ""
    return f"select {entry('seller', 'day')} as entry, {sums} from later_entries where {chosen}{told}"
