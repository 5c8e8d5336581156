"""Sentences with counts: a template names window columns, and small expressions of them, in braces.

`{late_28}` is a count; `{a*b/c}` a number worked out from left to right; `{a/b|share}` a percentage; a text column
stands for itself.
"""

import math
import re
from collections.abc import Mapping

FIELD = re.compile(r"\{([^{}|]+)(?:\|(share|hours))?\}")
TERM = re.compile(r"([*/+-]?)\s*([a-z_0-9.]+)")
Row = Mapping[str, float | str]


def say(template: str, row: Row) -> str:
    """The template with its fields filled in from a row."""
    return FIELD.sub(lambda m: _field(m[1], m[2], row), template)


def columns_of(template: str) -> tuple[str, ...]:
    """The column names a template needs, numbers left out."""
    terms = [t[1] for field in FIELD.findall(template) for t in TERM.findall(field[0])]
    return tuple(t for t in dict.fromkeys(terms) if not t[0].isdigit())


def value(expression: str, row: Row) -> float:
    """A small expression worked out from left to right; nan where it divides by zero."""
    total = 0.0
    for sign, name in TERM.findall(expression):
        number = float(name if name[0].isdigit() else row[name])
        total = _step(total, sign, number)
    return total


def _step(total: float, sign: str, number: float) -> float:
    if sign == "/":
        return total / number if number else float("nan")
    return total * number if sign == "*" else total - number if sign == "-" else total + number


def _field(expression: str, style: str | None, row: Row) -> str:
    if isinstance(row.get(expression), str):
        return str(row[expression]) or "unknown"
    number = value(expression, row)
    if math.isnan(number):
        return "unknown"
    if style == "share":
        return f"{100 * number:.1f}%" if abs(number) < 0.1 else f"{100 * number:.0f}%"
    if style == "hours":
        return f"{number / 60:.0f} hours"
    return f"{number:,.0f}" if float(number).is_integer() else f"{number:,.1f}"
