"""Sentences with counts: a template names window columns, and small expressions of them, in braces.

`{late_28}` is a count; `{a*b/c}` a number worked out from left to right; a text column stands for itself. A style may
follow: `{a/b|share}` a percentage, `|hours` minutes as hours or days, `|money` cents as money, and words to choose
among: `{late_28|none was/1 was/# were}` for none, one and more, with the number for `#` (a fourth wording for what is
not known). A part in `[...]` is left out where a count in it is 0 or something in it is not known.
"""

import math
import re
from collections.abc import Mapping

FIELD = re.compile(r"\{([^{}|]+)(?:\|([^{}]+))?\}")
PART = re.compile(r"\[([^\[\]]*)\]")
TERM = re.compile(r"([*/+-]?)\s*([a-z_0-9.]+)")
UNKNOWN = "unknown"
UNTOLD = "Nothing is known of this yet."
MINUTES_A_DAY = 1440
Row = Mapping[str, float | str]


def say(template: str, row: Row) -> str:
    """The template with its fields filled in from a row."""
    whole = PART.sub(lambda m: m[1] if _worth_saying(m[1], row) else "", template)
    said = FIELD.sub(lambda m: _field(m[1], m[2], row), whole)
    return said[:1].upper() + said[1:] or UNTOLD


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


def _worth_saying(part: str, row: Row) -> bool:
    """Whether everything in an optional part is known, and its bare counts are not 0."""
    fields = FIELD.findall(part)
    texts = [row[name] for name, _ in fields if isinstance(row.get(name), str)]
    numbers = [(value(f, row), not style and "/" not in f) for f, style in fields if not isinstance(row.get(f), str)]
    return all(texts) and not any(math.isnan(number) or (bare and number == 0) for number, bare in numbers)


def _field(expression: str, style: str | None, row: Row) -> str:
    if isinstance(row.get(expression), str):
        return str(row[expression]) or UNKNOWN
    number = value(expression, row)
    if style and "/" in style:
        return _words(style.split("/"), number)
    return UNKNOWN if math.isnan(number) else _styled(number, style)


def _words(wordings: list[str], number: float) -> str:
    """The wording for none, one, more, or for what is not known."""
    if math.isnan(number):
        return wordings[3] if len(wordings) > 3 else UNKNOWN
    return wordings[min(2, math.ceil(number))].replace("#", _plain(number))


def _styled(number: float, style: str | None) -> str:
    if style == "share":
        return f"{100 * number:.1f}%" if abs(number) < 0.1 and number else f"{100 * number:.0f}%"
    if style == "hours":
        return _duration(number)
    if style == "money":
        return f"{number / 100:,.2f}" if number else "nothing"
    return _plain(number)


def _duration(minutes: float) -> str:
    hours = round(minutes / 60)
    if hours > 72:
        return f"{minutes / MINUTES_A_DAY:.1f} days"
    return "less than an hour" if hours == 0 else "1 hour" if hours == 1 else f"{hours} hours"


def _plain(number: float) -> str:
    if 0 < number < 0.05:
        return "fewer than 0.1"
    return f"{number:,.0f}" if float(number).is_integer() else f"{number:,.1f}"
