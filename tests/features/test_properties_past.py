"""What must leave past days as they are, in the ledger and bit for bit in the feature rows, on many drawn histories."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import strategies as st

from features.ledger.build import Ledger as EngineLedger
from features.standards.load import load
from features.table import FeatureTable, build_table
from tests.support.engine_ledger import HISTORIES, as_oracle, built, differences, for_histories
from tests.support.histories import VERSIONED, History, an_example
from tests.support.history_changes import other_future, overwritten, shuffled_and_doubled, with_late_versions
from tests.support.oracle import Ledger

pytestmark = pytest.mark.slow

STANDARDS = load().standards
LAST = 60  # days after the start of a history within which almost everything happens
FOREVER = 10**6
Change = Callable[[History, int, Random], History]


def as_seen(
    history: History, days: list[int], planted: Callable[[EngineLedger], object] = id
) -> tuple[Ledger, FeatureTable]:
    """The engine's ledger and rows, with a fault planted between the two where a test asks for one."""
    engine = built(history)
    planted(engine)
    return as_oracle(engine), build_table(engine, days, STANDARDS)


def noticed(one: tuple[Ledger, FeatureTable], other: tuple[Ledger, FeatureTable], known_by: int) -> list[str]:
    """What differs in the ledger as known by a day, and in the rows up to that day."""
    return differences(one[0], other[0], known_by) + unequal_rows(one[1], other[1], known_by)


def unequal_rows(one: FeatureTable, other: FeatureTable, known_by: int) -> list[str]:
    one, other = (table.take(table.as_of <= known_by) for table in (one, other))
    if one.seller_id.tolist() != other.seller_id.tolist() or one.as_of.tolist() != other.as_of.tolist():
        return ["the rows"]
    names = [name for name in one.block.names if one.block[name].tobytes() != other.block[name].tobytes()]
    return names + [name for name in one.text if one.text[name].tolist() != other.text[name].tolist()]


def unnoticed(change: Change, history: History, seed: int, always: bool = False) -> None:
    """Before and up to a day (always: on all days), a changed history looks as it did."""
    rng = Random(seed)
    first = history.day(history.start)
    days = sorted(rng.sample(range(first, first + LAST), 3))
    changed = change(history, days[1], rng)
    known_by = FOREVER if always else days[1]
    assert noticed(as_seen(changed, days), as_seen(history, days), known_by) == []


@HISTORIES
def test_past_days_are_blind_to_the_future(number: int) -> None:
    for_histories(number, lambda history, seed: unnoticed(other_future, history, seed))


@HISTORIES
def test_a_late_version_touches_only_the_days_after_it(number: int) -> None:
    versions = st.just(frozenset(VERSIONED))
    for_histories(number, lambda history, seed: unnoticed(with_late_versions, history, seed), versioned=versions)


@HISTORIES
def test_order_of_rows_and_duplicates_change_nothing(number: int) -> None:
    def shuffled(history: History, _: int, rng: Random) -> History:
        return shuffled_and_doubled(history, rng)

    for_histories(number, lambda history, seed: unnoticed(shuffled, history, seed, always=True))


def example(**plan: object) -> tuple[History, int]:
    history = an_example(**plan)
    return history, history.day(history.start) + 20


def test_a_delivery_known_too_early_is_reported() -> None:
    def rows_chosen_by_order_day(engine: EngineLedger) -> None:
        blank = ", ".join(f"0 as {name}" for name in engine.quantities if name != "delivered")
        early = f"""select seller_id, seller, ordered_at_day as day, 1 as delivered, {blank}
            from orders join seller_codes using (seller_id) where delivered_at > 0"""
        engine.con.execute(f"insert into ledger by name {early}")

    history, day = example()
    changed = other_future(history, day, Random(1))
    one, other = (as_seen(h, [day], rows_chosen_by_order_day) for h in (changed, history))
    found = noticed(one, other, known_by=day)
    assert any(text.startswith("delivered of") for text in found)
    assert "delivered_28" in found


def test_a_figure_of_all_days_in_a_past_row_is_reported() -> None:
    def with_final_figure(table: FeatureTable) -> FeatureTable:
        values, column = table.block.values.copy(), table.block.index["market_service_failure_60"]
        values[:, column] = values[np.argmax(table.as_of), column]
        return replace(table, block=replace(table.block, values=values))

    history, day = example()
    changed = other_future(history, day, Random(1))
    one, other = (with_final_figure(as_seen(h, [day, day + 50])[1]) for h in (changed, history))
    assert unequal_rows(one, other, known_by=day) == ["market_service_failure_60"]


def test_a_version_that_rewrites_the_past_is_reported() -> None:
    history, day = example(versioned=frozenset(VERSIONED))
    late = with_late_versions(history, day, Random(1))
    in_place = [h.with_tables({**h.tables, "orders": overwritten(h.tables["orders"])}) for h in (late, history)]
    one, other = (as_seen(h, [day]) for h in in_place)
    found = noticed(one, other, known_by=day)
    assert any(text.startswith("delivered of") for text in found)
    assert "delivered_28" in found


def test_duplicates_that_count_twice_are_reported() -> None:
    history, day = example()
    orders = [*history.tables["orders"], {**history.tables["orders"][0], "line_id": "the same again"}]
    twice = history.with_tables({**history.tables, "orders": orders})
    found = noticed(as_seen(twice, [day]), as_seen(history, [day]), FOREVER)
    assert any(text.startswith("units of") for text in found)


def test_a_row_that_depends_on_the_order_of_rows_is_reported() -> None:
    history, day = example(alike=False)
    table = as_seen(history, [day])[1]
    backwards = replace(table, text={**table.text, "category": table.text["category"][::-1]})
    assert unequal_rows(backwards, table, FOREVER) == ["category"]
