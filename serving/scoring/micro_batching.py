"""Micro-batching: requests that arrive at the same time are scored in one pass.

Half of what a pass over a few rows costs does not depend on the number of rows. A request that is likely to be alone
does not wait: its pass begins as soon as the event loop has read what has arrived. A pass waits for WAIT_SECONDS in two
cases: the last pass had several requests, so that more are likely; or a commit is running, so that the wait costs
nothing, because what is scored now is written only after that commit.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextvars import Context
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serving.audit_log.predictions import PredictionRecord
from serving.scoring.answers import ScoreOptions, predict
from serving.scoring.model_watcher import ModelAndStore

AT_ONCE = 32  # sellers scored on the event loop in one go
ENOUGH_REQUESTS = 8  # a pass with so many begins at once; more would save little
WAIT_SECONDS = 0.001


@dataclass(frozen=True)
class QueuedRequest:
    """Rows of a store that one request asks for."""

    loaded: ModelAndStore
    options: ScoreOptions
    numbers: NDArray[np.int64]
    done: "asyncio.Future[list[PredictionRecord]]"

    def joins(self, other: "QueuedRequest") -> bool:
        """Whether both can be scored in one pass."""
        return self.loaded is other.loaded and self.options == other.options


class MicroBatcher:
    """The requests of one event loop that wait to be scored. writing: whether a commit is under way."""

    def __init__(self, writing: Callable[[], bool] = lambda: False) -> None:
        self._writing = writing
        self._waiting: list[QueuedRequest] = []
        self._scheduled: asyncio.Handle | None = None
        self._last_size = 1  # requests of the last pass

    async def predict(
        self, loaded: ModelAndStore, numbers: NDArray[np.int64], options: ScoreOptions
    ) -> list[PredictionRecord]:
        """One prediction for each row, at most AT_ONCE of them."""
        done: asyncio.Future[list[PredictionRecord]] = asyncio.get_running_loop().create_future()
        self._waiting.append(QueuedRequest(loaded, options, numbers, done))
        if len(self._waiting) == 1:
            self._schedule(WAIT_SECONDS if self._last_size > 1 or self._writing() else 0)
        elif len(self._waiting) == ENOUGH_REQUESTS:
            self._schedule(0)
        return await done

    def _schedule(self, seconds: float) -> None:
        """Schedule a pass, now or some seconds later, in a context of its own: it is for several requests."""
        if self._scheduled:
            self._scheduled.cancel()
        loop = asyncio.get_running_loop()
        self._scheduled = (
            loop.call_later(seconds, self._run, context=Context())
            if seconds
            else loop.call_soon(self._run, context=Context())
        )

    def _run(self) -> None:
        """One pass over the first requests; those that do not fit wait for the next turn of the loop."""
        batch, self._waiting = _split(self._waiting)
        self._scheduled, self._last_size = None, len(batch)
        if self._waiting:
            self._schedule(0)
        _answer(batch)


def predict_rows(loaded: ModelAndStore, numbers: NDArray[np.int64], options: ScoreOptions) -> list[PredictionRecord]:
    """One prediction for each row of the store."""
    return predict(loaded.model, loaded.store.rows(numbers), options, loaded.store.day, loaded.layout)


def _split(waiting: Sequence[QueuedRequest]) -> tuple[list[QueuedRequest], list[QueuedRequest]]:
    """The first request with those that share its pass, up to AT_ONCE rows; and the others."""
    batch: list[QueuedRequest] = []
    rest: list[QueuedRequest] = []
    free = AT_ONCE
    for request in waiting:
        fits = request.joins(waiting[0]) and len(request.numbers) <= free
        free -= len(request.numbers) if fits else 0
        (batch if fits else rest).append(request)
    return batch, rest


def _answer(batch: Sequence[QueuedRequest]) -> None:
    try:
        found = predict_rows(batch[0].loaded, np.concatenate([request.numbers for request in batch]), batch[0].options)
    except Exception as error:  # the fault of one request must not fail the others
        if len(batch) > 1:
            for request in batch:
                _answer([request])
        elif not batch[0].done.done():
            batch[0].done.set_exception(error)
        return
    answers = iter(found)
    for request in batch:
        own = [next(answers) for _ in request.numbers]
        if not request.done.done():  # its caller has gone away
            request.done.set_result(own)
