"""Objections: what a seller says of an order, kept until a reviewer answers, and the corrections that follow."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

import pyarrow as pa
import sqlalchemy as sa

from features.ingest.contract import FAULTS
from serving.casework.cases import case_repository
from serving.casework.cases.case import DECIDED, SELLER, Person
from serving.casework.cases.rules import IncompleteError, MissingError, NotAllowedError
from serving.database.clock import written
from serving.database.connection import writing
from serving.database.tables.casework import CASE_DECISIONS, CORRECTIONS, OBJECTIONS

WAITING = "waiting"  # a reviewer has to answer it
GRANTED = "granted"  # the order was corrected, and the figures were computed again
REFUSED = "refused"  # the order stands as it is, for the reason given
EXCLUDED, FAULT_CHANGED = "excluded", "fault_changed"
EFFECTS = (EXCLUDED, FAULT_CHANGED)
OTHER_FAULTS = tuple(fault for fault in FAULTS if fault != "seller")
RowKey = tuple[str, str]  # a table of the contract, and the key of a row in it


@dataclass(frozen=True)
class Objection:
    """An objection as it is kept. change: the seller before and after; empty until granted."""

    objection_id: str
    seller_id: str
    order_id: str
    rows: tuple[RowKey, ...]
    effect: str
    new_fault: str
    reason: str
    raised_at: str
    raised_by: str
    case_decision_id: str = ""
    state: str = WAITING
    version: int = 1
    decided_at: str = ""
    decided_by: str = ""
    answer: str = ""
    decision_stands: bool = True
    change: Mapping[str, Any] = field(default_factory=dict)


def to_row(one: Objection) -> dict[str, Any]:
    """An objection as its table keeps it."""
    change = json.dumps(one.change, ensure_ascii=False) if one.change else ""
    return {**vars(one), "rows": json.dumps(one.rows), "change": change}


def from_row(row: Any) -> Objection:
    """An objection from its row."""
    rows = tuple((table, key) for table, key in json.loads(row["rows"]))
    return Objection(**{**row, "rows": rows, "change": json.loads(row["change"] or "{}")})


LEAST_REASON = 20  # characters
LONGEST_REASON = 4000


@dataclass(frozen=True)
class ObjectionForm:
    """The form that a seller has filled in. rows: entries of the order; new_fault: for the effect fault_changed."""

    order_id: str
    rows: tuple[RowKey, ...]
    effect: str
    reason: str
    new_fault: str = ""
    case_decision_id: str = ""


def raise_objection(
    engine: sa.Engine, person: Person, at: datetime, form: ObjectionForm, rows: Collection[RowKey]
) -> Objection:
    """Store a seller's objection about rows of one of its orders; rows: those that the order has."""
    if person.role != SELLER or not person.seller_id:
        raise NotAllowedError(
            "An objection is the seller's own.", f"{person.name}, {person.role}", "log in as the seller"
        )
    _check(form, rows)
    objection = Objection(
        uuid4().hex,
        person.seller_id,
        form.order_id,
        form.rows,
        form.effect,
        form.new_fault if form.effect != EXCLUDED else "",
        form.reason.strip(),
        written(at),
        person.name,
        form.case_decision_id,
    )
    with writing(engine) as con:
        _check_new(con, objection)
        _mark_case_appealed(con, objection, person, at)
        con.execute(sa.insert(OBJECTIONS), to_row(objection))
    return objection


def find(con: sa.Connection, objection_id: str) -> Objection:
    """The objection; MissingError when there is none."""
    row = con.execute(sa.select(OBJECTIONS).where(OBJECTIONS.c.objection_id == objection_id)).mappings().first()
    if row is None:
        raise MissingError("The objection must exist.", objection_id, "go back to the list of objections")
    return from_row(row)


def waiting(con: sa.Connection, limit: int = 200) -> list[Objection]:
    """Objections that wait for an answer, the oldest first."""
    chosen = sa.select(OBJECTIONS).where(OBJECTIONS.c.state == WAITING).order_by(OBJECTIONS.c.raised_at).limit(limit)
    return [from_row(row) for row in con.execute(chosen).mappings()]


def of_seller(con: sa.Connection, seller_id: str) -> list[Objection]:
    """A seller's objections, the newest first."""
    chosen = sa.select(OBJECTIONS).where(OBJECTIONS.c.seller_id == seller_id).order_by(OBJECTIONS.c.raised_at.desc())
    return [from_row(row) for row in con.execute(chosen).mappings()]


def _check(form: ObjectionForm, rows: Collection[RowKey]) -> None:
    if form.effect not in EFFECTS:
        rule = "An objection must say what is wrong: the order should not count, or it was somebody else's fault."
        raise IncompleteError("effect", rule, form.effect or "nothing", "choose one")
    if form.effect != EXCLUDED and form.new_fault not in OTHER_FAULTS:
        rule = f"The fault must be one of {', '.join(OTHER_FAULTS)}."
        raise IncompleteError("new_fault", rule, form.new_fault or "nobody", "choose whose fault it was")
    if not form.rows or not set(form.rows) <= set(rows):
        found = "none" if not form.rows else "one that is not of this order"
        raise IncompleteError(
            "rows", "An objection must be about entries of one of your orders.", found, "choose from the list"
        )
    if not LEAST_REASON <= len(form.reason.strip()) <= LONGEST_REASON:
        rule = f"An objection needs a reason of {LEAST_REASON} to {LONGEST_REASON:,} characters."
        raise IncompleteError("reason", rule, f"{len(form.reason.strip())}", "say what happened, and name the evidence")


def _check_new(con: sa.Connection, objection: Objection) -> None:
    """An entry has at most one waiting objection."""
    taken = {row for other in of_seller(con, objection.seller_id) if other.state == WAITING for row in other.rows}
    if taken & set(objection.rows):
        rule = "An entry can have only one open objection."
        raise IncompleteError("rows", rule, "one waits for an answer", "wait for the answer")


def _mark_case_appealed(con: sa.Connection, objection: Objection, person: Person, at: datetime) -> None:
    """The case of the contested decision now waits for another reviewer."""
    if not objection.case_decision_id:
        return
    d = CASE_DECISIONS.c
    case_id = con.scalar(
        sa.select(d.case_id).where(d.case_decision_id == objection.case_decision_id, d.seller_id == objection.seller_id)
    )
    if case_id is None:
        raise MissingError(
            "An objection is to a decision about oneself.", objection.case_decision_id, "open your own page"
        )
    case = case_repository.find(con, str(case_id))
    if case.state == DECIDED:
        case_repository.apply_action(
            con, case, case.version, "object", person, at, {"objection_id": objection.objection_id}
        )


CORRECTION_COLUMNS = ("correction_id", "seller_id", "table", "row_key", "decided_at", "effect", "new_fault", "reason")
CORRECTION_SCHEMA = pa.schema([(name, pa.string()) for name in CORRECTION_COLUMNS])


def corrections_of(objection: Objection, dataset: str, at: datetime) -> list[dict[str, str]]:
    """The corrections of a granted objection, one for each row."""
    return [
        {
            "correction_id": uuid4().hex,
            "objection_id": objection.objection_id,
            "dataset": dataset,
            "seller_id": objection.seller_id,
            "table": table,
            "row_key": key,
            "decided_at": written(at),
            "effect": objection.effect,
            "new_fault": objection.new_fault,
            "reason": objection.reason,
        }
        for table, key in objection.rows
    ]


def read_corrections(con: sa.Connection, dataset: str, seller_id: str | None = None) -> list[dict[str, str]]:
    """Corrections of a source, of one seller or of all, in the order in which they were decided."""
    c = CORRECTIONS.c
    chosen = sa.select(CORRECTIONS).where(c.dataset == dataset)
    if seller_id is not None:
        chosen = chosen.where(c.seller_id == seller_id)
    return [dict(row) for row in con.execute(chosen.order_by(c.decided_at, c.correction_id)).mappings()]


def corrections_table(rows: Iterable[dict[str, str]]) -> pa.Table:
    """Corrections as a table of the data contract; empty text becomes null."""
    return pa.Table.from_pylist(
        [{name: row[name] or None for name in CORRECTION_COLUMNS} for row in rows], CORRECTION_SCHEMA
    )
