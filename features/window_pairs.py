"""Counts two by two in one number: a window function's time goes by columns, whatever they hold.

No seller comes to as many of anything as half a number holds, and what a window leaves is never below nothing: so sums
and differences of such numbers are those of both halves.
"""

from collections.abc import Collection, Mapping

from features.quantities import is_count

HALF = 32  # bits
Carrier = tuple[str, ...]  # the quantities in one number, the first in its low half


def carriers(spans: Mapping[str, Collection[str]], alone: Collection[str]) -> list[Carrier]:
    """Every quantity in one number or another; two that are asked for over the same spans go together.

    spans: of each quantity; alone: quantities that are not to be paired.
    """
    single = [q for q in spans if q in alone or not is_count(q)]
    left = sorted({*spans} - {*single}, key=lambda q: (-len(spans[q]), q))
    pairs = []
    while left:
        first = left.pop(0)
        second = max(left, key=lambda q: len({*spans[q]} & {*spans[first]}), default=None)
        pairs.append((first, second) if second else (first,))
        left = [q for q in left if q != second]
    return [*pairs, *((q,) for q in sorted(single))]


def name_of(carrier: Carrier) -> str:
    """The column of a carrier."""
    return "__".join(carrier)


def packed(carrier: Carrier, values: Mapping[str, str]) -> str:
    """SQL for one number of the values of its quantities; nothing for those that have none."""
    return " + ".join([values.get(carrier[0], "0"), *(f"{values.get(q, 0)} * {1 << HALF}" for q in carrier[1:])])


def unpacked(carrier: Carrier, quantity: str, value: str) -> str:
    """SQL for a quantity's part of such a number."""
    if len(carrier) == 1:
        return value
    return f"{value} >> {HALF}" if quantity == carrier[1] else f"{value} & {(1 << HALF) - 1}"
