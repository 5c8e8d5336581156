"""SQL of the window sums: the ledger seen from as-of days, over trailing windows.

A window column is named `<quantity>_<span>`: the sum over days as_of - span + 1 .. as_of, corrections decided by as_of
applied; `<quantity>_all` sums since the first day.
"""

import re
from collections.abc import Collection, Iterable

from features.quantities import BY_NAME

LONGEST_SPAN = 400  # days after which a seller without any ledger row leaves the feature table
WINDOW = re.compile(r"^([a-z0-9_]+?)_(\d+|all)$")


def split(column: str) -> tuple[str, str] | None:
    """Quantity and span of a window column, or None if the name is something else."""
    found = WINDOW.match(column)
    return (found[1], found[2]) if found and found[1] in BY_NAME else None


def days_sql(days: Iterable[int]) -> str:
    """The as-of days as a table of one column."""
    return "select * from (values " + ", ".join(f"({d})" for d in sorted(set(days))) + ") as d(as_of)"


def cut_days_sql(columns: Collection[str]) -> str:
    """Every day at which some window opens or closes."""
    spans = {0, LONGEST_SPAN, *(int(span_of(c)) for c in columns if span_of(c) != "all")}
    return " union ".join(f"select as_of - {span} as day from as_of_days" for span in sorted(spans))


def grid_sql() -> str:
    """Sellers and as-of days from a seller's first ledger day on, with the days since its first order (null before)."""
    return """select s.seller_id, d.as_of,
            case when d.as_of >= s.first_ordered then d.as_of - s.first_ordered end as tenure_days
        from (select seller_id, min(day) as first_day, min(case when ordered > 0 then day end) as first_ordered
            from ledger group by seller_id) as s
        join as_of_days as d on d.as_of >= s.first_day"""


def running_sql(columns: Collection[str]) -> str:
    """Sums since the first day at every cut day of every seller: a window is the difference of two of them."""
    quantities = sorted({quantity_of(c) for c in columns})
    sums = ", ".join(f"cast(sum({q}) over since_ever as bigint) as {q}" for q in (*quantities, "entries"))
    blank = ", ".join(f"cast(0 as bigint) as {q}" for q in (*quantities, "entries"))
    return f"""select seller_id, day, {", ".join((*quantities, "entries"))} from (
            select seller_id, day, asked, {sums} from (
                select seller_id, day, false as asked, {", ".join(quantities)}, cast(1 as bigint) as entries from ledger
                union all
                select s.seller_id, c.day, true as asked, {blank}
                from (select seller_id, min(day) as first_day from ledger group by seller_id) as s
                join cut_days as c on c.day >= s.first_day) as a
            window since_ever as (
                partition by seller_id order by day range between unbounded preceding and current row)) as b
        where asked"""


def windows_sql(columns: Collection[str]) -> str:
    """One row per row of the grid with the given window columns, before corrections; long silent sellers left out."""
    spans = sorted({int(span_of(c)) for c in columns if span_of(c) != "all"} | {LONGEST_SPAN})
    opened = " ".join(
        f"left join running as r{s} on r{s}.seller_id = g.seller_id and r{s}.day = g.as_of - {s}" for s in spans
    )
    differences = ", ".join(f"{_difference(c)} as {c}" for c in sorted(columns))
    return f"""select g.seller_id, g.as_of, g.tenure_days, {differences}
        from grid as g join running as r on r.seller_id = g.seller_id and r.day = g.as_of {opened}
        where r.entries > coalesce(r{LONGEST_SPAN}.entries, 0)"""


def _difference(column: str) -> str:
    quantity, span = _split(column)
    return f"r.{quantity}" if span == "all" else f"r.{quantity} - coalesce(r{span}.{quantity}, 0)"


def steps(days: Iterable[int], columns: Collection[str], into: str) -> list[tuple[str, str]]:
    """The tables that lead from the ledger to window rows, in the order of making; the last is `into`."""
    return [
        ("as_of_days", days_sql(days)),
        ("grid", grid_sql()),
        ("cut_days", cut_days_sql(columns)),
        ("running", running_sql(columns)),
        ("raw_windows", windows_sql(columns)),
        (into, corrected_sql(columns)),
    ]


def corrected_sql(columns: Collection[str]) -> str:
    """The window sums with the corrections that were decided by each as-of day."""
    named = sorted(columns)
    changes = ", ".join(
        f"cast(sum(case when {_inside(c)} then c.{quantity_of(c)} else 0 end) as bigint) as {c}" for c in named
    )
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
