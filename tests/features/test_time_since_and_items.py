"""Days since something last happened, what is new to a seller, and its worst item: small enough to count by hand."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from features.columns.worst_items import item_quality
from features.ledger.build import Ledger
from features.ledger.quantities import NEW_CATEGORY_DAYS, PERIOD_DAYS, PERIODS_WITHOUT
from features.standards.load import load
from features.table import build_table
from tests.support.market_by_hand import DAY_0, Row, at, entries, ledger_of, order

pytestmark = pytest.mark.slow


def row(ledger: Ledger, day: int) -> dict[str, Any]:
    """The only seller's numbers and texts."""
    table = build_table(ledger, [DAY_0 + day], load().standards)
    assert len(table) == 1
    return {**table.block.row(0), **{name: column[0] for name, column in table.text.items()}}


def test_days_are_counted_from_the_last_time() -> None:
    orders = [order("o1", 0, promised=3, delivered=5), order("o2", 2, promised=9, delivered=11)]
    ledger = ledger_of(orders)
    assert [row(ledger, day)["since_late"] for day in (3, 8, 9, 20)] == [0, 5, 0, 11]
    assert math.isnan(row(ledger, 2)["since_late"])
    assert math.isnan(row(ledger, 2)["days_since_late"]), "never is not the same as long ago"


def test_a_failure_taken_back_is_no_longer_the_last() -> None:
    known: Row = {"recorded_at": at(0)}
    news: Row = {"recorded_at": at(12)}
    twice = [order("o2", 0, promised=9, **known), order("o2", 0, promised=9, delivered=8, **news)]
    ledger = ledger_of([order("o1", 0, promised=3, **known), *twice])
    assert [row(ledger, day)["since_late"] for day in (11, 12)] == [2, 9]


def test_a_fault_that_an_appeal_adds_counts_from_its_decision() -> None:
    appeal = {"correction_id": "a", "seller_id": "anna", "table": "orders", "row_key": "o/1", "decided_at": at(9)}
    changed = appeal | {"effect": "fault_changed", "new_fault": "seller"}
    ledger = ledger_of([order("o", 0, ship_by=2, shipped=1, promised=5, delivered=7)], corrections=[changed])
    assert math.isnan(row(ledger, 8)["since_late_seller_fault"])
    assert row(ledger, 9)["since_late_seller_fault"] == 4


def test_an_item_is_new_for_thirty_days_unless_the_seller_began_with_it() -> None:
    sold = {0: "old", 20: "early", 40: "new", 69: "new", 70: "new"}
    ledger = ledger_of([order(f"o{day}", day, item_id=item) for day, item in sold.items()])
    assert entries(ledger, "new_item_orders") == {40: 1, 69: 1}


def test_a_category_is_new_for_ninety_days() -> None:
    sold = {0: "home", 35: "toys", 124: "toys", 125: "toys"}
    ledger = ledger_of([order(f"o{day}", day, category=category) for day, category in sold.items()])
    assert entries(ledger, "new_category_orders") == {35: 1, 124: 1}


def test_a_category_is_taken_on_anew_after_three_whole_periods_without() -> None:
    sold = {0: "home", 35: "toys", 125: "toys", 250: "toys", 339: "toys", 340: "toys"}
    ledger = ledger_of([order(f"o{day}", day, category=category) for day, category in sold.items()])
    assert entries(ledger, "new_category_orders") == {35: 1, 250: 1, 339: 1}, "90 days without are no pause, 125 are"


def test_what_is_taken_on_anew_is_no_longer_new() -> None:
    """Else a line would be of a category taken on twice, and be counted twice."""
    assert PERIODS_WITHOUT * PERIOD_DAYS + 1 >= NEW_CATEGORY_DAYS


def test_an_item_is_taken_on_once() -> None:
    sold = {0: "old", 40: "new", 240: "new"}
    ledger = ledger_of([order(f"o{day}", day, item_id=item) for day, item in sold.items()])
    assert entries(ledger, "new_item_orders") == {40: 1}


def test_an_item_that_a_later_version_names_changes_nothing_that_was_new() -> None:
    first = [order("a", 0, item_id="old", recorded_at=at(0)), order("b", 40, item_id="new", recorded_at=at(40))]
    later = order("b", 40, item_id="old", recorded_at=at(50))
    assert entries(ledger_of([*first, later]), "new_item_orders") == entries(ledger_of(first), "new_item_orders")


def staggered_elsewhere() -> list[Row]:
    """Another seller's order whose lines came into being on different days; it sold what it sells from the start."""
    named = {"seller_id": "zoe", "item_id": "z", "category": "home"}
    return [order("z", day, line_id=str(day), **named) for day in (0, 1)]


def told_since_ever() -> list[Row]:
    """A line that does not say when it was recorded, with deadlines before its first day; its item sells again."""
    first = order("a", 0, ship_by=2, shipped=1, promised=5, delivered=3, item_id="old", recorded_at=at(0))
    return [first, order("b", 40, ship_by=38, promised=38, item_id="new"), order("c", 60, item_id="new")]


def replaced_on_its_day() -> list[Row]:
    """A version without a moment that another of the same day replaces: nobody knew it at the close of a day."""
    news = order("b", 40, item_id="old", recorded_at=at(40.1))
    first = order("a", 0, ship_by=2, shipped=1, promised=5, delivered=3, item_id="old", recorded_at=at(0))
    return [first, order("b", 40, item_id="new"), news]


@pytest.mark.parametrize("rows", [told_since_ever, replaced_on_its_day])
def test_what_orders_of_others_are_like_changes_nothing(rows: Callable[[], list[Row]]) -> None:
    alone, beside = ledger_of(rows()), ledger_of([*rows(), *staggered_elsewhere()])
    for quantity in ("new_item_orders", "overdue_to_ship", "late"):
        assert entries(alone, quantity) == entries(beside, quantity), quantity


def test_a_version_that_is_replaced_on_the_day_of_its_birth_was_never_known() -> None:
    assert entries(ledger_of(replaced_on_its_day()), "new_item_orders") == {}


def returned(order_id: str, day: int, line_id: str = "1") -> Row:
    return {"return_id": f"r-{order_id}", "order_id": order_id, "line_id": line_id, "opened_at": at(day)}


ITEMS = {"o1": "hat", "o2": "hat", "o3": "hat", "o4": "scarf", "o5": "scarf", "o6": "scarf"}
SOLD = [order(name, 0, delivered=2, item_id=item) for name, item in ITEMS.items()]
RETURNS = [returned("o1", 10), returned("o2", 11), returned("o4", 12)]


def test_the_worst_item_is_the_one_with_most_returns() -> None:
    found = row(ledger_of(SOLD, returns=RETURNS), 20)
    assert found["worst_item"] == "hat"
    counts = ("worst_item_returns", "worst_item_deliveries", "item_returns", "item_deliveries")
    assert [found[name] for name in counts] == [2, 3, 3, 6]
    assert found["worst_item_share"] == pytest.approx(2 / 3)
    assert found["worst_item_excess"] == pytest.approx(2 / 8 - 1 / 8)


def test_returns_leave_after_sixty_days_and_before_they_are_known_there_are_none() -> None:
    ledger = ledger_of(SOLD, returns=RETURNS)
    assert [row(ledger, day)["item_returns"] for day in (9, 10, 69, 70, 72)] == [0, 1, 3, 2, 0]
    assert row(ledger, 9)["worst_item"] == ""


def test_a_return_that_an_appeal_takes_out_leaves_on_that_day() -> None:
    appeal = {"correction_id": "a", "seller_id": "anna", "table": "returns", "row_key": "r-o1", "decided_at": at(15)}
    ledger = ledger_of(SOLD, returns=RETURNS, corrections=[appeal | {"effect": "excluded", "new_fault": None}])
    assert [row(ledger, day)["worst_item_returns"] for day in (14, 15)] == [2, 1]


def test_the_item_quality_view_names_what_drives_the_returns() -> None:
    many = [order(f"n{i}", 0, delivered=2, item_id="glove") for i in range(40)]
    view = item_quality(ledger_of(SOLD + many, returns=[*RETURNS, returned("n1", 13)]), DAY_0 + 20).to_pylist()
    assert [(r["item_id"], r["delivered"], r["returned"]) for r in view] == [
        ("hat", 3, 2),
        ("scarf", 3, 1),
        ("glove", 40, 1),
    ]
    hat = view[0]
    assert hat["order_ids"] == ["o2", "o1"], "newest first"
    assert hat["share_of_returns"] == 0.5
    usual = (2 + 20 * 4 / 46) / (43 + 20)
    assert hat["usual_rate"] == pytest.approx(usual)
    assert hat["expected"] == pytest.approx(3 * usual)
    assert hat["chance"] == pytest.approx(3 * usual**2 * (1 - usual) + usual**3), "two or three of three"


def test_the_item_quality_view_of_a_market_without_returns_is_empty() -> None:
    view = item_quality(ledger_of(SOLD, returns=[returned("o1", 90)]), DAY_0 + 20)
    assert len(view) == 0
    assert view.column_names[:2] == ["seller_id", "item_id"]


def test_an_item_returned_more_often_than_delivered_is_not_impossible() -> None:
    sold = [order("o1", 0, delivered=1, item_id="hat")]
    [hat] = item_quality(ledger_of(sold, returns=[returned("o1", 62)]), DAY_0 + 70).to_pylist()
    assert (hat["delivered"], hat["returned"], hat["return_rate"]) == (0, 1, None)
    assert 0 <= hat["chance"] <= 1
    assert np.isfinite(hat["usual_rate"])
