"""Objections as reviewers see them: the list, one in full, and the answer, with the figures before and after."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

import sqlalchemy as sa
from starlette.responses import RedirectResponse, Response

from serving.casework import book, decision, objections, rulings
from serving.casework.objection import Objection
from serving.casework.objections import LEAST_REASON
from serving.casework.refusals import ConflictError, IncompleteError, MissingError, NotAllowedError
from serving.casework.rulings import Bench, Ruling
from serving.casework.sources import recall
from serving.records.database import reading
from serving.records.tables.casework import CASE_DECISIONS
from serving.review import texts
from serving.review.before_after import BeforeAfter, features_of, figures_of
from serving.review.call import Call, Refusal
from serving.review.flash import person_of
from serving.review.page import Page, render, shown
from serving.review.seller.reasons import seller_path


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


def show_all(call: Call) -> Response:
    """The list."""
    at = datetime.now(UTC)
    with reading(call.services.engine) as con:
        lines = tuple(_line(con, call, one, at) for one in objections.waiting(con))
    return render(call, AppealsPage(texts.plain("appeals.title"), lines=lines))


def show(call: Call) -> Response:
    """One objection."""
    return render(call, _page(call))


def answer(call: Call) -> Response:
    """Grant or refuse; the figures are worked out anew at once."""
    version, verdict = call.value("version"), call.value("verdict")
    if not version.isdecimal() or verdict not in ("grant", "refuse"):
        raise Refusal(400)
    stands = verdict == "refuse" or call.value("take_back") != "yes"
    ruling = Ruling(verdict == "grant", call.value("answer"), stands)
    try:
        bench = _bench(call)
        at, person = datetime.now(UTC), person_of(call)
        rulings.answer(call.services.engine, call.params["objection_id"], int(version), person, at, ruling, bench)
    except IncompleteError as error:
        return render(call, _page(call, error), 422)
    except ConflictError as error:
        raise Refusal(409, "refusal.answered", found=error.found) from error
    except NotAllowedError as error:
        raise Refusal(403, "refusal.rule", rule=error.rule, found=error.found, next_step=error.next_step) from error
    except MissingError as error:
        raise Refusal(404) from error
    return RedirectResponse(f"/objection/{call.params['objection_id']}", 303)


def _bench(call: Call) -> Bench:
    loaded = call.services.following.loaded
    if loaded is None:
        raise Refusal(503)
    return Bench(recall(call.services.home), loaded, call.services.standards())


def _line(con: sa.Connection, call: Call, one: Objection, at: datetime) -> AppealLine:
    return AppealLine(
        href=f"/objection/{one.objection_id}",
        seller_id=one.seller_id,
        order_id=one.order_id,
        reason=one.reason,
        day=one.raised_at,
        age_days=(at - datetime.fromisoformat(one.raised_at)).days,
        to_decision=bool(one.case_decision_id),
        barred=bool(_barred(con, call, one)),
    )


def _barred(con: sa.Connection, call: Call, one: Objection) -> str:
    try:
        rulings.check_reviewer(con, one, person_of(call))
    except NotAllowedError as error:
        return f"{error.rule} {texts.plain('appeal.next', next_step=error.next_step)}"
    return ""


def _page(call: Call, error: IncompleteError | None = None) -> AppealPage:
    with reading(call.services.engine) as con:
        try:
            one = objections.find(con, call.params["objection_id"])
        except MissingError as missing:
            raise Refusal(404) from missing
        barred = _barred(con, call, one)
        hidden = {risk for (_, risk), what in book.withheld(con, [one.seller_id]).items() if what == "score"}
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
        answer=call.value("answer") or one.answer,
        decided_by=one.decided_by,
        decided_at=one.decided_at,
        decision_stands=one.decision_stands,
        barred=barred if one.state == "waiting" else "",
        problem=f"{error.rule}" if error else "",
        least=LEAST_REASON,
        figures=figures_of(one.change, hidden),
        features=features_of(one.change),
    )
