"""Sentences with counts: a template with window columns, or small expressions of them, in braces.

`{late_28}` is a count; `{a*b/c}` a number, computed from left to right; a text column gives its text. A style may
follow: `{a/b|share}` a percentage, `|hours` minutes as hours or days, `|money` cents as money, or wordings:
`{late_28|none was/1 was/# were}` for none, one and more, where `#` is the number; a fourth wording is for an unknown
number. A part in `[...]` is left out if a count in it is 0 or a value in it is unknown.
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
NOTHING_KNOWN = "Nothing is known of this yet."
MINUTES_A_DAY = 1440
PREPARED = 100  # the words for whole numbers below this are made once
Row = Mapping[str, float | str]


@dataclass(frozen=True)
class Field:
    """A parsed field of a template. terms: sign, and a number or the name of a column."""

    expression: str
    terms: tuple[tuple[str, str | float], ...]
    style: str
    wordings: tuple[str, ...]

    @cached_property
    def value(self) -> Callable[[Row], float]:
        """The expression's value, computed from left to right; nan for a division by zero."""
        steps = [(STEPS[sign], term) for sign, term in self.terms]

        def computed(row: Row) -> float:
            total = 0.0
            for step, term in steps:
                total = step(total, float(row[term]) if isinstance(term, str) else term)
            return total

        return computed

    def writer(self, optional: bool) -> Callable[[Row], str | None]:
        """A function that words the field for a row; None where the part is optional and the field has no content."""
        expression, value, without_zero = self.expression, self.value, optional and self.bare
        prepared = {number: words for number, words in self.prepared.items() if number or not without_zero}

        def write(row: Row) -> str | None:
            found = row.get(expression)  # most expressions are one column
            if found is None:
                found = value(row)
            words = prepared.get(found)
            return self._words(found, optional) if words is None else words

        return write

    @cached_property
    def prepared(self) -> Mapping[float | str, str]:
        """The words for small whole numbers, as most counts are."""
        return {} if self.style and not self.wordings else {float(n): self.worded(n) for n in range(PREPARED)}

    def _words(self, found: float | str, optional: bool) -> str | None:
        if optional and not self.has_content(found):
            return None
        return found or UNKNOWN if isinstance(found, str) else self.worded(found)

    def worded(self, number: float) -> str:
        """The words for a value of the expression."""
        number += 0.0  # turns -0 into 0
        if self.wordings:
            return _words(self.wordings, number)
        return UNKNOWN if math.isnan(number) else _styled(number, self.style)

    def has_content(self, found: float | str) -> bool:
        """Whether the value is known and not a bare count of 0."""
        if isinstance(found, str):
            return bool(found)
        return not (math.isnan(found) or (found == 0 and self.bare))

    @cached_property
    def bare(self) -> bool:
        """Whether the field is a count without a style or wordings."""
        return not self.style and "/" not in self.expression


@dataclass(frozen=True)
class SentencePart:
    """A part of a template: texts and fields; an optional part is left out if a field of it has no content."""

    pieces: tuple[str | Field, ...]
    optional: bool

    def writer(self) -> Callable[[Row], str]:
        """A function that words the part for a row."""
        pieces = [p if isinstance(p, str) else p.writer(self.optional) for p in self.pieces]

        def write(row: Row) -> str:
            texts = []
            for piece in pieces:
                words = piece if isinstance(piece, str) else piece(row)
                if words is None:
                    return ""
                texts.append(words)
            return "".join(texts)

        return write


def fill(template: str, row: Row) -> str:
    """The template with its fields filled in from a row."""
    sentence = "".join([part(row) for part in _writers(template)])
    return sentence[:1].upper() + sentence[1:] or NOTHING_KNOWN


@cache
def _writers(template: str) -> tuple[Callable[[Row], str], ...]:
    return tuple(part.writer() for part in parts(template))


@cache
def parts(template: str) -> tuple[SentencePart, ...]:
    """The parts of a template. There are few templates, so the cache stays small."""
    texts = PART.split(template)  # every second text was in [...]
    return tuple(SentencePart(_pieces(text), bool(i % 2)) for i, text in enumerate(texts) if text)


def _pieces(text: str) -> tuple[str | Field, ...]:
    texts, found = FIELD.split(text), []  # text, expression, style, text, ...
    for before, expression, style in zip(texts[::3], texts[1::3], texts[2::3], strict=False):
        found += [before, _field(expression, style or "")]
    return tuple(piece for piece in [*found, texts[-1]] if piece)


def _field(expression: str, style: str) -> Field:
    terms = [(sign, float(term) if term[0].isdigit() else term) for sign, term in TERM.findall(expression)]
    return Field(expression, tuple(terms), style, tuple(style.split("/")) if "/" in style else ())


def columns_of(template: str) -> tuple[str, ...]:
    """The names of the columns that a template needs."""
    terms = [t[1] for field in FIELD.findall(template) for t in TERM.findall(field[0])]
    return tuple(t for t in dict.fromkeys(terms) if not t[0].isdigit())


def value(expression: str, row: Row) -> float:
    """The value of a small expression, computed from left to right; nan for a division by zero."""
    return _field(expression, "").value(row)


def _divided(total: float, number: float) -> float:
    return total / number if number else math.nan


STEPS: Mapping[str, Callable[[float, float], float]] = {"": add, "+": add, "-": sub, "*": mul, "/": _divided}


def _words(wordings: tuple[str, ...], number: float) -> str:
    """The wording for none, one, more, or an unknown number."""
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
