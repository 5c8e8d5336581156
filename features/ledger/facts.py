"""The facts of each unit (order, case, rating, return), and the ledger quantities that they add to."""

from collections.abc import Mapping
from dataclasses import dataclass

from features.ledger.order_versions import MATURITY_DAYS, MINUTE_MICROS


@dataclass(frozen=True)
class Fact:
    """Something that falls on one day of a unit, and what it adds to the ledger.

    usual: most units have it; mostly: the day of another fact, on which this one falls too in most cases.
    """

    day: str
    adds: Mapping[str, str]
    usual: bool = False
    mostly: str = ""


@dataclass(frozen=True)
class Unit:
    """A table of states (seller, key, since, until, lone) whose facts the ledger counts.

    paired: the column `pair` marks units with two states, where the second begins when the first ends.
    """

    table: str
    key: str
    since: str
    until: str
    facts: tuple[Fact, ...]
    paired: bool = False


def minutes(until: str) -> str:
    """SQL for the whole minutes from the order to a moment, at least 0."""
    return f"greatest({until} - ordered_at, 0) // {MINUTE_MICROS}"


def one(*names: str) -> dict[str, str]:
    """The additions of a fact that adds 1 to each of these quantities."""
    return dict.fromkeys(names, "1")


UNTRACKED = "case when untracked_at <= shipped_at then 1 else 0 end"
MATURED_RETURN = f"case when returned_day <= delivered_day + {MATURITY_DAYS} then 1 else 0 end"
AFTER_SHIP_BY = "case when overdue_day <= {0} then {0} end"
UNITS = (
    Unit(
        "order_facts",
        "order_id",
        "since",
        "until",
        (
            Fact("ordered_day", {"ordered": "1", "units": "units", "gross_cents": "gross_cents"}, usual=True),
            Fact(
                "shipped_day",
                {"shipped": "1", "handling_minutes": minutes("shipped_at"), "tracking_missing": UNTRACKED},
                usual=True,
            ),
            Fact("overdue_day", one("overdue_to_ship")),
            Fact("cleared_day", one("overdue_cleared")),
            Fact(AFTER_SHIP_BY.format("shipped_day"), one("overdue_shipped"), mostly="cleared_day"),
            Fact(AFTER_SHIP_BY.format("cancelled_seller_day"), one("overdue_cancelled"), mostly="cleared_day"),
            Fact("delivered_day", {"delivered": "1", "delivery_minutes": minutes("delivered_at")}, usual=True),
            Fact("closed_day", one("closed"), usual=True, mostly="delivered_day"),
            Fact("late_day", one("late")),
            Fact("late_own_day", one("late_seller_fault"), mostly="late_day"),
            Fact("late_carrier_day", one("late_carrier_fault"), mostly="late_day"),
            Fact("late_platform_day", one("late_platform_fault"), mostly="late_day"),
            Fact("cancelled_day", one("cancelled")),
            Fact("cancelled_seller_day", one("cancelled_by_seller"), mostly="cancelled_day"),
            Fact("returned_day", one("returned")),
            Fact("returned_seller_day", one("returned_seller_fault")),
            Fact("to_origin_day", one("returned_to_origin")),
            Fact(
                f"delivered_day + {MATURITY_DAYS}",
                {"matured_delivered": "1", "matured_returned": MATURED_RETURN},
                usual=True,
            ),
            Fact("failure_day", one("service_failure"), mostly="late_day"),
            Fact("failure_own_day", one("service_failure_seller_fault"), mostly="late_day"),
        ),
        paired=True,
    ),
    Unit(
        "novelties",
        "order_id",
        "since",
        "until",
        (Fact("new_item_day", one("new_item_orders")), Fact("new_category_day", one("new_category_orders"))),
    ),
    Unit(
        "returns_versions",
        "return_id",
        "valid_from",
        "valid_to",
        (Fact("refunded_at_day", {"refund_cents": "coalesce(refund_cents, 0)"}),),
    ),
    Unit(
        "cases_versions",
        "case_id",
        "valid_from",
        "valid_to",
        (
            Fact("case when kind = 'inquiry' then opened_at_day end", one("inquiry")),
            Fact("case when kind = 'item_not_received' then opened_at_day end", one("item_not_received")),
            Fact("case when kind = 'not_as_described' then opened_at_day end", one("not_as_described")),
            Fact("unanswered_day", one("unanswered_48h")),
            Fact("unresolved_day", one("case_unresolved")),
        ),
    ),
    Unit(
        "feedback_versions",
        "feedback_id",
        "valid_from",
        "valid_to",
        (
            Fact(
                "created_at_day", {"feedback": "1", "low_rating": "case when rating <= 2 then 1 else 0 end"}, usual=True
            ),
        ),
    ),
)
