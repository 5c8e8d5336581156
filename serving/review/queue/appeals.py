"""Objections as reviewers see them: the list, one in full, the answer, and what it changed in the figures."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

import sqlalchemy as sa
from starlette.responses import RedirectResponse, Response

from serving.casework.cases import case_repository
from serving.casework.cases.rules import ConflictError, IncompleteError, MissingError, NotAllowedError
from serving.casework.decisions import decision
from serving.casework.objections import objections, rulings
from serving.casework.objections.objections import LEAST_REASON, Objection
from serving.casework.objections.recompute import recall_source
from serving.casework.objections.rulings import Ruling, RulingContext
from serving.database.connection import reading
from serving.database.tables.casework import CASE_DECISIONS
from serving.review.pages import texts
from serving.review.pages.page import Page, render, shown
from serving.review.seller.answer import seller_path
from serving.review.web.page_request import PageRequest, Refusal
from serving.scoring import formats


@dataclass(frozen=True)
class BeforeAfter:
    """One figure before and after the correction."""

    title: str = shown("what it is")
    before: str = shown("as it was")
    after: str = shown("as it is")
    counts: str = shown("the counts behind it, in words; empty for none")
    moved: bool = shown("whether it changed")


def figures_of(change: Any, hidden: Collection[str]) -> tuple[BeforeAfter, ...]:
    if not change:
        return ()
    rates = [
        BeforeAfter(
            s["title"],
            formats.rate(s["rate"]["before"]),
            formats.rate(s["rate"]["after"]),
            texts.plain(
                "appeal.counts", bad=s["bad"][0], volume=s["volume"][0], bad_after=s["bad"][1],
                volume_after=s["volume"][1],
            ),
            s["bad"][0] != s["bad"][1] or s["volume"][0] != s["volume"][1],
        )
        for s in change["standards"]
    ]  # fmt: skip
    risks: list[BeforeAfter] = []
    for name, one in change["risks"].items():
        if name in hidden:
            continue
        chance, loss = one["probability"], one["loss"]
        bands = texts.plain("appeal.bands", before=one["band"][0], after=one["band"][1])
        title = texts.plain("appeal.probability", risk=texts.plain(f"risk.{name}"))
        risks.append(
            _before_after(title, formats.percent(chance["before"], 1), formats.percent(chance["after"], 1), bands)
        )
        title = texts.plain("appeal.loss", risk=texts.plain(f"risk.{name}"))
        risks.append(_before_after(title, formats.money(loss["before"]), formats.money(loss["after"]), ""))
    return (*[r for r in rates if r.moved], *risks)


def _before_after(title: str, before: str, after: str, counts: str) -> BeforeAfter:
    return BeforeAfter(title, before, after, counts, before != after)


def features_of(change: Any) -> tuple[BeforeAfter, ...]:
    pairs: Sequence[tuple[str, Any]] = list((change or {}).get("features", {}).items())
    return tuple(BeforeAfter(name, _number(v["before"]), _number(v["after"]), "", True) for name, v in pairs)


def _number(value: float | None) -> str:
    return "\u2013" if value is None else f"{value:,.6g}"


@dataclass(frozen=True)
class AppealLine:
    """One objection in the list."""

    href: str = shown("where it is read and answered")
    seller_id: str = shown("the seller")
    order_id: str = shown("the order")
    reason: str = shown("what the seller wrote")
    day: str = shown("ISO time at which it was raised")
    age_days: int = shown("days that it has waited")
    to_decision: bool = shown("whether it objects to a decision")
    barred: bool = shown("whether the reader decided something about this seller, and so leaves it to a colleague")


@dataclass(frozen=True)
class AppealsPage(Page):
    """Objections that wait for an answer, the oldest first."""

    template: ClassVar[str] = "appeals.html"
    lines: tuple[AppealLine, ...] = shown("the objections")


@dataclass(frozen=True)
class AppealPage(Page):
    """One objection: what the seller says, what the answer was, what it changed."""

    template: ClassVar[str] = "appeal.html"
    objection_id: str = shown("its id")
    version: int = shown("the version that the form answers")
    seller_id: str = shown("the seller")
    seller_href: str = shown("the seller's page")
    entries: tuple[str, ...] = shown("the entries of the order that are meant: table and key")
    asks: str = shown("what the seller asks for, in words")
    reason: str = shown("what the seller wrote")
    raised_at: str = shown("ISO time at which it was raised")
    decision: str = shown("the decision objected to, in words; empty for none")
    letter_href: str = shown("its letter; empty for none")
    state: str = shown("waiting, granted or refused")
    answer: str = shown("the answer, or what was typed of it")
    decided_by: str = shown("who answered")
    decided_at: str = shown("ISO time of the answer")
    decision_stands: bool = shown("whether the decision objected to stays in force")
    barred: str = shown("why the reader may not answer, in words; empty when they may")
    problem: str = shown("what the answer lacks; empty for nothing")
    least: int = shown("characters that an answer has at least")
    figures: tuple[BeforeAfter, ...] = shown(
        "standards and risks before and after; none until granted, and no withheld score"
    )
    features: tuple[BeforeAfter, ...] = shown("features that changed")


def show_all(request: PageRequest) -> Response:
    """The list."""
    at = datetime.now(UTC)
    with reading(request.services.engine) as con:
        lines = tuple(_line(con, request, one, at) for one in objections.waiting(con))
    return render(request, AppealsPage(texts.plain("appeals.title"), lines=lines))


def show(request: PageRequest) -> Response:
    """One objection."""
    return render(request, _page(request))


def answer(request: PageRequest) -> Response:
    """Grant or refuse an objection; the figures are recomputed at once."""
    version, verdict = request.value("version"), request.value("verdict")
    if not version.isdecimal() or verdict not in ("grant", "refuse"):
        raise Refusal(400)
    stands = verdict == "refuse" or request.value("take_back") != "yes"
    ruling = Ruling(verdict == "grant", request.value("answer"), stands)
    try:
        context = _ruling_context(request)
        at, person = datetime.now(UTC), request.user
        rulings.answer_objection(
            request.services.engine, request.params["objection_id"], int(version), person, at, ruling, context
        )
    except IncompleteError as error:
        return render(request, _page(request, error), 422)
    except ConflictError as error:
        raise Refusal(409, "refusal.answered", found=error.found) from error
    except NotAllowedError as error:
        raise Refusal(403, "refusal.rule", rule=error.rule, found=error.found, next_step=error.next_step) from error
    except MissingError as error:
        raise Refusal(404) from error
    return RedirectResponse(f"/objection/{request.params['objection_id']}", 303)


def _ruling_context(request: PageRequest) -> RulingContext:
    loaded = request.services.watcher.loaded
    if loaded is None:
        raise Refusal(503)
    return RulingContext(recall_source(request.services.home), loaded, request.services.standards())


def _line(con: sa.Connection, request: PageRequest, one: Objection, at: datetime) -> AppealLine:
    return AppealLine(
        href=f"/objection/{one.objection_id}",
        seller_id=one.seller_id,
        order_id=one.order_id,
        reason=one.reason,
        day=one.raised_at,
        age_days=(at - datetime.fromisoformat(one.raised_at)).days,
        to_decision=bool(one.case_decision_id),
        barred=bool(_barred(con, request, one)),
    )


def _barred(con: sa.Connection, request: PageRequest, one: Objection) -> str:
    try:
        rulings.check_reviewer(con, one, request.user)
    except NotAllowedError as error:
        return f"{error.rule} {texts.plain('appeal.next', next_step=error.next_step)}"
    return ""


def _page(request: PageRequest, error: IncompleteError | None = None) -> AppealPage:
    with reading(request.services.engine) as con:
        try:
            one = objections.find(con, request.params["objection_id"])
        except MissingError as missing:
            raise Refusal(404) from missing
        barred = _barred(con, request, one)
        hidden = {risk for (_, risk), what in case_repository.withheld(con, [one.seller_id]).items() if what == "score"}
        made = decision.select(con, CASE_DECISIONS.c.case_decision_id == one.case_decision_id)
    asks = "appeal.asks_excluded" if one.effect == "excluded" else "appeal.asks_fault"
    return AppealPage(
        title=texts.plain("appeal.title", order=one.order_id),
        objection_id=one.objection_id,
        version=one.version,
        seller_id=one.seller_id,
        seller_href=seller_path(one.seller_id),
        entries=tuple(f"{table} {key}" for table, key in one.rows),
        asks=texts.plain(asks, fault=texts.plain(f"fault.{one.new_fault}") if one.new_fault else ""),
        reason=one.reason,
        raised_at=one.raised_at,
        decision=texts.plain(f"kind.{made[0].kind}") if made else "",
        letter_href=f"/letter/{one.case_decision_id}" if made else "",
        state=one.state,
        answer=request.value("answer") or one.answer,
        decided_by=one.decided_by,
        decided_at=one.decided_at,
        decision_stands=one.decision_stands,
        barred=barred if one.state == "waiting" else "",
        problem=f"{error.rule}" if error else "",
        least=LEAST_REASON,
        figures=figures_of(one.change, hidden),
        features=features_of(one.change),
    )
