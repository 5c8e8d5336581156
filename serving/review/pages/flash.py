"""The message on the page after a form: what was done, and whether it can be undone.

The page's address names the case and the action; the message itself comes from the case in the database.
"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from serving.casework.cases import case_repository
from serving.casework.cases.case import CaseEvent, Person
from serving.casework.cases.case_actions import undoable
from serving.casework.cases.rules import MissingError, NotAllowedError
from serving.review.pages import texts
from serving.review.pages.page import shown
from serving.review.web.page_request import PageRequest

STEPS = ("take", "release", "assign", "snooze", "wake", "note", "first_look", "decide", "undo")
ACTIONS = (*STEPS, "several", "none_left", "none_marked")


@dataclass(frozen=True)
class Flash:
    """What was done."""

    text: str = shown("in words")
    case_id: str = shown("the case it was done to; empty for several")
    version: int = shown("the version that it made")
    undo: bool = shown("whether the person can take it back now")
    next_case: bool = shown("whether to offer the next case")


def flash_of(con: sa.Connection, request: PageRequest, at: datetime) -> Flash | None:
    """The message for the action that the address names, if there was one."""
    action, case_id = request.query.get("did", ""), request.query.get("case", "")
    if action not in ACTIONS:
        return None
    if not case_id:
        return Flash(texts.plain(f"did.{action}"), "", 0, undo=False, next_case=False)
    try:
        case = case_repository.find(con, case_id)
    except MissingError:
        return None
    text = texts.html(f"did.{action}", name=case.facts.seller_name or case.seller_id)
    last = case_repository.last_event(con, case)
    return Flash(text, case_id, case.version, _undoable(last, request.user, at), action in ("decide", "snooze"))


def _undoable(last: CaseEvent | None, person: Person, at: datetime) -> bool:
    try:
        undoable(last, person, at)
    except NotAllowedError:
        return False
    return True
