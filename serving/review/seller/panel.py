"""The case beside the figures: who has it, and the forms for what can be done with it now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from features.contract import HELPING, RESTRICTING
from serving.casework import arms, book, rules
from serving.casework.cases import Case
from serving.casework.decision import APPEAL, NO_ACTION
from serving.casework.people import Person
from serving.casework.refusals import NotAllowedError
from serving.casework.work import LONGEST_NOTE, undoable
from serving.records.tables.people import PEOPLE
from serving.review import texts
from serving.review.call import STAFF
from serving.review.page import shown
from serving.review.queue import put_off_days

GROUPS: Mapping[str, Sequence[str]] = {"help": HELPING, "restrain": RESTRICTING, "leave": (NO_ACTION,)}
ASKED = ("take", "release", "assign", "snooze", "wake", "note", "first_look", "decide")


@dataclass(frozen=True)
class Kind:
    """A decision that can be made."""

    value: str = shown("what the form sends")
    text: str = shown("its name")
    hint: str = shown("what it means for the seller")


@dataclass(frozen=True)
class KindGroup:
    """Decisions of one sort: help first, restrain later, or leave it."""

    name: str = shown("its heading")
    kinds: tuple[Kind, ...] = shown("the decisions")


@dataclass(frozen=True)
class Typed:
    """What was typed into a form that was refused, so that nobody types it again."""

    given: Mapping[str, str] = shown("by field")
    field: str = shown("the field that lacks something")
    problem: str = shown("what it lacks, and what to do")


@dataclass(frozen=True)
class PanelView:
    """A case and what the person may do with it now."""

    case_id: str = shown("the case")
    version: int = shown("the version that the person sees; a form on an older one is refused")
    risk: str = shown("the case's risk")
    state: str = shown("where it stands, in a sentence")
    may: tuple[str, ...] = shown("the actions that its rules admit for this person")
    undo: bool = shown("whether the person can take the last action back")
    withheld: str = shown("what is withheld until a first look: score, reasons, or nothing")
    kinds: tuple[KindGroup, ...] = shown("the decisions to choose from")
    standard: str = shown("name of the standard that a restriction rests on")
    standard_version: str = shown("its version")
    appeal: str = shown("how the seller can object, as proposed")
    people: tuple[str, ...] = shown("whom it can be assigned to")
    put_off: str = shown("ISO day proposed for putting it off")
    first_day: str = shown("first ISO day to put it off to")
    last_day: str = shown("last ISO day to put it off to")
    longest_note: int = shown("characters that a note may have")
    typed: Typed | None = shown("what a refused form held; None after a page that was opened")


def panel(
    con: sa.Connection, case: Case, standard: Mapping[str, str], person: Person, at: datetime, typed: Typed | None
) -> PanelView:
    """The panel of one case, for one person at one moment."""
    decided_by = book.decided_by(con, case.case_id)
    names = con.scalars(sa.select(PEOPLE.c.name).where(PEOPLE.c.role.in_(STAFF)).order_by(PEOPLE.c.name))
    may = tuple(action for action in ASKED if _admitted(case, action, person, at, decided_by))
    return PanelView(
        case_id=case.case_id,
        version=case.version,
        risk=case.risk,
        state=_state(case, person, at, decided_by),
        may=may,
        undo=_undo(con, case, person, at),
        withheld=next(iter(arms.withheld(case.arm, case.first_look)), ""),
        kinds=tuple(_group(name, kinds) for name, kinds in GROUPS.items()) if "decide" in may else (),
        standard=standard["name"],
        standard_version=standard["version"],
        appeal=APPEAL,
        people=tuple(names),
        **put_off_days(at.date()),
        longest_note=LONGEST_NOTE,
        typed=typed,
    )


def _admitted(case: Case, action: str, person: Person, at: datetime, decided_by: str) -> bool:
    if action == "first_look" and not arms.withheld(case.arm, case.first_look):
        return False
    try:
        rules.check(case, action, person, at, decided_by)
    except NotAllowedError:
        return False
    return True


def _undo(con: sa.Connection, case: Case, person: Person, at: datetime) -> bool:
    try:
        undoable(book.last_event(con, case), person, at)
    except NotAllowedError:
        return False
    return True


def _state(case: Case, person: Person, at: datetime, decided_by: str) -> str:
    state, holder = case.state_at(at), case.held_by(at)
    name = "taken_mine" if holder == person.name else state
    until = (case.snoozed_until or case.locked_until)[:16].replace("T", " ")
    return texts.html(f"state.{name}", days=case.age_days(at), holder=holder, until=until, who=decided_by)


def _group(name: str, kinds: Sequence[str]) -> KindGroup:
    found = (Kind(kind, texts.plain(f"kind.{kind}"), texts.plain(f"kind_hint.{kind}")) for kind in kinds)
    return KindGroup(texts.plain(f"kinds.{name}"), tuple(found))
