"""Objections and appeals: the seller raises them, a reviewer who decided nothing about this seller answers them.

What is granted becomes a correction at once: the seller is scored again, and its cases show the new figures.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import uuid4

import sqlalchemy as sa

from features.standards import Standard
from models.economy import Economy
from serving.casework import book, corrections, objection, recompute, records
from serving.casework.cases import APPEALED, DECIDED, LIVE
from serving.casework.looks import Known, Look, facts
from serving.casework.objection import EFFECTS, EXCLUDED, GRANTED, OTHERS, REFUSED, WAITING, Objection, Row
from serving.casework.people import REVIEWER, SELLER, Person
from serving.casework.recompute import Source
from serving.casework.refusals import ConflictError, IncompleteError, MissingError, NotAllowedError
from serving.loaded import Loaded
from serving.records.clock import written
from serving.records.database import reading, writing
from serving.records.tables.casework import CASE_DECISIONS, CORRECTIONS, OBJECTIONS

LEAST_REASON = 20  # characters
LONGEST_REASON = 4000


@dataclass(frozen=True)
class Said:
    """What a seller has filled in. rows: of those that the order has; new_fault: for the effect fault_changed."""

    order_id: str
    rows: tuple[Row, ...]
    effect: str
    reason: str
    new_fault: str = ""
    case_decision_id: str = ""


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


def raise_objection(engine: sa.Engine, person: Person, at: datetime, said: Said, rows: Collection[Row]) -> Objection:
    """Keep a seller's objection about rows of one of its orders; rows: those that the order has."""
    if person.role != SELLER or not person.seller_id:
        raise NotAllowedError(
            "An objection is the seller's own.", f"{person.name}, {person.role}", "log in as the seller"
        )
    _check(said, rows)
    made = Objection(
        uuid4().hex,
        person.seller_id,
        said.order_id,
        said.rows,
        said.effect,
        said.new_fault if said.effect != EXCLUDED else "",
        said.reason.strip(),
        written(at),
        person.name,
        said.case_decision_id,
    )
    with writing(engine) as con:
        _check_new(con, made)
        _tell_case(con, made, person, at)
        con.execute(sa.insert(OBJECTIONS), objection.to_row(made))
    return made


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


def find(con: sa.Connection, objection_id: str) -> Objection:
    """The objection; MissingError when there is none."""
    row = con.execute(sa.select(OBJECTIONS).where(OBJECTIONS.c.objection_id == objection_id)).mappings().first()
    if row is None:
        raise MissingError("The objection must exist.", objection_id, "go back to the list of objections")
    return objection.from_row(row)


def waiting(con: sa.Connection, limit: int = 200) -> list[Objection]:
    """Objections that wait for an answer, the oldest first."""
    chosen = sa.select(OBJECTIONS).where(OBJECTIONS.c.state == WAITING).order_by(OBJECTIONS.c.raised_at).limit(limit)
    return [objection.from_row(row) for row in con.execute(chosen).mappings()]


def of_seller(con: sa.Connection, seller_id: str) -> list[Objection]:
    """A seller's objections, the newest first."""
    chosen = sa.select(OBJECTIONS).where(OBJECTIONS.c.seller_id == seller_id).order_by(OBJECTIONS.c.raised_at.desc())
    return [objection.from_row(row) for row in con.execute(chosen).mappings()]


def _check(said: Said, rows: Collection[Row]) -> None:
    if said.effect not in EFFECTS:
        rule = "An objection says what is wrong: the order should not count, or it was another's fault."
        raise IncompleteError("effect", rule, said.effect or "nothing", "choose one")
    if said.effect != EXCLUDED and said.new_fault not in OTHERS:
        rule = f"Another's fault is that of {', '.join(OTHERS)}."
        raise IncompleteError("new_fault", rule, said.new_fault or "nobody", "choose whose fault it was")
    if not said.rows or not set(said.rows) <= set(rows):
        found = "none" if not said.rows else "one that is not of this order"
        raise IncompleteError(
            "rows", "An objection is about entries of one of your orders.", found, "choose from the list"
        )
    if not LEAST_REASON <= len(said.reason.strip()) <= LONGEST_REASON:
        rule = f"An objection gives its reason in {LEAST_REASON} to {LONGEST_REASON:,} characters."
        raise IncompleteError(
            "reason", rule, f"{len(said.reason.strip())}", "say what happened, and how one can see it"
        )


def _check_new(con: sa.Connection, made: Objection) -> None:
    """One objection at a time about the same entry."""
    taken = {row for other in of_seller(con, made.seller_id) if other.state == WAITING for row in other.rows}
    if taken & set(made.rows):
        rule = "An entry has one objection at a time."
        raise IncompleteError("rows", rule, "one is waiting for its answer", "wait for the answer")


def _tell_case(con: sa.Connection, made: Objection, person: Person, at: datetime) -> None:
    """The case of the decision objected to waits for another reviewer from now on."""
    if not made.case_decision_id:
        return
    d = CASE_DECISIONS.c
    case_id = con.scalar(
        sa.select(d.case_id).where(d.case_decision_id == made.case_decision_id, d.seller_id == made.seller_id)
    )
    if case_id is None:
        raise MissingError("An objection is to a decision about oneself.", made.case_decision_id, "open your own page")
    case = book.find(con, str(case_id))
    if case.state == DECIDED:
        book.step(con, case, case.version, "object", person, at, {"objection_id": made.objection_id})


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
