"""Entries of a unit with several states: when each is known, and when it is replaced."""

from dataclasses import replace

import pytest

from features.engines.duckdb import connect
from features.ledger.facts import Unit
from features.ledger.order_versions import NEVER
from features.ledger.restatements import Chain

UNIT = Unit("states", "unit", "since", "until", ())
AMOUNTS = (("day", "amount"), ("other", "1"))
State = tuple[int, int, int | None, int, int | None]  # since, until, day, amount, other
STORIES: dict[str, tuple[list[State], list[tuple[int, ...]]]] = {
    "a later state that says the same changes nothing": (
        [(0, 5, 3, 7, None), (5, NEVER, 3, 7, None)],
        [(0, 3, NEVER, 7)],
    ),
    "another amount replaces the entry": (
        [(0, 5, 3, 7, None), (5, 8, 3, 9, None), (8, NEVER, 3, 9, None)],
        [(0, 3, 5, 7), (0, 5, NEVER, 9)],
    ),
    "another day replaces the entry, which was known on the later of its day and its state's": (
        [(0, 5, 3, 7, None), (5, NEVER, 6, 7, None)],
        [(0, 3, 5, 7), (0, 6, NEVER, 7)],
    ),
    "the end of the last state ends the entry": ([(0, 4, 3, 7, None), (4, 6, 3, 7, None)], [(0, 3, 6, 7)]),
    "what is replaced before it is known never enters": ([(0, 5, 9, 7, None), (5, NEVER, None, 7, None)], []),
    "a state that changes something else is passed over": (
        [(0, 5, 3, 7, None), (5, 8, 3, 7, 2), (8, NEVER, 3, 9, None)],
        [(0, 3, 8, 7), (0, 8, NEVER, 9), (1, 5, 8, 1)],
    ),
    "each amount has its own chain": (
        [(0, 5, 3, 7, None), (5, 6, 3, 8, 2), (6, NEVER, 3, 8, None)],
        [(0, 3, 5, 7), (0, 5, NEVER, 8), (1, 5, 6, 1)],
    ),
}


def entries(story: str, paired: bool) -> list[tuple[int, ...]]:
    """The entries of a story's states; paired: two that follow each other are put side by side."""
    states, _ = STORIES[story]
    side_by_side = len(states) == 2 and states[0][1] == states[1][0]
    chain = Chain(replace(UNIT, paired=paired), AMOUNTS)
    with connect() as con:
        con.execute("create table states (since integer, until integer, day integer, amount bigint, other integer)")
        con.executemany("insert into states values (?, ?, ?, ?, ?)", states)
        con.execute(f"""create or replace table states as
            select 1 as seller, 'a' as unit, false as lone, {side_by_side} as pair, * from states""")
        return sorted(
            (number, *row)
            for number, query in enumerate(chain.entries(f"({chain.changes})"))
            for row in con.execute(f"select day, replaced, added from ({query}) as e").fetchall()
        )


@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize("story", STORIES)
def test_entries_are_known_and_replaced(story: str, paired: bool) -> None:
    assert entries(story, paired) == STORIES[story][1]
