"""A feature: one number about a seller at an as-of day, with all that is said of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from features import items, sentences, troubles
from features.peers import GROUPS
from features.since import since_of
from features.windows import quantity_of, span_of, split

IDENTIFIER = re.compile(r"[a-z][a-z_0-9]*")


@dataclass(frozen=True)
class Feature:
    """One number about a seller at an as-of day. direction: the side that is bad ("up", "down"), or "none"."""

    name: str
    title: str
    family: str
    unit: str
    direction: str
    formula: str
    sentence: str
    evidence: str = ""  # window column whose orders are the evidence
    unless: str = ""  # ledger quantity that says the same better: the feature is left out where the source has it

    @cached_property
    def span(self) -> int:
        """Days that the evidence looks back over; 0 without evidence."""
        return int(span_of(self.evidence)) if self.evidence and span_of(self.evidence) != "all" else 0

    @cached_property
    def evidence_quantity(self) -> str:
        """The ledger quantity whose orders are the evidence; empty without."""
        return quantity_of(self.evidence) if self.evidence else ""

    def say(self, row: Mapping[str, float | str]) -> str:
        """The reviewer's sentence with this row's counts."""
        return sentences.say(self.sentence, row)

    def count(self, row: Mapping[str, float | str]) -> int:
        """How many orders the evidence holds in this row."""
        return int(float(row[self.evidence])) if self.evidence else 0

    def columns(self) -> tuple[str, ...]:
        """Every column of a row that the formula, the sentence or the evidence needs, attributes aside."""
        named = [*IDENTIFIER.findall(self.formula), *sentences.columns_of(self.sentence), self.evidence]
        return tuple(n for n in dict.fromkeys(named) if needs_of(n))

    def quantities(self) -> set[str]:
        """The ledger quantities behind the feature."""
        return {quantity for column in self.columns() for quantity in needs_of(column)}


def needs_of(column: str) -> tuple[str, ...]:
    """The ledger quantities behind a column: a window sum, a figure, a time since, an item's count; none: no column."""
    if column in items.COLUMNS:
        return items.NEEDS
    if column in troubles.COLUMNS:
        return troubles.NEEDS
    if quantity := since_of(column):
        return (quantity,)
    window = (figure(column) or ("", column))[1]
    return (quantity_of(window),) if split(window) else ()


def figure(name: str) -> tuple[str, str] | None:
    """Group and window column of a published figure's name (`peer_late_28`), or None."""
    group, _, column = name.partition("_")
    return (group, column) if group in ("peer", *GROUPS) and split(column) else None
