"""Group commit: what several requests record at the same time shares one transaction, and is answered after it.

Declared policy: when the database does not take a record (disk full, lock held by another, server gone), nothing of
the request is kept and its caller gets 503 with Retry-After. The wait for a lock is bounded by the database's own
BUSY_SECONDS, twice at most: once for the batch before, once for one's own.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DataError, IntegrityError

from serving import metrics
from serving.audit_log.chain import PreparedRow, append, lock_head, prepared
from serving.audit_log.idempotency_keys import IdempotencyRecord, StoredAnswer, claim_key
from serving.database.connection import reading, writing
from serving.problems import Problem, ProblemError

LOGGER = logging.getLogger("foresell")
T = TypeVar("T")
Rows = Mapping[sa.Table, Sequence[Mapping[str, Any]]]
Work = Callable[[sa.Connection], None]


@dataclass(frozen=True)
class UnitOfWork:
    """What one request records, all or nothing.

    rows: of chained tables. also: what else the transaction does. idempotency: the record of its Idempotency-Key.
    """

    rows: Rows = field(default_factory=dict)
    also: Work | None = None
    idempotency: IdempotencyRecord | None = None


Result = StoredAnswer | None  # what was there under the key already
WaitingUnit = tuple[UnitOfWork, "asyncio.Future[Result]"]


class GroupCommit:
    """Takes units from one event loop; those that wait at the same time share one commit."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self._waiting: list[WaitingUnit] = []
        self._writer: asyncio.Task[None] | None = None

    @property
    def writing(self) -> bool:
        """Whether a commit is under way; what comes now is written after it."""
        return self._writer is not None and not self._writer.done()

    async def keep(self, unit: UnitOfWork) -> Result:
        """Return once the unit is durable, or with what its key kept before. ProblemError: nothing is kept."""
        done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        started = perf_counter()
        self._waiting.append((unit, done))
        if not self.writing:
            self._writer = asyncio.create_task(self._write_waiting())
        before = await done
        metrics.observe_commit(perf_counter() - started)
        return before

    async def read(self, work: Callable[[sa.Connection], T]) -> T:
        """What the work reads, off the event loop."""
        try:
            return await asyncio.to_thread(_read, self.engine, work)
        except sa.exc.DBAPIError as error:
            raise _refused(error) from error

    async def close(self) -> None:
        """Write what waits, then let go of the database."""
        if self._writer:
            await asyncio.wait([self._writer])
        self.engine.dispose()

    async def _write_waiting(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            await self._settle(batch)

    async def _settle(self, batch: Sequence[WaitingUnit]) -> None:
        try:
            results = await asyncio.to_thread(_write, self.engine, [unit for unit, _ in batch])
        except (IntegrityError, DataError, ProblemError) as error:  # the fault of one unit must not fail the others
            if len(batch) == 1:
                _fail(batch, error)
                return
            for waiting in batch:
                await self._settle([waiting])
        except Exception as error:  # nothing was written, so nothing may be answered
            _fail(batch, error)
        else:
            for (_, done), result in zip(batch, results, strict=True):
                if not done.done():  # its caller has gone away
                    done.set_result(result)


def _write(engine: sa.Engine, units: Sequence[UnitOfWork]) -> list[Result]:
    """Keep the units in one transaction; those whose key was there before leave nothing."""
    ready = [{table: prepared(table, new) for table, new in unit.rows.items()} for unit in units]
    rows: dict[sa.Table, list[PreparedRow]] = {}
    results: list[Result] = []
    with writing(engine) as con:
        for unit, mine in zip(units, ready, strict=True):
            results.append(before := claim_key(con, unit.idempotency) if unit.idempotency else None)
            if before is None:
                _collect(con, unit, mine, rows)
        for table, new in rows.items():
            append(con, table, new)
    return results


def _collect(
    con: sa.Connection,
    unit: UnitOfWork,
    ready: Mapping[sa.Table, Sequence[PreparedRow]],
    rows: dict[sa.Table, list[PreparedRow]],
) -> None:
    if unit.also:
        lock_head(con)
        unit.also(con)
    for table, new in ready.items():
        rows.setdefault(table, []).extend(new)


def _read(engine: sa.Engine, work: Callable[[sa.Connection], T]) -> T:
    with reading(engine) as con:
        return work(con)


def _fail(batch: Sequence[WaitingUnit], error: Exception) -> None:
    refused = error if isinstance(error, ProblemError) else _refused(error)
    for _, done in batch:
        if not done.done():
            done.set_exception(refused)


def _refused(error: Exception) -> ProblemError:
    LOGGER.error("The database does not take or give records: %s", _said(error))
    return ProblemError(Problem("log-unavailable"), {"Retry-After": "1"})


def _said(error: Exception) -> str:
    """The database's own words, without the statement and the values that SQLAlchemy adds."""
    inner = getattr(error, "orig", None) or error
    lines = str(inner).splitlines()
    return f"{type(inner).__name__}: {lines[0] if lines else ''}"
