"""The oracle's second opinion on what is new to a seller: orders of items and in categories it took on lately."""

from collections.abc import Iterator
from typing import Any

from tests.support.oracle_orders import Day

Row = dict[str, Any]
FIRST_STOCK = 30  # days from its first line on in which a seller builds up what it sells
WITHOUT = 3  # whole periods after which a category is taken on anew
NEW = {"item_id": ("new_item_orders", 30), "category": ("new_category_orders", 90)}


def known_on(row: Row, day_of: Day) -> int:
    """The later of the day a line was ordered and the day the row was recorded; always, where neither is said."""
    moments = [row[moment] for moment in ("ordered_at", "recorded_at") if row.get(moment) is not None]
    return max((day_of(moment) for moment in moments), default=0)


def new_to_seller_entries(lines: list[Row], day_of: Day) -> Iterator[tuple[str, int, str]]:
    """(seller, day, quantity) for each order with a line of something new to its seller; lines as first told of."""
    for seller in {line["seller_id"] for line in lines}:
        mine = [(known_on(line, day_of), line) for line in lines if line["seller_id"] == seller]
        for column, (name, span) in NEW.items():
            for day in first_days(mine, column, span).values():
                yield seller, day, name


def first_days(mine: list[tuple[int, Row]], column: str, span: int) -> dict[str, int]:
    """Order -> the first day on which a line of it was new."""
    began = min(day for day, _ in mine)
    found: dict[str, int] = {}
    for day, line in sorted(mine, key=lambda pair: pair[0]):
        same = [other for other, another in mine if another.get(column) == line.get(column)]
        taken_on = last_taken_on(same, day, pauses=column == "category")
        if line.get(column) and taken_on >= began + FIRST_STOCK and day < taken_on + span:
            found.setdefault(line["order_id"], day)
    return found


def last_taken_on(days: list[int], day: int, pauses: bool) -> int:
    """The first of these days up to the given one, or the first after the latest three whole periods without any."""
    start, before = min(days), min(days)
    for other in sorted(d for d in days if d <= day):
        if pauses and len(range(period(before) + 1, period(other))) >= WITHOUT:
            start = other
        before = other
    return start


def period(day: int) -> int:
    """Thirty days each, counted from a million days before 1970."""
    return (day + 1_000_000) // 30
