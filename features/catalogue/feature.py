"""A feature: one number about a seller at an as-of day, with its formula, its sentence and its evidence."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from core.sql_text import columns_in
from features.catalogue import sentences
from features.columns import problem_orders, worst_items
from features.columns.peers import GROUPS
from features.columns.time_since import since_of
from features.columns.windows import quantity_of, span_of, split


@dataclass(frozen=True)
class Feature:
    """One number about a seller at an as-of day. direction: which change is worse, "up" or "down"; or "none"."""

    name: str
    title: str
    family: str
    unit: str
    direction: str
    formula: str
    sentence: str
    evidence: str = ""  # window column whose orders are the evidence
    unless: str = ""  # a more precise ledger quantity: a source that has it does not get the feature

    @cached_property
    def span(self) -> int:
        """Days of the evidence's window; 0 without evidence."""
        return int(span_of(self.evidence)) if self.evidence and span_of(self.evidence) != "all" else 0

    @cached_property
    def evidence_quantity(self) -> str:
        """The ledger quantity whose orders are the evidence; empty without evidence."""
        return quantity_of(self.evidence) if self.evidence else ""

    def sentence_of(self, row: Mapping[str, float | str]) -> str:
        """The reviewer's sentence with this row's counts."""
        return sentences.fill(self.sentence, row)

    def count(self, row: Mapping[str, float | str]) -> int:
        """The number of orders that are this row's evidence."""
        return int(float(row[self.evidence])) if self.evidence else 0

    def columns(self) -> tuple[str, ...]:
        """The numeric columns of a row that the formula, the sentence or the evidence needs."""
        named = [*columns_in(self.formula), *sentences.columns_of(self.sentence), self.evidence]
        return tuple(n for n in dict.fromkeys(named) if needs_of(n))

    def quantities(self) -> set[str]:
        """The ledger quantities that the feature is computed from."""
        return {quantity for column in self.columns() for quantity in needs_of(column)}


def needs_of(column: str) -> tuple[str, ...]:
    """The ledger quantities that a column is computed from; empty for a name that is not a numeric column."""
    if column in worst_items.COLUMNS:
        return worst_items.NEEDS
    if column in problem_orders.COLUMNS:
        return problem_orders.NEEDS
    if quantity := since_of(column):
        return (quantity,)
    window = (figure(column) or ("", column))[1]
    return (quantity_of(window),) if split(window) else ()


def figure(name: str) -> tuple[str, str] | None:
    """The group and the window column in a published figure's name (`peer_late_28`); None for another name."""
    group, _, column = name.partition("_")
    return (group, column) if group in ("peer", *GROUPS) and split(column) else None
