"""Read predictions back by their decision_id."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from serving.problems import refuse
from serving.records.tables.predictions import LAYOUTS, PREDICTIONS


@dataclass(frozen=True)
class Logged:
    """A prediction as it was recorded. names: of the vector's numbers, in order."""

    decision_id: str
    logged_at: str
    seller_id: str
    as_of: str
    horizon_days: int
    model_version: str
    model_digest: str
    names: Sequence[str]
    vector: bytes
    attributes: dict[str, Any]
    offsets: dict[str, float]
    answer: bytes


def find(con: sa.Connection, decision_id: str) -> Logged:
    """The prediction; Refused when there is none, or when it was erased."""
    wanted = sa.select(PREDICTIONS, LAYOUTS.c.names).join(LAYOUTS).where(PREDICTIONS.c.decision_id == decision_id)
    row = con.execute(wanted).mappings().one_or_none()
    if row is None:
        raise refuse("unknown-decision", "A decision_id is in the answer that gave the prediction.")
    if row["erased_at"] is not None:
        raise refuse("erased", f"On {row['erased_at'][:10]}.")
    return _logged(row)


def _logged(row: sa.RowMapping) -> Logged:
    plain = {name: row[name] for name in ("decision_id", "logged_at", "seller_id", "as_of", "horizon_days")}
    model = {name: row[name] for name in ("model_version", "model_digest")}
    parsed = {name: json.loads(row[name]) for name in ("names", "attributes", "offsets")}
    return Logged(**plain, **model, **parsed, vector=bytes(row["vector"]), answer=bytes(row["answer"]))
