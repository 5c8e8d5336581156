"""The seller's page: made of one logged answer, the same bytes that the API returns."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from starlette.responses import Response

from core.days import days_after
from features.standards.standard import Standard
from models.boosting.risk_model import BANDS
from serving.casework.cases import case_repository
from serving.casework.cases.case import APPEALED, DECIDED, LIVE, Case
from serving.casework.snapshots.logged_answers import LoggedAnswer
from serving.database.connection import reading
from serving.review.histories import Histories
from serving.review.pages import texts
from serving.review.pages.flash import Flash, flash_of
from serving.review.pages.page import Page, render, shown
from serving.review.seller import figures, history, reasons
from serving.review.seller.answer import answer_of, changes, seller_head, seller_path, verdict
from serving.review.seller.panel import CasePanel, RefusedForm, panel
from serving.review.seller.reasons import NO_REASONS, WithheldParts, withheld
from serving.review.seller.views import (
    ArithmeticView,
    FaultView,
    HistoryEntry,
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
from serving.review.web.page_request import PageRequest
from serving.scoring.results import RiskResult, StandardResult

SHOWN_STATES = (*LIVE, DECIDED, APPEALED)  # states of cases that the page shows
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
    happened: tuple[HistoryEntry, ...] = shown("decisions, interventions, corrections and events, the newest first")
    model: ModelView = shown("what made the figures, and its limits")
    panel: CasePanel | None = shown("the case about the risk explained; None where there is none")
    withheld: str = shown("what the case withholds until a first look: score, reasons, or nothing")
    flash: Flash | None = shown("what the last form did")


@dataclass(frozen=True)
class SellerPageRequest:
    """A request for a seller's page, and its time. typed: the form that was refused before."""

    request: PageRequest
    at: datetime
    typed: RefusedForm | None = None


def show(request: PageRequest) -> Response:
    """The page of the seller named in the path; ?risk= chooses which risk it explains."""
    page_request = SellerPageRequest(request, datetime.now(UTC))
    return render(request, seller_page(page_request, request.params["seller_id"], request.query.get("risk", "")))


def seller_page(page_request: SellerPageRequest, seller_id: str, risk: str) -> SellerPage:
    """Everything about a seller."""
    services = page_request.request.services
    with reading(services.engine) as con:
        cases = [case for case in case_repository.of_seller(con, seller_id) if case.state in SHOWN_STATES]
    live = [case for case in cases if case.state in LIVE]
    answer = answer_of(services.engine, services.watcher.loaded, seller_id, live or cases)
    chosen = _explained(answer, risk, live or cases)
    return build(page_request, answer, chosen, next((case for case in cases if case.risk == chosen), None))


def build(page_request: SellerPageRequest, answer: LoggedAnswer, risk: str, case: Case | None) -> SellerPage:
    """The page of a logged answer, explaining one of its risks."""
    services, risk_result = page_request.request.services, answer.result["risks"][risk]
    histories, standards = services.histories, services.standards()
    with reading(services.engine) as con:
        hidden = withheld(con, answer.seller_id, risk, answer.result["risks"])
    headline = _standard(standards, risk_result)
    views = hidden.standards(figures.standard_views(answer, standards))
    peers = figures.peers(answer, headline, histories)
    head = seller_head(services, answer)
    pairs = () if hidden.score else _pairs(standards, views)
    return SellerPage(
        title=head.name or head.seller_id,
        seller=head,
        path=seller_path(answer.seller_id),
        risks=tuple(_risk(name, answer, risk, hidden) for name in answer.result["risks"]),
        risk=risk,
        **_why(answer, risk, hidden, histories),
        arithmetic=None if hidden.score else figures.arithmetic(answer, headline, risk_result),
        standards=views,
        faults=figures.faults(answer),
        peers=peers,
        rate_charts=history.rate_views(histories, answer.seller_id, peers.name, pairs, risk),
        items=figures.items(answer) if risk == "returns" and not hidden.reasons else (),
        change="" if hidden.what else changes(services, answer, [risk]).get(risk, ""),
        model=_model(answer),
        withheld=hidden.what,
        **_from_database(page_request, answer.seller_id, case, risk_result["standard"], hidden),
    )


def _from_database(
    page_request: SellerPageRequest,
    seller_id: str,
    case: Case | None,
    standard: StandardResult,
    hidden: WithheldParts,
) -> dict[str, Any]:
    """What comes from the database: scores, history, the case, and the message about the last form."""
    services, person = page_request.request.services, page_request.request.user
    with reading(services.engine) as con:
        return {
            "scores": hidden.scores(history.scores(con, seller_id)),
            "happened": history.history_entries(con, seller_id, services.histories),
            "panel": panel(con, case, standard, person, page_request.at, page_request.typed) if case else None,
            "flash": flash_of(con, page_request.request, page_request.at),
        }


def _explained(answer: LoggedAnswer, wanted: str, cases: Sequence[Case]) -> str:
    """The requested risk; else that of the case worth most; else the more likely one."""
    known = answer.result["risks"]
    if wanted in known:
        return wanted
    ranked = sorted((c for c in cases if c.risk in known), key=lambda c: -c.facts.loss_avoided)
    if ranked:
        return ranked[0].risk
    return max(known, key=lambda risk: (BANDS.index(known[risk]["band"]), known[risk]["probability"]))


def _standard(standards: Sequence[Standard], risk_result: RiskResult) -> Standard:
    named = risk_result["standard"]
    return next(s for s in standards if (s.name, s.version) == (named["name"], named["version"]))


def _pairs(standards: Sequence[Standard], views: Sequence[StandardView]) -> list[tuple[Standard, StandardView]]:
    by_title = {(s.title, s.version): s for s in standards}
    return [(by_title[view.title, view.version], view) for view in views]


def _risk(risk: str, answer: LoggedAnswer, here: str, hidden: WithheldParts) -> RiskView:
    risk_result = answer.result["risks"][risk]
    visible = risk not in hidden.scored
    low, high = risk_result["interval_90"] if visible else (None, None)
    return RiskView(
        risk=risk,
        here=risk == here,
        probability=risk_result["probability"] if visible else None,
        low=low,
        high=high,
        band=risk_result["band"] if visible else "",
        in_breach=risk_result["in_breach"],
        verdict=verdict(risk, risk_result, answer.as_of, answer.horizon_days) if visible else "",
        rate=risk_result["standard"]["current_rate"],
        limit=risk_result["standard"]["limit"],
    )


def _why(answer: LoggedAnswer, risk: str, hidden: WithheldParts, histories: Histories | None) -> dict[str, Any]:
    """The reasons and their sums, without what is withheld."""
    risk_result = answer.result["risks"][risk]
    why = NO_REASONS if hidden.reasons else reasons.reasons_of(answer.seller_id, risk, risk_result, histories)
    explanation = None if hidden.score else risk_result["explanation"]
    return {
        "raising": why.raising,
        "lowering": why.lowering,
        "smaller": why.smaller,
        "smaller_sum": None if hidden.score else why.smaller_sum,
        "base": explanation["base"] if explanation else None,
        "arithmetic_sum": explanation["arithmetic"] if explanation else None,
    }


def _model(answer: LoggedAnswer) -> ModelView:
    return ModelView(
        version=answer.model_version,
        digest=answer.model_digest,
        decision_id=answer.decision_id,
        as_of=answer.as_of,
        until=days_after(answer.as_of, answer.horizon_days),
        limits=tuple(texts.plain(f"limits.{name}") for name in LIMITS),
    )
