"""Interventions and corrections of casework as tables of the data contract.

The commands read both beside the source's own rows, so that later scores, labels and trainings include them: a
correction is known from the day of its decision, an intervention from the day it took effect.
"""

from collections.abc import Mapping
from datetime import datetime

import pyarrow as pa
import sqlalchemy as sa

from serving.casework.decisions.decision import NO_ACTION, Decision, select
from serving.casework.objections import objections
from serving.database.clock import written
from serving.database.connection import reading
from serving.database.tables.casework import CASE_DECISIONS

INTERVENTIONS = pa.schema(
    [
        *((name, pa.string()) for name in ("intervention_id", "seller_id", "kind", "started_at", "ended_at", "arm")),
        ("propensity", pa.float64()),
    ]
)


def tables(engine: sa.Engine, dataset: str, at: datetime) -> Mapping[str, pa.Table]:
    """Corrections and interventions of a source as they are at a moment."""
    with reading(engine) as con:
        corrections = objections.corrections_table(objections.read_corrections(con, dataset))
        return {"corrections": corrections, "interventions": interventions(con, at)}


def interventions(con: sa.Connection, at: datetime) -> pa.Table:
    """Every decision in effect by a moment that did something to a seller, or held the seller out of help."""
    effective = CASE_DECISIONS.c.effective_at <= written(at)
    found = select(con, CASE_DECISIONS.c.kind != NO_ACTION, CASE_DECISIONS.c.undone_at == "", effective)
    return pa.Table.from_pylist([_intervention(one) for one in reversed(found)], INTERVENTIONS)


def _intervention(decision: Decision) -> dict[str, str | float | None]:
    """A decision that an appeal overturned ended when it was overturned."""
    ends = [text for text in (decision.ends_at, decision.overturned_at) if text]
    return {
        "intervention_id": decision.case_decision_id,
        "seller_id": decision.seller_id,
        "kind": decision.kind,
        "started_at": decision.effective_at,
        "ended_at": max(min(ends), decision.effective_at) if ends else None,
        "arm": decision.arm or None,
        "propensity": decision.propensity,
    }
