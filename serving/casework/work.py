"""What reviewers do with the queue: each function is one transaction, on the version that the person has seen."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from serving.casework import arms, book, rules
from serving.casework.cases import APPEALED, DECIDED, Case, Event
from serving.casework.clock import ASSIGNED, LOCK, UNDO, closing, later
from serving.casework.people import Person
from serving.casework.refusals import IncompleteError, NotAllowedError
from serving.records.clock import written
from serving.records.database import reading, writing
from serving.records.tables.casework import CASE_DECISIONS, CASES

LONGEST_SNOOZE_DAYS = 28  # one horizon: what is put off longer than that is not watched
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
    """Live cases by expected loss avoided; those put off are left out until their day."""
    put_off = (CASES.c.state == "snoozed") & (CASES.c.snoozed_until > written(at))
    live = CASES.c.state.in_(("open", "taken", "snoozed")) & ~put_off
    with reading(engine) as con:
        return book.newest(con, [live, *book.matching(chosen or {}, search)], limit, offset)


def take_next(engine: sa.Engine, person: Person, at: datetime, chosen: Mapping[str, str] | None = None) -> Case | None:
    """Take the case worth most among those that nobody has; None when there is none.

    Two who ask at once get two cases: on PostgreSQL a row that another transaction holds is passed over; on SQLite
    there is one writer at a time.
    """
    free = sa.select(CASES).where(book.waiting(at), *book.matching(chosen or {}))
    best = free.order_by(CASES.c.loss_avoided.desc(), CASES.c.case_id).limit(1).with_for_update(skip_locked=True)
    with writing(engine) as con:
        row = con.execute(best).mappings().first()
        if row is None:
            return None
        case = book.from_row(row)
        return _take(con, case, case.version, person, at)


def take(engine: sa.Engine, case_id: str, seen: int, person: Person, at: datetime) -> Case:
    """Take a certain case; the lock expires."""
    with writing(engine) as con:
        return _take(con, book.find(con, case_id), seen, person, at)


def release(engine: sa.Engine, case_id: str, seen: int, person: Person, at: datetime) -> Case:
    """Give a case back to the queue."""
    return _act(engine, case_id, seen, "release", person, at, assignee="", locked_until="")


def assign(engine: sa.Engine, case_id: str, seen: int, person: Person, at: datetime, to: str) -> Case:
    """Give a case to a reviewer, who keeps it for a week."""
    if not to.strip():
        raise IncompleteError("assignee", "A case is assigned to somebody.", "nobody", "choose a reviewer")
    return _act(engine, case_id, seen, "assign", person, at, assignee=to, locked_until=later(at, ASSIGNED))


def snooze(engine: sa.Engine, case_id: str, seen: int, person: Person, at: datetime, until: str) -> Case:
    """Put a case off until the end of a day; it is this seller's and this risk's case only."""
    days = (_day(until) - at.date()).days
    if not 0 < days <= LONGEST_SNOOZE_DAYS:
        rule = f"A case is put off by 1 to {LONGEST_SNOOZE_DAYS} days."
        raise IncompleteError("until", rule, f"{days} days", "choose a nearer day, or decide for no action")
    changed: dict[str, Any] = {"assignee": "", "locked_until": "", "snoozed_until": closing(until)}
    return _act(engine, case_id, seen, "snooze", person, at, **changed)


def wake(engine: sa.Engine, case_id: str, seen: int, person: Person, at: datetime) -> Case:
    """Bring a case back before its day."""
    return _act(engine, case_id, seen, "wake", person, at, snoozed_until="")


def note(engine: sa.Engine, case_id: str, person: Person, at: datetime, text: str) -> Case:
    """Write a note. It needs no version: it replaces nothing. A decision under way is told that there is one."""
    said = text.strip()
    if not 0 < len(said) <= LONGEST_NOTE:
        rule = f"A note has 1 to {LONGEST_NOTE} characters."
        raise IncompleteError("note", rule, f"{len(said)}", "write it shorter" if said else "write something")
    with writing(engine) as con:
        case = book.find(con, case_id)
        return book.step(con, case, case.version, "note", person, at, {"text": said})


def first_look(engine: sa.Engine, case_id: str, seen: int, person: Person, at: datetime, said: str) -> Case:
    """What the reviewer would do, before what the case's arm withholds is shown."""
    if said not in FIRST_LOOKS:
        raise IncompleteError(
            "first_look", f"A first look says {' or '.join(FIRST_LOOKS)}.", said or "nothing", "choose one"
        )
    with writing(engine) as con:
        case = book.find(con, case_id)
        if case.first_look:
            raise NotAllowedError("A first look is taken once.", case.first_look, "go on to the decision")
        return book.step(con, case, seen, "first_look", person, at, {"arm": case.arm, "said": said}, first_look=said)


def second_opinion(engine: sa.Engine, case_id: str, seen: int, person: Person, at: datetime, said: str) -> Case:
    """What another reviewer would have done, who has not seen the decision; it changes nothing of the case."""
    if said not in FIRST_LOOKS:
        rule = f"A second opinion says {' or '.join(FIRST_LOOKS)}."
        raise IncompleteError("second_opinion", rule, said or "nothing", "choose one")
    with writing(engine) as con:
        case = book.find(con, case_id)
        if case_id in {e.case_id for e in book.events_of_kind(con, "second_opinion")}:
            raise NotAllowedError("A case gets one second opinion.", "it has one", "go on to the next")
        return book.step(con, case, seen, "second_opinion", person, at, {"said": said})


def asked_twice(engine: sa.Engine, person: Person, share: float = arms.SECOND_SHARE, limit: int = 20) -> list[Case]:
    """Decided cases drawn for a second opinion that somebody other than the person decided, the oldest first."""
    with writing(engine) as con:
        salt = arms.salt_of(con, arms.SECOND)
        done = {event.case_id for event in book.events_of_kind(con, "second_opinion")}
        d = CASE_DECISIONS.c
        others = sa.select(d.case_id).where(d.undone_at == "", d.decided_by != person.name).order_by(d.decided_at)
        chosen = [i for i in con.scalars(others) if i not in done and arms.drawn(salt, i) < share]
        cases = [book.find(con, case_id) for case_id in dict.fromkeys(chosen[:limit])]
        return [case for case in cases if case.state in (DECIDED, APPEALED)]


def undo(engine: sa.Engine, case_id: str, seen: int, person: Person, at: datetime) -> Case:
    """Take back one's own last action on a case, as long as nothing followed it and it has not taken effect."""
    with writing(engine) as con:
        case = book.find(con, case_id)
        if seen != case.version:
            raise book.conflict(con, case)
        last = undoable(book.last_event(con, case), person, at)
        _take_back_decision(con, case, last.action, at)
        return book.change(con, case, "undo", person, at, dict(last.before), {"undone": last.action})


def undoable(last: Event | None, person: Person, at: datetime) -> Event:
    """The event, if the person may take it back now; NotAllowedError says why not."""
    if last is None or last.action not in UNDOABLE:
        found = last.action if last else "nothing"
        raise NotAllowedError(f"What can be undone: {', '.join(UNDOABLE)}.", found, "leave it as it is")
    if last.person != person.name:
        raise NotAllowedError("Who did something undoes it.", f"it was {last.person}", "ask that reviewer")
    if last.at < later(at, -UNDO):
        rule = f"An action can be undone for {UNDO.seconds // 60} minutes."
        raise NotAllowedError(rule, f"it was at {last.at[:16]}", "let the seller object, or open a new case")
    return last


def case_and_events(engine: sa.Engine, case_id: str) -> tuple[Case, list[Event]]:
    """A case and what happened to it."""
    with reading(engine) as con:
        return book.find(con, case_id), book.events(con, case_id)


def _take(con: sa.Connection, case: Case, seen: int, person: Person, at: datetime) -> Case:
    changed: dict[str, Any] = {"assignee": person.name, "locked_until": later(at, LOCK), "snoozed_until": ""}
    return book.step(con, case, seen, "take", person, at, **changed)


def _act(engine: sa.Engine, case_id: str, seen: int, action: str, person: Person, at: datetime, **changed: Any) -> Case:
    with writing(engine) as con:
        return book.step(con, book.find(con, case_id), seen, action, person, at, **changed)


def _take_back_decision(con: sa.Connection, case: Case, action: str, at: datetime) -> None:
    if action == "decide":
        mine = (CASE_DECISIONS.c.case_id == case.case_id) & (CASE_DECISIONS.c.undone_at == "")
        con.execute(sa.update(CASE_DECISIONS).where(mine).values(undone_at=written(at)))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise IncompleteError("until", "A day is written as 2026-03-01.", text or "nothing", "choose a day") from None
