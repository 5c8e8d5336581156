"""A letter to a seller as a page, and as the plain text that was sent."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from markupsafe import Markup
from starlette.responses import PlainTextResponse, Response

from serving.casework.cases.case import SELLER
from serving.casework.cases.rules import MissingError
from serving.casework.decisions import decision, letters, regimes
from serving.casework.decisions.decision import Decision, received
from serving.database.connection import reading
from serving.review.pages import texts
from serving.review.pages.page import Page, render, shown
from serving.review.web.page_request import PageRequest, Refusal


@dataclass(frozen=True)
class RegimeLine:
    """A law that the letter heeds."""

    title: str = shown("law and article")
    source: str = shown("where it can be read")
    applies_from: str = shown("ISO day from which it applies")


@dataclass(frozen=True)
class LetterPage(Page):
    """One letter, as the seller receives it."""

    template: ClassVar[str] = "letter.html"
    letter: Markup = shown("the letter: what was sent, as HTML")
    text_href: str = shown("the same as plain text")
    object_href: str = shown("where the seller can object; empty for staff")
    back: str = shown("where to go on")
    regimes: tuple[RegimeLine, ...] = shown("laws whose demands the letter was checked against")
    state: str = shown("message id of what became of the decision")
    sent: bool = shown("whether it has gone out: it does when the time to undo is over")


def show(request: PageRequest) -> Response:
    """The letter of a decision, for staff and for the seller whom it is to."""
    made, at = _decision(request), datetime.now(UTC)
    letter, own = made.letter, request.user.role == SELLER
    if letter is None:
        raise Refusal(404)
    base = "/standing/letter" if own else "/letter"
    packs = [r for r in regimes.regimes() if r.name in letter.regimes]
    page = LetterPage(
        title=letters.title(letter),
        letter=letters.as_html(letter),
        text_href=f"{base}/{made.case_decision_id}/text",
        object_href=f"/standing/object?decision={made.case_decision_id}" if own else "",
        back="/standing" if own else f"/seller/{made.seller_id}?risk={made.risk}",
        regimes=tuple(RegimeLine(r.title, r.source, r.applies_from) for r in packs),
        state="undone" if made.undone_at else "taken_back" if made.overturned_at else "stands",
        sent=made in received([made], at),
    )
    return render(request, page)


def text(request: PageRequest) -> Response:
    """The same letter as plain text."""
    letter = _decision(request).letter
    if letter is None:
        raise Refusal(404)
    return PlainTextResponse(texts.shown_lines(letters.as_text(letter)))


def _decision(request: PageRequest) -> Decision:
    """The decision in the path; a seller sees its own, once the letter has gone out, and learns of no other."""
    with reading(request.services.engine) as con:
        try:
            made = decision.find(con, request.params["case_decision_id"])
        except MissingError as error:
            raise Refusal(404) from error
    if request.user.role == SELLER:
        mine = made.seller_id == request.user.seller_id
        if not (mine and received([made], datetime.now(UTC))):
            raise Refusal(404)
    return made
