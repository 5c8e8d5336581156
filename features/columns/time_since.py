"""SQL of the time since something last happened: a column `since_<quantity>` in days, null if it never happened.

The time starts on the last ledger day up to as_of on which the quantity is above 0, with the corrections decided by
as_of.
"""

from collections.abc import Collection

from core.sql_text import Step
from features.ledger.order_versions import NEVER
from features.ledger.quantities import BY_NAME

PREFIX = "since_"


def since_of(column: str) -> str:
    """The quantity of a time-since column; empty for another name."""
    quantity = column.removeprefix(PREFIX)
    return quantity if column.startswith(PREFIX) and quantity in BY_NAME else ""


def steps(columns: Collection[str], into: str) -> list[Step]:
    """The steps that make the times since, in order; the last makes `into`."""
    quantities = sorted(since_of(c) for c in columns)
    days = "select distinct seller_id, effective_day as day from ledger_corrections"
    return [
        Step("corrected_days", days, "days that a correction touches", "a seller and day"),
        Step(
            "corrected_sums",
            corrected_sums_sql(quantities),
            "sums of those days with the corrections so far, and the days from and until which they are valid",
            "a seller, day and day on which its sums changed",
        ),
        Step(
            "eventful_days",
            eventful_days_sql(quantities),
            "days on which a quantity is above 0, and the days from and until which each is the last one known",
            "a seller, quantity, day and time during which it is the last",
        ),
        Step(into, time_since_sql(quantities), "days since a quantity was last above 0", "a seller and as-of day"),
    ]


def corrected_sums_sql(quantities: Collection[str]) -> str:
    """Sums of each day that a correction touches, and the days from and until which they are valid."""
    columns = ", ".join(quantities)
    sums = ", ".join(f"sum({q}) as {q}" for q in quantities)
    changes = f"""select l.seller_id, l.day, l.day as since, {", ".join(f"l.{q}" for q in quantities)}
            from ledger as l join corrected_days as c on c.seller_id = l.seller_id and c.day = l.day
        union all
        select seller_id, effective_day, greatest(effective_day, decided_day), {columns} from ledger_corrections"""
    order = "over (partition by seller_id, day order by since)"
    so_far = ", ".join(f"cast(sum({q}) {order} as bigint) as {q}" for q in quantities)
    return f"""select seller_id, day, since, coalesce(lead(since) {order}, {NEVER}) as until, {so_far}
        from (select seller_id, day, since, {sums} from ({changes}) as c group by seller_id, day, since) as d"""


def eventful_days_sql(quantities: Collection[str]) -> str:
    """Days on which a quantity is above 0, and the days from and until which each is the last one known."""
    untouched = " union all ".join(
        f"""select l.seller_id, '{q}' as quantity, l.day from ledger as l
        left join corrected_days as c on c.seller_id = l.seller_id and c.day = l.day where {q} > 0 and c.day is null"""
        for q in quantities
    )
    touched = " union all ".join(
        f"select seller_id, '{q}' as quantity, day, since, until from corrected_sums where {q} > 0" for q in quantities
    )
    return f"""select seller_id, quantity, day, day as since,
            coalesce(lead(day) over (partition by seller_id, quantity order by day), {NEVER}) as until
        from ({untouched}) as u union all {touched}"""


def time_since_sql(quantities: Collection[str]) -> str:
    """Days from the last day on which a quantity was above 0 to each as-of day."""
    days = ", ".join(f"as_of - max(case when quantity = '{q}' then day end) as {PREFIX}{q}" for q in quantities)
    return f"""select seller_id, as_of, {days} from eventful_days as e
        join as_of_days as d on d.as_of >= e.since and d.as_of < e.until group by seller_id, as_of"""
