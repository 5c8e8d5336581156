"""Reasons that raise the risk, what speaks for the seller, and what a case withholds until a first look."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from features.catalogue.failure_kinds import FAMILIES
from serving.casework.cases import case_repository
from serving.review.histories import Histories
from serving.review.seller.answer import orders_href
from serving.review.seller.orders import Orders, known_orders, order_views
from serving.review.seller.views import ReasonView, ScoreView, StandardView
from serving.scoring.results import ReasonResult, RiskResult

LEAST = 0.05  # log-odds under which a reason moves a probability of one half by about one per cent
SHOWN_ORDERS = 6
MOST_REASONS = 8


@dataclass(frozen=True)
class RankedReasons:
    """The reasons of one risk, the strongest first; smaller ones are counted and summed."""

    raising: tuple[ReasonView, ...]
    lowering: tuple[ReasonView, ...]
    smaller: int
    smaller_sum: float


NO_REASONS = RankedReasons((), (), 0, 0.0)


def reasons_of(seller_id: str, risk: str, risk_result: RiskResult, histories: Histories | None) -> RankedReasons:
    """The reasons of an answer's risk with their orders."""
    ranked = risk_result["explanation"]["reasons"]
    kept = [r for r in ranked if abs(r["contribution"]) >= LEAST][: 2 * MOST_REASONS]
    largest = max((abs(r["contribution"]) for r in kept), default=1.0)
    shown = [order for reason in kept for order in _newest(reason)]
    known = known_orders(histories, seller_id, shown)
    views = [_view(seller_id, risk, reason, largest, known) for reason in kept]
    rest = [r["contribution"] for r in ranked if r not in kept]
    raising = tuple(v for v in views if v.contribution > 0)
    lowering = tuple(v for v in views if v.contribution < 0)
    return RankedReasons(raising, lowering, len(rest), float(sum(rest)))


def _newest(reason: ReasonResult) -> Sequence[str]:
    order_ids: Sequence[str] = reason["evidence"]["order_ids"]
    return order_ids[:SHOWN_ORDERS]


def _view(seller_id: str, risk: str, reason: ReasonResult, largest: float, known: Orders) -> ReasonView:
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


def _href(seller_id: str, risk: str, reason: ReasonResult) -> str:
    """Where the reason's orders are listed; one about items leads to those that came back, with their orders."""
    if reason["evidence"]["order_ids"]:
        return orders_href(seller_id, risk, reason["code"])
    return "#items" if reason["code"] == "items" else ""


@dataclass(frozen=True)
class WithheldParts:
    """What a page about one risk of a seller must not show yet."""

    what: str  # what the case of the risk explained withholds: score, reasons or nothing
    scored: frozenset[str]  # risks whose score is withheld

    @property
    def score(self) -> bool:
        """Whether the score of the risk explained is withheld."""
        return self.what == "score"

    @property
    def reasons(self) -> bool:
        """Whether its reasons are."""
        return self.what == "reasons"

    def standards(self, views: Sequence[StandardView]) -> tuple[StandardView, ...]:
        """The standards, without expectations for risks whose score is withheld."""
        return tuple(_today(view) if view.risk in self.scored else view for view in views)

    def scores(self, views: Sequence[ScoreView]) -> tuple[ScoreView, ...]:
        """The scores of the last weeks that may be shown; older scores of a withheld risk would give today's away."""
        return tuple(view for view in views if view.risk not in self.scored)


def withheld(con: sa.Connection, seller_id: str, risk: str, risks: Collection[str]) -> WithheldParts:
    """What the page about a risk withholds; where that risk's score is withheld, the other's is too."""
    hidden = {of: what for (_, of), what in case_repository.withheld(con, [seller_id]).items()}
    scored = {of for of, what in hidden.items() if what == "score"}
    return WithheldParts(hidden.get(risk, ""), frozenset(risks if risk in scored else scored))


def _today(view: StandardView) -> StandardView:
    scale = max(view.rate or 0.0, view.limit) * 1.1 or 1.0
    return replace(view, expected=None, low=None, high=None, probability=None, scale=scale)
