"""The ledger against the oracle, and what must leave its past days alone, on many drawn histories.

Each property is followed by a planted fault that it must report.
"""

from random import Random

from changes import other_future, overwritten, shuffled_and_doubled, with_late_versions
from engine_side import HISTORIES, as_oracle, built, differences, for_histories
from histories import VERSIONED, History, an_example
from hypothesis import strategies as st
from oracle import ledger

from features.ledger import Ledger as EngineLedger

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


def test_oracle_reports_an_entry_one_day_off() -> None:
    history = an_example()
    engine = built(history)
    assert against_oracle(history, engine) == []
    engine.con.execute("update ledger set day = day + 1 where late > 0")
    assert any(found.startswith("late of") for found in against_oracle(history, engine))


@HISTORIES
def test_past_days_are_blind_to_the_future(number: int) -> None:
    def check(history: History, seed: int) -> None:
        day = a_day(history, Random(seed))
        other = other_future(history, day, Random(seed))
        assert differences(as_oracle(built(other)), as_oracle(built(history)), known_by=day) == []

    for_histories(number, check)


def known_too_early(engine: EngineLedger) -> EngineLedger:
    """A planted leak: rows are chosen by when the order was placed, and carry a delivery from afterwards."""
    blank = ", ".join(f"0 as {name}" for name in engine.quantities if name != "delivered")
    early = f"select seller_id, ordered_at_day as day, 1 as delivered, {blank} from orders where delivered_at > 0"
    engine.con.execute(f"insert into ledger by name {early}")
    return engine


def test_blindness_reports_a_delivery_known_too_early() -> None:
    history = an_example()
    day = history.day(history.start) + 20
    other = other_future(history, day, Random(1))
    leaky = [as_oracle(known_too_early(built(h))) for h in (other, history)]
    assert {found.split(" of ")[0] for found in differences(*leaky, known_by=day)} == {"delivered"}


@HISTORIES
def test_order_of_rows_and_duplicates_change_nothing(number: int) -> None:
    def check(history: History, seed: int) -> None:
        other = shuffled_and_doubled(history, Random(seed))
        assert differences(as_oracle(built(other)), as_oracle(built(history))) == []

    for_histories(number, check)


def test_duplicates_that_count_twice_are_reported() -> None:
    history = an_example()
    orders = [*history.tables["orders"], {**history.tables["orders"][0], "line_id": "the same again"}]
    twice = history.with_tables({**history.tables, "orders": orders})
    found = differences(as_oracle(built(twice)), as_oracle(built(history)))
    assert "units" in {text.split(" of ")[0] for text in found}


@HISTORIES
def test_a_late_version_touches_only_the_days_after_it(number: int) -> None:
    def check(history: History, seed: int) -> None:
        day = a_day(history, Random(seed))
        other = with_late_versions(history, day, Random(seed))
        assert differences(as_oracle(built(other)), as_oracle(built(history)), known_by=day) == []

    for_histories(number, check, versioned=st.just(frozenset(VERSIONED)))


def test_a_version_that_rewrites_the_past_is_reported() -> None:
    history = an_example(versioned=frozenset(VERSIONED))
    day = history.day(history.start) + 20
    late = with_late_versions(history, day, Random(1))
    rewritten = late.with_tables({**late.tables, "orders": overwritten(late.tables["orders"])})
    assert differences(as_oracle(built(rewritten)), as_oracle(built(history)), known_by=day)
