"""The prediction log: every prediction is durable in the database before it is answered, and is read back by its id."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from serving.audit_log.group_commit import Rows
from serving.database.clock import now
from serving.database.connection import insert_new, writing
from serving.database.tables.predictions import LAYOUTS, PREDICTIONS
from serving.problems import refuse


@dataclass(frozen=True)
class PredictionRecord:
    """What is needed to say later what was answered, and from what."""

    decision_id: str
    seller_id: str
    as_of: str
    horizon_days: int
    model_version: str
    model_digest: str
    layout: str
    vector: bytes
    attributes: str
    offsets: str
    answer: bytes
    logged_at: str = field(default_factory=now)


@dataclass(frozen=True)
class LoggedPrediction:
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


def layout_digest(names: Sequence[str]) -> str:
    """The key of a list of column names."""
    return "sha256:" + hashlib.sha256(json.dumps(list(names)).encode()).hexdigest()


def record_layout(engine: sa.Engine, names: Sequence[str]) -> str:
    """Store the names behind the numbers of a vector once; their digest."""
    digest = layout_digest(names)
    with writing(engine) as con:
        insert_new(con, LAYOUTS, [{"digest": digest, "names": json.dumps(list(names))}])
    return digest


def prediction_rows(predictions: Sequence[PredictionRecord], request_id: str | None = None) -> Rows:
    """What is recorded of them."""
    return {PREDICTIONS: [vars(p) | {"request_id": request_id} for p in predictions]} if predictions else {}


def find(con: sa.Connection, decision_id: str) -> LoggedPrediction:
    """The prediction; ProblemError when there is none, or when it was erased."""
    wanted = sa.select(PREDICTIONS, LAYOUTS.c.names).join(LAYOUTS).where(PREDICTIONS.c.decision_id == decision_id)
    row = con.execute(wanted).mappings().one_or_none()
    if row is None:
        raise refuse("unknown-decision", "Use a decision_id from an answer of /v1/score or /v1/explain.")
    if row["erased_at"] is not None:
        raise refuse("erased", f"It was erased on {row['erased_at'][:10]}.")
    return _logged(row)


def _logged(row: sa.RowMapping) -> LoggedPrediction:
    plain = {name: row[name] for name in ("decision_id", "logged_at", "seller_id", "as_of", "horizon_days")}
    model = {name: row[name] for name in ("model_version", "model_digest")}
    parsed = {name: json.loads(row[name]) for name in ("names", "attributes", "offsets")}
    return LoggedPrediction(**plain, **model, **parsed, vector=bytes(row["vector"]), answer=bytes(row["answer"]))
