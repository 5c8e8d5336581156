"""Reasons that raise the risk, and what speaks for the seller."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from features.families import FAMILIES
from serving.review.histories import Histories
from serving.review.seller.orders import Orders, known_orders, order_views
from serving.review.seller.views import ReasonView

LEAST = 0.05  # log-odds under which a reason moves a probability of one half by about one per cent
SHOWN_ORDERS = 6
MOST_REASONS = 8


@dataclass(frozen=True)
class Reasons:
    """The reasons of one risk, the strongest first; smaller ones are counted and summed."""

    raising: tuple[ReasonView, ...]
    lowering: tuple[ReasonView, ...]
    smaller: int
    smaller_sum: float


NO_REASONS = Reasons((), (), 0, 0.0)


def reasons_of(seller_id: str, risk: str, said: Mapping[str, Any], histories: Histories | None) -> Reasons:
    """The reasons of an answer's risk with their orders."""
    ranked = said["explanation"]["reasons"]
    kept = [r for r in ranked if abs(r["contribution"]) >= LEAST][: 2 * MOST_REASONS]
    largest = max((abs(r["contribution"]) for r in kept), default=1.0)
    shown = [order for reason in kept for order in _newest(reason)]
    known = known_orders(histories, seller_id, shown)
    views = [_view(seller_id, risk, reason, largest, known) for reason in kept]
    rest = [r["contribution"] for r in ranked if r not in kept]
    raising = tuple(v for v in views if v.contribution > 0)
    lowering = tuple(v for v in views if v.contribution < 0)
    return Reasons(raising, lowering, len(rest), float(sum(rest)))


def _newest(reason: Mapping[str, Any]) -> Sequence[str]:
    order_ids: Sequence[str] = reason["evidence"]["order_ids"]
    return order_ids[:SHOWN_ORDERS]


def _view(seller_id: str, risk: str, reason: Mapping[str, Any], largest: float, known: Orders) -> ReasonView:
    return ReasonView(
        code=reason["code"],
        family=FAMILIES.get(reason["code"], ""),
        text=reason["text"],
        contribution=reason["contribution"],
        share=abs(reason["contribution"]) / largest,
        count=reason["evidence"]["count"],
        orders=order_views(_newest(reason), known),
        href=_href(seller_id, risk, reason),
    )


def _href(seller_id: str, risk: str, reason: Mapping[str, Any]) -> str:
    """Where the reason's orders are listed; one about items leads to those that came back, with their orders."""
    if reason["evidence"]["order_ids"]:
        return orders_href(seller_id, risk, reason["code"])
    return "#items" if reason["code"] == "items" else ""


def orders_href(seller_id: str, risk: str, of: str, item: str = "") -> str:
    """Where the orders behind a reason, or behind an item, are listed."""
    named = {"risk": risk, "of": of} | ({"item": item} if item else {})
    return f"{seller_path(seller_id)}/orders?{urlencode(named)}"


def seller_path(seller_id: str) -> str:
    """A seller's page; an id may hold anything."""
    return f"/seller/{quote(seller_id, safe='')}"
