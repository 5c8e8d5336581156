"""The prediction log: every prediction is durable in the database before it is answered."""

import asyncio
import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from serving.problems import Problem, Refused
from serving.records.clock import now
from serving.records.database import insert_new, writing
from serving.records.tables.predictions import LAYOUTS, PREDICTIONS

LOGGER = logging.getLogger("foresell")


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


class PredictionLog:
    """Appends from one event loop; those that wait at the same time share one commit."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self._waiting: list[tuple[Sequence[Prediction], asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    def know(self, names: Sequence[str]) -> str:
        """Store the names behind the numbers of a vector once; their digest."""
        digest = layout_digest(names)
        with writing(self.engine) as con:
            insert_new(con, LAYOUTS, [{"digest": digest, "names": json.dumps(list(names))}])
        return digest

    async def append(self, predictions: Sequence[Prediction]) -> None:
        """Return once the predictions are on disk; Refused when they cannot be."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((predictions, done))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_waiting())
        await done

    async def _write_waiting(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                await asyncio.to_thread(self._write, [p for predictions, _ in batch for p in predictions])
            except Exception:  # whatever it was, nothing is logged, so nothing may be answered
                LOGGER.exception("The prediction log does not take predictions")
                for _, done in batch:
                    _settle(done, Refused(Problem("log-unavailable"), {"Retry-After": "1"}))
            else:
                for _, done in batch:
                    _settle(done, None)

    def _write(self, predictions: Sequence[Prediction]) -> None:
        with writing(self.engine) as con:
            con.execute(sa.insert(PREDICTIONS), [vars(p) for p in predictions])

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()


def _settle(done: "asyncio.Future[None]", error: Exception | None) -> None:
    if done.done():  # its request has gone away
        return
    if error:
        done.set_exception(error)
    else:
        done.set_result(None)
