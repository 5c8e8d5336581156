"""A seller's own page: where it stands on each standard, what to expect, what to do, and its letters."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from starlette.responses import Response

from core.days import days_after
from serving.casework.cases import case_repository
from serving.casework.cases.case import LIVE
from serving.casework.decisions import decision
from serving.casework.decisions.decision import Decision, received
from serving.casework.decisions.letters import title as letter_title
from serving.casework.objections import objections
from serving.casework.objections.objections import Objection
from serving.casework.snapshots.logged_answers import LoggedAnswer
from serving.casework.snapshots.standings import SellerStanding, standings
from serving.database.connection import reading
from serving.review.pages import texts
from serving.review.pages.page import Page, render, shown
from serving.review.seller.answer import TO_SELLER, answer_of, changes, seller_head
from serving.review.seller.figures import standard_views
from serving.review.seller.views import StandardView
from serving.review.web.page_request import PageRequest
from serving.scoring import formats

CLEAR = "clear"
ADVICE = 3  # families of reasons that are advised on


@dataclass(frozen=True)
class OwnRisk:
    """One of the two risks, as the seller reads it."""

    risk: str = shown("returns or service")
    probability: float = shown("that the standard is missed at the horizon's end")
    low: float = shown("lower end of its 90% interval")
    high: float = shown("upper end of its 90% interval")
    band: str = shown("clear, watch or review")
    in_breach: bool = shown("whether the standard is missed today")
    room: str = shown("how many of the coming orders may count against the seller, in words")
    change: str = shown("what would change it, in words to the seller; empty where there is nothing to tell")


@dataclass(frozen=True)
class LetterLine:
    """A letter that the seller has received."""

    href: str = shown("where it stands")
    title: str = shown("its subject")
    day: str = shown("ISO time from which it holds")
    state: str = shown("message id of what became of it: stands, taken_back or over")


@dataclass(frozen=True)
class ObjectionLine:
    """An objection of the seller's own."""

    order_id: str = shown("the order")
    reason: str = shown("what the seller wrote")
    day: str = shown("ISO time at which it was raised")
    state: str = shown("waiting, granted or refused")
    answer: str = shown("the reviewer's answer; empty while it waits")
    changes: tuple[str, ...] = shown("what the correction changed, in words; none unless granted")


@dataclass(frozen=True)
class OwnPage(Page):
    """A seller's own standing. Nothing here is another seller's."""

    template: ClassVar[str] = "own.html"
    name: str = shown("the seller's name, or its id")
    as_of: str = shown("ISO day that the figures speak from")
    until: str = shown("ISO day that the projection speaks of")
    low_evidence: bool = shown("whether there are too few orders to say much")
    risks: tuple[OwnRisk, ...] = shown("both risks")
    standards: tuple[StandardView, ...] = shown("every standard that the source can tell, the headlines first")
    advice: tuple[str, ...] = shown("what to do next, from the reasons that weigh most")
    happened: tuple[str, ...] = shown("those reasons, in the sentences that reviewers read")
    letters: tuple[LetterLine, ...] = shown("letters received, the newest first")
    objections: tuple[ObjectionLine, ...] = shown("objections raised, the newest first")
    raised: bool = shown("whether an objection was raised just now")


def show(request: PageRequest) -> Response:
    """The page of the seller that the login speaks for."""
    return render(request, own_page(request, datetime.now(UTC)))


def own_page(request: PageRequest, at: datetime) -> OwnPage:
    """Everything a seller is shown of itself."""
    services, seller_id = request.services, request.user.seller_id
    with reading(services.engine) as con:
        cases = [case for case in case_repository.of_seller(con, seller_id) if case.state in LIVE]
        raised = objections.of_seller(con, seller_id)
    answer = answer_of(services.engine, services.watcher.loaded, seller_id, cases)
    standards = services.standards()
    now = standings(standards, answer.block, answer.as_of, answer.horizon_days)
    reasons, what_would_help = _reasons(answer), changes(services, answer, answer.result["risks"], TO_SELLER)
    return OwnPage(
        title=texts.plain("own.title"),
        name=seller_head(services, answer).name or seller_id,
        as_of=answer.as_of,
        until=days_after(answer.as_of, answer.horizon_days),
        low_evidence=answer.result["evidence"]["low_evidence"],
        risks=tuple(_risk(name, answer, now, what_would_help.get(name, "")) for name in answer.result["risks"]),
        standards=standard_views(answer, standards),
        advice=tuple(texts.plain(f"advice.{code}") for code, _ in reasons),
        happened=tuple(text for _, text in reasons),
        letters=tuple(_letter(one, at) for one in received(decision.of_seller(services.engine, seller_id), at)),
        objections=tuple(_objection(one) for one in raised),
        raised=request.query.get("did") == "object",
    )


def _risk(name: str, answer: LoggedAnswer, now: Sequence[SellerStanding], change: str) -> OwnRisk:
    risk_result = answer.result["risks"][name]
    standard = risk_result["standard"]
    mine = next(
        (s for s in now if (s.standard.name, s.standard.version) == (standard["name"], standard["version"])), None
    )
    low, high = risk_result["interval_90"]
    room = _room(mine) if mine else ""
    return OwnRisk(
        name, risk_result["probability"], low, high, risk_result["band"], risk_result["in_breach"], room, change
    )


def _room(now: SellerStanding) -> str:
    day = formats.day(now.expected_on)
    if now.room < 0:
        return texts.plain("own.no_room", day=day)
    if now.room >= now.coming:
        return texts.plain("own.all_room", coming=now.coming, day=day)
    return texts.plain("own.room", coming=now.coming, room=now.room, day=day)


def _reasons(answer: LoggedAnswer) -> list[tuple[str, str]]:
    """Families and sentences of the reasons that raise a risk most and have orders as evidence; each family once.

    A risk in the band clear gives no advice.
    """
    found = [
        (reason["contribution"], reason["code"], reason["text"])
        for risk_result in answer.result["risks"].values()
        if risk_result["band"] != CLEAR or risk_result["in_breach"]
        for reason in risk_result["explanation"]["reasons"]
        if reason["direction"] == "raises"
        and reason["evidence"]["count"]
        and f"advice.{reason['code']}" in texts.messages()
    ]
    strongest = {code: (code, text) for _, code, text in sorted(found)}
    ranked = sorted(strongest, key=lambda code: -max(c for c, name, _ in found if name == code))
    return [strongest[code] for code in ranked[:ADVICE]]


def _letter(made: Decision, at: datetime) -> LetterLine:
    state = "taken_back" if made.overturned_at else "stands" if made.stands_at(at) else "over"
    subject = letter_title(made.letter) if made.letter else ""
    return LetterLine(f"/standing/letter/{made.case_decision_id}", subject, made.effective_at, state)


def _objection(one: Objection) -> ObjectionLine:
    return ObjectionLine(one.order_id, one.reason, one.raised_at, one.state, one.answer, changes_of(one))


def changes_of(one: Objection) -> tuple[str, ...]:
    """What a granted objection changed in the standards, in words."""
    return tuple(
        texts.plain(
            "objection.changed",
            title=s["title"],
            bad=s["bad"][0],
            volume=s["volume"][0],
            bad_after=s["bad"][1],
            volume_after=s["volume"][1],
            before=formats.rate(s["rate"]["before"]),
            after=formats.rate(s["rate"]["after"]),
        )
        for s in one.change.get("standards", ())
        if s["bad"][0] != s["bad"][1] or s["volume"][0] != s["volume"][1]
    )
