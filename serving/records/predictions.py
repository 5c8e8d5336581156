"""The prediction log: every prediction is durable in the database before it is answered."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from serving.records.clock import now
from serving.records.commits import Rows
from serving.records.database import insert_new, writing
from serving.records.tables.predictions import LAYOUTS, PREDICTIONS


@dataclass(frozen=True)
class Prediction:
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


def layout_digest(names: Sequence[str]) -> str:
    """The key of a list of column names."""
    return "sha256:" + hashlib.sha256(json.dumps(list(names)).encode()).hexdigest()


def know(engine: sa.Engine, names: Sequence[str]) -> str:
    """Store the names behind the numbers of a vector once; their digest."""
    digest = layout_digest(names)
    with writing(engine) as con:
        insert_new(con, LAYOUTS, [{"digest": digest, "names": json.dumps(list(names))}])
    return digest


def rows(predictions: Sequence[Prediction], request_id: str | None = None) -> Rows:
    """What is recorded of them."""
    return {PREDICTIONS: [vars(p) | {"request_id": request_id} for p in predictions]} if predictions else {}
