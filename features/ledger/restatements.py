"""Successive entries of units with several states: the day each is known, what it adds, and the day it is replaced.

All quantities of a unit are computed together, in two passes over its states, because each pass costs a sort. An *edge*
is where a quantity's entry ends: the day from which a state differs from the one before, or from which there is no
state (if a unit belongs to another seller for a while). Most units with several states have two; a join of both states
replaces the two passes for these.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from features.ledger.facts import Unit

Amount = tuple[str, str]  # the day on which something falls, and what it adds to a quantity


@dataclass(frozen=True)
class Chain:
    """The states of a unit with, for each amount, the day on which its entry is replaced (`past_<n>`).

    beside: one more column to select.
    """

    unit: Unit
    amounts: Sequence[Amount]
    beside: str = ""

    @property
    def columns(self) -> Mapping[str, str]:
        """A column name for each expression that is read of a state; a constant needs none."""
        texts = dict.fromkeys(text for amount in self.amounts for text in amount if not text.isdigit())
        return {text: f"c{number}" for number, text in enumerate(texts)}

    @property
    def changes(self) -> str:
        """A select of the states at which an amount changes; `past_<n>` is null if amount n does not change."""
        if not self.unit.paired:
            return self._of_many("not lone")
        return f"{self._of_many('not lone and not pair')} union all select * from ({self._of_two()}) as t"

    def _of_two(self) -> str:
        """`changes` of units with two states: the first state, and the amounts that differ in the second."""
        filled = [" or ".join(f"{c} is not null" for c in self._columns(amount)) for amount in self.amounts]
        first = [f"case when {some} then coalesce(edge_{n}, closes) end as past_{n}" for n, some in enumerate(filled)]
        second = [f"case when edge_{n} is not null then closes end as past_{n}" for n in range(len(filled))]
        columns = [*self.columns.values(), *self._beside]
        edges = ", ".join(f"edge_{n}" for n in range(len(filled)))
        return f"""with two as ({self._side_by_side()})
            select seller, since, {", ".join([*columns, *first])} from two where {" or ".join(filled)}
            union all select seller, next_since, {", ".join([*(f"next_{c}" for c in columns), *second])} from two
            where coalesce({edges}, null) is not null"""

    def _side_by_side(self) -> str:
        """Both states of a unit in one row, with the edges of the second."""
        columns = [*self.columns.values(), *self._beside]
        after = ", ".join(["b.since as next_since", *(f"b.{c} as next_{c}" for c in columns), "b.until as closes"])
        edges = ", ".join(
            f"case when {' or '.join(f'b.{c} is distinct from a.{c}' for c in self._columns(amount))}"
            f" then b.since end as edge_{n}"
            for n, amount in enumerate(self.amounts)
        )
        states, key = self._read("pair"), self.unit.key
        return f"""select a.*, {after}, {edges} from ({states}) as a join ({states}) as b
            on b.seller = a.seller and b.{key} = a.{key} and b.since = a.until"""

    def _of_many(self, which: str) -> str:
        pasts = [
            f"case when edge_{n} is not null then coalesce(lead(edge_{n} ignore nulls) {self._order}, closes) end"
            f" as past_{n}"
            for n in range(len(self.amounts))
        ]
        some = ", ".join(f"edge_{n}" for n in range(len(self.amounts)))
        named = ", ".join(["seller", "since", *self.columns.values(), *self._beside, *pasts])
        return f"select {named} from ({self._edges(which)}) as e where coalesce({some}, null) is not null"

    def entries(self, changes: str) -> list[str]:
        """Selects of the entries of each amount, from a relation with the rows of `changes`."""
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

    def _edges(self, which: str) -> str:
        edges = [
            f"case when {self._differs(amount)} then since end as edge_{n}" for n, amount in enumerate(self.amounts)
        ]
        return f"select *, {', '.join(edges)} from ({self._states(which)}) as s"

    def _differs(self, amount: Amount) -> str:
        return " or ".join(f"{column} is distinct from was_{column}" for column in self._columns(amount))

    def _columns(self, amount: Amount) -> list[str]:
        return [self.columns[text] for text in amount if text in self.columns]

    def _states(self, which: str) -> str:
        """The states, each with the columns of the state before, and the end of the last state."""
        before = [f"lag({column}) {self._order} as was_{column}" for column in self.columns.values()]
        closes = f"last_value(until) {self._order[:-1]} rows between current row and unbounded following) as closes"
        return f"select *, {', '.join(before)}, {closes} from ({self._read(which)}) as u"

    def _read(self, which: str) -> str:
        read = [f"{text} as {column}" for text, column in self.columns.items()]
        beside = [f"{self.beside} as beside"] if self.beside else []
        return f"""select seller, {self.unit.key}, {self.unit.since} as since, {self.unit.until} as until,
            {", ".join([*read, *beside])} from {self.unit.table} where {which}"""
