"""Who may do what to a case, in which state: one table."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from serving.casework.cases import APPEALED, DECIDED, LAPSED, LIVE, OPEN, SNOOZED, TAKEN, Case
from serving.casework.people import MANAGER, REVIEWER, SELLER, STAFF, SYSTEM, Person
from serving.casework.refusals import NotAllowedError

ANYONE, HOLDER, FREE, OTHER, OWN = "anyone", "holder", "free", "other", "own"
WHO: Mapping[str, str] = {
    ANYONE: "anyone in the role",
    HOLDER: "the reviewer who has the case",
    FREE: "the reviewer who has the case, or anyone when nobody has it; a manager in any case",
    OTHER: "a reviewer other than the one who decided",
    OWN: "the seller whom it is about",
}


@dataclass(frozen=True)
class Rule:
    """What an action needs and where it leads; `to` is "" where the state stays."""

    states: tuple[str, ...]
    to: str
    roles: tuple[str, ...]
    who: str
    undoable: bool = False


RULES: Mapping[str, Rule] = {
    "take": Rule((OPEN,), TAKEN, STAFF, ANYONE, undoable=True),
    "release": Rule((TAKEN,), OPEN, STAFF, HOLDER, undoable=True),
    "assign": Rule(LIVE, TAKEN, STAFF, FREE, undoable=True),
    "snooze": Rule((OPEN, TAKEN), SNOOZED, STAFF, FREE, undoable=True),
    "wake": Rule((SNOOZED,), OPEN, STAFF, ANYONE, undoable=True),
    "note": Rule((*LIVE, DECIDED, APPEALED), "", STAFF, ANYONE),
    "first_look": Rule((TAKEN,), "", STAFF, HOLDER),
    "decide": Rule((TAKEN,), DECIDED, (REVIEWER,), HOLDER, undoable=True),
    "second_opinion": Rule((DECIDED, APPEALED), "", (REVIEWER,), OTHER),
    "object": Rule((DECIDED,), APPEALED, (SELLER,), OWN),
    "answer_objection": Rule((APPEALED,), DECIDED, (REVIEWER,), OTHER),
    "refresh": Rule((*LIVE, DECIDED, APPEALED), "", (SYSTEM,), ANYONE),
    "lapse": Rule((OPEN,), LAPSED, (SYSTEM,), ANYONE),
}


def check(case: Case, action: str, person: Person, at: datetime, decided_by: str = "") -> Rule:
    """The rule that admits the action; NotAllowedError says which part of it does not hold."""
    rule, state = RULES[action], case.state_at(at)
    if person.role not in rule.roles:
        raise _refused(action, f"is for {' or '.join(rule.roles)}", f"{person.name}, {person.role}", "ask one of them")
    if state not in rule.states:
        raise _refused(action, f"needs a case that is {' or '.join(rule.states)}", f"it is {state}", "read it again")
    _check_who(case, action, rule, person, at, decided_by)
    return rule


def _check_who(case: Case, action: str, rule: Rule, person: Person, at: datetime, decided_by: str) -> None:
    holder = case.held_by(at)
    match rule.who:
        case "holder" if holder != person.name:
            raise _refused(action, f"is for {WHO[HOLDER]}", holder or "nobody has it", "take the case first")
        case "free" if holder not in ("", person.name) and person.role != MANAGER:
            raise _refused(action, f"is for {WHO[FREE]}", f"{holder} has it", "ask that reviewer, or a manager")
        case "other" if decided_by == person.name:
            step = "leave it to a colleague: nobody answers an objection to their own decision"
            raise _refused(action, f"is for {WHO[OTHER]}", f"{person.name} decided it", step)
        case "own" if case.seller_id != person.seller_id:
            raise _refused(action, f"is for {WHO[OWN]}", "another seller's case", "open your own page")


def _refused(action: str, rule: str, found: str, step: str) -> NotAllowedError:
    return NotAllowedError(f"'{action.replace('_', ' ')}' {rule}.", found, step)
