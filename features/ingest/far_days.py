"""Days far from the rest of a source, such as a typing error in a year: their rows are held back and named.

The last day is the last one on which orders came as usual: at least 5% of the median of the 28 days with orders before
it. A few orders after a long break are no return to business either. The same holds, backwards, for the first day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

from features.engines.duckdb import Engine
from features.ingest.checks import known_day
from features.ingest.contract import TABLES

USUAL_DAYS = 28  # days with orders whose median is the usual number
SHARE = 0.05  # of the usual number
BREAK_DAYS = 60  # days without an order after which the business must come back, not a single order
EPOCH = date(1970, 1, 1)
NAMED = 5


@dataclass(frozen=True)
class UsualDays:
    """The first and the last day on which orders came as usual, and the days with orders outside."""

    first: int
    last: int
    outside: tuple[int, ...]

    @property
    def named(self) -> tuple[str, ...]:
        """The days outside as dates; of many, the first few and their number."""
        dates = tuple((EPOCH + timedelta(days=day)).isoformat() for day in self.outside)
        return dates if len(dates) <= NAMED else (*dates[:NAMED], f"and {len(dates) - NAMED:,} more days")


def usual_days(days: Sequence[int], orders: Sequence[int]) -> UsualDays:
    """The usual days among days with orders.

    days: day numbers, rising; orders: the number of orders placed on each, at least 1; both of the same length, not 0.

    >>> usual_days([*range(100), 6_000], [40] * 100 + [1])
    UsualDays(first=0, last=99, outside=(6000,))
    """
    end = _usual_end(days, orders)
    turned = [-day for day in days[end - 1 :: -1]], list(orders[end - 1 :: -1])
    start = end - _usual_end(*turned)
    return UsualDays(days[start], days[end - 1], (*days[:start], *days[end:]))


def _usual_end(days: Sequence[int], orders: Sequence[int]) -> int:
    """How many of the days there are up to the last usual one."""
    end = len(days)
    while end > 1 and orders[end - 1] < SHARE * median(orders[max(end - 1 - USUAL_DAYS, 0) : end - 1]):
        end -= 1
    return before_break(days[:end], orders[:end])


def before_break(days: Sequence[int], orders: Sequence[int]) -> int:
    """How many of the days there are before a break that only a few orders follow; all of them without such a break.

    >>> before_break([*range(100), 6_000], [40] * 100 + [1])
    100
    """
    end = len(days)
    for place in range(end - 1, 0, -1):
        before = orders[max(place - USUAL_DAYS, 0) : place]
        if days[place] - days[place - 1] > BREAK_DAYS and sum(orders[place:end]) < SHARE * sum(before):
            end = place
    return end


def find_usual_days(con: Engine) -> UsualDays | None:
    """The usual days of the typed orders; None without orders."""
    rows = con.execute("select ordered_at_day, count(*) from orders group by 1 order by 1").fetchall()
    return usual_days([int(day) for day, _ in rows], [int(n) for _, n in rows]) if rows else None


def is_far(table: str, usual: UsualDays) -> str:
    """The condition that a row became known on a day outside; other rows may be older than the first order."""
    late = f"{known_day(TABLES[table])} > {usual.last}"
    return f"({late} or ordered_at_day < {usual.first})" if table == "orders" else late
