"""A decision: what a reviewer fills in, what it is made under, and how it is kept."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from features.contract import HELPING, RESTRICTING
from features.standards import Standard
from serving.casework import letter as kept_letter
from serving.casework.letter import Letter
from serving.casework.refusals import MissingError
from serving.records.clock import written
from serving.records.database import reading
from serving.records.tables.casework import CASE_DECISIONS

NO_ACTION = "no_action"
KINDS = (*HELPING, *RESTRICTING, NO_ACTION)
APPEAL = "Object on your own page of this marketplace, within six months; a colleague decides it."


@dataclass(frozen=True)
class Choice:
    """What a reviewer has filled in."""

    kind: str
    facts: str = ""
    standard: str = ""  # the ground: a standard's name
    standard_version: str = ""
    appeal: str = APPEAL
    until: str = ""  # ISO day on which a restriction ends; "": when it is lifted
    urgent: str = ""  # why help cannot come first, where it did not


@dataclass(frozen=True)
class Setup:
    """What a marketplace decides under: its standards, its laws (None: all), and the share held out of help."""

    standards: Sequence[Standard]
    regimes: tuple[str, ...] | None = None
    holdout: float = 0.0

    def standard(self, name: str, version: str) -> Standard:
        """The standard of a name and version."""
        found = next((s for s in self.standards if (s.name, s.version) == (name, version)), None)
        if found is None:
            raise MissingError("A decision rests on a standard in force.", f"{name} {version}", "open the cases anew")
        return found


@dataclass(frozen=True)
class Decision:
    """A decision as it is kept."""

    case_decision_id: str
    case_id: str
    seller_id: str
    risk: str
    kind: str
    decided_at: str
    decided_by: str
    effective_at: str
    ends_at: str
    standard: str
    standard_version: str
    facts: str
    appeal: str
    shown: Mapping[str, Any]
    arm: str
    propensity: float | None
    letter: Letter | None
    undone_at: str = ""
    overturned_at: str = ""

    def stands_at(self, at: datetime) -> bool:
        """Whether it is in effect at a moment: past the time to undo, not undone, not overturned, not over."""
        moment = written(at)
        over = self.ends_at and self.ends_at <= moment
        return self.effective_at <= moment and not (self.undone_at or self.overturned_at or over)


def of_seller(engine: sa.Engine, seller_id: str) -> list[Decision]:
    """Every decision about a seller, the newest first."""
    with reading(engine) as con:
        return select(con, CASE_DECISIONS.c.seller_id == seller_id)


def find(con: sa.Connection, case_decision_id: str) -> Decision:
    """The decision of that id; MissingError when there is none."""
    found = select(con, CASE_DECISIONS.c.case_decision_id == case_decision_id)
    if not found:
        raise MissingError("The decision must exist.", case_decision_id, "go back to the seller's page")
    return found[0]


def select(con: sa.Connection, *conditions: sa.ColumnElement[bool]) -> list[Decision]:
    """Decisions under conditions, the newest first."""
    rows = con.execute(sa.select(CASE_DECISIONS).where(*conditions).order_by(CASE_DECISIONS.c.decided_at.desc()))
    return [from_row(row) for row in rows.mappings()]


def to_row(made: Decision) -> dict[str, Any]:
    """A decision as its table keeps it."""
    plain = {name: getattr(made, name) for name in NAMES}
    letter = json.dumps(asdict(made.letter), ensure_ascii=False) if made.letter else ""
    return plain | {"shown": json.dumps(made.shown), "letter": letter}


def from_row(row: Any) -> Decision:
    """A decision from its row."""
    letter = kept_letter.from_json(json.loads(row["letter"])) if row["letter"] else None
    return Decision(**{**row, "shown": json.loads(row["shown"]), "letter": letter})


NAMES = tuple(Decision.__dataclass_fields__)
