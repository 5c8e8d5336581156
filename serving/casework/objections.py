"""Objections: what a seller says of an order of its own, kept until a reviewer answers."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

import sqlalchemy as sa

from serving.casework import book, objection
from serving.casework.cases import DECIDED
from serving.casework.objection import EFFECTS, EXCLUDED, OTHERS, WAITING, Objection, Row
from serving.casework.people import SELLER, Person
from serving.casework.refusals import IncompleteError, MissingError, NotAllowedError
from serving.records.clock import written
from serving.records.database import writing
from serving.records.tables.casework import CASE_DECISIONS, OBJECTIONS

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
