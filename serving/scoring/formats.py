"""How figures and days are written for people."""

import math
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any


class TrustedText(str):
    """Text of our own making, such as a percentage, which needs no isolation inside a sentence."""

    __slots__ = ()


NOTHING = TrustedText("\u2013")


def percent(value: float | None, digits: int = 0) -> TrustedText:
    """A share as a percentage; an en dash for none."""
    if value is None or math.isnan(value):
        return NOTHING
    text = f"{100 * value:.{digits}f}"
    if digits == 0 and 0 < value < 1 and text in ("0", "100"):
        return TrustedText("<1%" if text == "0" else ">99%")
    return TrustedText(f"{text}%")


def rate(value: float | None) -> TrustedText:
    """A rate to a tenth of a per cent."""
    return percent(value, 1)


def count(value: float | None) -> TrustedText:
    """A count, or a number to a tenth, with separators."""
    if value is None or math.isnan(value):
        return NOTHING
    return TrustedText(f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 100 else f"{value:,.1f}")


def money(value: float | None) -> TrustedText:
    """An amount of the marketplace's currency."""
    if value is None or math.isnan(value):
        return NOTHING
    return TrustedText(f"{value:,.2f}")


def whole(value: float | None) -> TrustedText:
    """An amount to the whole."""
    return NOTHING if value is None or math.isnan(value) else TrustedText(f"{value:,.0f}")


def day(value: str) -> TrustedText:
    """An ISO date as people write it, 3 Mar 2026."""
    if not value:
        return NOTHING
    found = date.fromisoformat(value[:10])
    return TrustedText(f"{found.day}\u00a0{found:%b}\u00a0{found.year}")


def points(value: float | None) -> TrustedText:
    """A difference of two shares in percentage points, with its sign."""
    if value is None or math.isnan(value):
        return NOTHING
    rounded = round(100 * value)
    return TrustedText(f"+{rounded}" if rounded > 0 else f"\u2212{-rounded}" if rounded < 0 else "0")


FILTERS: Mapping[str, Callable[..., Any]] = {
    "percent": percent,
    "rate": rate,
    "number": count,
    "money": money,
    "whole": whole,
    "day": day,
    "points": points,
}
