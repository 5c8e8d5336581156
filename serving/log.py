"""The prediction log: every prediction is durable in SQLite before it is answered."""

import asyncio
import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import QueuePool

from models.lock import locked
from serving.problems import Problem, Refused

LOGGER = logging.getLogger("foresell")
BUSY_SECONDS = 5

TABLES = sa.MetaData()
LAYOUTS = sa.Table(
    "layouts",
    TABLES,
    sa.Column("digest", sa.Text, primary_key=True, comment="sha256 of the names"),
    sa.Column("names", sa.Text, nullable=False, comment="JSON list: the columns of a feature vector, in order"),
)
PREDICTIONS = sa.Table(
    "predictions",
    TABLES,
    sa.Column("decision_id", sa.Text, primary_key=True),
    sa.Column("logged_at", sa.Text, nullable=False, comment="UTC"),
    sa.Column("seller_id", sa.Text, nullable=False, index=True),
    sa.Column("as_of", sa.Text, nullable=False),
    sa.Column("horizon_days", sa.Integer, nullable=False),
    sa.Column("model_version", sa.Text, nullable=False),
    sa.Column("model_digest", sa.Text, nullable=False),
    sa.Column("layout", sa.Text, sa.ForeignKey("layouts.digest"), nullable=False),
    sa.Column("vector", sa.LargeBinary, nullable=False, comment="little-endian float64, one per name of the layout"),
    sa.Column("attributes", sa.Text, nullable=False, comment="JSON: category, region, peer group, ..."),
    sa.Column("offsets", sa.Text, nullable=False, comment="JSON: the roll-forward's log-odds by risk"),
    sa.Column("answer", sa.LargeBinary, nullable=False, comment="the bytes of the result as answered"),
)


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
    logged_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat())


def layout_digest(names: Sequence[str]) -> str:
    """The key of a list of column names."""
    return "sha256:" + hashlib.sha256(json.dumps(list(names)).encode()).hexdigest()


class PredictionLog:
    """Appends from one event loop; those that wait at the same time share one commit."""

    def __init__(self, path: Path) -> None:
        self.engine = open_engine(path)
        self._waiting: list[tuple[Sequence[Prediction], asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    def know(self, names: Sequence[str]) -> str:
        """Store the names behind the numbers of a vector once; their digest."""
        digest = layout_digest(names)
        with self.engine.begin() as con:
            insert = sa.insert(LAYOUTS).prefix_with("OR IGNORE")
            con.execute(insert, {"digest": digest, "names": json.dumps(list(names))})
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
        with self.engine.begin() as con:
            con.execute(sa.insert(PREDICTIONS), [vars(p) for p in predictions])

    def close(self) -> None:
        """Let go of the file."""
        self.engine.dispose()


def open_engine(path: Path) -> sa.Engine:
    """An engine on the log whose tables exist; of several processes on a fresh file, one makes them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(f"sqlite:///{path}", poolclass=QueuePool, connect_args={"timeout": BUSY_SECONDS})
    sa.event.listen(engine, "connect", _prepare)
    sa.event.listen(engine, "begin", lambda con: con.exec_driver_sql("BEGIN IMMEDIATE"))
    with locked(path.with_suffix(".lock")):
        TABLES.create_all(engine)
    return engine


def _prepare(connection: Any, _: Any) -> None:
    """FULL: a commit has reached the disk. IMMEDIATE (above): a writer waits at once, not in the middle."""
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _settle(done: "asyncio.Future[None]", error: Exception | None) -> None:
    if done.done():  # its request has gone away
        return
    if error:
        done.set_exception(error)
    else:
        done.set_result(None)
