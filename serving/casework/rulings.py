"""Answers to objections, by a reviewer who decided nothing about the seller.

What is granted becomes a correction at once: the seller is scored again, and its cases show the new figures.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import sqlalchemy as sa

from features.standards import Standard
from models.economy import Economy
from serving.casework import book, corrections, objection, recompute, records
from serving.casework.cases import APPEALED, DECIDED, LIVE
from serving.casework.looks import Known, Look, facts
from serving.casework.objection import GRANTED, REFUSED, WAITING, Objection
from serving.casework.objections import LEAST_REASON, find, of_seller
from serving.casework.people import REVIEWER, Person
from serving.casework.recompute import Source
from serving.casework.refusals import ConflictError, IncompleteError, NotAllowedError
from serving.loaded import Loaded
from serving.records.clock import written
from serving.records.database import reading, writing
from serving.records.tables.casework import CASE_DECISIONS, CORRECTIONS, OBJECTIONS


@dataclass(frozen=True)
class Ruling:
    """What a reviewer answers. decision_stands: whether the decision objected to stays in force."""

    granted: bool
    answer: str
    decision_stands: bool = True


@dataclass(frozen=True)
class Bench:
    """What answering needs: the source of the rows, the model and store in use, the standards shown, the economy."""

    source: Source
    loaded: Loaded
    standards: Sequence[Standard]
    economy: Economy = field(default_factory=Economy)


def answer(
    engine: sa.Engine, objection_id: str, seen: int, person: Person, at: datetime, ruling: Ruling, bench: Bench
) -> Objection:
    """Grant or refuse an objection; ConflictError when somebody was faster."""
    if len(ruling.answer.strip()) < LEAST_REASON:
        rule = f"An answer gives the seller its reason, in at least {LEAST_REASON} characters."
        raise IncompleteError("answer", rule, repr(ruling.answer), "write it for the seller to read")
    with reading(engine) as con:
        asked = find(con, objection_id)
        check_reviewer(con, asked, person)
        before = corrections.read(con, _dataset(bench), asked.seller_id)
    new = corrections.of_objection(asked, _dataset(bench), at) if ruling.granted else []
    looks = _looks(engine, bench, asked.seller_id, before, new) if new else None
    with writing(engine) as con:
        # Twice the same check: the figures were worked out without holding up other people's decisions.
        return _ruled(con, find(con, objection_id), seen, person, at, ruling, bench, new, looks)


def check_reviewer(con: sa.Connection, asked: Objection, person: Person) -> None:
    """NotAllowedError for whoever has decided anything about this seller, or is no reviewer."""
    if person.role != REVIEWER:
        raise NotAllowedError("A reviewer answers an objection.", f"{person.name}, {person.role}", "leave it to one")
    d = CASE_DECISIONS.c
    mine = (d.seller_id == asked.seller_id) & (d.decided_by == person.name) & (d.undone_at == "")
    if con.scalar(sa.select(d.case_decision_id).where(mine).limit(1)) is not None:
        rule = "An objection is answered by somebody who has decided nothing about the seller."
        raise NotAllowedError(rule, f"{person.name} has", "leave it to a colleague")


def _dataset(bench: Bench) -> str:
    return str(bench.loaded.store.facts["dataset"])


def _looks(
    engine: sa.Engine, bench: Bench, seller_id: str, before: Sequence[dict[str, str]], new: Sequence[dict[str, str]]
) -> tuple[Look, Look]:
    """The seller without and with the new corrections."""
    tables = (corrections.as_table(before), corrections.as_table([*before, *new]))
    setting = (bench.source, bench.loaded, bench.economy, bench.standards)
    first, second = (recompute.again(*setting, seller_id, table, engine) for table in tables)
    return first, second


def _ruled(
    con: sa.Connection,
    asked: Objection,
    seen: int,
    person: Person,
    at: datetime,
    ruling: Ruling,
    bench: Bench,
    new: list[dict[str, str]],
    looks: tuple[Look, Look] | None,
) -> Objection:
    check_reviewer(con, asked, person)
    if asked.version != seen or asked.state != WAITING:
        found = f"{asked.state} by {asked.decided_by}" if asked.decided_by else asked.state
        raise ConflictError("An objection is answered once.", found, "read the answer")
    made = replace(
        asked,
        state=GRANTED if ruling.granted else REFUSED,
        version=seen + 1,
        decided_at=written(at),
        decided_by=person.name,
        answer=ruling.answer.strip(),
        decision_stands=ruling.decision_stands,
        change=_changed(con, asked, looks, bench, at) if looks else {},
    )
    if new:
        con.execute(sa.insert(CORRECTIONS), new)
    same = (OBJECTIONS.c.objection_id == asked.objection_id) & (OBJECTIONS.c.version == seen)
    if con.execute(sa.update(OBJECTIONS).where(same).values(objection.to_row(made))).rowcount != 1:
        raise ConflictError("An objection is answered once.", "somebody was faster", "read the answer")
    _close(con, made, person, at)
    return made


def _changed(
    con: sa.Connection, asked: Objection, looks: tuple[Look, Look], bench: Bench, at: datetime
) -> dict[str, object]:
    """Log the new answer, put it behind the seller's cases, and say what has changed."""
    before, after = looks
    records.keep(con, [after.prediction])
    for case in book.of_seller(con, asked.seller_id):
        if case.state in (*LIVE, DECIDED, APPEALED):
            known = Known(case.facts.seller_name, case.facts.natural_person)
            earlier = before.said["risks"][case.risk]["probability"]
            book.refresh(con, case, facts(after, case.risk, known, earlier), at)
    found = recompute.change(before, after, bench.standards)
    told: dict[str, object] = json.loads(json.dumps(recompute.as_json(found)))
    return told | {"decision_id": after.prediction.decision_id}


def _close(con: sa.Connection, made: Objection, person: Person, at: datetime) -> None:
    """The decision objected to stands or falls, and its case is decided again once nothing else waits."""
    if not made.case_decision_id:
        return
    d = CASE_DECISIONS.c
    mine = d.case_decision_id == made.case_decision_id
    if not made.decision_stands:
        con.execute(sa.update(CASE_DECISIONS).where(mine).values(overturned_at=written(at)))
    case = book.find(con, str(con.scalar(sa.select(d.case_id).where(mine))))
    others = [o for o in of_seller(con, made.seller_id) if o.state == WAITING]
    if case.state == APPEALED and made.case_decision_id not in {o.case_decision_id for o in others}:
        told = {"objection_id": made.objection_id, "state": made.state, "decision_stands": made.decision_stands}
        book.step(con, case, case.version, "answer_objection", person, at, told)
