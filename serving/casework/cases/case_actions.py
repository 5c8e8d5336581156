"""What reviewers do with cases. Each function is one transaction, on the version that the person has seen."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from serving.casework.cases import case_repository, experiment_arms, rules
from serving.casework.cases.case import APPEALED, DECIDED, Case, CaseEvent, Person
from serving.casework.cases.rules import (
    ASSIGNMENT_SPAN,
    LOCK_SPAN,
    UNDO_SPAN,
    IncompleteError,
    NotAllowedError,
    end_of_day,
    later,
)
from serving.database.clock import written
from serving.database.connection import reading, writing
from serving.database.tables.casework import CASE_DECISIONS, CASES

LONGEST_SNOOZE_DAYS = 28  # one horizon; a case put off for longer would not be watched
LONGEST_NOTE = 2000
FIRST_LOOKS = ("act", "wait")
UNDOABLE = tuple(action for action, rule in rules.RULES.items() if rule.undoable)


def queue(
    engine: sa.Engine,
    at: datetime,
    chosen: Mapping[str, str] | None = None,
    search: str = "",
    limit: int = 50,
    offset: int = 0,
) -> list[Case]:
    """Live cases by expected loss avoided, without those that are put off until a later day."""
    put_off = (CASES.c.state == "snoozed") & (CASES.c.snoozed_until > written(at))
    live = CASES.c.state.in_(("open", "taken", "snoozed")) & ~put_off
    with reading(engine) as con:
        return case_repository.by_loss_avoided(
            con, [live, *case_repository.matching(chosen or {}, search)], limit, offset
        )


def take_next(engine: sa.Engine, person: Person, at: datetime, chosen: Mapping[str, str] | None = None) -> Case | None:
    """Take the case worth most among those that nobody has; None when there is none.

    Two who ask at once get two cases: on PostgreSQL a row that another transaction holds is passed over; on SQLite
    there is one writer at a time.
    """
    free = sa.select(CASES).where(case_repository.waiting(at), *case_repository.matching(chosen or {}))
    best = free.order_by(CASES.c.loss_avoided.desc(), CASES.c.case_id).limit(1).with_for_update(skip_locked=True)
    with writing(engine) as con:
        row = con.execute(best).mappings().first()
        if row is None:
            return None
        case = case_repository.from_row(row)
        return _take(con, case, case.version, person, at)


def take(engine: sa.Engine, case_id: str, seen_version: int, person: Person, at: datetime) -> Case:
    """Take a certain case; the lock expires."""
    with writing(engine) as con:
        return _take(con, case_repository.find(con, case_id), seen_version, person, at)


def release(engine: sa.Engine, case_id: str, seen_version: int, person: Person, at: datetime) -> Case:
    """Give a case back to the queue."""
    return _act(engine, case_id, seen_version, "release", person, at, assignee="", locked_until="")


def assign(engine: sa.Engine, case_id: str, seen_version: int, person: Person, at: datetime, to: str) -> Case:
    """Give a case to a reviewer, who keeps it for a week."""
    if not to.strip():
        raise IncompleteError("assignee", "A case can be assigned only to a reviewer.", "none", "choose a reviewer")
    return _act(
        engine, case_id, seen_version, "assign", person, at, assignee=to, locked_until=later(at, ASSIGNMENT_SPAN)
    )


def snooze(engine: sa.Engine, case_id: str, seen_version: int, person: Person, at: datetime, until: str) -> Case:
    """Put a case off until the end of a day. The seller's case about the other risk stays in the queue."""
    days = (_day(until) - at.date()).days
    if not 0 < days <= LONGEST_SNOOZE_DAYS:
        rule = f"A case can be put off by 1 to {LONGEST_SNOOZE_DAYS} days."
        raise IncompleteError("until", rule, f"{days} days", "choose a nearer day, or decide for no action")
    changed: dict[str, Any] = {"assignee": "", "locked_until": "", "snoozed_until": end_of_day(until)}
    return _act(engine, case_id, seen_version, "snooze", person, at, **changed)


def wake(engine: sa.Engine, case_id: str, seen_version: int, person: Person, at: datetime) -> Case:
    """Bring a case back before its day."""
    return _act(engine, case_id, seen_version, "wake", person, at, snoozed_until="")


def note(engine: sa.Engine, case_id: str, person: Person, at: datetime, text: str) -> Case:
    """Write a note. It needs no seen version, since it replaces nothing; but it makes a new version."""
    words = text.strip()
    if not 0 < len(words) <= LONGEST_NOTE:
        rule = f"A note has 1 to {LONGEST_NOTE} characters."
        raise IncompleteError("note", rule, f"{len(words)}", "write it shorter" if words else "write something")
    with writing(engine) as con:
        case = case_repository.find(con, case_id)
        return case_repository.apply_action(con, case, case.version, "note", person, at, {"text": words})


def first_look(engine: sa.Engine, case_id: str, seen_version: int, person: Person, at: datetime, opinion: str) -> Case:
    """Record what the reviewer would do before the page shows what the case's arm withholds."""
    if opinion not in FIRST_LOOKS:
        raise IncompleteError(
            "first_look", f"A first look says {' or '.join(FIRST_LOOKS)}.", opinion or "nothing", "choose one"
        )
    with writing(engine) as con:
        case = case_repository.find(con, case_id)
        if case.first_look:
            raise NotAllowedError("A case has one first look only.", case.first_look, "go on to the decision")
        return case_repository.apply_action(
            con, case, seen_version, "first_look", person, at, {"arm": case.arm, "said": opinion}, first_look=opinion
        )


def second_opinion(
    engine: sa.Engine, case_id: str, seen_version: int, person: Person, at: datetime, opinion: str
) -> Case:
    """Record what another reviewer, who has not seen the decision, would have done. The case stays as it is."""
    if opinion not in FIRST_LOOKS:
        rule = f"A second opinion must be {' or '.join(FIRST_LOOKS)}."
        raise IncompleteError("second_opinion", rule, opinion or "nothing", "choose one")
    with writing(engine) as con:
        case = case_repository.find(con, case_id)
        if case_id in {e.case_id for e in case_repository.events_of_kind(con, "second_opinion")}:
            raise NotAllowedError("A case has one second opinion only.", "it already has one", "open the next case")
        return case_repository.apply_action(con, case, seen_version, "second_opinion", person, at, {"said": opinion})


def second_opinion_cases(
    engine: sa.Engine, person: Person, share: float = experiment_arms.SECOND_OPINION_SHARE, limit: int = 20
) -> list[Case]:
    """Decided cases drawn for a second opinion that somebody other than the person decided, the oldest first."""
    with writing(engine) as con:
        salt = experiment_arms.salt_of(con, experiment_arms.SECOND_OPINION)
        done = {event.case_id for event in case_repository.events_of_kind(con, "second_opinion")}
        d = CASE_DECISIONS.c
        others = sa.select(d.case_id).where(d.undone_at == "", d.decided_by != person.name).order_by(d.decided_at)
        chosen = [i for i in con.scalars(others) if i not in done and experiment_arms.hash_fraction(salt, i) < share]
        cases = [case_repository.find(con, case_id) for case_id in dict.fromkeys(chosen[:limit])]
        return [case for case in cases if case.state in (DECIDED, APPEALED)]


def undo(engine: sa.Engine, case_id: str, seen_version: int, person: Person, at: datetime) -> Case:
    """Undo one's own last action on a case, as long as nothing followed it and it has not taken effect."""
    with writing(engine) as con:
        case = case_repository.find(con, case_id)
        if seen_version != case.version:
            raise case_repository.conflict_error(con, case)
        last = undoable(case_repository.last_event(con, case), person, at)
        _take_back_decision(con, case, last.action, at)
        return case_repository.write_version(con, case, "undo", person, at, dict(last.before), {"undone": last.action})


def undoable(last: CaseEvent | None, person: Person, at: datetime) -> CaseEvent:
    """The event, if the person may undo it now; NotAllowedError says why not."""
    if last is None or last.action not in UNDOABLE:
        found = last.action if last else "nothing"
        raise NotAllowedError(
            f"Only these actions can be undone: {', '.join(UNDOABLE)}.", found, "leave the case as it is"
        )
    if last.person != person.name:
        raise NotAllowedError(
            "Only the person who did an action can undo it.", f"it was {last.person}", "ask that reviewer"
        )
    if last.at < later(at, -UNDO_SPAN):
        rule = f"An action can be undone for {UNDO_SPAN.seconds // 60} minutes."
        raise NotAllowedError(rule, f"it was at {last.at[:16]}", "let the seller object, or open a new case")
    return last


def find_case(engine: sa.Engine, case_id: str) -> Case:
    """The case as it is now; MissingError when there is none."""
    with reading(engine) as con:
        return case_repository.find(con, case_id)


def _take(con: sa.Connection, case: Case, seen_version: int, person: Person, at: datetime) -> Case:
    changed: dict[str, Any] = {"assignee": person.name, "locked_until": later(at, LOCK_SPAN), "snoozed_until": ""}
    return case_repository.apply_action(con, case, seen_version, "take", person, at, **changed)


def _act(
    engine: sa.Engine, case_id: str, seen_version: int, action: str, person: Person, at: datetime, **changed: Any
) -> Case:
    with writing(engine) as con:
        return case_repository.apply_action(
            con, case_repository.find(con, case_id), seen_version, action, person, at, **changed
        )


def _take_back_decision(con: sa.Connection, case: Case, action: str, at: datetime) -> None:
    if action == "decide":
        mine = (CASE_DECISIONS.c.case_id == case.case_id) & (CASE_DECISIONS.c.undone_at == "")
        con.execute(sa.update(CASE_DECISIONS).where(mine).values(undone_at=written(at)))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise IncompleteError("until", "A day is written as 2026-03-01.", text or "nothing", "choose a day") from None
