"""The seller's page: made of one record, the same bytes that the API answers with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from starlette.responses import Response

from features.standards import Standard
from serving.casework import book
from serving.casework.cases import APPEALED, DECIDED, LIVE, Case
from serving.casework.records import Record
from serving.records.database import reading
from serving.review import days, texts
from serving.review.call import Call
from serving.review.flash import Flash, flash_of, person_of
from serving.review.histories import Histories
from serving.review.page import Page, render, shown
from serving.review.seller import figures, history, rates, reasons
from serving.review.seller.change import changes
from serving.review.seller.head import seller_head
from serving.review.seller.panel import PanelView, Typed, panel
from serving.review.seller.reasons import NO_REASONS, seller_path
from serving.review.seller.record import record_of
from serving.review.seller.verdict import verdict
from serving.review.seller.views import (
    ArithmeticView,
    FaultView,
    HappenedView,
    ItemView,
    ModelView,
    PeerView,
    RateView,
    ReasonView,
    RiskView,
    ScoreView,
    SellerHead,
    StandardView,
)
from serving.review.seller.withheld import Withheld, withheld

BANDS = ("clear", "watch", "review")
KEPT = (*LIVE, DECIDED, APPEALED)  # cases that the page tells of; what lapsed is history
LIMITS = ("orders_only", "probability", "pace", "change", "small")


@dataclass(frozen=True)
class SellerPage(Page):
    """A seller in the order in which a reviewer reads: what, why, what speaks against it, how sure, what was done."""

    template: ClassVar[str] = "seller.html"
    seller: SellerHead = shown("who it is about")
    path: str = shown("the page's own path")
    risks: tuple[RiskView, ...] = shown("both risks, the one explained among them")
    risk: str = shown("the risk that the page explains")
    raising: tuple[ReasonView, ...] = shown("the reasons that raise it, the strongest first")
    lowering: tuple[ReasonView, ...] = shown("what speaks for the seller")
    smaller: int = shown("how many smaller reasons there are beside these")
    smaller_sum: float | None = shown("what those add together, in log-odds; None: withheld")
    base: float | None = shown("where every seller starts, in log-odds; None: withheld")
    arithmetic_sum: float | None = shown("what the arithmetic adds, in log-odds; None: withheld")
    arithmetic: ArithmeticView | None = shown("which orders leave the window, and which will come; None: withheld")
    standards: tuple[StandardView, ...] = shown("every standard that the source can tell")
    faults: FaultView | None = shown("late orders by whose fault; None where the source does not tell")
    peers: PeerView = shown("whom the seller is compared with")
    rate_charts: tuple[RateView, ...] = shown("rates over time; none without histories")
    items: tuple[ItemView, ...] = shown("items that came back")
    change: str = shown("what would change the risk explained; empty where there is nothing to tell, or withheld")
    scores: tuple[ScoreView, ...] = shown("scores of the last weeks")
    happened: tuple[HappenedView, ...] = shown("decisions, interventions, corrections and events, the newest first")
    model: ModelView = shown("what made the figures, and its limits")
    panel: PanelView | None = shown("the case about the risk explained; None where there is none")
    withheld: str = shown("what the case withholds until a first look: score, reasons, or nothing")
    flash: Flash | None = shown("what the last form did")


@dataclass(frozen=True)
class Asked:
    """Who asks for a seller's page, and when. typed: what a refused form held."""

    call: Call
    at: datetime
    typed: Typed | None = None


def show(call: Call) -> Response:
    """The page of the seller named in the path; ?risk= chooses which risk it explains."""
    asked = Asked(call, datetime.now(UTC))
    return render(call, seller_page(asked, call.params["seller_id"], call.query.get("risk", "")))


def seller_page(asked: Asked, seller_id: str, risk: str) -> SellerPage:
    """Everything about a seller."""
    services = asked.call.services
    with reading(services.engine) as con:
        cases = [case for case in book.of_seller(con, seller_id) if case.state in KEPT]
    live = [case for case in cases if case.state in LIVE]
    record = record_of(services.engine, services.following.loaded, seller_id, live or cases)
    chosen = _explained(record, risk, live or cases)
    return build(asked, record, chosen, next((case for case in cases if case.risk == chosen), None))


def build(asked: Asked, record: Record, risk: str, case: Case | None) -> SellerPage:
    """The page of a record, explaining one of its risks."""
    services, said = asked.call.services, record.said["risks"][risk]
    histories, standards = services.histories, services.standards()
    with reading(services.engine) as con:
        hidden = withheld(con, record.seller_id, risk, record.said["risks"])
    headline = _standard(standards, said)
    views = hidden.standards(figures.standard_views(record, standards))
    peers = figures.peers(record, headline, histories)
    head = seller_head(services, record)
    pairs = () if hidden.score else _pairs(standards, views)
    return SellerPage(
        title=head.name or head.seller_id,
        seller=head,
        path=seller_path(record.seller_id),
        risks=tuple(_risk(name, record, risk, hidden) for name in record.said["risks"]),
        risk=risk,
        **_why(record, risk, hidden, histories),
        arithmetic=None if hidden.score else figures.arithmetic(record, headline, said),
        standards=views,
        faults=figures.faults(record),
        peers=peers,
        rate_charts=rates.rate_views(histories, record.seller_id, peers.name, pairs, risk),
        items=figures.items(record) if risk == "returns" and not hidden.reasons else (),
        change="" if hidden.what else changes(services, record, [risk]).get(risk, ""),
        model=_model(record),
        withheld=hidden.what,
        **_told(asked, record.seller_id, case, said["standard"], hidden),
    )


def _told(
    asked: Asked, seller_id: str, case: Case | None, standard: Mapping[str, str], hidden: Withheld
) -> dict[str, Any]:
    """What the database says: scores, what happened, the case, and what was just done."""
    services, person = asked.call.services, person_of(asked.call)
    with reading(services.engine) as con:
        return {
            "scores": hidden.scores(history.scores(con, seller_id)),
            "happened": history.happened(con, seller_id, services.histories),
            "panel": panel(con, case, standard, person, asked.at, asked.typed) if case else None,
            "flash": flash_of(con, asked.call, asked.at),
        }


def _explained(record: Record, wanted: str, cases: Sequence[Case]) -> str:
    """The risk asked for; else that of the case worth most; else the more likely one."""
    known: Mapping[str, Any] = record.said["risks"]
    if wanted in known:
        return wanted
    ranked = sorted((c for c in cases if c.risk in known), key=lambda c: -c.facts.loss_avoided)
    if ranked:
        return ranked[0].risk
    return max(known, key=lambda risk: (BANDS.index(known[risk]["band"]), known[risk]["probability"]))


def _standard(standards: Sequence[Standard], said: Mapping[str, Any]) -> Standard:
    named = said["standard"]
    return next(s for s in standards if (s.name, s.version) == (named["name"], named["version"]))


def _pairs(standards: Sequence[Standard], views: Sequence[StandardView]) -> list[tuple[Standard, StandardView]]:
    by_title = {(s.title, s.version): s for s in standards}
    return [(by_title[view.title, view.version], view) for view in views]


def _risk(risk: str, record: Record, here: str, hidden: Withheld) -> RiskView:
    said = record.said["risks"][risk]
    told = risk not in hidden.scored
    low, high = said["interval_90"] if told else (None, None)
    return RiskView(
        risk=risk,
        here=risk == here,
        probability=said["probability"] if told else None,
        low=low,
        high=high,
        band=said["band"] if told else "",
        in_breach=said["in_breach"],
        verdict=verdict(risk, said, record.as_of, record.horizon_days) if told else "",
        rate=said["standard"]["current_rate"],
        limit=said["standard"]["limit"],
    )


def _why(record: Record, risk: str, hidden: Withheld, histories: Histories | None) -> dict[str, Any]:
    """The reasons with what they add up to; nothing of what is withheld."""
    said = record.said["risks"][risk]
    why = NO_REASONS if hidden.reasons else reasons.reasons_of(record.seller_id, risk, said, histories)
    told = {} if hidden.score else said["explanation"]
    return {
        "raising": why.raising,
        "lowering": why.lowering,
        "smaller": why.smaller,
        "smaller_sum": None if hidden.score else why.smaller_sum,
        "base": told.get("base"),
        "arithmetic_sum": told.get("arithmetic"),
    }


def _model(record: Record) -> ModelView:
    return ModelView(
        version=record.model_version,
        digest=record.model_digest,
        decision_id=record.decision_id,
        as_of=record.as_of,
        until=days.after(record.as_of, record.horizon_days),
        limits=tuple(texts.plain(f"limits.{name}") for name in LIMITS),
    )
