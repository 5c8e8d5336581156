"""How figures and days are written on the pages."""

import math
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

NOTHING = "\u2013"


def percent(value: float | None, digits: int = 0) -> str:
    """A share as a percentage; an en dash for none."""
    if value is None or math.isnan(value):
        return NOTHING
    text = f"{100 * value:.{digits}f}"
    return "<1%" if digits == 0 and 0 < value < 0.005 else ">99%" if digits == 0 and 0.995 <= value < 1 else f"{text}%"


def rate(value: float | None) -> str:
    """A rate to a tenth of a per cent."""
    return percent(value, 1)


def number(value: float | None) -> str:
    """A count, or a number to a tenth, with separators."""
    if value is None or math.isnan(value):
        return NOTHING
    return f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 100 else f"{value:,.1f}"


def money(value: float | None) -> str:
    """An amount of the marketplace's currency, without cents from a hundred on."""
    if value is None or math.isnan(value):
        return NOTHING
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.2f}"


def day(value: str) -> str:
    """An ISO date as people write it, 3 Mar 2026."""
    if not value:
        return NOTHING
    found = date.fromisoformat(value[:10])
    return f"{found.day}\u00a0{found:%b}\u00a0{found.year}"


def points(value: float | None) -> str:
    """A difference of two shares in percentage points, with its sign."""
    if value is None or math.isnan(value):
        return NOTHING
    rounded = round(100 * value)
    return f"+{rounded}" if rounded > 0 else f"\u2212{-rounded}" if rounded < 0 else "0"


FILTERS: Mapping[str, Callable[..., Any]] = {
    "percent": percent,
    "rate": rate,
    "number": number,
    "money": money,
    "day": day,
    "points": points,
}
