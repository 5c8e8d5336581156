"""SQL of the time since something last happened: a column `since_<quantity>`, in days, null where it never did.

It counts from the last ledger day up to as_of whose entries, with the corrections decided by then, come to more than 0.
"""

from collections.abc import Collection

from features.quantities import BY_NAME
from features.states import NEVER, Step

PREFIX = "since_"


def since_of(column: str) -> str:
    """The quantity of a time-since column; empty if it is none."""
    quantity = column.removeprefix(PREFIX)
    return quantity if column.startswith(PREFIX) and quantity in BY_NAME else ""


def steps(columns: Collection[str]) -> list[Step]:
    """The tables that lead to `time_since`, in the order of making."""
    quantities = sorted(since_of(c) for c in columns)
    return [
        Step("corrected_days", "select distinct seller_id, effective_day as day from ledger_corrections"),
        Step("corrected_sums", corrected_sums_sql(quantities)),
        Step("eventful_days", eventful_days_sql(quantities)),
        Step("time_since", time_since_sql(quantities)),
    ]


def corrected_sums_sql(quantities: Collection[str]) -> str:
    """For each day that a correction touches: what it came to, from each day on which that changed until the next."""
    named = ", ".join(quantities)
    sums = ", ".join(f"sum({q}) as {q}" for q in quantities)
    changes = f"""select l.seller_id, l.day, l.day as since, {", ".join(f"l.{q}" for q in quantities)}
            from ledger as l join corrected_days as c on c.seller_id = l.seller_id and c.day = l.day
        union all
        select seller_id, effective_day, greatest(effective_day, decided_day), {named} from ledger_corrections"""
    order = "over (partition by seller_id, day order by since)"
    so_far = ", ".join(f"cast(sum({q}) {order} as bigint) as {q}" for q in quantities)
    return f"""select seller_id, day, since, coalesce(lead(since) {order}, {NEVER}) as until, {so_far}
        from (select seller_id, day, since, {sums} from ({changes}) as c group by seller_id, day, since) as d"""


def eventful_days_sql(quantities: Collection[str]) -> str:
    """Days on which a quantity came to more than 0, from when and until when that is the last thing known of it."""
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
    """Days from the last such day to each as-of day."""
    days = ", ".join(f"as_of - max(case when quantity = '{q}' then day end) as {PREFIX}{q}" for q in quantities)
    return f"""select seller_id, as_of, {days} from eventful_days as e
        join as_of_days as d on d.as_of >= e.since and d.as_of < e.until group by seller_id, as_of"""
