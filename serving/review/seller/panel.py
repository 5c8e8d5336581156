"""The case panel: who has the case, and the forms for the actions that are possible now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa

from features.ingest.contract import HELPING, RESTRICTING
from serving.casework.cases import case_repository, experiment_arms, rules
from serving.casework.cases.case import STAFF, Case, Person
from serving.casework.cases.case_actions import LONGEST_NOTE, LONGEST_SNOOZE_DAYS, undoable
from serving.casework.cases.rules import NotAllowedError
from serving.casework.decisions.decision import APPEAL, NO_ACTION
from serving.database.tables.service import PEOPLE
from serving.review.pages import texts
from serving.review.pages.page import shown
from serving.scoring.results import StandardResult

GROUPS: Mapping[str, Sequence[str]] = {"help": HELPING, "restrain": RESTRICTING, "leave": (NO_ACTION,)}
PUT_OFF_DAYS = 7  # what forms propose
PANEL_ACTIONS = ("take", "release", "assign", "snooze", "wake", "note", "first_look", "decide")


@dataclass(frozen=True)
class DecisionOption:
    """A decision that can be made."""

    value: str = shown("what the form sends")
    text: str = shown("its name")
    hint: str = shown("what it means for the seller")


@dataclass(frozen=True)
class DecisionGroup:
    """Decisions of one sort: help first, restrain later, or leave it."""

    name: str = shown("its heading")
    kinds: tuple[DecisionOption, ...] = shown("the decisions")


@dataclass(frozen=True)
class RefusedForm:
    """What was typed into a form that was refused, so that nobody types it again."""

    given: Mapping[str, str] = shown("by field")
    field: str = shown("the field that lacks something")
    problem: str = shown("what it lacks, and what to do")


@dataclass(frozen=True)
class CasePanel:
    """A case and what the person may do with it now."""

    case_id: str = shown("the case")
    version: int = shown("the version that the person sees; a form on an older one is refused")
    risk: str = shown("the case's risk")
    state: str = shown("where it stands, in a sentence")
    may: tuple[str, ...] = shown("the actions that its rules admit for this person")
    undo: bool = shown("whether the person can take the last action back")
    withheld: str = shown("what is withheld until a first look: score, reasons, or nothing")
    kinds: tuple[DecisionGroup, ...] = shown("the decisions to choose from")
    standard: str = shown("name of the standard that a restriction rests on")
    standard_version: str = shown("its version")
    appeal: str = shown("how the seller can object, as proposed")
    people: tuple[str, ...] = shown("whom it can be assigned to")
    put_off: str = shown("ISO day proposed for putting it off")
    first_day: str = shown("first ISO day to put it off to")
    last_day: str = shown("last ISO day to put it off to")
    longest_note: int = shown("characters that a note may have")
    typed: RefusedForm | None = shown("what a refused form held; None after a page that was opened")


def panel(
    con: sa.Connection, case: Case, standard: StandardResult, person: Person, at: datetime, typed: RefusedForm | None
) -> CasePanel:
    """The panel of one case, for one person at one moment."""
    decided_by = case_repository.decided_by(con, case.case_id)
    names = con.scalars(sa.select(PEOPLE.c.name).where(PEOPLE.c.role.in_(STAFF)).order_by(PEOPLE.c.name))
    may = tuple(action for action in PANEL_ACTIONS if _admitted(case, action, person, at, decided_by))
    return CasePanel(
        case_id=case.case_id,
        version=case.version,
        risk=case.risk,
        state=_state(case, person, at, decided_by),
        may=may,
        undo=_undo(con, case, person, at),
        withheld=next(iter(experiment_arms.withheld(case.arm, case.first_look)), ""),
        kinds=tuple(_group(name, kinds) for name, kinds in GROUPS.items()) if "decide" in may else (),
        standard=standard["name"],
        standard_version=standard["version"],
        appeal=APPEAL,
        people=tuple(names),
        **put_off_days(at.date()),
        longest_note=LONGEST_NOTE,
        typed=typed,
    )


def put_off_days(today: date) -> dict[str, str]:
    """First, last and proposed day for putting a case off, as ISO days by the name of the page's field."""
    ahead = {"first_day": 1, "last_day": LONGEST_SNOOZE_DAYS, "put_off": PUT_OFF_DAYS}
    return {name: (today + timedelta(days=days)).isoformat() for name, days in ahead.items()}


def _admitted(case: Case, action: str, person: Person, at: datetime, decided_by: str) -> bool:
    if action == "first_look" and not experiment_arms.withheld(case.arm, case.first_look):
        return False
    try:
        rules.check(case, action, person, at, decided_by)
    except NotAllowedError:
        return False
    return True


def _undo(con: sa.Connection, case: Case, person: Person, at: datetime) -> bool:
    try:
        undoable(case_repository.last_event(con, case), person, at)
    except NotAllowedError:
        return False
    return True


def _state(case: Case, person: Person, at: datetime, decided_by: str) -> str:
    state, holder = case.state_at(at), case.held_by(at)
    name = "taken_mine" if holder == person.name else state
    until = (case.snoozed_until or case.locked_until)[:16].replace("T", " ")
    return texts.html(f"state.{name}", days=case.age_days(at), holder=holder, until=until, who=decided_by)


def _group(name: str, kinds: Sequence[str]) -> DecisionGroup:
    found = (DecisionOption(kind, texts.plain(f"kind.{kind}"), texts.plain(f"kind_hint.{kind}")) for kind in kinds)
    return DecisionGroup(texts.plain(f"kinds.{name}"), tuple(found))
