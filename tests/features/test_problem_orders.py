"""Problem orders, by item and in new categories: small enough to count by hand."""

import pytest

from tests.features.test_time_since_and_items import row
from tests.support.market_by_hand import at, ledger_of, order

pytestmark = pytest.mark.slow

LINES = [
    order("a", 0, item_id="hat", category="hats"),
    order("b", 1, item_id="hat", category="hats"),
    order("c", 2, item_id="cap", category="hats"),
    order("d", 40, item_id="hat", category="hats"),
    order("e", 41, item_id="mug", category="mugs"),
    order("f", 42, item_id="mug", category="mugs"),
]


def back(order_id: str, day: int, reason: str = "changed my mind") -> dict[str, object]:
    said = {"return_id": f"r{order_id}", "order_id": order_id, "line_id": "1"}
    return {**said, "opened_at": at(day), "reason": reason}


def case(order_id: str, day: int, kind: str = "not_as_described") -> dict[str, object]:
    return {"case_id": f"c{order_id}", "seller_id": "anna", "order_id": order_id, "kind": kind, "opened_at": at(day)}


def rated(order_id: str, day: int, rating: int = 1) -> dict[str, object]:
    said = {"feedback_id": f"f{order_id}", "order_id": order_id, "seller_id": "anna"}
    return {**said, "rating": rating, "created_at": at(day)}


def of_day(day: int, **tables: list[dict[str, object]]) -> dict[str, object]:
    """The seller's row, with one order long ago in trouble and these tables."""
    usual = {"returns": [back("a", 3)], "cases": [case("a", 3, "inquiry")], "feedback": [rated("a", 3, 5)]}
    told = {name: rows + tables.get(name, []) for name, rows in usual.items()} | _rest(tables)
    return row(ledger_of(LINES, **told), day)


def counted(day: int, **tables: list[dict[str, object]]) -> tuple[object, ...]:
    """The most troubled item, its problem orders and lines, all orders in trouble, those in new categories."""
    names = ("worst_item_troubles", "worst_item_units", "order_troubles", "new_category_troubles")
    found = of_day(day, **tables)
    return (found["troubled_item"], *(found[name] for name in names))


def disappointing(day: int, **tables: list[dict[str, object]]) -> tuple[object, ...]:
    """Orders of the last 28 days that disappoint, and those in new categories."""
    found = of_day(day, **tables)
    return found["disappointing_orders"], found["new_category_disappointing"]


def _rest(tables: dict[str, list[dict[str, object]]]) -> dict[str, list[dict[str, object]]]:
    return {name: rows for name, rows in tables.items() if name == "corrections"}


def test_an_order_is_in_trouble_once_whatever_is_said_of_it() -> None:
    tables = {"returns": [back("d", 45)], "cases": [case("d", 46)], "feedback": [rated("d", 47)]}
    assert counted(50, **tables) == ("hat", 1, 3, 1, 0)


def test_only_complaints_and_low_ratings_are_trouble() -> None:
    tables = {"cases": [case("d", 45, "inquiry"), case("e", 45, "item_not_received")], "feedback": [rated("f", 45, 3)]}
    assert counted(50, **tables) == ("", 0, 0, 0, 0)


def test_the_worst_item_is_that_of_most_orders_and_new_categories_count_their_own() -> None:
    tables = {"returns": [back("e", 50), back("f", 50)], "feedback": [rated("d", 45)]}
    assert counted(50, **tables) == ("mug", 2, 2, 3, 2)


def test_trouble_counts_for_twenty_eight_days_from_when_it_is_known() -> None:
    tables = {"feedback": [rated("d", 45)]}
    assert [counted(day, **tables)[3] for day in (44, 45, 72, 73)] == [0, 1, 1, 0]


def test_an_appeal_ends_it_on_the_day_of_the_decision() -> None:
    appeal = {"correction_id": "x", "seller_id": "anna", "table": "feedback", "row_key": "fd"}
    decided = [{**appeal, "decided_at": at(50), "effect": "excluded"}]
    tables = {"feedback": [rated("d", 45)], "corrections": decided}
    assert [counted(day, **tables)[3] for day in (49, 50)] == [1, 0]


def test_an_order_disappoints_by_a_complaint_or_by_a_return_and_a_low_rating() -> None:
    twice = {"returns": [back("d", 45), {**back("d", 46), "return_id": "again"}]}
    rating = {"feedback": [rated("d", 47), rated("e", 47)]}
    complaint = {"cases": [case("f", 45)]}
    said = [disappointing(50, **tables) for tables in (twice, twice | rating, twice | rating | complaint)]
    assert said == [(0, 0), (1, 0), (2, 1)]


def test_orders_disappoint_for_twenty_eight_days_after_they_were_placed() -> None:
    tables = {"cases": [case("f", 60)]}
    assert [disappointing(day, **tables) for day in (59, 60, 69, 70)] == [(0, 0), (1, 1), (1, 1), (0, 0)]


def test_a_return_whose_reason_speaks_of_the_goods_disappoints_by_itself() -> None:
    reasons = ("Defective on arrival", "WRONG ITEM", "not_as_described", "wrong size for me", "")
    found = [disappointing(50, returns=[back("d", 45, reason)])[0] for reason in reasons]
    assert found == [1, 1, 1, 0, 0]
