"""Answers to objections, by a reviewer who decided nothing about the seller.

What is granted becomes a correction at once: the seller is scored again, and its cases show the new figures.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import sqlalchemy as sa

from features.standards.standard import Standard
from models.arithmetic.economy import Economy
from serving.casework.cases import case_repository
from serving.casework.cases.case import APPEALED, DECIDED, LIVE, REVIEWER, Person
from serving.casework.cases.rules import ConflictError, IncompleteError, NotAllowedError
from serving.casework.objections import objections, recompute
from serving.casework.objections.objections import GRANTED, LEAST_REASON, REFUSED, WAITING, Objection, find, of_seller
from serving.casework.objections.recompute import SourceFolder
from serving.casework.snapshots import logged_answers
from serving.casework.snapshots.seller_snapshot import SellerProfile, SellerSnapshot, case_facts
from serving.database.clock import written
from serving.database.connection import reading, writing
from serving.database.tables.casework import CASE_DECISIONS, CORRECTIONS, OBJECTIONS
from serving.scoring.model_watcher import ModelAndStore


@dataclass(frozen=True)
class Ruling:
    """A reviewer's answer. decision_stands: whether the contested decision stays in force."""

    granted: bool
    answer: str
    decision_stands: bool = True


@dataclass(frozen=True)
class RulingContext:
    """What an answer needs: the folder of the rows, the model and store in use, the standards shown, the economy."""

    source: SourceFolder
    loaded: ModelAndStore
    standards: Sequence[Standard]
    economy: Economy = field(default_factory=Economy)


def answer_objection(
    engine: sa.Engine,
    objection_id: str,
    seen_version: int,
    person: Person,
    at: datetime,
    ruling: Ruling,
    context: RulingContext,
) -> Objection:
    """Grant or refuse an objection; ConflictError when another reviewer was faster."""
    if len(ruling.answer.strip()) < LEAST_REASON:
        rule = f"An answer needs a reason of at least {LEAST_REASON} characters."
        raise IncompleteError("answer", rule, repr(ruling.answer), "write it for the seller to read")
    with reading(engine) as con:
        objection = find(con, objection_id)
        check_reviewer(con, objection, person)
        before = objections.read_corrections(con, _dataset(context), objection.seller_id)
    new = objections.corrections_of(objection, _dataset(context), at) if ruling.granted else []
    snapshots = _before_and_after(engine, context, objection.seller_id, before, new) if new else None
    with writing(engine) as con:
        # The checks run again here, because the figures were computed outside this transaction.
        return _apply_ruling(con, find(con, objection_id), seen_version, person, at, ruling, context, new, snapshots)


def check_reviewer(con: sa.Connection, objection: Objection, person: Person) -> None:
    """NotAllowedError for a person who has decided anything about this seller, or is no reviewer."""
    if person.role != REVIEWER:
        raise NotAllowedError(
            "Only a reviewer can answer an objection.", f"{person.name}, {person.role}", "leave it to a reviewer"
        )
    d = CASE_DECISIONS.c
    mine = (d.seller_id == objection.seller_id) & (d.decided_by == person.name) & (d.undone_at == "")
    if con.scalar(sa.select(d.case_decision_id).where(mine).limit(1)) is not None:
        rule = "Only a reviewer who has made no decision about the seller can answer an objection."
        raise NotAllowedError(rule, f"{person.name} has made one", "leave it to another reviewer")


def _dataset(context: RulingContext) -> str:
    return str(context.loaded.store.facts["dataset"])


def _before_and_after(
    engine: sa.Engine,
    context: RulingContext,
    seller_id: str,
    before: Sequence[dict[str, str]],
    new: Sequence[dict[str, str]],
) -> tuple[SellerSnapshot, SellerSnapshot]:
    """The seller without and with the new corrections."""
    tables = (objections.corrections_table(before), objections.corrections_table([*before, *new]))
    setting = (context.source, context.loaded, context.economy, context.standards)
    first, second = (recompute.rescore(*setting, seller_id, table, engine) for table in tables)
    return first, second


def _apply_ruling(
    con: sa.Connection,
    objection: Objection,
    seen_version: int,
    person: Person,
    at: datetime,
    ruling: Ruling,
    context: RulingContext,
    new: list[dict[str, str]],
    snapshots: tuple[SellerSnapshot, SellerSnapshot] | None,
) -> Objection:
    check_reviewer(con, objection, person)
    if objection.version != seen_version or objection.state != WAITING:
        found = f"{objection.state} by {objection.decided_by}" if objection.decided_by else objection.state
        raise ConflictError("An objection can be answered only once.", found, "read the answer")
    answered = replace(
        objection,
        state=GRANTED if ruling.granted else REFUSED,
        version=seen_version + 1,
        decided_at=written(at),
        decided_by=person.name,
        answer=ruling.answer.strip(),
        decision_stands=ruling.decision_stands,
        change=_refresh_cases(con, objection, snapshots, context, at) if snapshots else {},
    )
    if new:
        con.execute(sa.insert(CORRECTIONS), new)
    same = (OBJECTIONS.c.objection_id == objection.objection_id) & (OBJECTIONS.c.version == seen_version)
    if con.execute(sa.update(OBJECTIONS).where(same).values(objections.to_row(answered))).rowcount != 1:
        raise ConflictError("An objection can be answered only once.", "somebody else answered it", "read the answer")
    _close_objection(con, answered, person, at)
    return answered


def _refresh_cases(
    con: sa.Connection,
    objection: Objection,
    snapshots: tuple[SellerSnapshot, SellerSnapshot],
    context: RulingContext,
    at: datetime,
) -> dict[str, object]:
    """Log the new answer, refresh the seller's cases with it, and return what has changed."""
    before, after = snapshots
    logged_answers.keep(con, [after.prediction])
    for case in case_repository.of_seller(con, objection.seller_id):
        if case.state in (*LIVE, DECIDED, APPEALED):
            profile = SellerProfile(case.facts.seller_name, case.facts.natural_person)
            earlier = before.result["risks"][case.risk]["probability"]
            case_repository.refresh(con, case, case_facts(after, case.risk, profile, earlier), at)
    found = recompute.compare(before, after, context.standards)
    detail: dict[str, object] = json.loads(json.dumps(recompute.as_json(found)))
    return detail | {"decision_id": after.prediction.decision_id}


def _close_objection(con: sa.Connection, answered: Objection, person: Person, at: datetime) -> None:
    """Keep or overturn the contested decision; its case is decided again once no other objection waits."""
    if not answered.case_decision_id:
        return
    d = CASE_DECISIONS.c
    mine = d.case_decision_id == answered.case_decision_id
    if not answered.decision_stands:
        con.execute(sa.update(CASE_DECISIONS).where(mine).values(overturned_at=written(at)))
    case = case_repository.find(con, str(con.scalar(sa.select(d.case_id).where(mine))))
    others = [o for o in of_seller(con, answered.seller_id) if o.state == WAITING]
    if case.state == APPEALED and answered.case_decision_id not in {o.case_decision_id for o in others}:
        detail = {
            "objection_id": answered.objection_id,
            "state": answered.state,
            "decision_stands": answered.decision_stands,
        }
        case_repository.apply_action(con, case, case.version, "answer_objection", person, at, detail)
