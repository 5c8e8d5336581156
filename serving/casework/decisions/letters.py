"""The letter that tells a seller of a decision: a statement of reasons, as HTML and as plain text.

It says what the logged answer says, in the same figures; the decision and the regimes that apply choose its paragraphs.
Texts are in letters.toml.
"""

import textwrap
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from functools import cache
from math import isnan
from pathlib import Path
from typing import Any

from markupsafe import Markup

from features.catalogue.sentences import fill
from features.ingest.contract import RESTRICTING
from serving.casework.decisions import regimes


@dataclass(frozen=True)
class Letter:
    """All that a letter says. Rates, probabilities and counts are those of the logged answer; days are ISO."""

    case_decision_id: str
    seller_id: str
    seller_name: str
    natural_person: bool | None
    risk: str
    kind: str
    decided_by: str
    decided_at: str
    effective_at: str
    ends_at: str  # "" : until lifted
    scope: str  # message id of where it holds
    duration: str  # message id of how long
    origin: str  # message id of what brought the case up
    facts: str
    appeal: str
    standard: str
    standard_version: str
    standard_title: str
    comparator: str
    limit: float
    window_days: int
    window_from: str
    minimum_volume: int
    unit: str
    bad: int
    volume: int
    current_rate: float | None
    in_breach: bool
    low_evidence: bool
    as_of: str
    horizon_day: str
    probability: float
    interval_90: tuple[float, float]
    expected_rate: float | None
    expected_rate_interval_90: tuple[float, float] | None
    reasons: tuple[str, ...]  # those that raise the risk, the strongest first
    coming: int
    room: int
    decision_id: str  # of the logged answer
    digest: str
    model_version: str
    regimes: tuple[str, ...]

    @property
    def restricting(self) -> bool:
        """Whether it tells of a restriction."""
        return self.kind in RESTRICTING


def from_json(stored: Mapping[str, Any]) -> Letter:
    """A letter as it was kept."""
    pairs = ("interval_90", "expected_rate_interval_90", "reasons", "regimes")
    plain = {f.name: stored[f.name] for f in fields(Letter)}
    return Letter(**plain | {name: None if plain[name] is None else tuple(plain[name]) for name in pairs})


TEXTS = Path(__file__).with_name("letters.toml")
ORDER = (
    "decision", "effect", "figures", "reasons", "ground", "facts", "automated", "next", "appeal", "redress", "rights",
)  # fmt: skip
ALWAYS = frozenset(("decision", "effect", "figures", "reasons", "ground", "facts", "next", "appeal"))
SHOWN_REASONS = 5
WIDTH = 78


@dataclass(frozen=True)
class Paragraph:
    """A heading, its sentences, and entries of a list."""

    name: str
    heading: str
    sentences: tuple[str, ...]
    entries: tuple[str, ...] = ()


def figures_speak() -> str:
    """The text in place of facts where a reviewer who offers help has written none."""
    return str(_texts()["facts"]["figures"])


def title(letter: Letter) -> str:
    """The subject line."""
    return fill(_texts()["title"]["restriction" if letter.restricting else "help"], _values(letter))


def paragraphs(letter: Letter) -> list[Paragraph]:
    """The paragraphs in order: those that every letter has, and those that the regimes require."""
    packs = [r for r in regimes.regimes() if r.name in letter.regimes]
    wanted = ALWAYS | regimes.paragraphs(packs) | ({"automated"} if letter.restricting else set())
    return [_paragraph(name, letter) for name in ORDER if name in wanted]


def as_text(letter: Letter) -> str:
    """The letter as plain text, 78 characters wide."""
    parts = [_wrapped(title(letter)), _wrapped(_greeting(letter))]
    for one in paragraphs(letter):
        lines = [*one.sentences, *(f"- {entry}" for entry in one.entries)]
        parts.append("\n".join([one.heading.upper(), *(_wrapped(line) for line in lines)]))
    return "\n\n".join([*parts, _wrapped(_reference(letter))]) + "\n"


def as_html(letter: Letter) -> Markup:
    """The letter as an HTML article, for a page or a mail; foreign text is escaped and isolated."""
    body = Markup("").join(_html(one) for one in paragraphs(letter))
    frame = Markup('<article class="letter"><h2>{}</h2><p>{}</p>{}<p class="reference">{}</p></article>')
    return frame.format(title(letter), _greeting(letter), body, _reference(letter))


def _html(one: Paragraph) -> Markup:
    sentences = Markup("").join(Markup('<p dir="auto">{}</p>').format(s) for s in one.sentences)
    entries = Markup("").join(Markup('<li dir="auto">{}</li>').format(e) for e in one.entries)
    listed = Markup("<ul>{}</ul>").format(entries) if one.entries else Markup("")
    return Markup('<section data-paragraph="{}"><h3>{}</h3>{}{}</section>').format(
        one.name, one.heading, sentences, listed
    )


def _paragraph(name: str, letter: Letter) -> Paragraph:
    values, messages = _values(letter), _texts().get(name, {})
    heading = _texts()["headings"][name]
    if name == "reasons":
        return Paragraph(name, heading, (), letter.reasons)
    if name == "facts":
        return Paragraph(name, heading, (letter.facts,))
    chosen = [messages[message] for message in MESSAGES[name](letter)]
    return Paragraph(name, heading, tuple(fill(template, values) for template in chosen))


def _figures(letter: Letter) -> list[str]:
    known = ["now"] if letter.current_rate is not None else []
    expected = ["expected"] if letter.expected_rate_interval_90 else []
    return [*known, *expected, "probability", *(["little"] if letter.low_evidence else [])]


MESSAGES: Mapping[str, Any] = {  # which sentences of a paragraph a letter has
    "decision": lambda letter: [letter.kind],
    "effect": lambda letter: ["restriction" if letter.restricting else "help"],
    "figures": _figures,
    "ground": lambda letter: ["text", "in_breach" if letter.in_breach else "not_in_breach"],
    "automated": lambda letter: ["text", "origin"],
    "next": lambda letter: [letter.kind, "room" if letter.room >= 0 else "no_room"],
    "appeal": lambda letter: ["text", "orders"],
    "redress": lambda letter: ["text"],
    "rights": lambda letter: ["text"],
}


def _values(letter: Letter) -> dict[str, float | str]:
    low, high = letter.interval_90
    expected = letter.expected_rate_interval_90 or (float("nan"), float("nan"))
    texts = _texts()
    counted = {name: getattr(letter, name) for name in ("bad", "volume", "coming", "room", "window_days")}
    named = ("standard", "standard_version", "unit", "decided_by", "model_version", "appeal")
    return {
        **counted,
        **{name: getattr(letter, name) for name in named},
        "standard_title": letter.standard_title[:1].lower() + letter.standard_title[1:],
        "minimum": letter.minimum_volume,
        "limit": percent(letter.limit, 1),
        "keeps": {"<=": "at most", "<": "under", ">=": "at least", ">": "over"}[letter.comparator],
        "current_rate": percent(letter.current_rate, 1),
        "expected_rate": percent(letter.expected_rate, 1),
        "expected_low": percent(expected[0], 1),
        "expected_high": percent(expected[1], 1),
        "probability": percent(letter.probability),
        "low": percent(low),
        "high": percent(high),
        "as_of": day(letter.as_of),
        "horizon_day": day(letter.horizon_day),
        "window_from": day(letter.window_from),
        "effective_day": day(letter.effective_at),
        "scope": texts["scope"][letter.scope] if letter.scope else "",
        "duration": fill(texts["duration"][letter.duration], {"ends_day": day(letter.ends_at)}).lower()
        if letter.duration
        else "",
        "origin": texts["origin"][letter.origin] if letter.origin else "",
    }


def percent(share: float | None, digits: int = 0) -> str:
    """A share as a percentage; without digits, one that would round to 0% or 100% is less than 1% or more than 99%."""
    if share is None or isnan(share):
        return "unknown"
    if digits == 0 and 0 < share < 0.005:
        return "less than 1%"
    return "more than 99%" if digits == 0 and 0.995 < share < 1 else f"{100 * share:.{digits}f}%"


def day(text: str) -> str:
    """An ISO day or time as 3 March 2026."""
    if not text:
        return ""
    found = date.fromisoformat(text[:10])
    return f"{found.day} {found:%B} {found.year}"


def _greeting(letter: Letter) -> str:
    return fill("Dear {name},", {"name": letter.seller_name or letter.seller_id})


def _reference(letter: Letter) -> str:
    template = "Reference {reference}, {day}. Record {record}, {digest}."
    return fill(
        template,
        {
            "reference": letter.case_decision_id[:12],
            "day": day(letter.decided_at),
            "record": letter.decision_id,
            "digest": letter.digest[:19],
        },
    )


def _wrapped(line: str) -> str:
    hanging = "  " if line.startswith("- ") else ""
    return textwrap.fill(line, WIDTH, subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False)


@cache
def _texts() -> Mapping[str, Any]:
    return tomllib.loads(TEXTS.read_text(encoding="utf-8"))
