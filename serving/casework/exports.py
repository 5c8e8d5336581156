"""What casework hands on: interventions and corrections in the form of the data contract.

The front door's commands read both beside the source's own rows, so that later scores, labels and trainings know of
them: a correction is known from the day it was decided, an intervention from the day it took effect.
"""

from collections.abc import Mapping
from datetime import datetime

import pyarrow as pa
import sqlalchemy as sa

from serving.casework import corrections
from serving.casework.decision import NO_ACTION, Decision, select
from serving.records.clock import written
from serving.records.database import reading
from serving.records.tables.casework import CASE_DECISIONS, CORRECTIONS

INTERVENTIONS = pa.schema(
    [
        *((name, pa.string()) for name in ("intervention_id", "seller_id", "kind", "started_at", "ended_at", "arm")),
        ("propensity", pa.float64()),
    ]
)


def tables(engine: sa.Engine, dataset: str, at: datetime) -> Mapping[str, pa.Table]:
    """Corrections and interventions of a source as they are at a moment."""
    with reading(engine) as con:
        made = corrections.as_table(corrections.read(con, dataset))
        return {"corrections": made, "interventions": interventions(con, at)}


def interventions(con: sa.Connection, at: datetime) -> pa.Table:
    """Every decision in effect by a moment that did something to a seller, or held it out of that."""
    effective = CASE_DECISIONS.c.effective_at <= written(at)
    found = select(con, CASE_DECISIONS.c.kind != NO_ACTION, CASE_DECISIONS.c.undone_at == "", effective)
    return pa.Table.from_pylist([_intervention(one) for one in reversed(found)], INTERVENTIONS)


def _intervention(made: Decision) -> dict[str, str | float | None]:
    """A decision that an appeal overturned ended when it was overturned."""
    ends = [text for text in (made.ends_at, made.overturned_at) if text]
    return {
        "intervention_id": made.case_decision_id,
        "seller_id": made.seller_id,
        "kind": made.kind,
        "started_at": made.effective_at,
        "ended_at": max(min(ends), made.effective_at) if ends else None,
        "arm": made.arm or None,
        "propensity": made.propensity,
    }


def datasets(engine: sa.Engine) -> list[str]:
    """Names of the sources that have corrections."""
    with reading(engine) as con:
        return [str(name) for name in con.scalars(sa.select(CORRECTIONS.c.dataset).distinct())]
