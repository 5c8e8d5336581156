"""Successive entries of units with several states: the day each is known, what it adds, the day it is replaced.

A unit's quantities are worked out side by side in two passes over its states: a sort is what a pass costs. An *edge* is
where a quantity's entry ends: the day from which a state says otherwise than the one before, or from which there is
none (where a unit is not its seller's for a while). Most units with several states have two: those are put side by side
by a join, in place of both passes.

Where only what is told from a day on is asked for (`told_from`), an entry of an earlier state matters if it is replaced
from then on: it is taken back, or, if its own day has not come by then, withdrawn as if it had never been made. What
an entry adds to the ledger is then its amount times `sign`: 1 if it is new, -1 if it is withdrawn, else 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from features.states import NEVER, NEWLY
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
        if not self.unit.paired:
            return self._of_many("not lone")
        return f"{self._of_many('not lone and not pair')} union all select * from ({self._of_two()}) as t"

    def _of_two(self) -> str:
        """The same of units with two states: all that the first says, and what the second says otherwise."""
        said = [" or ".join(f"{c} is not null" for c in self._columns(amount)) for amount in self.amounts]
        first = [f"case when {some} then coalesce(edge_{n}, closes) end as past_{n}" for n, some in enumerate(said)]
        second = [f"case when edge_{n} is not null then closes end as past_{n}" for n in range(len(said))]
        kept = [*self.columns.values(), *self._beside]
        edges = ", ".join(f"edge_{n}" for n in range(len(said)))
        return f"""with two as ({self._side_by_side()})
            select seller, since, {", ".join([*kept, *first])} from two where {" or ".join(said)}
            union all select seller, next_since, {", ".join([*(f"next_{c}" for c in kept), *second])} from two
            where coalesce({edges}, null) is not null"""

    def _side_by_side(self) -> str:
        """Both states of a unit, with the edges of the second."""
        kept = [*self.columns.values(), *self._beside]
        after = ", ".join(["b.since as next_since", *(f"b.{c} as next_{c}" for c in kept), "b.until as closes"])
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

    def entries(self, changes: str, told_from: int | None = None) -> list[str]:
        """Selects of the entries of each amount, from a relation of `changes`."""
        return [self._entries(f"past_{n}", amount, changes, told_from) for n, amount in enumerate(self.amounts)]

    def _entries(self, past: str, amount: Amount, changes: str, told_from: int | None) -> str:
        day, added = (self.columns.get(text, text) for text in amount)
        known = f"greatest({day}, since)"
        kept = [f"{known} as day", f"{past} as replaced", f"{added} as added"]
        chosen = f"{known} < {past}"
        if told_from is not None:
            kept[1:2] = [_replaced(known, past), _sign(known, past, told_from)]
            chosen = _told(known, past, told_from)
        named = ", ".join(["seller", *self._beside, *kept])
        return f"select {named} from {changes} as x where {day} is not null and {chosen}"

    @property
    def _beside(self) -> list[str]:
        return ["beside"] if self.beside else []

    @property
    def _order(self) -> str:
        return f"over (partition by seller, {self.unit.key} order by since)"

    def _edges(self, which: str) -> str:
        gap = "when ended < since then ended"
        edges = [
            f"case {gap} when {self._differs(amount)} then since end as edge_{n}"
            for n, amount in enumerate(self.amounts)
        ]
        return f"select *, {', '.join(edges)} from ({self._states(which)}) as s"

    def _differs(self, amount: Amount) -> str:
        return " or ".join(f"{column} is distinct from was_{column}" for column in self._columns(amount))

    def _columns(self, amount: Amount) -> list[str]:
        return [self.columns[text] for text in amount if text in self.columns]

    def _states(self, which: str) -> str:
        """The states, each with what the one before said, when that ended, and when the last of all ends."""
        before = [f"lag({column}) {self._order} as was_{column}" for column in self.columns.values()]
        closes = f"last_value(until) {self._order[:-1]} rows between current row and unbounded following) as closes"
        ended = f"lag(until) {self._order} as ended"
        return f"select *, {', '.join(before)}, {ended}, {closes} from ({self._read(which)}) as u"

    def _read(self, which: str) -> str:
        read = [f"{text} as {column}" for text, column in self.columns.items()]
        beside = [f"{self.beside} as beside"] if self.beside else []
        return f"""select seller, {self.unit.key}, {self.unit.since} as since, {self.unit.until} as until,
            {", ".join([*read, *beside])} from {self.unit.table} where {which}"""


def is_new(since: str, told_from: int) -> str:
    """Whether a state is told of from the day on."""
    return f"({since} >= {told_from} or {since} = {NEWLY})"


def _told(known: str, past: str, told_from: int) -> str:
    """Entries that are new, and older ones that are replaced from the day on."""
    replaced = f"{past} >= {told_from} and {past} < {NEVER}"
    return f"case when {is_new('since', told_from)} then {known} < {past} else {replaced} end"


def _replaced(known: str, past: str) -> str:
    """A withdrawn entry is no correction: there is nothing to take back."""
    return f"case when {known} < {past} then {past} else {NEVER} end as replaced"


def _sign(known: str, past: str, told_from: int) -> str:
    return f"case when {is_new('since', told_from)} then 1 when {known} >= {past} then -1 else 0 end as sign"
