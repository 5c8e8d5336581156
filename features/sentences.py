"""Sentences with counts: a template names window columns, and small expressions of them, in braces.

`{late_28}` is a count; `{a*b/c}` a number worked out from left to right; a text column stands for itself. A style may
follow: `{a/b|share}` a percentage, `|hours` minutes as hours or days, `|money` cents as money, and words to choose
among: `{late_28|none was/1 was/# were}` for none, one and more, with the number for `#` (a fourth wording for what is
not known). A part in `[...]` is left out where a count in it is 0 or something in it is not known.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from operator import add, mul, sub

FIELD = re.compile(r"\{([^{}|]+)(?:\|([^{}]+))?\}")
PART = re.compile(r"\[([^\[\]]*)\]")
TERM = re.compile(r"([*/+-]?)\s*([a-z_0-9.]+)")
UNKNOWN = "unknown"
UNTOLD = "Nothing is known of this yet."
MINUTES_A_DAY = 1440
READY = 100  # whole numbers whose words are made once
Row = Mapping[str, float | str]


@dataclass(frozen=True)
class Field:
    """What stands in braces, taken apart once. terms: sign, and a number or the name of a column."""

    expression: str
    terms: tuple[tuple[str, str | float], ...]
    style: str
    wordings: tuple[str, ...]

    @cached_property
    def value(self) -> Callable[[Row], float]:
        """The expression worked out from left to right; nan where it divides by zero."""
        steps = [(STEPS[sign], term) for sign, term in self.terms]

        def worked_out(row: Row) -> float:
            total = 0.0
            for step, term in steps:
                total = step(total, float(row[term]) if isinstance(term, str) else term)
            return total

        return worked_out

    def sayer(self, optional: bool) -> Callable[[Row], str | None]:
        """What says it of a row; in an optional part, None where it does not tell."""
        expression, value, silent = self.expression, self.value, optional and self.bare
        ready = {number: said for number, said in self.ready.items() if number or not silent}

        def say(row: Row) -> str | None:
            found = row.get(expression)  # most expressions are one column
            if found is None:
                found = value(row)
            said = ready.get(found)
            return self._said(found, optional) if said is None else said

        return say

    @cached_property
    def ready(self) -> Mapping[float | str, str]:
        """The words for the whole numbers that most counts are."""
        return {} if self.style and not self.wordings else {float(n): self.worded(n) for n in range(READY)}

    def _said(self, found: float | str, optional: bool) -> str | None:
        if optional and not self.tells(found):
            return None
        return found or UNKNOWN if isinstance(found, str) else self.worded(found)

    def worded(self, number: float) -> str:
        """The words for what the expression comes to."""
        number += 0.0  # nobody says -0
        if self.wordings:
            return _words(self.wordings, number)
        return UNKNOWN if math.isnan(number) else _styled(number, self.style)

    def tells(self, found: float | str) -> bool:
        """Whether it is known, and no bare count of 0."""
        if isinstance(found, str):
            return bool(found)
        return not (math.isnan(found) or (found == 0 and self.bare))

    @cached_property
    def bare(self) -> bool:
        """Whether it is a count, said as it is."""
        return not self.style and "/" not in self.expression


@dataclass(frozen=True)
class Part:
    """A stretch of a template: texts and fields; an optional one is left out where a field of it does not tell."""

    pieces: tuple[str | Field, ...]
    optional: bool

    def sayer(self) -> Callable[[Row], str]:
        """What says it of a row."""
        pieces = [p if isinstance(p, str) else p.sayer(self.optional) for p in self.pieces]

        def say(row: Row) -> str:
            words = []
            for piece in pieces:
                said = piece if isinstance(piece, str) else piece(row)
                if said is None:
                    return ""
                words.append(said)
            return "".join(words)

        return say


def say(template: str, row: Row) -> str:
    """The template with its fields filled in from a row."""
    said = "".join([part(row) for part in _sayers(template)])
    return said[:1].upper() + said[1:] or UNTOLD


@cache
def _sayers(template: str) -> tuple[Callable[[Row], str], ...]:
    return tuple(part.sayer() for part in parts(template))


@cache
def parts(template: str) -> tuple[Part, ...]:
    """A template taken apart; templates are the catalogue's, so they are few."""
    texts = PART.split(template)  # every second one stood in [...]
    return tuple(Part(_pieces(text), bool(i % 2)) for i, text in enumerate(texts) if text)


def _pieces(text: str) -> tuple[str | Field, ...]:
    texts, found = FIELD.split(text), []  # text, expression, style, text, ...
    for before, expression, style in zip(texts[::3], texts[1::3], texts[2::3], strict=False):
        found += [before, _field(expression, style or "")]
    return tuple(piece for piece in [*found, texts[-1]] if piece)


def _field(expression: str, style: str) -> Field:
    terms = [(sign, float(term) if term[0].isdigit() else term) for sign, term in TERM.findall(expression)]
    return Field(expression, tuple(terms), style, tuple(style.split("/")) if "/" in style else ())


def columns_of(template: str) -> tuple[str, ...]:
    """The column names a template needs, numbers left out."""
    terms = [t[1] for field in FIELD.findall(template) for t in TERM.findall(field[0])]
    return tuple(t for t in dict.fromkeys(terms) if not t[0].isdigit())


def value(expression: str, row: Row) -> float:
    """A small expression worked out from left to right; nan where it divides by zero."""
    return _field(expression, "").value(row)


def _divided(total: float, number: float) -> float:
    return total / number if number else math.nan


STEPS: Mapping[str, Callable[[float, float], float]] = {"": add, "+": add, "-": sub, "*": mul, "/": _divided}


def _words(wordings: tuple[str, ...], number: float) -> str:
    """The wording for none, one, more, or for what is not known."""
    if math.isnan(number):
        return wordings[3] if len(wordings) > 3 else UNKNOWN
    wording = wordings[0 if number <= 0 else 1 if number <= 1 else 2]
    return wording.replace("#", _plain(number)) if "#" in wording else wording


def _styled(number: float, style: str) -> str:
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
