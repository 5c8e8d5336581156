"""A decision about a case: the reviewer's form, the marketplace's settings, and the decision as stored."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from features.ingest.contract import HELPING, RESTRICTING
from features.standards.standard import Standard
from serving.casework.cases.rules import MissingError
from serving.casework.decisions import letters as kept_letter
from serving.casework.decisions.letters import Letter
from serving.database.clock import written
from serving.database.connection import reading
from serving.database.tables.casework import CASE_DECISIONS

NO_ACTION = "no_action"
DECISION_KINDS = (*HELPING, *RESTRICTING, NO_ACTION)
APPEAL = "Object on your own page of this marketplace, within six months; a colleague decides it."


@dataclass(frozen=True)
class DecisionForm:
    """The form that a reviewer has filled in."""

    kind: str
    facts: str = ""
    standard: str = ""  # the ground: a standard's name
    standard_version: str = ""
    appeal: str = APPEAL
    until: str = ""  # ISO day on which a restriction ends; "": when it is lifted
    urgent: str = ""  # why help cannot come first, where it did not


@dataclass(frozen=True)
class DecisionSettings:
    """A marketplace's standards, the laws it is under (None: all), and the share of sellers held out of help."""

    standards: Sequence[Standard]
    regimes: tuple[str, ...] | None = None
    holdout: float = 0.0

    def standard(self, name: str, version: str) -> Standard:
        """The standard of a name and version."""
        found = next((s for s in self.standards if (s.name, s.version) == (name, version)), None)
        if found is None:
            raise MissingError(
                "The standard of a decision must be in force.", f"{name} {version}", "open the week's cases again"
            )
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
        """Whether it is in effect at a moment: it has begun, has not ended, and was neither undone nor overturned."""
        moment = written(at)
        over = self.ends_at and self.ends_at <= moment
        return self.effective_at <= moment and not (self.undone_at or self.overturned_at or over)


def of_seller(engine: sa.Engine, seller_id: str) -> list[Decision]:
    """Every decision about a seller, the newest first."""
    with reading(engine) as con:
        return select(con, CASE_DECISIONS.c.seller_id == seller_id)


def received(decisions: Sequence[Decision], at: datetime) -> list[Decision]:
    """Decisions whose letters have been sent: the time to undo is over, and nobody undid them."""
    return [one for one in decisions if one.letter and not one.undone_at and one.effective_at <= written(at)]


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


def to_row(decision: Decision) -> dict[str, Any]:
    """A decision as its table keeps it."""
    plain = {name: getattr(decision, name) for name in DECISION_COLUMNS}
    letter = json.dumps(asdict(decision.letter), ensure_ascii=False) if decision.letter else ""
    return plain | {"shown": json.dumps(decision.shown), "letter": letter}


def from_row(row: Any) -> Decision:
    """A decision from its row."""
    letter = kept_letter.from_json(json.loads(row["letter"])) if row["letter"] else None
    return Decision(**{**row, "shown": json.loads(row["shown"]), "letter": letter})


DECISION_COLUMNS = tuple(Decision.__dataclass_fields__)
