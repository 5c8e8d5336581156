"""SQL of the window sums: the ledger seen from as-of days, over trailing windows.

A window column is named `<quantity>_<span>`: the sum over days as_of - span + 1 .. as_of, corrections decided by as_of
applied; `<quantity>_all` sums since the first day.

The ledger is first summed into weeks that end on the as-of days' day of the week. A window of seven weeks and two days
is then the difference of two sums since ever, seven weeks apart, and the last two days of the week before (a `tail`).
As-of days on several days of the week are worked out apart, one day of the week at a time.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby

from features.keys import entry
from features.quantities import BY_NAME
from features.states import Step

WEEK = 7
LONGEST_SPAN = 400  # days after which a seller without any ledger row leaves the feature table
SILENCE = f"entries_{LONGEST_SPAN}"  # ledger rows in those days
WINDOW = re.compile(r"^([a-z0-9_]+?)_(\d+|all)$")


def split(column: str) -> tuple[str, str] | None:
    """Quantity and span of a window column, or None if the name is something else."""
    found = WINDOW.match(column)
    return (found[1], found[2]) if found and found[1] in BY_NAME else None


def steps(days: Iterable[int], columns: Collection[str], into: str, corrected: bool = True) -> list[Step]:
    """What leads from the ledger to window rows, in the order of making; the last is `into`. corrected: apply them."""
    by_weekday = groupby(sorted(set(days), key=_weekday), _weekday)
    weekly = [(weekday, sorted(same)) for weekday, same in by_weekday]
    made = [step for weekday, same in weekly for step in _weekly_steps(weekday, same, columns)]
    rows = " union all ".join(f"select * from weekly_windows_{weekday}" for weekday, _ in weekly)
    return [
        Step("as_of_days", days_sql(days)),
        Step("grid", grid_sql()),
        *made,
        Step("raw_windows", rows, view=True),
        Step(into, corrected_sql(columns) if corrected else named_sql(columns), view=True),
    ]


def days_sql(days: Iterable[int]) -> str:
    """The as-of days as a table of one column."""
    return "select * from (values " + ", ".join(f"({d})" for d in sorted(set(days))) + ") as d(as_of)"


def grid_sql() -> str:
    """Sellers and as-of days from a seller's first ledger day on, with the days since its first order (null before)."""
    return """select s.seller, d.as_of,
            case when d.as_of >= s.first_ordered then d.as_of - s.first_ordered end as tenure_days
        from (select seller, min(day) as first_day, min(case when ordered > 0 then day end) as first_ordered
            from ledger group by seller) as s
        join as_of_days as d on d.as_of >= s.first_day"""


def _weekday(day: int) -> int:
    return day % WEEK


def _weekly_steps(weekday: int, days: Sequence[int], columns: Collection[str]) -> list[Step]:
    """Weeks, sums since ever and windows of as-of days on one day of the week."""
    sums = weekly_sums({*columns, SILENCE})
    return [
        Step(f"week_ends_{weekday}", days_sql(week_ends(days, columns))),
        Step(f"week_of_{weekday}", week_of_sql(weekday, days[-1])),
        Step(f"since_ever_{weekday}", since_ever_sql(weekday, sums)),
        Step(f"weekly_windows_{weekday}", windows_sql(weekday, days, columns), view=True),
    ]


def week_ends(days: Sequence[int], columns: Collection[str]) -> set[int]:
    """Days at which the sums since ever are asked for: every as-of day, and the week's end in which a window opens."""
    weeks = {0, *(int(span_of(c)) // WEEK for c in {*columns, SILENCE} if span_of(c) != "all")}
    return {day - WEEK * w for day in days for w in weeks}


def weekly_sums(columns: Collection[str]) -> Mapping[str, Mapping[str, str]]:
    """What is summed by week, for each quantity: itself and its tails; a tail is named `<quantity>_tail<days>`."""
    inside = "case when week_end - l.day < {1} then {0} else 0 end"
    named = sorted({(quantity_of(c), _tail_days(c)) for c in columns})
    tails = {q: {tail_of(q, days): inside.format(q, days) for q2, days in named if q2 == q and days} for q, _ in named}
    return {q: {q: q, **more} for q, more in tails.items()}


def week_of_sql(weekday: int, last: int) -> str:
    """The end of the week that each day up to the last as-of day lies in."""
    return f"""select d.day, min(e.as_of) as week_end from (select distinct day from ledger where day <= {last}) as d
        join week_ends_{weekday} as e on e.as_of >= d.day group by d.day"""


def weekly_sql(weekday: int, sums: Mapping[str, str]) -> str:
    """One quantity of the ledger summed into the weeks that are asked for. Most quantities are 0 on most days."""
    totals = ", ".join(f"cast(sum({sql}) as bigint) as {name}" for name, sql in sums.items())
    quantity = next(iter(sums))
    return f"""select {entry("l.seller", "e.week_end")} as entry, {totals}
        from (select seller, day, {"1 as entries" if quantity == "entries" else quantity} from ledger) as l
        join week_of_{weekday} as e on e.day = l.day where {quantity} <> 0 group by {entry("l.seller", "e.week_end")}"""


def since_ever_sql(weekday: int, sums: Mapping[str, Mapping[str, str]]) -> str:
    """Every seller at every week's end from its first on: sums since ever, and the tails of that week."""
    so_far = "cast(sum(coalesce(w_{0}.{0}, 0)) over so_far as bigint) as {0}"
    since = [
        so_far.format(name) if name == quantity else f"coalesce(w_{quantity}.{name}, 0) as {name}"
        for quantity, named in sums.items()
        for name in named
    ]
    joins = " ".join(
        f"left join ({weekly_sql(weekday, named)}) as w_{q} on w_{q}.entry = g.entry" for q, named in sums.items()
    )
    key = entry("s.seller", "e.as_of")
    return f"""select g.entry, {", ".join(since)}
        from (select {key} as entry, s.seller
            from (select seller, min(day) as first_day from ledger group by seller) as s
            join week_ends_{weekday} as e on e.as_of >= s.first_day) as g {joins}
        window so_far as (partition by g.seller order by g.entry rows between unbounded preceding and current row)"""


def windows_sql(weekday: int, days: Sequence[int], columns: Collection[str]) -> str:
    """One row per row of the grid with the given window columns, before corrections; long silent sellers left out."""
    weeks = sorted({_weeks(c) for c in {*columns, SILENCE} if span_of(c) != "all"} - {0})
    opened = " ".join(f"left join since_ever_{weekday} as r{w} on r{w}.entry = g.entry - {WEEK * w}" for w in weeks)
    sums = ", ".join(f"{_difference(c)} as {c}" for c in sorted(columns))
    chosen = f"as_of in ({', '.join(map(str, days))})"
    return f"""select g.seller, g.as_of, g.tenure_days, {sums}
        from (select *, {entry("seller", "as_of")} as entry from grid where {chosen}) as g
        join since_ever_{weekday} as r0 on r0.entry = g.entry {opened}
        where {_difference(SILENCE)} > 0"""


def _difference(column: str) -> str:
    quantity, span = _split(column)
    if span == "all":
        return f"r0.{quantity}"
    weeks, tail = _weeks(column), _tail_days(column)
    whole = f"r0.{quantity} - coalesce(r{weeks}.{quantity}, 0)" if weeks else "0"
    return f"{whole} + coalesce(r{weeks}.{tail_of(quantity, tail)}, 0)" if tail else whole


def named_sql(columns: Collection[str]) -> str:
    """The window sums with their sellers' ids."""
    return f"""select c.seller_id, w.as_of, w.tenure_days, {", ".join(f"w.{c}" for c in sorted(columns))}, w.seller
        from raw_windows as w join seller_codes as c on c.seller = w.seller"""


def corrected_sql(columns: Collection[str]) -> str:
    """The window sums with the corrections that were decided by each as-of day."""
    named = sorted(columns)
    changes = ", ".join(
        f"cast(sum(case when {_inside(c)} then c.{quantity_of(c)} else 0 end) as bigint) as {c}" for c in named
    )
    totals = ", ".join(f"w.{c} + coalesce(k.{c}, 0) as {c}" for c in named)
    return f"""select w.seller_id, w.as_of, w.tenure_days, {totals}, w.seller
        from ({named_sql(columns)}) as w left join (
            select c.seller_id, g.as_of, {changes} from ledger_corrections as c join as_of_days as g
            on c.decided_day <= g.as_of and c.effective_day <= g.as_of
            group by c.seller_id, g.as_of) as k
        on k.seller_id = w.seller_id and k.as_of = w.as_of"""


def tail_of(quantity: str, days: int) -> str:
    """The name of a week's last days' sum of a quantity."""
    return f"{quantity}_tail{days}"


def quantity_of(column: str) -> str:
    """The ledger quantity of a window column."""
    return _split(column)[0]


def span_of(column: str) -> str:
    """The span of a window column: days, or `all`."""
    return _split(column)[1]


def _weeks(column: str) -> int:
    return int(span_of(column)) // WEEK


def _tail_days(column: str) -> int:
    return 0 if span_of(column) == "all" else int(span_of(column)) % WEEK


def _split(column: str) -> tuple[str, str]:
    found = split(column) or (("entries", column.removeprefix("entries_")) if column == SILENCE else None)
    if found is None:
        raise KeyError(column)
    return found


def _inside(column: str) -> str:
    span = span_of(column)
    return "true" if span == "all" else f"c.effective_day > g.as_of - {span}"
