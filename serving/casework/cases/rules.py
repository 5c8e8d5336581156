"""What casework refuses, how long locks and cases last, and who may do what to a case, in which state: one table."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from core.errors import ForesellError
from serving.casework.cases.case import (
    APPEALED,
    DECIDED,
    LAPSED,
    LIVE,
    MANAGER,
    OPEN,
    REVIEWER,
    SELLER,
    SNOOZED,
    STAFF,
    SYSTEM,
    TAKEN,
    Case,
    Person,
)
from serving.database.clock import written


class ConflictError(ForesellError):
    """The case has changed since it was read, so nothing was done."""


class NotAllowedError(ForesellError):
    """The person's role or the case's state does not allow the action."""


class MissingError(ForesellError):
    """Something does not exist, or this person may not see it."""


class IncompleteError(ForesellError):
    """A decision, letter or objection lacks something that it needs. field: the form's field."""

    def __init__(self, field: str, rule: str, found: object, next_step: str) -> None:
        super().__init__(rule, found, next_step)
        self.field = field


LOCK_SPAN = timedelta(minutes=30)  # for a taken case; half an hour a review, our assumption
ASSIGNMENT_SPAN = timedelta(days=7)  # for an assigned case
UNDO_SPAN = timedelta(minutes=10)  # after it a decision takes effect and the letter goes out
COOLING_SPAN = timedelta(
    days=28
)  # after a decision no new case for the same seller and risk, since help takes time to work


def later(at: datetime, span: timedelta) -> str:
    """The time a span after `at`, as the database stores it."""
    return written(at + span)


def end_of_day(day: str) -> str:
    """The end of an ISO day in UTC, as the database stores times."""
    return written(datetime.combine(date.fromisoformat(day) + timedelta(days=1), datetime.min.time(), UTC))


ANYONE, HOLDER, FREE, OTHER, OWN = "anyone", "holder", "free", "other", "own"
WHO: Mapping[str, str] = {
    ANYONE: "anyone in the role",
    HOLDER: "the reviewer who has the case",
    FREE: "the reviewer who has the case, anyone if nobody has it, or a manager",
    OTHER: "a reviewer other than the one who decided",
    OWN: "the seller whom it is about",
}


@dataclass(frozen=True)
class ActionRule:
    """What an action requires and the state it leads to; `to` is "" where the state stays."""

    states: tuple[str, ...]
    to: str
    roles: tuple[str, ...]
    who: str
    undoable: bool = False


RULES: Mapping[str, ActionRule] = {
    "take": ActionRule((OPEN,), TAKEN, STAFF, ANYONE, undoable=True),
    "release": ActionRule((TAKEN,), OPEN, STAFF, HOLDER, undoable=True),
    "assign": ActionRule(LIVE, TAKEN, STAFF, FREE, undoable=True),
    "snooze": ActionRule((OPEN, TAKEN), SNOOZED, STAFF, FREE, undoable=True),
    "wake": ActionRule((SNOOZED,), OPEN, STAFF, ANYONE, undoable=True),
    "note": ActionRule((*LIVE, DECIDED, APPEALED), "", STAFF, ANYONE),
    "first_look": ActionRule((TAKEN,), "", STAFF, HOLDER),
    "decide": ActionRule((TAKEN,), DECIDED, (REVIEWER,), HOLDER, undoable=True),
    "second_opinion": ActionRule((DECIDED, APPEALED), "", (REVIEWER,), OTHER),
    "object": ActionRule((DECIDED,), APPEALED, (SELLER,), OWN),
    "answer_objection": ActionRule((APPEALED,), DECIDED, (REVIEWER,), OTHER),
    "refresh": ActionRule((*LIVE, DECIDED, APPEALED), "", (SYSTEM,), ANYONE),
    "lapse": ActionRule((OPEN,), LAPSED, (SYSTEM,), ANYONE),
}


def check(case: Case, action: str, person: Person, at: datetime, decided_by: str = "") -> ActionRule:
    """The rule of the action; NotAllowedError says which part of it is not met."""
    rule, state = RULES[action], case.state_at(at)
    if person.role not in rule.roles:
        raise _refused(action, f"is for {' or '.join(rule.roles)}", f"{person.name}, {person.role}", "ask one of them")
    if state not in rule.states:
        raise _refused(action, f"needs a case that is {' or '.join(rule.states)}", f"it is {state}", "read it again")
    _check_who(case, action, rule, person, at, decided_by)
    return rule


def _check_who(case: Case, action: str, rule: ActionRule, person: Person, at: datetime, decided_by: str) -> None:
    holder = case.held_by(at)
    match rule.who:
        case "holder" if holder != person.name:
            raise _refused(action, f"is for {WHO[HOLDER]}", holder or "nobody has it", "take the case first")
        case "free" if holder not in ("", person.name) and person.role != MANAGER:
            raise _refused(action, f"is for {WHO[FREE]}", f"{holder} has it", "ask that reviewer, or a manager")
        case "other" if decided_by == person.name:
            step = "leave it to another reviewer: nobody may answer an objection to their own decision"
            raise _refused(action, f"is for {WHO[OTHER]}", f"{person.name} decided it", step)
        case "own" if case.seller_id != person.seller_id:
            raise _refused(action, f"is for {WHO[OWN]}", "another seller's case", "open your own page")


def _refused(action: str, rule: str, found: str, step: str) -> NotAllowedError:
    return NotAllowedError(f"'{action.replace('_', ' ')}' {rule}.", found, step)
