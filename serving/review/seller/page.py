"""The seller's page: made of one record, the same bytes that the API answers with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isnan
from typing import Any, ClassVar

from starlette.responses import Response

from features.standards import Standard
from serving.casework import arms, book
from serving.casework.cases import APPEALED, DECIDED, LIVE, Case
from serving.casework.records import Record
from serving.records.database import reading
from serving.review import days, texts
from serving.review.call import Call
from serving.review.flash import Flash, flash_of, person_of
from serving.review.page import Page, render, shown
from serving.review.seller import figures, history, rates, reasons
from serving.review.seller.panel import PanelView, Typed, panel
from serving.review.seller.reasons import Reasons, seller_path
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
from serving.review.services import Services
from serving.store import UNKNOWN

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
    smaller_sum: float = shown("what those add together, in log-odds")
    base: float = shown("where every seller starts, in log-odds")
    arithmetic_sum: float = shown("what the arithmetic adds, in log-odds")
    arithmetic: ArithmeticView = shown("which orders leave the window, and which will come")
    standards: tuple[StandardView, ...] = shown("every standard that the source can tell")
    faults: FaultView | None = shown("late orders by whose fault; None where the source does not tell")
    peers: PeerView = shown("whom the seller is compared with")
    rate_charts: tuple[RateView, ...] = shown("rates over time; none without histories")
    items: tuple[ItemView, ...] = shown("items that came back")
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
    headline = _standard(standards, said)
    hidden = next(iter(arms.withheld(case.arm, case.first_look)), "") if case else ""
    why = reasons.reasons_of(record.seller_id, risk, said, histories)
    views = figures.standard_views(record, standards)
    peers = figures.peers(record, headline, histories)
    head = seller_head(services, record)
    return SellerPage(
        title=head.name or head.seller_id,
        seller=head,
        path=seller_path(record.seller_id),
        risks=tuple(_risk(name, one, record, name == risk) for name, one in record.said["risks"].items()),
        risk=risk,
        **_split(why),
        base=said["explanation"]["base"],
        arithmetic_sum=said["explanation"]["arithmetic"],
        arithmetic=figures.arithmetic(record, headline, said),
        standards=views,
        faults=figures.faults(record),
        peers=peers,
        rate_charts=rates.rate_views(histories, record.seller_id, peers.name, _pairs(standards, views), risk),
        items=figures.items(record) if risk == "returns" else (),
        model=_model(record),
        withheld=hidden,
        **_told(asked, record.seller_id, case, said["standard"]),
    )


def _told(asked: Asked, seller_id: str, case: Case | None, standard: Mapping[str, str]) -> dict[str, Any]:
    """What the database says: scores, what happened, the case, and what was just done."""
    services, person = asked.call.services, person_of(asked.call)
    with reading(services.engine) as con:
        return {
            "scores": history.scores(con, seller_id),
            "happened": history.happened(con, seller_id, services.histories),
            "panel": panel(con, case, standard, person, asked.at, asked.typed) if case else None,
            "flash": flash_of(con, asked.call, asked.at),
        }


def seller_head(services: Services, record: Record) -> SellerHead:
    """Who the record is about, as the online store knows it."""
    loaded = services.following.loaded
    number = int(loaded.store.find([record.seller_id])[0]) if loaded else UNKNOWN
    kept = loaded.store.record(number) if loaded and number != UNKNOWN else {}
    text, known = kept.get("text", {}), kept.get("seller", {})
    names = [text.get(name, "") for name in ("category", "size", "fulfilment", "region")]
    tenure = float(record.block["tenure_days"][0])
    return SellerHead(
        seller_id=record.seller_id,
        name=known.get("name") or "",
        attributes=tuple(name for name in names if name),
        tenure_days=0 if isnan(tenure) else int(tenure),
        orders=record.said["evidence"]["orders_in_window"],
        low_evidence=record.said["evidence"]["low_evidence"],
        natural_person=known.get("natural_person"),
    )


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


def _risk(risk: str, said: Mapping[str, Any], record: Record, here: bool) -> RiskView:
    low, high = said["interval_90"]
    return RiskView(
        risk=risk,
        here=here,
        probability=said["probability"],
        low=low,
        high=high,
        band=said["band"],
        in_breach=said["in_breach"],
        verdict=verdict(risk, said, record.as_of, record.horizon_days),
        rate=said["standard"]["current_rate"],
        limit=said["standard"]["limit"],
    )


def _split(why: Reasons) -> dict[str, Any]:
    return {
        "raising": why.raising,
        "lowering": why.lowering,
        "smaller": why.smaller,
        "smaller_sum": why.smaller_sum,
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
