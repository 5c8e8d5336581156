"""The ledger: per seller and day, what became known that day, as whole numbers that add up.

Its second half: each fact about a unit (order, case, rating, return) becomes an entry on the later of its own day and
the day its version was recorded. A later version that changes an entry adds a correction that takes the old entry
back (effective on the old day, decided on the new version's day) and a new entry; no past day ever changes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from features.appeals import add_appeals
from features.errors import ForesellError
from features.intake import Marketplace
from features.quantities import available_quantities, failure_parts
from features.states import BORN, MATURITY_DAYS, MINUTE_MICROS, NEVER, Sources, made, tables


@dataclass(frozen=True)
class Fact:
    """Something that falls on one day of a unit's life, and what it adds to the ledger."""

    day: str
    adds: Mapping[str, str]


@dataclass(frozen=True)
class Unit:
    """A table of states (seller_id, key, since, until, lone) whose facts enter the ledger."""

    table: str
    key: str
    since: str
    until: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Ledger:
    """Tables `ledger` and `ledger_corrections` in a connection, and what they hold."""

    market: Marketplace
    quantities: tuple[str, ...]
    failure_parts: tuple[str, ...]
    first_day: int
    last_day: int

    @property
    def con(self) -> duckdb.DuckDBPyConnection:
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
UNITS = (
    Unit(
        "order_facts",
        "order_id",
        "since",
        "until",
        (
            Fact("ordered_day", {"ordered": "1", "units": "units", "gross_cents": "gross_cents"}),
            Fact(
                "shipped_day",
                {"shipped": "1", "handling_minutes": minutes("shipped_at"), "tracking_missing": UNTRACKED},
            ),
            Fact("overdue_day", one("overdue_to_ship")),
            Fact("cleared_day", one("overdue_cleared")),
            Fact("delivered_day", {"delivered": "1", "delivery_minutes": minutes("delivered_at")}),
            Fact("closed_day", one("closed")),
            Fact("late_day", one("late")),
            Fact("late_own_day", one("late_seller_fault")),
            Fact("late_carrier_day", one("late_carrier_fault")),
            Fact("late_platform_day", one("late_platform_fault")),
            Fact("cancelled_day", one("cancelled")),
            Fact("cancelled_seller_day", one("cancelled_by_seller")),
            Fact("returned_day", one("returned")),
            Fact("returned_seller_day", one("returned_seller_fault")),
            Fact(f"delivered_day + {MATURITY_DAYS}", {"matured_delivered": "1", "matured_returned": MATURED_RETURN}),
            Fact("failure_day", one("service_failure")),
            Fact("failure_own_day", one("service_failure_seller_fault")),
        ),
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
        (Fact("created_at_day", {"feedback": "1", "low_rating": "case when rating <= 2 then 1 else 0 end"}),),
    ),
)


STAGGERED = f"select order_id from orders group by seller_id, order_id having min({BORN}) < max({BORN}) limit 1"


def build_ledger(market: Marketplace) -> Ledger:
    """Make the tables `ledger` and `ledger_corrections` from the typed tables of a marketplace."""
    quantities = available_quantities(market.available)
    sources = read_sources(market)
    for name, query in statements(quantities, sources):
        market.con.execute(made(name, query))
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
    staggered = bool(market.con.execute(f"select count(*) > 0 from ({STAGGERED}) as s").fetchall()[0][0])
    stateful = staggered or bool(versioned - {"sellers"}) or "cases.fault" in market.available
    return Sources(versioned, staggered, stateful, market.zone)


def statements(quantities: tuple[str, ...], sources: Sources) -> list[tuple[str, str]]:
    """Every table of the ledger in the order of making: name and query."""
    return [
        *tables(sources, failure_parts(quantities)),
        ("ledger", ledger_sql(quantities)),
        ("ledger_corrections", corrections_sql(quantities)),
    ]


def ledger_sql(quantities: tuple[str, ...]) -> str:
    """One row per seller and day on which something became known."""
    facts = _facts(quantities)
    entries = [_entries(unit, fact, adds) for unit, fact, adds in facts]
    entries += [_chained(unit, fact, q, sql) for unit, fact, adds in facts for q, sql in adds.items()]
    return _summed(entries, ("seller_id", "day"), quantities)


def corrections_sql(quantities: tuple[str, ...]) -> str:
    """Entries taken back by a later version: their day, the day that was decided, and minus what they added."""
    entries = [_taken_back(unit, fact, q, sql) for unit, fact, adds in _facts(quantities) for q, sql in adds.items()]
    return _summed(entries, ("seller_id", "effective_day", "decided_day"), quantities)


def _facts(quantities: tuple[str, ...]) -> list[tuple[Unit, Fact, dict[str, str]]]:
    kept = [
        (unit, fact, {q: sql for q, sql in fact.adds.items() if q in quantities})
        for unit in UNITS
        for fact in unit.facts
    ]
    return [(unit, fact, adds) for unit, fact, adds in kept if adds]


def _entries(unit: Unit, fact: Fact, adds: dict[str, str]) -> tuple[str, dict[str, str]]:
    """Entries of units with one state."""
    known = f"greatest({fact.day}, {unit.since}) as day"
    return f"seller_id, day from (select *, {known} from {unit.table} where lone and {fact.day} is not null) as x", adds


def _chained(unit: Unit, fact: Fact, quantity: str, added: str) -> tuple[str, dict[str, str]]:
    """Entries of one quantity of units with several states."""
    return f"seller_id, day from ({_chain(unit, fact, added)}) as x", {quantity: "added"}


def _taken_back(unit: Unit, fact: Fact, quantity: str, added: str) -> tuple[str, dict[str, str]]:
    chain = f"({_chain(unit, fact, added)}) as x where replaced < {NEVER}"
    return f"seller_id, day as effective_day, replaced as decided_day from {chain}", {quantity: "-added"}


def _chain(unit: Unit, fact: Fact, added: str) -> str:
    """A unit's successive entries of one quantity: the day each is known, what it adds, the day it is replaced."""
    order = f"over (partition by seller_id, {unit.key} order by {unit.since})"
    same = " and ".join(f"{c} is not distinct from lag({c}) {order}" for c in ("own_day", "added"))
    gone = f"max({unit.until}) over (partition by seller_id, {unit.key}) as gone"
    values = f"""select *, {fact.day} as own_day, case when {fact.day} is null then 0 else {added} end as added, {gone}
        from {unit.table} where not lone"""
    changes = f"select *, {same} and lag({unit.since}) {order} is not null as same from ({values}) as a"
    known = f"greatest(own_day, {unit.since}) as day, coalesce(lead({unit.since}) {order}, gone) as replaced"
    return f"""select * from (select *, {known} from ({changes}) as b where not same) as c
        where own_day is not null and day < replaced"""


def _summed(entries: list[tuple[str, dict[str, str]]], key: tuple[str, ...], quantities: tuple[str, ...]) -> str:
    rows = " union all ".join(
        f"select {', '.join(adds.get(q, '0') + f' as {q}' for q in quantities)}, {where}" for where, adds in entries
    )
    sums = ", ".join(f"cast(sum({q}) as bigint) as {q}" for q in quantities)
    return f"select {', '.join(key)}, {sums} from ({rows}) as entries group by {', '.join(key)}"
