"""What would change a risk, in a sentence with counts and in plain values: for the API's answers and the pages."""

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from typing import Any

from core.block import Block
from features.columns.by_day import SellerDays
from features.standards.standard import RISKS, Standard
from models.bundle.bundle import Bundle
from models.score import headline_models
from models.what_if.counterfactual import Counterfactual, counterfactual
from serving.scoring import formats

PHRASES = {  # by code of models.what_if.projected.SUCCESSES: of one order, and of several
    "not_returned": ("is not returned", "are not returned"),
    "shipped_on_time": ("ships on time", "ship on time"),
    "on_time": ("arrives on time", "arrive on time"),
    "not_cancelled": ("is not cancelled", "are not cancelled"),
    "as_described": ("is as described", "are as described"),
    "received": ("is received", "are received"),
    "resolved": ("has its case resolved", "have their cases resolved"),
    "not_rated_low": ("is rated above 2", "are rated above 2"),
}
WELL = ("goes well", "go well")
VOLUMES = {"ordered": "orders", "delivered": "deliveries"}  # what a standard's rate is taken of


def what_if(
    bundle: Bundle, row: Block, past: SellerDays, horizon: int, risks: Collection[str] = RISKS
) -> dict[str, dict[str, Any] | None]:
    """By risk, what would change it; None where there is nothing to change, or nothing to be done about it."""
    found = {
        model.key.risk: (model.standard, counterfactual(model, bundle.features, row, past))
        for model in headline_models(bundle, horizon)
        if model.key.risk in risks
    }
    return {risk: as_json(standard, one) if one else None for risk, (standard, one) in found.items()}


def as_json(standard: Standard, found: Counterfactual) -> dict[str, Any]:
    """Plain values, as docs/api.md describes them."""
    return {
        "day": _day(found).isoformat(),
        "orders": found.orders,
        "failing": found.failing,
        "successes": found.successes,
        "actions": [{"code": code, "orders": orders} for code, orders in found.actions],
        "below": found.cut,
        "as_things_go": found.as_things_go,
        "probability": found.probability,
        "text": sentence(standard, found),
        "text_to_seller": sentence(standard, found, "your"),
    }


def sentence(standard: Standard, found: Counterfactual, whose: str = "the") -> str:
    """What would have to happen, of how many orders, by when, and what the risk would then be."""
    now, then = formats.percent(found.as_things_go), formats.percent(found.probability)
    on = f"{whose} risk on {formats.day(_day(found).isoformat())}".replace("\u00a0", " ")
    come = f"{whose} next {found.orders:,} {_volume(standard, found.orders)}"
    if found.successes == 0:
        return f"As things go, {on} is {now}, below the {formats.percent(found.cut)} at which its band of today begins."
    if found.successes is None and not found.failing:
        return f"None of {come} is expected to count against the seller, and {on} is still {now}."
    well = _well(found.actions)
    if found.successes is None:
        all_of = f"all {found.failing:,}" if found.failing > 1 else "the one"
        return (
            f"Even if {all_of} of {come} that would count against the seller {well}, {on} would be {then}; "
            f"as things go, it is {now}."
        )
    return f"If {found.successes:,} more of {come} {well}, {on} falls from {now} to {then}."


def _well(actions: Sequence[tuple[str, int]]) -> str:
    """What goes well: one kind is said as it is, several after how many of each."""
    if len(actions) == 1:
        return _said(PHRASES[actions[0][0]], actions[0][1])
    each = ", ".join(f"{orders:,} {_said(PHRASES[code], orders)}" for code, orders in actions)
    return f"{_said(WELL, sum(orders for _, orders in actions))} ({each})"


def _said(words: tuple[str, str], orders: int) -> str:
    return words[0 if orders == 1 else 1]


def _volume(standard: Standard, orders: int) -> str:
    said = next((VOLUMES[q] for q in standard.denominator if q in VOLUMES), "orders")
    return {"orders": "order", "deliveries": "delivery"}[said] if orders == 1 else said


def _day(found: Counterfactual) -> date:
    return date(1970, 1, 1) + timedelta(days=found.day)
