"""The ledger: per seller and day, what became known that day, as whole numbers that add up.

Its second half: each fact about a unit (order, case, rating, return) becomes an entry on the later of its own day and
the day its version was recorded. A later version that changes an entry adds a correction that takes the old entry
back (effective on the old day, decided on the new version's day) and a new entry; no past day ever changes.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from features.appeals import add_appeals
from features.engine import Engine
from features.errors import ForesellError
from features.intake import Marketplace
from features.keys import day_of, entry, seller_of
from features.novelties import novelties_sql
from features.quantities import NOVELTIES, available_quantities, failure_parts
from features.states import BASICS, BORN, COLUMNS, MATURITY_DAYS, MINUTE_MICROS, NEVER, Sources, Step, tables


@dataclass(frozen=True)
class Fact:
    """Something that falls on one day of a unit's life, and what it adds to the ledger. usual: most units have it."""

    day: str
    adds: Mapping[str, str]
    usual: bool = False


@dataclass(frozen=True)
class Unit:
    """A table of states (seller, key, since, until, lone) whose facts enter the ledger."""

    table: str
    key: str
    since: str
    until: str
    facts: tuple[Fact, ...]


Addition = tuple[Unit, Fact, Mapping[str, str]]  # a fact of a unit, and what it adds to the quantities in use


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


def minutes(until: str) -> str:
    """SQL for whole minutes from ordering to a moment, at least 0."""
    return f"greatest({until} - ordered_at, 0) // {MINUTE_MICROS}"


def one(*names: str) -> dict[str, str]:
    """Quantities that a fact adds 1 to."""
    return dict.fromkeys(names, "1")


UNTRACKED = "case when untracked_at <= shipped_at then 1 else 0 end"
MATURED_RETURN = f"case when returned_day <= delivered_day + {MATURITY_DAYS} then 1 else 0 end"
AFTER_SHIP_BY = "case when overdue_day <= {0} then {0} end"
UNITS = (
    Unit(
        "order_facts",
        "order_id",
        "since",
        "until",
        (
            Fact("ordered_day", {"ordered": "1", "units": "units", "gross_cents": "gross_cents"}, usual=True),
            Fact(
                "shipped_day",
                {"shipped": "1", "handling_minutes": minutes("shipped_at"), "tracking_missing": UNTRACKED},
                usual=True,
            ),
            Fact("overdue_day", one("overdue_to_ship")),
            Fact("cleared_day", one("overdue_cleared")),
            Fact(AFTER_SHIP_BY.format("shipped_day"), one("overdue_shipped")),
            Fact(AFTER_SHIP_BY.format("cancelled_seller_day"), one("overdue_cancelled")),
            Fact("delivered_day", {"delivered": "1", "delivery_minutes": minutes("delivered_at")}, usual=True),
            Fact("closed_day", one("closed"), usual=True),
            Fact("late_day", one("late")),
            Fact("late_own_day", one("late_seller_fault")),
            Fact("late_carrier_day", one("late_carrier_fault")),
            Fact("late_platform_day", one("late_platform_fault")),
            Fact("cancelled_day", one("cancelled")),
            Fact("cancelled_seller_day", one("cancelled_by_seller")),
            Fact("returned_day", one("returned")),
            Fact("returned_seller_day", one("returned_seller_fault")),
            Fact(
                f"delivered_day + {MATURITY_DAYS}",
                {"matured_delivered": "1", "matured_returned": MATURED_RETURN},
                usual=True,
            ),
            Fact("failure_day", one("service_failure")),
            Fact("failure_own_day", one("service_failure_seller_fault")),
        ),
    ),
    Unit(
        "novelties",
        "order_id",
        "since",
        "until",
        (Fact("new_item_day", one("new_item_orders")), Fact("new_category_day", one("new_category_orders"))),
    ),
    Unit(
        "returns_versions",
        "return_id",
        "valid_from",
        "valid_to",
        (Fact("refunded_at_day", {"refund_cents": "coalesce(refund_cents, 0)"}),),
    ),
    Unit(
        "cases_versions",
        "case_id",
        "valid_from",
        "valid_to",
        (
            Fact("case when kind = 'inquiry' then opened_at_day end", one("inquiry")),
            Fact("case when kind = 'item_not_received' then opened_at_day end", one("item_not_received")),
            Fact("case when kind = 'not_as_described' then opened_at_day end", one("not_as_described")),
            Fact("unanswered_day", one("unanswered_48h")),
            Fact("unresolved_day", one("case_unresolved")),
        ),
    ),
    Unit(
        "feedback_versions",
        "feedback_id",
        "valid_from",
        "valid_to",
        (
            Fact(
                "created_at_day", {"feedback": "1", "low_rating": "case when rating <= 2 then 1 else 0 end"}, usual=True
            ),
        ),
    ),
)


STAGGERED = f"""select count(*) > 0 from (select o.order_id from orders as o
    join shared_orders as s on s.order_id = o.order_id
    group by o.seller_id, o.order_id having min({BORN}) < max({BORN}) limit 1) as s"""
IDENTIFIER = re.compile(r"[a-z_]+")
ENTRIES = "entries"  # how many entries a row of the ledger sums


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
    quantities: tuple[str, ...], sources: Sources, history: str = "known_lines", counted: bool = False
) -> list[Step]:
    """Everything that is made on the way to the ledger, in order.

    history: lines that hold the first of each seller, item and category; counted: add a column of entries to `ledger`.
    """
    return [
        *tables(sources, failure_parts(quantities), fact_columns(quantities)),
        *([Step("novelties", novelties_sql(history))] if {*NOVELTIES} & {*quantities} else []),
        Step("later_entries", later_entries_sql(quantities)),
        Step("ledger", ledger_sql(quantities, counted)),
        Step("ledger_corrections", corrections_sql(quantities)),
    ]


def fact_columns(quantities: tuple[str, ...]) -> set[str]:
    """What the facts of orders read of an order's states."""
    texts = [text for unit, fact, adds in _facts(quantities) if unit is UNITS[0] for text in (fact.day, *adds.values())]
    return {word for text in texts for word in IDENTIFIER.findall(text)} & COLUMNS


def ledger_sql(quantities: tuple[str, ...], counted: bool = False) -> str:
    """One row per seller and day on which something became known; counted: with the number of entries it sums.

    Each usual fact is summed alone, the rare ones together, and the sums are put side by side: a row of all quantities
    for each entry would be mostly zeros, and each join reads and writes nearly every day of every seller.
    """
    facts = _facts(quantities)
    rare = [fact for fact in facts if not fact[1].usual]
    groups = [*([fact] for fact in facts if fact[1].usual), *([rare] if rare else [])]
    joined = " full join ".join(
        f"({_daily(group, quantities)}) as f{i}{' using (entry)' if i else ''}" for i, group in enumerate(groups)
    )
    columns = {
        q: f"coalesce(f{i}.{q}, 0) as {q}" for i, group in enumerate(groups) for _, _, adds in group for q in adds
    }
    summed = (*quantities, ENTRIES) if counted else quantities
    if counted:
        columns[ENTRIES] = f"{' + '.join(f'coalesce(f{i}.{ENTRIES}, 0)' for i in range(len(groups)))} as {ENTRIES}"
    named = ", ".join(columns[q] for q in summed)
    return f"""select c.seller_id, {day_of("e.entry")} as day, {", ".join(f"e.{q}" for q in summed)}, c.seller
        from (select entry, {named} from {joined}) as e join seller_codes as c on c.seller = {seller_of("e.entry")}"""


def later_entries_sql(quantities: tuple[str, ...]) -> str:
    """The entries of units with several states, a row for each quantity (by its place): most of a day's new rows."""
    return " union all ".join(
        f"select seller, day, replaced, {quantities.index(q)} as quantity, added from ({chain(unit, fact, sql)}) as x"
        for unit, fact, adds in _facts(quantities)
        for q, sql in adds.items()
    )


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


def _daily(facts: list[Addition], quantities: tuple[str, ...]) -> str:
    """Some facts' sums per seller and day: of units with one state, and of each successive state that differs."""
    names = [q for _, _, adds in facts for q in adds]
    rows = [*(_entries(*fact, names) for fact in facts), _later_entries(names, quantities)]
    sums = ", ".join([*(f"cast(sum({q}) as bigint) as {q}" for q in names), f"count(*) as {ENTRIES}"])
    return f"select entry, {sums} from ({' union all '.join(rows)}) as d group by entry"


def _entries(unit: Unit, fact: Fact, adds: Mapping[str, str], names: Iterable[str]) -> str:
    known = f"greatest({fact.day}, {unit.since})"
    plain = ", ".join(f"{adds.get(q, 0)} as {q}" for q in names)
    return f"select {entry('seller', known)} as entry, {plain} from {unit.table} where lone and {fact.day} is not null"


def _later_entries(names: Iterable[str], quantities: tuple[str, ...]) -> str:
    numbers = {q: quantities.index(q) for q in names}
    added = ", ".join(f"case when quantity = {number} then added else 0 end as {q}" for q, number in numbers.items())
    chosen = ", ".join(map(str, numbers.values()))
    return f"select {entry('seller', 'day')} as entry, {added} from later_entries where quantity in ({chosen})"


def chain(unit: Unit, fact: Fact, added: str, beside: str = "") -> str:
    """A unit's successive entries of one quantity: the day each is known, what it adds, the day it is replaced.

    Where a unit is not its seller's for a while, a state of nothing stands in the gap. beside: one more column.
    """
    more, named, none = (f", {beside} as beside", ", beside", ", null") if beside else ("", "", "")
    order = f"over (partition by seller, {unit.key} order by since)"
    ever = f"select {unit.key} from {unit.table} where not lone and {fact.day} is not null"
    some = "" if fact.usual else f" and {unit.key} in ({ever})"  # nothing is taken back where it never was
    states = f"""select seller, {unit.key}, {unit.since} as since, {unit.until} as until, {fact.day} as own_day{more},
            case when {fact.day} is null then 0 else {added} end as added,
            coalesce(lead({unit.since}) over (partition by seller, {unit.key} order by {unit.since}), {NEVER}) as next
        from {unit.table} where not lone{some}"""
    whole = f"""with states as ({states})
        select seller, {unit.key}, since, own_day, added{named} from states union all
        select seller, {unit.key}, until, null, 0{none} from states where until < next"""
    same = " and ".join(f"{c} is not distinct from lag({c}) {order}" for c in ("own_day", "added"))
    changes = f"select *, {same} and lag(since) {order} is not null as same from ({whole}) as a"
    known = f"greatest(own_day, since) as day, coalesce(lead(since) {order}, {NEVER}) as replaced"
    return f"""select * from (select *, {known} from ({changes}) as b where not same) as c
        where own_day is not null and day < replaced"""
