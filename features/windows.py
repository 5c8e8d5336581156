"""SQL of the window sums: the ledger seen from as-of days, over trailing windows.

A window column is named `<quantity>_<span>`: the sum over days as_of - span + 1 .. as_of, corrections decided by as_of
applied; `<quantity>_all` sums since the first day.
"""

import re
from collections.abc import Collection, Iterable

from features.quantities import BY_NAME

LONGEST_SPAN = 400  # days after which a seller without any ledger row leaves the feature table
LAST_KNOWN = "max(case when not asked then day end) over (partition by seller_id order by day range between unbounded preceding and current row)"
WINDOW = re.compile(r"^([a-z0-9_]+?)_(\d+|all)$")


def split(column: str) -> tuple[str, str] | None:
    """Quantity and span of a window column, or None if the name is something else."""
    found = WINDOW.match(column)
    return (found[1], found[2]) if found and found[1] in BY_NAME else None


def days_sql(days: Iterable[int]) -> str:
    """The as-of days as a table of one column."""
    return "select * from (values " + ", ".join(f"({d})" for d in sorted(set(days))) + ") as d(as_of)"


def grid_sql() -> str:
    """Sellers and as-of days from the seller's first ledger day on, with the days since its first order."""
    return """select s.seller_id, d.as_of, d.as_of - s.first_ordered as tenure_days
        from (select seller_id, min(day) as first_day, min(case when ordered > 0 then day end) as first_ordered
            from ledger group by seller_id) as s
        join as_of_days as d on d.as_of >= s.first_day"""


def windows_sql(columns: Collection[str]) -> str:
    """One row per row of the grid with the given window columns, before corrections; long silent sellers left out."""
    named = sorted(columns)
    quantities = sorted({quantity_of(c) for c in named})
    blank = ", ".join(f"cast(0 as bigint) as {q}" for q in quantities)
    sums = ", ".join(f"cast(sum({quantity_of(c)}) over ({frame(c)}) as bigint) as {c}" for c in named)
    return f"""select seller_id, day as as_of, tenure_days, {", ".join(named)} from (
            select seller_id, day, tenure_days, asked, {sums}, {LAST_KNOWN} as last_known from (
                select seller_id, day, cast(null as integer) as tenure_days, false as asked, {", ".join(quantities)} from ledger
                union all
                select seller_id, as_of as day, tenure_days, true as asked, {blank} from grid) as a) as b
        where asked and day < last_known + {LONGEST_SPAN}"""


def frame(column: str) -> str:
    """The window frame of a column."""
    span = span_of(column)
    reach = "unbounded" if span == "all" else str(int(span) - 1)
    return f"partition by seller_id order by day range between {reach} preceding and current row"


def corrected_sql(columns: Collection[str]) -> str:
    """The window sums with the corrections that were decided by each as-of day."""
    named = sorted(columns)
    changes = ", ".join(f"cast(sum(case when {_inside(c)} then c.{quantity_of(c)} else 0 end) as bigint) as {c}" for c in named)
    totals = ", ".join(f"w.{c} + coalesce(k.{c}, 0) as {c}" for c in named)
    return f"""select w.seller_id, w.as_of, w.tenure_days, {totals} from raw_windows as w left join (
            select g.seller_id, g.as_of, {changes} from grid as g join ledger_corrections as c
            on c.seller_id = g.seller_id and c.decided_day <= g.as_of and c.effective_day <= g.as_of
            group by g.seller_id, g.as_of) as k
        on k.seller_id = w.seller_id and k.as_of = w.as_of"""


def quantity_of(column: str) -> str:
    """The ledger quantity of a window column."""
    return _split(column)[0]


def span_of(column: str) -> str:
    """The span of a window column: days, or `all`."""
    return _split(column)[1]


def _split(column: str) -> tuple[str, str]:
    found = split(column)
    if found is None:
        raise KeyError(column)
    return found


def _inside(column: str) -> str:
    span = span_of(column)
    return "true" if span == "all" else f"c.effective_day > g.as_of - {span}"
