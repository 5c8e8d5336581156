"""The record behind a case: the logged answer, in the very bytes that the API gives, and the row it was made from.

The page, the letter and the API's answer all say what these bytes say.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sqlalchemy as sa

from features.block import Block
from serving.casework.refusals import MissingError
from serving.records.chain import record
from serving.records.predictions import Prediction, rows
from serving.records.tables.predictions import LAYOUTS, PREDICTIONS

COLUMNS = ("decision_id", "seller_id", "as_of", "horizon_days", "model_version", "model_digest", "answer", "vector")


@dataclass(frozen=True)
class Record:
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
    def said(self) -> Mapping[str, Any]:
        """What the API's answer says of the seller, as docs/api.md describes a result."""
        found: Mapping[str, Any] = json.loads(self.answer)
        return found

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


def read(con: sa.Connection, decision_id: str) -> Record:
    """The record of that id; MissingError when the log does not hold it, or no longer."""
    columns: list[sa.Column[Any]] = [PREDICTIONS.c[name] for name in COLUMNS]
    chosen = sa.select(*columns, LAYOUTS.c.names).join(LAYOUTS, LAYOUTS.c.digest == PREDICTIONS.c.layout)
    row = con.execute(chosen.where(PREDICTIONS.c.decision_id == decision_id)).first()
    if row is None or row.answer is None:
        raise MissingError("A case stands on a logged answer.", decision_id, "open the week's cases again")
    plain = row._asdict()
    return Record(**plain | {"names": tuple(json.loads(plain["names"]))})


def of(prediction: Prediction, names: Sequence[str]) -> Record:
    """The record that a prediction will be once it is logged."""
    return Record(**{name: getattr(prediction, name) for name in COLUMNS}, names=tuple(names))


def keep(con: sa.Connection, predictions: Sequence[Prediction]) -> None:
    """Log answers in the transaction that makes their cases."""
    for table, kept in rows(predictions).items():
        record(con, table, kept)
