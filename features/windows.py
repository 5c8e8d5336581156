"""SQL of the window sums: the ledger seen from as-of days, over trailing windows.

A window column is named `<quantity>_<span>`: the sum over days as_of - span + 1 .. as_of, corrections decided by as_of
applied; `<quantity>_all` sums since the first day.

The ledger is first summed into weeks that end on the as-of days' day of the week. A window of seven weeks and two days
is then a sum since ever less the one of seven weeks before; of that, the last two days are left out (an `opening`).
As-of days on several days of the week are worked out apart, one day of the week at a time.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby

from features.keys import entry
from features.quantities import BY_NAME, kind_of
from features.states import Step
from features.window_pairs import Carrier, carriers, name_of, packed, unpacked

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
    named = {*columns, SILENCE}
    ends = week_ends(days, named)
    return [
        Step(f"week_ends_{weekday}", days_sql(ends)),
        *ledger_weeks(weekday, ends, days[-1]),
        Step(f"since_ever_{weekday}", since_ever_sql(weekday, weekly_sums(named), named), view=True),
        Step(f"weekly_windows_{weekday}", windows_sql(weekday, days, columns, rows_back(days, ends, named)), view=True),
    ]


def week_ends(days: Sequence[int], columns: Collection[str]) -> list[int]:
    """Days at which the sums since ever are asked for: every as-of day, and the week's end in which a window opens.

    Where those are not the same number of rows apart at every as-of day, every week between them.
    """
    weeks = _all_weeks(columns)
    ends = sorted({day - WEEK * w for day in days for w in {0, *weeks}})
    steps_back = {(w, ends.index(day) - ends.index(day - WEEK * w)) for day in days for w in weeks}
    return ends if len(steps_back) == len(weeks) else list(range(ends[0], ends[-1] + 1, WEEK))


def rows_back(days: Sequence[int], ends: Sequence[int], columns: Collection[str]) -> Mapping[int, int]:
    """How many rows of the sums since ever lie between an as-of day and the day so many weeks before it."""
    return {w: ends.index(days[0]) - ends.index(days[0] - WEEK * w) for w in _all_weeks(columns)}


def _all_weeks(columns: Collection[str]) -> set[int]:
    return {_weeks(c) for c in columns if span_of(c) != "all"} - {0}


Sums = Mapping[str, Collection[int]]


def weekly_sums(columns: Collection[str]) -> list[Sums]:
    """What is summed by week: quantities that fall on the same days together, each with the days of its openings."""
    openings: dict[str, set[int]] = {quantity_of(c): set() for c in sorted(columns)}
    for column in columns:
        openings[quantity_of(column)] |= {_tail_days(column)} - {0}
    alike = groupby(sorted(openings, key=_falls_on), _falls_on)
    return [{q: sorted(openings[q]) for q in same} for _, same in alike]


def _falls_on(quantity: str) -> str:
    return BY_NAME[quantity].falls_on if quantity in BY_NAME else ""


def ledger_weeks(weekday: int, ends: Sequence[int], last: int) -> list[Step]:
    """The ledger up to the last as-of day with the end of the week that each day lies in."""
    name = f"ledger_weeks_{weekday}"
    if list(ends) == list(range(ends[0], ends[-1] + 1, WEEK)):
        # Worked out, not looked up: then it is known that no sum overflows, and sums take two thirds of the time.
        end = f"greatest(day + ({weekday} - day % {WEEK} + {WEEK}) % {WEEK}, {ends[0]})"
        return [Step(name, f"select *, {end} as week_end from ledger where day <= {last}", view=True)]
    looked_up = f"select l.*, e.week_end from ledger as l join week_of_{weekday} as e on e.day = l.day"
    return [Step(f"week_of_{weekday}", week_of_sql(weekday, last)), Step(name, looked_up, view=True)]


def week_of_sql(weekday: int, last: int) -> str:
    """The end of the week that each day up to the last as-of day lies in."""
    return f"""select d.day, min(e.as_of) as week_end from (select distinct day from ledger where day <= {last}) as d
        join week_ends_{weekday} as e on e.as_of >= d.day group by d.day"""


def weekly_sql(weekday: int, sums: Sums) -> str:
    """Some quantities of the ledger summed into the weeks that are asked for. Most are nothing on most days."""
    tail = "case when week_end - l.day < {1} then {0} else 0 end"
    tails = {f"{q}_tail{days}": (q, tail.format(q, days)) for q in sums for days in sums[q]}
    named = {q: (q, q) for q in sums} | tails
    totals = ", ".join(_narrow(quantity, name, f"sum({sql})") for name, (quantity, sql) in named.items())
    read = ", ".join("1 as entries" if q == "entries" else q for q in sums)
    some = " or ".join(f"{q} <> 0" for q in sums)
    return f"""select {entry("l.seller", "l.week_end")} as entry, {totals}
        from (select seller, day, week_end, {read} from ledger_weeks_{weekday}) as l
        where {some} group by {entry("l.seller", "l.week_end")}"""


def since_ever_sql(weekday: int, sums: Sequence[Sums], columns: Collection[str]) -> str:
    """Every seller at every week's end from its first on: sums since ever, and those less the last days of the week."""
    since = [sql for carrier in carriers_of(columns) for sql in _since_ever(carrier, sums)]
    less = [sql for carrier in carriers_of(columns) for sql in _openings(carrier, sums)]
    joins = " ".join(
        f"left join ({weekly_sql(weekday, same)}) as w{number} on w{number}.entry = g.entry"
        for number, same in enumerate(sums)
    )
    first = "min(day) as first_day, min(case when ordered > 0 then day end) as first_ordered"
    return f"""select seller, as_of, first_ordered, entry, {", ".join(less)} from (
            select g.*, {", ".join(since)}
            from (select {entry("s.seller", "e.as_of")} as entry, s.seller, e.as_of, s.first_ordered
                from (select seller, {first} from ledger group by seller) as s
                join week_ends_{weekday} as e on e.as_of >= s.first_day) as g {joins}
            window so_far as (partition by g.seller order by g.as_of
                rows between unbounded preceding and current row)) as r"""


def carriers_of(columns: Collection[str]) -> list[Carrier]:
    """The numbers that the quantities of window columns are summed in."""
    spans: dict[str, set[str]] = {quantity_of(c): set() for c in sorted(columns)}
    for column in columns:
        spans[quantity_of(column)].add(span_of(column))
    return carriers(spans, alone=(quantity_of(SILENCE),))


def _since_ever(carrier: Carrier, sums: Sequence[Sums]) -> list[str]:
    """A carrier's sum since ever, and its sums over the last days of a week."""
    name, held = name_of(carrier), {q: number for number, same in enumerate(sums) for q in same if q in carrier}
    week = packed(carrier, {q: f"coalesce(w{n}.{q}, 0)" for q, n in held.items()})
    tails = {
        d: {q: f"coalesce(w{n}.{q}_tail{d}, 0)" for q, n in held.items() if d in sums[n][q]}
        for d in _tails(carrier, sums)
    }
    so_far = f"cast(sum({week}) over so_far as bigint) as {name}"
    return [so_far, *(f"{packed(carrier, values)} as {name}_tail{d}" for d, values in tails.items())]


def _openings(carrier: Carrier, sums: Sequence[Sums]) -> list[str]:
    """A sum since ever, and the same without the last days of the week."""
    name = name_of(carrier)
    return [name, *(f"{name} - {name}_tail{d} as {opening_of(name, d)}" for d in _tails(carrier, sums))]


def _tails(carrier: Carrier, sums: Sequence[Sums]) -> list[int]:
    return sorted({d for same in sums for q in carrier for d in same.get(q, ())})


def _narrow(quantity: str, name: str, sql: str) -> str:
    return f"cast({sql} as {kind_of(quantity)}) as {name}"


def windows_sql(weekday: int, days: Sequence[int], columns: Collection[str], back: Mapping[int, int]) -> str:
    """One row per row of the grid with the given window columns, before corrections; long silent sellers left out."""
    carrier_of = {quantity: carrier for carrier in carriers_of({*columns, SILENCE}) for quantity in carrier}
    carried = {c: f"{name_of(carrier_of[quantity_of(c)])}_{span_of(c)}" for c in {*columns, SILENCE}}
    taken = {name: (name_of(carrier_of[quantity_of(c)]), c) for c, name in carried.items()}
    sums = ", ".join(f"{_difference(*taken[name], back)} as {name}" for name in sorted(taken))
    parts = [(c, quantity_of(c)) for c in sorted(columns)]
    named = ", ".join(_narrow(q, c, unpacked(carrier_of[q], q, carried[c])) for c, q in parts)
    tenure = "case when as_of >= first_ordered then as_of - first_ordered end as tenure_days"
    return f"""select seller, as_of, tenure_days, {named} from (
            select seller, as_of, {tenure}, {sums} from since_ever_{weekday}
            window weeks as (partition by seller order by as_of)) as w
        where as_of in ({", ".join(map(str, days))}) and {SILENCE} > 0"""


def _difference(name: str, column: str, back: Mapping[int, int]) -> str:
    """A carrier's sum over the span of a window column."""
    if span_of(column) == "all":
        return name
    opening = opening_of(name, _tail_days(column))
    return f"{name} - {f'coalesce(lag({opening}, {back[w]}) over weeks, 0)' if (w := _weeks(column)) else opening}"


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


def opening_of(name: str, days: int) -> str:
    """The name of a carrier's sum since ever without the last days of the week."""
    return f"{name}_before{days}" if days else name


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
