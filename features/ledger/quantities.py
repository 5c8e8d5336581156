"""The ledger's quantities: what each counts, the day on which it counts, and what a source must have for it."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Quantity:
    """One column of the ledger, a whole number. needs: tables or table.columns that the source must have."""

    name: str
    unit: str
    falls_on: str
    meaning: str
    needs: tuple[str, ...]


SHIPPED, PROMISED, DELIVERED = "orders.shipped_at", "orders.promised_at", "orders.delivered_at"
SHIP_BY, CANCELLED, BY = "orders.ship_by", "orders.cancelled_at", "orders.cancelled_by"
REFUNDED, RETURN_FAULT = "returns.refunded_at", "returns.fault"

NEW_ITEM_DAYS, NEW_CATEGORY_DAYS = 30, 90  # days for which an added item, or category, is new to the seller
PERIOD_DAYS, PERIODS_WITHOUT = 30, 3  # after three whole periods without a line, a category counts as added again
FIRST_STOCK_DAYS = 30  # items and categories of a seller's first days are not new to it

QUANTITIES = (
    Quantity("ordered", "orders", "ordered_at of the first line", "seller orders placed", ()),
    Quantity("units", "lines", "ordered_at of the first line", "order lines placed", ()),
    Quantity("gross_cents", "cents", "ordered_at of the first line", "price of the lines placed", ("orders.price",)),
    Quantity(
        "new_item_orders",
        "orders",
        "ordered_at",
        f"orders of an item that the seller had added less than {NEW_ITEM_DAYS} days before",
        ("orders.item_id",),
    ),
    Quantity(
        "new_category_orders",
        "orders",
        "ordered_at",
        f"orders in a category that the seller had added, or added again, less than {NEW_CATEGORY_DAYS} days before",
        ("orders.category",),
    ),
    Quantity("shipped", "orders", "shipped", "orders handed to the carrier", (SHIPPED,)),
    Quantity("handling_minutes", "minutes", "shipped", "minutes from order to shipment", (SHIPPED,)),
    Quantity(
        "tracking_missing",
        "orders",
        "shipped",
        "orders shipped with invalid tracking",
        (SHIPPED, "orders.tracking_valid"),
    ),
    Quantity("overdue_to_ship", "orders", "ship_by", "orders not shipped or cancelled by ship_by", (SHIP_BY, SHIPPED)),
    Quantity(
        "overdue_cleared",
        "orders",
        "shipped or cancelled",
        "overdue orders that were shipped or cancelled later",
        (SHIP_BY, SHIPPED),
    ),
    Quantity("overdue_shipped", "orders", "shipped", "overdue orders that were shipped later", (SHIP_BY, SHIPPED)),
    Quantity(
        "overdue_cancelled",
        "orders",
        "cancelled_at",
        "overdue orders with a line that the seller cancelled later",
        (SHIP_BY, SHIPPED, CANCELLED, BY),
    ),
    Quantity("delivered", "orders", "delivered", "orders delivered", (DELIVERED,)),
    Quantity("delivery_minutes", "minutes", "delivered", "minutes from order to delivery", (DELIVERED,)),
    Quantity("closed", "orders", "delivered or cancelled", "orders no longer open", (DELIVERED,)),
    Quantity(
        "late", "orders", "promised_at", "orders not delivered or cancelled by promised_at", (PROMISED, DELIVERED)
    ),
    Quantity(
        "late_seller_fault",
        "orders",
        "promised_at",
        "late orders that were not shipped on time",
        (PROMISED, DELIVERED, SHIP_BY, SHIPPED),
    ),
    Quantity(
        "late_carrier_fault",
        "orders",
        "promised_at",
        "late orders that were shipped on time",
        (PROMISED, DELIVERED, SHIP_BY, SHIPPED),
    ),
    Quantity(
        "late_platform_fault",
        "orders",
        "promised_at",
        "late orders of sellers whose orders the platform ships",
        (PROMISED, DELIVERED, SHIP_BY, SHIPPED),
    ),
    Quantity("cancelled", "orders", "cancelled_at", "orders with a line cancelled", (CANCELLED,)),
    Quantity(
        "cancelled_by_seller", "orders", "cancelled_at", "orders with a line cancelled by the seller", (CANCELLED, BY)
    ),
    Quantity("returned", "orders", "opened_at", "orders with a return opened after delivery", ("returns",)),
    Quantity(
        "returned_to_origin",
        "orders",
        "opened_at",
        "orders with a return opened of a line that had not been delivered",
        ("returns", DELIVERED),
    ),
    Quantity(
        "returned_seller_fault",
        "orders",
        "refunded_at",
        "orders with a return refunded through the seller's fault",
        (REFUNDED, RETURN_FAULT),
    ),
    Quantity("refund_cents", "cents", "refunded_at", "money refunded", (REFUNDED, "returns.refund_amount")),
    Quantity(
        "matured_delivered", "orders", "delivered + 30 days", "deliveries whose return time has passed", (DELIVERED,)
    ),
    Quantity(
        "matured_returned",
        "orders",
        "delivered + 30 days",
        "of these deliveries, those returned within the 30 days",
        (DELIVERED, "returns"),
    ),
    Quantity("inquiry", "cases", "opened_at", "inquiries opened", ("cases",)),
    Quantity("item_not_received", "cases", "opened_at", "reports of an item not received", ("cases",)),
    Quantity("not_as_described", "cases", "opened_at", "reports of an item not as described", ("cases",)),
    Quantity(
        "unanswered_48h",
        "cases",
        "opened_at + 48 h",
        "inquiries unanswered after 48 hours",
        ("cases.first_response_at",),
    ),
    Quantity(
        "case_unresolved",
        "cases",
        "closed_at, or opened_at + 14 days",
        "cases that the seller did not resolve",
        ("cases.closed_at", "cases.resolution"),
    ),
    Quantity("feedback", "ratings", "created_at", "ratings received", ("feedback",)),
    Quantity("low_rating", "ratings", "created_at", "ratings of 1 or 2", ("feedback",)),
    Quantity("service_failure", "orders", "the first of its parts", "orders that failed, regardless of fault", ()),
    Quantity(
        "service_failure_seller_fault",
        "orders",
        "the first of its parts",
        "orders that failed through the seller's fault",
        (),
    ),
)
BY_NAME = {q.name: q for q in QUANTITIES}
NEW_TO_SELLER = ("new_item_orders", "new_category_orders")  # appeals do not change these
FAILURE_PARTS = (
    "late",
    "cancelled_by_seller",
    "item_not_received",
    "not_as_described",
    "case_unresolved",
    "low_rating",
)


def available_quantities(source_has: Iterable[str]) -> tuple[str, ...]:
    """The quantities that a source with these tables and columns can fill, in the order of QUANTITIES."""
    available = frozenset(source_has)
    filled = {q.name for q in QUANTITIES if set(q.needs) <= available}
    parts = failure_parts(filled)
    absent = set() if parts else {"service_failure", "service_failure_seller_fault"}
    if "late" in parts and "late_seller_fault" not in filled:
        absent.add("service_failure_seller_fault")
    return tuple(q.name for q in QUANTITIES if q.name in filled - absent)


def failure_parts(quantities: Iterable[str]) -> tuple[str, ...]:
    """The parts of service failure among these quantities, in the order of the contract."""
    return tuple(part for part in FAILURE_PARTS if part in set(quantities))


def is_count(quantity: str) -> bool:
    """Whether a quantity is a count; money and minutes are not."""
    return BY_NAME[quantity].unit not in ("cents", "minutes") if quantity in BY_NAME else True


def kind_of(quantity: str) -> str:
    """The SQL type of a seller's sums of a quantity; counts fit into an integer, which takes half the memory."""
    return "integer" if is_count(quantity) else "bigint"
