"""SQL of the window sums: the ledger summed over trailing windows, at each as-of day.

A window column is named `<quantity>_<span>`: the sum over the days as_of - span + 1 .. as_of, with the corrections
decided by as_of. `<quantity>_all` is the sum since the first day.

The ledger is first summed into weeks that end on the as-of days' day of the week, and the weeks into running totals. A
window of seven weeks and two days is the total at as_of minus the total seven weeks before, where the last two days
are left out (the `opening`). As-of days on several days of the week are computed one day of the week at a time.

The time of a window function grows with its number of columns. So two counts share one number (a *packed sum*, with
the first count in its low half). No count of one seller fills half a number, and no window sum is negative, so sums and
differences of packed numbers are the sums and differences of both halves.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby

from core.packed_keys import entry
from core.sql_text import Step
from features.ledger.quantities import BY_NAME, is_count, kind_of

WEEK = 7
LONGEST_SPAN = 400  # days after which a seller without any ledger row leaves the feature table
SILENCE = f"entries_{LONGEST_SPAN}"  # ledger rows in those days
HALF = 32  # bits of a packed number that its first count may fill
SELLER_DAY = "a seller and as-of day"
Packed = tuple[str, ...]  # the one or two quantities of a packed number, the first in its low half
WeeklySums = Mapping[str, Collection[int]]  # quantities summed by week, each with the tails (days) that it needs


def split(column: str) -> tuple[str, str] | None:
    """Quantity and span of a window column; None for another name."""
    quantity, _, span = column.rpartition("_")
    return (quantity, span) if quantity in BY_NAME and (span.isdecimal() or span == "all") else None


def steps(days: Iterable[int], columns: Collection[str], into: str, corrected: bool = True) -> list[Step]:
    """The steps that make window rows from the ledger, in order; the last makes `into`. corrected: with corrections."""
    by_weekday = groupby(sorted(set(days), key=_weekday), _weekday)
    weekly = [(weekday, sorted(same)) for weekday, same in by_weekday]
    of_weekdays = [step for weekday, same in weekly for step in _weekly_steps(weekday, same, columns)]
    rows = " union all ".join(f"select * from weekly_windows_{weekday}" for weekday, _ in weekly)
    final = corrected_sql(columns) if corrected else named_sql(columns)
    return [
        Step("as_of_days", days_sql(days), "the as-of days", "an as-of day"),
        Step("grid", grid_sql(), "as-of days of each seller from its first ledger day on", SELLER_DAY),
        *of_weekdays,
        Step("raw_windows", rows, "window sums before corrections", SELLER_DAY, view=True),
        Step(into, final, "window sums with the corrections decided by the as-of day", SELLER_DAY, view=True),
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
    """Weeks, running totals and windows of the as-of days on one day of the week."""
    all_columns = {*columns, SILENCE}
    ends = week_ends(days, all_columns)
    since_ever = since_ever_sql(weekday, weekly_sums(all_columns), all_columns)
    windows = windows_sql(weekday, days, columns, rows_back(days, ends, all_columns))
    sums = "sums since a seller's first day, and the same without the last days of the week; two counts in one number"
    return [
        Step(f"week_ends_{weekday}", days_sql(ends), "days up to which sums are needed", "a week's end"),
        *ledger_weeks(weekday, ends, days[-1]),
        Step(f"since_ever_{weekday}", since_ever, sums, "a seller and week's end", view=True),
        Step(f"weekly_windows_{weekday}", windows, "window sums before corrections", SELLER_DAY, view=True),
    ]


def week_ends(days: Sequence[int], columns: Collection[str]) -> list[int]:
    """The days of the running totals: every as-of day, and the end of each week in which a window opens.

    If these are not the same number of rows apart for every as-of day, all week ends between them are added.
    """
    weeks = _all_weeks(columns)
    ends = sorted({day - WEEK * w for day in days for w in {0, *weeks}})
    steps_back = {(w, ends.index(day) - ends.index(day - WEEK * w)) for day in days for w in weeks}
    return ends if len(steps_back) == len(weeks) else list(range(ends[0], ends[-1] + 1, WEEK))


def rows_back(days: Sequence[int], ends: Sequence[int], columns: Collection[str]) -> Mapping[int, int]:
    """By number of weeks: how many rows of the running totals lie between an as-of day and that many weeks before."""
    return {w: ends.index(days[0]) - ends.index(days[0] - WEEK * w) for w in _all_weeks(columns)}


def _all_weeks(columns: Collection[str]) -> set[int]:
    return {_weeks(c) for c in columns if span_of(c) != "all"} - {0}


def weekly_sums(columns: Collection[str]) -> list[WeeklySums]:
    """The quantities to sum by week, those that fall on the same days together, each with the days of its openings."""
    openings: dict[str, set[int]] = {quantity_of(c): set() for c in sorted(columns)}
    for column in columns:
        openings[quantity_of(column)] |= {_tail_days(column)} - {0}
    alike = groupby(sorted(openings, key=_falls_on), _falls_on)
    return [{q: sorted(openings[q]) for q in same} for _, same in alike]


def _falls_on(quantity: str) -> str:
    return BY_NAME[quantity].falls_on if quantity in BY_NAME else ""


def ledger_weeks(weekday: int, ends: Sequence[int], last: int) -> list[Step]:
    """The ledger up to the last as-of day with the end of each day's week."""
    name, with_ends = f"ledger_weeks_{weekday}", "the ledger with the end of the week that each day lies in"
    if list(ends) == list(range(ends[0], ends[-1] + 1, WEEK)):
        # Computed instead of joined: the engine then knows that no sum overflows, and sums take two thirds of the time.
        end = f"greatest(day + ({weekday} - day % {WEEK} + {WEEK}) % {WEEK}, {ends[0]})"
        query = f"select *, {end} as week_end from ledger where day <= {last}"
        return [Step(name, query, with_ends, "a seller and day", view=True)]
    joined = f"select l.*, e.week_end from ledger as l join week_of_{weekday} as e on e.day = l.day"
    return [
        Step(f"week_of_{weekday}", week_of_sql(weekday, last), "the end of each ledger day's week", "a day"),
        Step(name, joined, with_ends, "a seller and day", view=True),
    ]


def week_of_sql(weekday: int, last: int) -> str:
    """The end of the week that each day up to the last as-of day lies in."""
    return f"""select d.day, min(e.as_of) as week_end from (select distinct day from ledger where day <= {last}) as d
        join week_ends_{weekday} as e on e.as_of >= d.day group by d.day"""


def weekly_sql(weekday: int, sums: WeeklySums) -> str:
    """Some quantities of the ledger, summed into the given weeks. Most quantities are 0 on most days."""
    tail = "case when week_end - l.day < {1} then {0} else 0 end"
    tails = {f"{q}_tail{days}": (q, tail.format(q, days)) for q in sums for days in sums[q]}
    named = {q: (q, q) for q in sums} | tails
    totals = ", ".join(_narrow(quantity, name, f"sum({sql})") for name, (quantity, sql) in named.items())
    read = ", ".join("1 as entries" if q == "entries" else q for q in sums)
    some = " or ".join(f"{q} <> 0" for q in sums)
    return f"""select {entry("l.seller", "l.week_end")} as entry, {totals}
        from (select seller, day, week_end, {read} from ledger_weeks_{weekday}) as l
        where {some} group by {entry("l.seller", "l.week_end")}"""


def since_ever_sql(weekday: int, sums: Sequence[WeeklySums], columns: Collection[str]) -> str:
    """Running totals of every seller at every week's end from its first, also without the last days of the week."""
    since = [sql for packed in packed_sums(columns) for sql in _since_ever(packed, sums)]
    less = [sql for packed in packed_sums(columns) for sql in _openings(packed, sums)]
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


def packed_sums(columns: Collection[str]) -> list[Packed]:
    """The packed sums of the quantities of window columns.

    Two counts that are needed over the same spans share a number. Money, minutes and SILENCE do not share theirs.
    """
    spans: dict[str, set[str]] = {quantity_of(c): set() for c in sorted(columns)}
    for column in columns:
        spans[quantity_of(column)].add(span_of(column))
    alone = [q for q in spans if q == quantity_of(SILENCE) or not is_count(q)]
    left = sorted({*spans} - {*alone}, key=lambda q: (-len(spans[q]), q))
    pairs: list[Packed] = []
    while left:
        first = left.pop(0)
        second = max(left, key=lambda q: len(spans[q] & spans[first]), default=None)
        pairs.append((first, second) if second else (first,))
        left = [q for q in left if q != second]
    return [*pairs, *((q,) for q in sorted(alone))]


def packed_name(packed: Packed) -> str:
    """The column of a packed number."""
    return "__".join(packed)


def pack(packed: Packed, values: Mapping[str, str]) -> str:
    """SQL for one number with the values of its quantities; a quantity without a value counts as 0."""
    return " + ".join([values.get(packed[0], "0"), *(f"{values.get(q, 0)} * {1 << HALF}" for q in packed[1:])])


def unpack(packed: Packed, quantity: str, value: str) -> str:
    """SQL for a quantity's part of a packed number."""
    if len(packed) == 1:
        return value
    return f"{value} >> {HALF}" if quantity == packed[1] else f"{value} & {(1 << HALF) - 1}"


def _since_ever(packed: Packed, sums: Sequence[WeeklySums]) -> list[str]:
    """A packed number's running total, and its sums over the last days of a week."""
    name, places = packed_name(packed), {q: number for number, same in enumerate(sums) for q in same if q in packed}
    week = pack(packed, {q: f"coalesce(w{n}.{q}, 0)" for q, n in places.items()})
    tails = {
        d: {q: f"coalesce(w{n}.{q}_tail{d}, 0)" for q, n in places.items() if d in sums[n][q]}
        for d in _tails(packed, sums)
    }
    so_far = f"cast(sum({week}) over so_far as bigint) as {name}"
    return [so_far, *(f"{pack(packed, values)} as {name}_tail{d}" for d, values in tails.items())]


def _openings(packed: Packed, sums: Sequence[WeeklySums]) -> list[str]:
    """A running total, and the same without the last days of the week."""
    name = packed_name(packed)
    return [name, *(f"{name} - {name}_tail{d} as {opening_of(name, d)}" for d in _tails(packed, sums))]


def _tails(packed: Packed, sums: Sequence[WeeklySums]) -> list[int]:
    return sorted({d for same in sums for q in packed for d in same.get(q, ())})


def _narrow(quantity: str, name: str, sql: str) -> str:
    return f"cast({sql} as {kind_of(quantity)}) as {name}"


def windows_sql(weekday: int, days: Sequence[int], columns: Collection[str], back: Mapping[int, int]) -> str:
    """One row per row of the grid with the given window columns, before corrections.

    Sellers without a ledger row in LONGEST_SPAN days are left out.
    """
    packed_of = {quantity: packed for packed in packed_sums({*columns, SILENCE}) for quantity in packed}
    places = {c: f"{packed_name(packed_of[quantity_of(c)])}_{span_of(c)}" for c in {*columns, SILENCE}}
    sources = {name: (packed_name(packed_of[quantity_of(c)]), c) for c, name in places.items()}
    sums = ", ".join(f"{_difference(*sources[name], back)} as {name}" for name in sorted(sources))
    parts = [(c, quantity_of(c)) for c in sorted(columns)]
    named = ", ".join(_narrow(q, c, unpack(packed_of[q], q, places[c])) for c, q in parts)
    tenure = "case when as_of >= first_ordered then as_of - first_ordered end as tenure_days"
    return f"""select seller, as_of, tenure_days, {named} from (
            select seller, as_of, {tenure}, {sums} from since_ever_{weekday}
            window weeks as (partition by seller order by as_of)) as w
        where as_of in ({", ".join(map(str, days))}) and {SILENCE} > 0"""


def _difference(name: str, column: str, back: Mapping[int, int]) -> str:
    """SQL for a packed number's sum over the span of a window column."""
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
    """The name of a packed number's running total without the last days of the week."""
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
