"""What the last form did, told on the page that follows, with the way back where there is one.

The page's address says which case and which action; what is told of them comes from the case's own record.
"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from serving.casework import book
from serving.casework.cases import Event
from serving.casework.people import Person
from serving.casework.refusals import MissingError, NotAllowedError
from serving.casework.work import undoable
from serving.review import texts
from serving.review.call import Call
from serving.review.page import shown

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


def flash_of(con: sa.Connection, call: Call, at: datetime) -> Flash | None:
    """What the address says was done, if it was."""
    action, case_id = call.query.get("did", ""), call.query.get("case", "")
    if action not in ACTIONS:
        return None
    if not case_id:
        return Flash(texts.plain(f"did.{action}"), "", 0, undo=False, next_case=False)
    try:
        case = book.find(con, case_id)
    except MissingError:
        return None
    text = texts.html(f"did.{action}", name=case.facts.seller_name or case.seller_id)
    last = book.last_event(con, case)
    return Flash(text, case_id, case.version, _undoable(last, person_of(call), at), action in ("decide", "snooze"))


def person_of(call: Call) -> Person:
    """The visitor as casework knows people."""
    user = call.user
    return Person(user.name, user.role, user.seller_id)


def _undoable(last: Event | None, person: Person, at: datetime) -> bool:
    try:
        undoable(last, person, at)
    except NotAllowedError:
        return False
    return True
