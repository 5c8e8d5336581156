"""The oracle against hand-computed days: each test is one rule of the ledger, drawn as literal rows."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from features.ledger.quantities import QUANTITIES
from tests.support.oracle import Ledger, ledger

EVERYTHING = frozenset(quantity.name for quantity in QUANTITIES)
DAY_ZERO = (date(2026, 3, 1) - date(1970, 1, 1)).days


def at(day: int, hour: int = 12) -> datetime:
    """March 1st is day 0."""
    return datetime(2026, 3, 1 + day, hour, tzinfo=UTC)


def line(**values: Any) -> dict[str, Any]:
    return {"order_id": "o", "line_id": "1", "seller_id": "s", "ordered_at": at(0), **values}


def told(*, zone: str = "UTC", **tables: list[dict[str, Any]]) -> Ledger:
    return ledger({"sellers": [{"seller_id": "s"}], **tables}, zone, EVERYTHING)


def days(found: Ledger, quantity: str) -> dict[int, int]:
    """Ordinary entries: day -> value."""
    return {day - DAY_ZERO: sums[quantity] for (_, day), sums in sorted(found.entries.items()) if sums.get(quantity)}


def changes(found: Ledger, quantity: str) -> dict[tuple[int, int], int]:
    """Corrections: (effective, decided) -> delta."""
    items = sorted(found.corrections.items())
    return {(day - DAY_ZERO, known - DAY_ZERO): sums[quantity] for (_, day, known), sums in items if sums.get(quantity)}


def test_order_is_shipped_when_every_line_is_shipped_or_cancelled() -> None:
    orders = [line(shipped_at=at(2)), line(line_id="2", cancelled_at=at(4), cancelled_by="buyer")]
    found = told(orders=orders)
    assert days(found, "shipped") == {4: 1}
    assert days(found, "handling_minutes") == {4: 4 * 24 * 60}
    assert days(found, "units") == {0: 2}
    assert days(found, "cancelled") == {4: 1}
    assert days(found, "cancelled_by_seller") == {}
    assert not found.corrections


def test_a_day_is_a_day_of_the_marketplace() -> None:
    night = line(ordered_at=datetime(2026, 3, 2, 4, 59, 59, tzinfo=UTC))
    assert days(told(orders=[night], zone="America/New_York"), "ordered") == {0: 1}
    assert days(told(orders=[night]), "ordered") == {1: 1}


def test_late_falls_on_the_day_the_promise_passes() -> None:
    found = told(orders=[line(promised_at=at(5), ship_by=at(3), shipped_at=at(3), delivered_at=at(9))])
    assert days(found, "late") == days(found, "late_carrier_fault") == days(found, "service_failure") == {5: 1}
    assert days(found, "service_failure_seller_fault") == {}
    assert days(found, "delivered") == {9: 1}
    assert days(found, "matured_delivered") == {39: 1}


def test_delivery_on_the_promised_instant_is_in_time_and_one_microsecond_later_is_not() -> None:
    late = at(5).replace(microsecond=1)
    assert days(told(orders=[line(promised_at=at(5), delivered_at=at(5))]), "late") == {}
    assert days(told(orders=[line(promised_at=at(5), delivered_at=late)]), "late") == {5: 1}


def test_a_promised_date_is_missed_on_the_following_day() -> None:
    promise = date(2026, 3, 6)
    assert days(told(orders=[line(promised_at=promise, delivered_at=at(5, 23))]), "late") == {}
    assert days(told(orders=[line(promised_at=promise, delivered_at=at(6, 0))]), "late") == {6: 1}
    assert days(told(orders=[line(promised_at=promise)]), "late") == {6: 1}


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"ship_by": at(3)}, "seller"),
        ({"ship_by": at(3), "shipped_at": at(4)}, "seller"),
        ({"ship_by": at(3), "shipped_at": at(3)}, "carrier"),
        ({"ship_by": at(8), "shipped_at": at(6)}, "seller"),  # ship_by after the promise: not shipped when it passed
        ({}, ""),
    ],
)
def test_whose_fault_a_late_order_is(values: dict[str, Any], fault: str) -> None:
    found = told(orders=[line(promised_at=at(5), **values)])
    assert days(found, "late") == {5: 1}
    assert [f for f in ("seller", "carrier", "platform") if days(found, f"late_{f}_fault")] == [fault] * bool(fault)


def test_platform_fault_by_the_fulfilment_known_when_the_promise_passed() -> None:
    orders = [line(promised_at=at(5), ship_by=at(3))]
    early = {"seller_id": "s", "fulfilment": "platform", "recorded_at": at(5, 23)}
    afterwards = {**early, "recorded_at": at(6, 0)}
    assert days(told(orders=orders, sellers=[early]), "late_platform_fault") == {5: 1}
    assert days(told(orders=orders, sellers=[afterwards]), "late_seller_fault") == {5: 1}


def test_overdue_and_cleared() -> None:
    found = told(orders=[line(ship_by=at(3), shipped_at=at(7))])
    assert days(found, "overdue_to_ship") == {3: 1}
    assert days(found, "overdue_cleared") == {7: 1}
    assert days(told(orders=[line(ship_by=at(3), shipped_at=at(3))]), "overdue_to_ship") == {}


def test_a_late_version_changes_the_past_by_correction() -> None:
    first = line(promised_at=at(5), ship_by=at(3), recorded_at=at(0))
    second = {**first, "shipped_at": at(2), "delivered_at": at(5), "recorded_at": at(10)}
    found = told(orders=[first, second])
    assert days(found, "late") == {5: 1}
    assert changes(found, "late") == {(5, 10): -1}
    assert days(found, "shipped") == days(found, "delivered") == {10: 1}
    assert found.window("s", DAY_ZERO + 9, 7)["late"] == 1
    assert found.window("s", DAY_ZERO + 10, 7)["late"] == 0


def test_of_several_versions_of_one_day_the_newest_counts() -> None:
    first = line(price=5, recorded_at=at(0, 13))
    found = told(orders=[first, {**first, "price": 7, "recorded_at": at(0, 14)}])
    assert days(found, "gross_cents") == {0: 700}
    assert not found.corrections


def test_returns_mature_thirty_days_after_delivery() -> None:
    back = {"return_id": "r", "order_id": "o", "line_id": "1", "opened_at": at(30, 23)}
    refund = {"refunded_at": at(30, 23), "refund_amount": 3, "fault": "seller"}
    found = told(orders=[line(delivered_at=at(0))], returns=[{**back, **refund}])
    assert days(found, "returned") == days(found, "returned_seller_fault") == {30: 1}
    assert days(found, "refund_cents") == {30: 300}
    assert days(found, "matured_returned") == {30: 1}
    late = told(orders=[line(delivered_at=at(0))], returns=[{**back, "opened_at": datetime(2026, 4, 1, tzinfo=UTC)}])
    assert days(late, "matured_returned") == {}


def test_case_counts_as_the_sellers_until_its_close_says_otherwise() -> None:
    case = {"case_id": "c", "seller_id": "s", "order_id": "o", "kind": "item_not_received", "opened_at": at(2)}
    closed = {**case, "closed_at": at(6), "fault": "carrier", "resolution": "seller"}
    found = told(orders=[line()], cases=[closed])
    assert days(found, "item_not_received") == days(found, "service_failure_seller_fault") == {2: 1}
    assert changes(found, "service_failure_seller_fault") == {(2, 6): -1}
    assert not changes(found, "service_failure")
    assert days(found, "case_unresolved") == {}


def test_case_unresolved_when_another_resolves_it_or_after_fourteen_days() -> None:
    case = {"case_id": "c", "seller_id": "s", "kind": "other", "opened_at": at(2)}
    assert days(told(cases=[case]), "case_unresolved") == {16: 1}
    assert days(told(cases=[{**case, "closed_at": at(16), "resolution": "seller"}]), "case_unresolved") == {}
    assert days(told(cases=[{**case, "closed_at": at(9), "resolution": "platform"}]), "case_unresolved") == {9: 1}
    assert days(told(cases=[{**case, "closed_at": at(16, 13), "resolution": "platform"}]), "case_unresolved") == {16: 1}
    assert days(told(cases=[{**case, "closed_at": at(9)}]), "case_unresolved") == {}


def test_inquiry_unanswered_after_two_days_across_a_change_of_clocks() -> None:
    opened = datetime(2026, 3, 7, 4, 30, tzinfo=UTC)  # 23:30 on the 6th in New York; clocks go forward on the 8th
    case = {"case_id": "c", "seller_id": "s", "kind": "inquiry", "opened_at": opened}
    found = told(cases=[case], zone="America/New_York")
    assert days(found, "inquiry") == {5: 1}
    assert days(found, "unanswered_48h") == {8: 1}  # 48 hours later it is 00:30 on the 9th


def test_low_rating_and_missing_tracking() -> None:
    rating = {"feedback_id": "f", "order_id": "o", "seller_id": "s", "rating": 2, "created_at": at(8)}
    found = told(orders=[line(shipped_at=at(1), tracking_valid=False)], feedback=[rating])
    assert days(found, "tracking_missing") == {1: 1}
    assert days(found, "low_rating") == days(found, "service_failure_seller_fault") == {8: 1}


def test_a_line_ordered_later_joins_the_order_on_its_day() -> None:
    found = told(orders=[line(shipped_at=at(2)), line(line_id="2", ordered_at=at(4), shipped_at=at(6))])
    assert days(found, "shipped") == {2: 1, 6: 1}
    assert changes(found, "shipped") == {(2, 4): -1}


def test_an_appeal_takes_effect_on_its_day_at_the_old_days() -> None:
    orders = [line(promised_at=at(5), ship_by=at(3))]
    appeal = {"correction_id": "a", "seller_id": "s", "table": "orders", "row_key": "o/1", "decided_at": at(9)}
    found = told(orders=orders, corrections=[{**appeal, "effect": "fault_changed", "new_fault": "carrier"}])
    assert days(found, "late_seller_fault") == {5: 1}
    assert changes(found, "late_seller_fault") == changes(found, "service_failure_seller_fault") == {(5, 9): -1}
    assert changes(found, "late_carrier_fault") == {(5, 9): 1}
    excluded = told(orders=orders, corrections=[{**appeal, "effect": "excluded"}])
    assert changes(excluded, "ordered") == {(0, 9): -1}
    assert changes(excluded, "late") == {(5, 9): -1}
