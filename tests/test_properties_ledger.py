"""The ledger against the oracle, and what must leave its past days alone, on many drawn histories."""

from random import Random

from changes import other_future, shuffled_and_doubled, with_late_versions
from engine_side import HISTORIES, as_oracle, built, differences, for_histories
from features.ledger import Ledger as EngineLedger
from histories import VERSIONED, History
from hypothesis import strategies as st
from oracle import ledger

LAST = 45  # days after the start of a history within which almost everything happens


def a_day(history: History, rng: Random) -> int:
    return history.day(history.start) + rng.randint(0, LAST)


def against_oracle(history: History, engine: EngineLedger) -> list[str]:
    return differences(as_oracle(engine), ledger(history.tables, history.zone, engine.quantities))


@HISTORIES
def test_ledger_equals_the_oracle(number: int) -> None:
    def check(history: History, _: int) -> None:
        assert against_oracle(history, built(history)) == []

    for_histories(number, check)


@HISTORIES
def test_past_days_are_blind_to_the_future(number: int) -> None:
    def check(history: History, seed: int) -> None:
        day = a_day(history, Random(seed))
        other = other_future(history, day, Random(seed))
        assert differences(as_oracle(built(other)), as_oracle(built(history)), known_by=day) == []

    for_histories(number, check)


@HISTORIES
def test_order_of_rows_and_duplicates_change_nothing(number: int) -> None:
    def check(history: History, seed: int) -> None:
        other = shuffled_and_doubled(history, Random(seed))
        assert differences(as_oracle(built(other)), as_oracle(built(history))) == []

    for_histories(number, check)


@HISTORIES
def test_a_late_version_touches_only_the_days_after_it(number: int) -> None:
    def check(history: History, seed: int) -> None:
        day = a_day(history, Random(seed))
        other = with_late_versions(history, day, Random(seed))
        assert differences(as_oracle(built(other)), as_oracle(built(history)), known_by=day) == []

    for_histories(number, check, versioned=st.just(frozenset(VERSIONED)))
