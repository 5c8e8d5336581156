"""SQL of row versions and order states: what was known of each order, case, rating and refund, and from which day on.

A row's version is valid from the day it was recorded until the day of the next version (only the newest version of a
day counts). An order's *state* lasts from one day on which something known of it changed to the next: `since`, `until`.
In a source without `recorded_at` an order has one state, valid on all days, and a value counts at its own timestamp.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache

import sqlglot
from sqlglot import exp

from core.packed_keys import SELLER_CODES
from core.sql_text import Step
from features.ingest.contract import TABLES

EVER, NEVER = -1_000_000, 1_000_000  # day numbers before and after all others
MATURITY_DAYS = 30
DAY_MICROS = 86_400 * 1_000_000
UNRESOLVED_MICROS = 14 * DAY_MICROS
ANSWER_MICROS = 2 * DAY_MICROS
MINUTE_MICROS = 60_000_000
KEYS = {name: ", ".join(table.key) for name, table in TABLES.items()}
SELLER, PLATFORM, CARRIER, NOBODY = range(4)  # the fault of a late line; of an order's first late lines, the lowest
OTHERS = "('buyer', 'carrier', 'platform')"
# Words with which a customer's reason blames the goods; our assumption. Another reason may be a change of mind.
OF_GOODS = ("defect", "describ", "damag", "broken", "faulty", "wrong item", "wrong_item", "quality")
FIRST_DAY = "least(ordered_at_day, shipped_at_day, delivered_at_day, cancelled_at_day)"  # the first day of a line
STATE_TABLES = ("orders_versions", "returns_versions", "cases_versions", "feedback_versions")


@dataclass(frozen=True)
class Sources:
    """Which tables have versions, whether orders have more than one state, and the marketplace's zone."""

    versioned: frozenset[str]
    staggered: bool  # whether lines of one order begin on different days
    stateful: bool
    zone: str
    delivers: bool = True  # whether orders have delivered_at
    ruled: bool = False  # whether orders have `ruled_fault`: the fault of a late line that an appeal decided


SHARED_ORDERS = "select order_id from orders group by order_id having count(*) > 1"
BASICS = (  # the steps before those of `tables`
    Step("seller_codes", SELLER_CODES, "a number for each seller: shorter than its id", "a seller"),
    Step("shared_orders", SHARED_ORDERS, "orders of more than one line", "an order"),
)


def tables(sources: Sources, parts: Collection[str], columns: Collection[str]) -> list[Step]:
    """The steps that make versions, states and facts of orders, in order. columns: those of `order_facts`."""
    wanted, plain = {*columns, *part_columns(parts)}, "orders" not in sources.versioned
    return [
        _of_versions("orders", order_versions(sources), "and the fault that an appeal decided", view=plain),
        Step("known_lines", known_lines(not plain), "order lines as first recorded", "an order line", view=plain),
        _of_versions("sellers", coded(versions("sellers", sources))),
        _of_versions("feedback", coded(versions("feedback", sources))),
        _of_versions("returns", return_versions(sources), "and the seller of the line returned"),
        _of_versions("cases", case_versions(sources), "and the days it was unanswered and unresolved"),
        *([Step("state_days", state_days(), CHANGES, ORDER_STATE)] if sources.stateful else []),
        Step("order_states", order_states(sources, wanted), KNOWN_OF_ORDERS, ORDER_STATE, view=True),
        Step("order_facts", order_facts(parts, columns), FACTS_OF_ORDERS, ORDER_STATE),
    ]


ORDER_STATE = "a seller's order and state of it"
CHANGES = "days on which something known of an order changed; from one to the next it has one state"
KNOWN_OF_ORDERS = "days and amounts from an order's lines, returns, cases and ratings"
FACTS_OF_ORDERS = "order states, with the day and fault of lateness and the first day of failure"


def _of_versions(table: str, query: str, more: str = "", view: bool = False) -> Step:
    makes = f"versions of {table} with the days they are valid from and to{f', {more}' if more else ''}"
    return Step(f"{table}_versions", query, makes, f"a version of a row of {table}", view)


def coded(query: str) -> str:
    """The rows of a query with the code of their seller added."""
    return f"select c.seller, q.* from ({query}) as q join seller_codes as c on c.seller_id = q.seller_id"


def versions(table: str, sources: Sources) -> str:
    """Rows of a typed table with the days they are valid from and to, and whether their key has no other version."""
    since = FIRST_DAY if table == "orders" and sources.staggered else str(EVER)
    if table not in sources.versioned:
        return f"select *, {since} as valid_from, {NEVER} as valid_to, true as lone from {table}"
    order = f"partition by {KEYS[table]} order by coalesce(recorded_at, {EVER * DAY_MICROS})"  # one pass for both
    # A version without recorded_at that is replaced by the day on which its line begins was never known.
    begins = "valid_from"
    if table == "orders":
        begins = f"case when recorded_at is null then {FIRST_DAY} else valid_from end"
    return f"""select * from (
            select *, coalesce(recorded_at_day, {since}) as valid_from,
                coalesce(lead(recorded_at_day) over ({order}), {NEVER}) as valid_to,
                count(*) over ({order} rows between unbounded preceding and unbounded following) = 1 as lone
            from {table}) as v
        where {begins} < valid_to"""


def order_versions(sources: Sources) -> str:
    """Line versions with the fault that an appeal decided, if any."""
    ruled = "" if sources.ruled else ", cast(null as varchar) as ruled_fault"
    return coded(f"select *{ruled} from ({versions('orders', sources)}) as o")


def known_lines(versioned: bool) -> str:
    """Each line as it was first recorded, with the day on which it became known."""
    first = "select *, min(valid_from) over (partition by order_id, line_id) as first_from from orders_versions"
    rows = f"({first}) as l where l.valid_from = l.first_from" if versioned else "orders_versions as l"
    return f"""select l.seller, l.order_id, l.line_id, l.item_id, l.category, l.price_cents,
        greatest(l.ordered_at_day, l.valid_from) as day from {rows}"""


def return_versions(sources: Sources) -> str:
    """Return versions with the seller of their line; they are not known before the line is."""
    columns = "r.return_id, r.order_id, r.line_id, r.opened_at_day, r.fault, r.refunded_at_day, r.refund_cents"
    both = "greatest(r.valid_from, l.valid_from) as valid_from, least(r.valid_to, l.valid_to) as valid_to"
    goods = " or ".join(f"lower(r.reason) like '%{word}%'" for word in OF_GOODS)
    arrived = "coalesce(l.delivered_at_day <= r.opened_at_day, false)" if sources.delivers else "true"
    return f"""select * from (select l.seller, {columns}, coalesce({goods}, false) as of_goods, {both},
                not {arrived} as to_origin, r.lone and l.lone as lone
            from ({versions("returns", sources)}) as r
            join orders_versions as l on l.order_id = r.order_id and l.line_id = r.line_id) as v
        where valid_from < valid_to"""


def case_versions(sources: Sources) -> str:
    """Case versions. Without `recorded_at`, a fault that is not the seller's is known from the day the case closes."""
    news = f"(recorded_at is null and fault in {OTHERS})"
    due_days = f"{_unanswered(sources.zone)}, {_unresolved(sources.zone)}"
    columns = f"case_id, seller, kind, order_id, opened_at_day, {due_days}"
    rows = f"(select *, coalesce({news}, false) as news from ({coded(versions('cases', sources))}) as v) as w"
    both = f"""select {columns}, coalesce(fault not in {OTHERS}, true) as own_fault, lone and not news as lone,
            case when news then closed_at_day else valid_from end as valid_from, valid_to
        from {rows} where not news or closed_at is not null
        union all
        select {columns}, true as own_fault, false as lone, valid_from, least(closed_at_day, valid_to) as valid_to
        from {rows} where news"""
    return f"select * from ({both}) as c where valid_from < valid_to"


def local_day(micros: str, zone: str) -> str:
    """SQL for the day number, in the marketplace's zone, of a moment in microseconds."""
    return f"date_diff('day', date '1970-01-01', cast(from_utc_timestamp(make_timestamp({micros}), '{zone}') as date))"


def _unanswered(zone: str) -> str:
    due = f"opened_at + {ANSWER_MICROS}"
    missed = f"kind = 'inquiry' and coalesce(first_response_at > {due}, true)"
    return f"case when {missed} then {local_day(due, zone)} end as unanswered_day"


def _unresolved(zone: str) -> str:
    due = f"opened_at + {UNRESOLVED_MICROS}"
    lost = "case when resolution <> 'seller' then closed_at_day end"
    return f"case when closed_at <= {due} then {lost} else {local_day(due, zone)} end as unresolved_day"


def state_days() -> str:
    """Every seller and order with the days on which something known of it changed."""
    changes = " union all ".join(
        f"select seller, order_id, {edge} as since from {t} where order_id is not null and {edge} < {NEVER}"
        for t in STATE_TABLES
        for edge in ("valid_from", "valid_to")
    )
    order = "over (partition by seller, order_id order by since)"
    return f"""select seller, order_id, since, coalesce(lead(since) {order}, {NEVER}) as until,
            count(*) over (partition by seller, order_id) = 1 as lone,
            count(*) over (partition by seller, order_id) = 2 as pair
        from (select distinct seller, order_id, since from ({changes}) as c) as d"""


def order_states(sources: Sources, wanted: Collection[str]) -> str:
    """One row per seller, order and state, with the wanted days and amounts of the order's rows."""
    stateful, versioned = sources.stateful, "orders" in sources.versioned
    rows = {t: _at_state(t) if stateful else t for t in STATE_TABLES}
    key = ("seller", "order_id", "since") if stateful else ("seller", "order_id")
    source = rows["orders_versions"]
    lines = (
        f"({_grouped(LINES, _by_line(source, versioned), key) if stateful else _alone_or_grouped(source, key)}) as l"
    )
    others = {
        "r": (_chosen(RETURNS, wanted), rows["returns_versions"]),
        "c": (_chosen(CASES, wanted), rows["cases_versions"]),
        "f": (_chosen(FEEDBACK, wanted), rows["feedback_versions"]),
    }
    # A return, case or rating counts only once one of its order's lines is known.
    from_others = [
        f"case when l.ordered_day is not null then {a}.{n} end as {n}"
        for a, (named, _) in others.items()
        for n in named
    ]
    columns = ", ".join([*(f"l.{name}" for name in LINES), *from_others])
    joins = [(f"({_grouped(named, source, key)}) as {a}", a) for a, (named, source) in others.items() if named]
    if not stateful:
        one_state = f"l.seller, l.order_id, {EVER} as since, {NEVER} as until, true as lone, false as pair"
        return f"select {one_state}, {columns} from {lines} {_joined(joins, 'l', key)}"
    states = "s.seller, s.order_id, s.since, s.until, s.lone, s.pair"
    return f"select {states}, {columns} from state_days as s {_joined([(lines, 'l'), *joins], 's', key)}"


def _chosen(named: dict[str, str], wanted: Collection[str]) -> dict[str, str]:
    return {name: sql for name, sql in named.items() if name in wanted}


def _joined(joins: list[tuple[str, str]], first: str, key: tuple[str, ...]) -> str:
    return " ".join(f"left join {query} on {' and '.join(f'{a}.{k} = {first}.{k}' for k in key)}" for query, a in joins)


def _at_state(table: str) -> str:
    return f"""(select v.*, s.since from state_days as s join {table} as v on v.seller = s.seller
        and v.order_id = s.order_id and v.valid_from <= s.since and s.since < v.valid_to)"""


def _grouped(named: dict[str, str], source: str, key: tuple[str, ...]) -> str:
    sums = ", ".join(f"{sql} as {name}" for name, sql in named.items())
    return f"select {', '.join(key)}, {sums} from {source} as x where order_id is not null group by {', '.join(key)}"


def _alone_or_grouped(source: str, key: tuple[str, ...]) -> str:
    """The lines of each order; only lines that share an order are grouped, and most lines do not."""
    shared = _by_line(f"(select v.* from {source} as v join shared_orders as s on s.order_id = v.order_id)")
    others = f"select v.* from {source} as v left join shared_orders as s on s.order_id = v.order_id"
    ungrouped = ", ".join(f"{of_one(sql)} as {name}" for name, sql in LINES.items())
    return f"""{_grouped(LINES, shared, key)} union all
        select {", ".join(f"y.{k}" for k in key)}, {ungrouped}
        from {_by_line(f"({others} where s.order_id is null)")} as y"""


@cache
def of_one(sql: str) -> str:
    """SQL for an aggregate over a single row: min, max and sum are the value, a count is 0 or 1."""
    return sqlglot.parse_one(sql, read="duckdb").transform(_single).sql("duckdb")


def _single(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.Count):
        counted = node.this
        return exp.Literal.number(1) if isinstance(counted, exp.Star) else _one_if_known(counted)
    return exp.paren(node.this) if isinstance(node, exp.Min | exp.Max | exp.Sum) else node


def _one_if_known(value: exp.Expr) -> exp.Expr:
    return (
        exp.case().when(exp.Is(this=value, expression=exp.null()), exp.Literal.number(0)).else_(exp.Literal.number(1))
    )


def _by_line(source: str, versioned: bool = False) -> str:
    """Each line with the moments when it was sent (shipped or cancelled), settled (delivered or cancelled) and late.

    With versions, no line is late before it begins, whatever its deadline; so its lateness does not depend on whether
    the lines of other orders begin on different days (`staggered`). Without versions, the day of the deadline counts.
    """
    begins = FIRST_DAY if versioned else "cast(null as integer)"
    missed_day = "{0}_day + case when {0} is null then 1 else 0 end"  # a date alone is missed on the following day
    sent, sent_day = "least(shipped_at, cancelled_at)", "least(shipped_at_day, cancelled_at_day)"
    settled = "least(delivered_at, cancelled_at)"
    settled_day = "least(delivered_at_day, cancelled_at_day)"
    on_time = """coalesce(shipped_at <= ship_by, shipped_at_day <= ship_by_day)
                    and case when promised_at is null then shipped_at_day <= promised_at_day
                    else shipped_at <= promised_at end"""
    return f"""(select *, {sent} as sent, {sent_day} as sent_day,
            {settled} as settled, {settled_day} as settled_day,
            case when ship_by_day is null or {sent} <= ship_by or ship_by is null and {sent_day} <= ship_by_day
                then null else greatest({missed_day.format("ship_by")}, {begins}) end as overdue_on,
            case when promised_at_day is null or {settled} <= promised_at
                    or promised_at is null and {settled_day} <= promised_at_day then null
                else greatest({missed_day.format("promised_at")}, {begins}) end as late_on,
            case when ruled_fault = 'seller' then {SELLER} when ruled_fault = 'platform' then {PLATFORM}
                when ruled_fault = 'carrier' then {CARRIER}
                when ruled_fault is not null or ship_by_day is null then {NOBODY}
                when {on_time} then {CARRIER} else {SELLER} end as late_fault
        from {source} as y)"""


ALL_SENT, ALL_SETTLED = "count(*) = count(sent)", "count(*) = count(settled)"
LINES = {
    "ordered_at": "min(ordered_at)",
    "ordered_day": "min(ordered_at_day)",
    "units": "count(*)",
    "gross_cents": "cast(coalesce(sum(price_cents), 0) as bigint)",
    "shipped_at": f"case when {ALL_SENT} then greatest(max(sent), min(shipped_at)) end",
    "shipped_day": f"case when {ALL_SENT} and count(shipped_at) > 0 "
    "then greatest(max(sent_day), min(shipped_at_day)) end",
    "untracked_at": "min(case when tracking_valid = false then shipped_at end)",
    "overdue_day": "min(overdue_on)",
    "cleared_day": f"case when count(overdue_on) > 0 and {ALL_SENT} then max(sent_day) end",
    "delivered_at": f"case when {ALL_SETTLED} then greatest(max(settled), min(delivered_at)) end",
    "delivered_day": f"case when {ALL_SETTLED} and count(delivered_at) > 0 "
    "then greatest(max(settled_day), min(delivered_at_day)) end",
    "closed_day": f"case when {ALL_SETTLED} then max(settled_day) end",
    "late_code": "min(case when ruled_fault is null then late_on * 4 + late_fault end)",
    "ruled_code": "min(case when ruled_fault is not null then late_on * 4 + late_fault end)",
    "cancelled_day": "min(cancelled_at_day)",
    "cancelled_seller_day": "min(case when cancelled_by = 'seller' then cancelled_at_day end)",
}
RETURNS = {
    "returned_day": "min(case when not to_origin then opened_at_day end)",
    "returned_seller_day": "min(case when fault = 'seller' and not to_origin then refunded_at_day end)",
    "to_origin_day": "min(case when to_origin then opened_at_day end)",
}
CASES = {
    f"{name}{suffix}_day": f"min(case when {test}{own} then {day} end)"
    for name, test, day in (
        ("not_received", "kind = 'item_not_received'", "opened_at_day"),
        ("not_described", "kind = 'not_as_described'", "opened_at_day"),
        ("unresolved", "true", "unresolved_day"),
    )
    for suffix, own in (("", ""), ("_own", " and own_fault"))
}
FEEDBACK = {"low_day": "min(case when rating <= 2 then created_at_day end)"}
STATE = "seller, order_id, since, until, lone, pair"  # whether there is no other state, or one other
FAULTS = {"late_own_day": SELLER, "late_carrier_day": CARRIER, "late_platform_day": PLATFORM}
PART_DAYS = {
    "late": ("late_day", "late_own_day"),
    "cancelled_by_seller": ("cancelled_seller_day", "cancelled_seller_day"),
    "item_not_received": ("not_received_day", "not_received_own_day"),
    "not_as_described": ("not_described_day", "not_described_own_day"),
    "case_unresolved": ("unresolved_day", "unresolved_own_day"),
    "low_rating": ("low_day", "low_day"),
}


COLUMNS = frozenset((*LINES, *RETURNS, *CASES, *FEEDBACK, *FAULTS, "late_day", "failure_day", "failure_own_day"))


def order_facts(parts: Collection[str], columns: Collection[str]) -> str:
    """The given columns of order states, which may be the day and fault of lateness and the first day of failure."""
    first, first_own = (_least([PART_DAYS[part][i] for part in parts]) for i in (0, 1))
    failures = {"failure_day": first, "failure_own_day": first_own}
    named = ", ".join(f"{failures[name]} as {name}" if name in failures else name for name in sorted(columns))
    by_fault = ", ".join(f"case when late_fault = {code} then late_day end as {name}" for name, code in FAULTS.items())
    return f"select {STATE}, {named} from (select *, {by_fault} from ({_late_orders()}) as o) as f"


def part_columns(parts: Collection[str]) -> set[str]:
    """The columns of order states that decide whether an order failed."""
    return {day for part in parts for day in PART_DAYS[part]}


def _late_orders() -> str:
    """Order states with the day they were first late, and the lowest fault code among the lines late on that day."""
    by_rule = f"case when p.fulfilment = 'platform' then {PLATFORM} else s.late_code % 4 end"
    return f"""select s.*, least(case when s.ruled_code // 4 = s.late_day then s.ruled_code % 4 end,
            case when s.late_code // 4 = s.late_day then {by_rule} end) as late_fault
        from (select *, least(late_code, ruled_code) // 4 as late_day from order_states) as s
        left join sellers_versions as p
        on p.seller = s.seller and p.valid_from <= s.late_day and s.late_day < p.valid_to"""


def _least(days: list[str]) -> str:
    return f"least({', '.join(days)}, cast(null as integer))" if days else "cast(null as integer)"
