"""Successive entries of units with several states: the day each is known, what it adds, the day it is replaced.

A unit's quantities are worked out side by side in two passes over its states: a sort is what a pass costs. An *edge* is
where a quantity's entry ends: the day from which a state says otherwise than the one before, or from which there is
none (where a unit is not its seller's for a while).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from features.units import Unit

Amount = tuple[str, str]  # the day on which something falls, and what it adds to a quantity


@dataclass(frozen=True)
class Chain:
    """States of a unit with, for each of some amounts, the day on which what they add is replaced (`past_<n>`).

    beside: one more column to keep.
    """

    unit: Unit
    amounts: Sequence[Amount]
    beside: str = ""

    @property
    def columns(self) -> Mapping[str, str]:
        """The names of what is read of a state; a constant needs none."""
        texts = dict.fromkeys(text for amount in self.amounts for text in amount if not text.isdigit())
        return {text: f"c{number}" for number, text in enumerate(texts)}

    @property
    def changes(self) -> str:
        """A select of the states at which something changes; `past_<n>` is null where the amount is as it was."""
        pasts = [
            f"case when edge_{n} is not null then coalesce(lead(edge_{n} ignore nulls) {self._order}, closes) end"
            f" as past_{n}"
            for n in range(len(self.amounts))
        ]
        some = ", ".join(f"edge_{n}" for n in range(len(self.amounts)))
        named = ", ".join(["seller", "since", *self.columns.values(), *self._beside, *pasts])
        return f"select {named} from ({self._edges()}) as e where coalesce({some}, null) is not null"

    def entries(self, changes: str) -> list[str]:
        """Selects of the entries of each amount, from a relation of `changes`."""
        return [self._entries(f"past_{n}", amount, changes) for n, amount in enumerate(self.amounts)]

    def _entries(self, past: str, amount: Amount, changes: str) -> str:
        day, added = (self.columns.get(text, text) for text in amount)
        known = f"greatest({day}, since)"
        named = ", ".join(["seller", *self._beside, f"{known} as day", f"{past} as replaced", f"{added} as added"])
        return f"select {named} from {changes} as x where {day} is not null and {known} < {past}"

    @property
    def _beside(self) -> list[str]:
        return ["beside"] if self.beside else []

    @property
    def _order(self) -> str:
        return f"over (partition by seller, {self.unit.key} order by since)"

    def _edges(self) -> str:
        gap = "when ended < since then ended"
        edges = [
            f"case {gap} when {self._differs(amount)} then since end as edge_{n}"
            for n, amount in enumerate(self.amounts)
        ]
        return f"select *, {', '.join(edges)} from ({self._states()}) as s"

    def _differs(self, amount: Amount) -> str:
        columns = [self.columns[text] for text in amount if text in self.columns]
        return " or ".join(f"{column} is distinct from was_{column}" for column in columns)

    def _states(self) -> str:
        """The states, each with what the one before said, when that ended, and when the last of all ends."""
        before = [f"lag({column}) {self._order} as was_{column}" for column in self.columns.values()]
        closes = f"last_value(until) {self._order[:-1]} rows between current row and unbounded following) as closes"
        read = [f"{text} as {column}" for text, column in self.columns.items()]
        beside = [f"{self.beside} as beside"] if self.beside else []
        states = f"""select seller, {self.unit.key}, {self.unit.since} as since, {self.unit.until} as until,
            {", ".join([*read, *beside])} from {self.unit.table} where not lone"""
        return f"select *, {', '.join(before)}, lag(until) {self._order} as ended, {closes} from ({states}) as u"
