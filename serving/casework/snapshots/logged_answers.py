"""The logged answer behind a case: the same bytes that the API returns, and the feature row they were computed from.

Pages, letters and the API's answers agree because all are made from these bytes.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sqlalchemy as sa

from core.block import Block
from serving.audit_log.chain import record
from serving.audit_log.predictions import PredictionRecord, prediction_rows
from serving.casework.cases.rules import MissingError
from serving.database.tables.predictions import LAYOUTS, PREDICTIONS
from serving.scoring.results import SellerResult, read_result

COLUMNS = ("decision_id", "seller_id", "as_of", "horizon_days", "model_version", "model_digest", "answer", "vector")


@dataclass(frozen=True)
class LoggedAnswer:
    """One logged answer about a seller."""

    decision_id: str
    seller_id: str
    as_of: str
    horizon_days: int
    model_version: str
    model_digest: str
    answer: bytes
    vector: bytes
    names: tuple[str, ...]

    @cached_property
    def result(self) -> SellerResult:
        """What the API's answer says of the seller, as docs/api.md describes a result."""
        return read_result(self.answer)

    @cached_property
    def block(self) -> Block:
        """The seller's row that was scored, one row."""
        return Block(self.names, np.frombuffer(self.vector, dtype="<f8").reshape(1, -1))

    @property
    def digest(self) -> str:
        """Of the answer's bytes."""
        return digest(self.answer)


def digest(answer: bytes) -> str:
    """sha256 of an answer's bytes."""
    return "sha256:" + hashlib.sha256(answer).hexdigest()


def read(con: sa.Connection, decision_id: str) -> LoggedAnswer:
    """The logged answer with that id; MissingError when the log does not have it, or no longer."""
    columns: list[sa.Column[Any]] = [PREDICTIONS.c[name] for name in COLUMNS]
    chosen = sa.select(*columns, LAYOUTS.c.names).join(LAYOUTS, LAYOUTS.c.digest == PREDICTIONS.c.layout)
    row = con.execute(chosen.where(PREDICTIONS.c.decision_id == decision_id)).first()
    if row is None or row.answer is None:
        raise MissingError("A case needs its logged answer.", decision_id, "open the week's cases again")
    plain = row._asdict()
    return LoggedAnswer(**plain | {"names": tuple(json.loads(plain["names"]))})


def of(prediction: PredictionRecord, names: Sequence[str]) -> LoggedAnswer:
    """The logged answer that a prediction becomes once it is written."""
    return LoggedAnswer(**{name: getattr(prediction, name) for name in COLUMNS}, names=tuple(names))


def keep(con: sa.Connection, predictions: Sequence[PredictionRecord]) -> None:
    """Log answers in the same transaction as their cases."""
    for table, kept in prediction_rows(predictions).items():
        record(con, table, kept)
