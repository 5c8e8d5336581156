"""Where a seller stands on each standard, what is to be expected, what it can do, what it was told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from starlette.responses import Response

from serving.casework import book, decision, objections
from serving.casework.cases import LIVE
from serving.casework.decision import Decision
from serving.casework.letters import title as letter_title
from serving.casework.objection import Objection
from serving.casework.records import Record
from serving.casework.standings import Standing, standings
from serving.records.clock import written
from serving.records.database import reading
from serving.review import days, forms, texts
from serving.review.call import Call
from serving.review.page import Page, render, shown
from serving.review.seller.change import OWN, changes
from serving.review.seller.figures import standard_views
from serving.review.seller.head import seller_head
from serving.review.seller.record import record_of
from serving.review.seller.views import StandardView

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


def show(call: Call) -> Response:
    """The page of the seller that the login speaks for."""
    return render(call, own_page(call, datetime.now(UTC)))


def own_page(call: Call, at: datetime) -> OwnPage:
    """Everything a seller is shown of itself."""
    services, seller_id = call.services, call.user.seller_id
    with reading(services.engine) as con:
        cases = [case for case in book.of_seller(con, seller_id) if case.state in LIVE]
        raised = objections.of_seller(con, seller_id)
    record = record_of(services.engine, services.following.loaded, seller_id, cases)
    standards = services.standards()
    now = standings(standards, record.block, record.as_of, record.horizon_days)
    reasons, would = _reasons(record), changes(services, record, record.said["risks"], OWN)
    return OwnPage(
        title=texts.plain("own.title"),
        name=seller_head(services, record).name or seller_id,
        as_of=record.as_of,
        until=days.after(record.as_of, record.horizon_days),
        low_evidence=record.said["evidence"]["low_evidence"],
        risks=tuple(_risk(name, record, now, would.get(name, "")) for name in record.said["risks"]),
        standards=standard_views(record, standards),
        advice=tuple(texts.plain(f"advice.{code}") for code, _ in reasons),
        happened=tuple(text for _, text in reasons),
        letters=tuple(_letter(one, at) for one in received(decision.of_seller(services.engine, seller_id), at)),
        objections=tuple(_objection(one) for one in raised),
        raised=call.query.get("did") == "object",
    )


def received(made: Sequence[Decision], at: datetime) -> list[Decision]:
    """Decisions whose letters have gone out: the time to undo is over, and nobody undid them."""
    return [one for one in made if one.letter and not one.undone_at and one.effective_at <= written(at)]


def _risk(name: str, record: Record, now: Sequence[Standing], change: str) -> OwnRisk:
    said = record.said["risks"][name]
    held = said["standard"]
    mine = next((s for s in now if (s.standard.name, s.standard.version) == (held["name"], held["version"])), None)
    low, high = said["interval_90"]
    room = _room(mine) if mine else ""
    return OwnRisk(name, said["probability"], low, high, said["band"], said["in_breach"], room, change)


def _room(now: Standing) -> str:
    day = forms.day(now.expected_on)
    if now.room < 0:
        return texts.plain("own.no_room", day=day)
    if now.room >= now.coming:
        return texts.plain("own.all_room", coming=now.coming, day=day)
    return texts.plain("own.room", coming=now.coming, room=now.room, day=day)


def _reasons(record: Record) -> list[tuple[str, str]]:
    """Families and sentences of the reasons that raise a risk most, with orders to look at; each family once.

    A risk in the band clear asks for nothing.
    """
    found = [
        (reason["contribution"], reason["code"], reason["text"])
        for said in record.said["risks"].values()
        if said["band"] != CLEAR or said["in_breach"]
        for reason in said["explanation"]["reasons"]
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
            before=forms.rate(s["rate"]["before"]),
            after=forms.rate(s["rate"]["after"]),
        )
        for s in one.change.get("standards", ())
        if s["bad"][0] != s["bad"][1] or s["volume"][0] != s["volume"][1]
    )
