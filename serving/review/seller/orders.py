"""Orders as a reviewer reads them: what happened, and through whose fault."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from serving.review import days, texts
from serving.review.histories import Histories
from serving.review.seller.views import OrderView

LOW_RATING = 2
Orders = Mapping[str, Mapping[str, Any]]


def known_orders(histories: Histories | None, seller_id: str, order_ids: Iterable[str]) -> Orders:
    """What is known of the orders, by id: one look-up for all of a page's."""
    wanted = sorted(set(order_ids))
    return {} if histories is None or not wanted else {r["order_id"]: r for r in histories.orders(seller_id, wanted)}


def order_views(order_ids: Sequence[str], known: Orders) -> tuple[OrderView, ...]:
    """The orders in the order given; those that are not known here have their id alone."""
    return tuple(_view(order_id, known.get(order_id)) for order_id in order_ids)


def _view(order_id: str, row: Mapping[str, Any] | None) -> OrderView:
    if row is None:
        return OrderView(order_id, "", "", "", None, ())
    price = None if row["cents"] is None else row["cents"] / 100
    item, category = row["item_id"] or "", row["category"] or ""
    return OrderView(order_id, days.iso(row["ordered"]), item, category, price, tuple(_events(row)))


def _events(row: Mapping[str, Any]) -> list[str]:
    """What is worth saying of an order, in the order it came about."""
    said = [*_delivery(row), *_return(row)]
    if row["cases"]:
        said += [texts.html(f"complaint.{kind}") for kind in row["cases"].split(", ")]
    if row["rating"] is not None and row["rating"] <= LOW_RATING:
        said.append(texts.html("order.rated", rating=row["rating"]))
    return said or [texts.html("order.open" if row["delivered"] is None else "order.well")]


def _delivery(row: Mapping[str, Any]) -> list[str]:
    said: list[str] = []
    if row["late_fault"]:
        said.append(texts.html(f"order.late_{row['late_fault']}", days=_days_late(row)))
    elif (after := _days_after_ship_by(row)) > 0:
        said.append(texts.html("order.handed_over_late", days=after))
    if row["cancelled"] is not None:
        said.append(texts.html(f"order.cancelled_{row['cancelled_by'] or 'unknown'}"))
    return said


def _days_after_ship_by(row: Mapping[str, Any]) -> int:
    """How late an order was handed over; a late delivery says so itself."""
    return 0 if None in (row["shipped"], row["ship_by"]) else int(row["shipped"] - row["ship_by"])


def _days_late(row: Mapping[str, Any]) -> float:
    late = None if None in (row["delivered"], row["promised"]) else row["delivered"] - row["promised"]
    return float("nan") if late is None or late < 1 else late


def _return(row: Mapping[str, Any]) -> Sequence[str]:
    if row["returned"] is None:
        return []
    reason = str(row["return_reason"] or "").replace("_", " ")
    return [texts.html("order.returned_for", reason=reason) if reason else texts.html("order.returned")]
