"""Scores what several requests ask at the same time in one pass: half of what a pass over a few rows costs is the same.

Nobody waits for company who is likely to be alone: a pass begins as soon as the loop has read what has come, with those
that are there. A pass may wait for a moment where company is likely, since the last one had some, or where it costs
nothing, since a commit is under way whose end would have to be waited for before what is scored now is written.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextvars import Context
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serving.answers import Question, predict
from serving.loaded import Loaded
from serving.records.predictions import Prediction

AT_ONCE = 32  # sellers scored on the event loop in one go
COMPANY = 8  # requests that are company enough: of more, each costs little less
COMPANY_SECONDS = 0.001


@dataclass(frozen=True)
class Asked:
    """Rows of a store that one request asks for."""

    loaded: Loaded
    question: Question
    numbers: NDArray[np.int64]
    done: "asyncio.Future[list[Prediction]]"

    def joins(self, other: "Asked") -> bool:
        """Whether both can be scored in one pass."""
        return self.loaded is other.loaded and self.question == other.question


class Gathered:
    """The requests of one event loop that wait to be scored. writing: whether a commit is under way."""

    def __init__(self, writing: Callable[[], bool] = lambda: False) -> None:
        self._writing = writing
        self._waiting: list[Asked] = []
        self._begun: asyncio.Handle | None = None
        self._together = 1  # requests of the last pass

    async def predict(self, loaded: Loaded, numbers: NDArray[np.int64], question: Question) -> list[Prediction]:
        """One prediction for each row, at most AT_ONCE of them."""
        done: asyncio.Future[list[Prediction]] = asyncio.get_running_loop().create_future()
        self._waiting.append(Asked(loaded, question, numbers, done))
        if len(self._waiting) == 1:
            self._begin(COMPANY_SECONDS if self._together > 1 or self._writing() else 0)
        elif len(self._waiting) == COMPANY:
            self._begin(0)
        return await done

    def _begin(self, seconds: float) -> None:
        """Begin a pass, soon or so much later; the context is no request's own, for it is for several."""
        if self._begun:
            self._begun.cancel()
        loop = asyncio.get_running_loop()
        self._begun = (
            loop.call_later(seconds, self._work, context=Context())
            if seconds
            else loop.call_soon(self._work, context=Context())
        )

    def _work(self) -> None:
        """One pass; the loop turns before the next."""
        mine, self._waiting = _fitting(self._waiting)
        self._begun, self._together = None, len(mine)
        if self._waiting:
            self._begin(0)
        _settle(mine)


def predict_rows(loaded: Loaded, numbers: NDArray[np.int64], question: Question) -> list[Prediction]:
    """One prediction for each row of the store."""
    return predict(loaded.held, loaded.store.rows(numbers), question, loaded.store.day, loaded.layout)


def _fitting(waiting: Sequence[Asked]) -> tuple[list[Asked], list[Asked]]:
    """The first and those that join it, up to AT_ONCE rows; and the others."""
    mine: list[Asked] = []
    rest: list[Asked] = []
    room = AT_ONCE
    for asked in waiting:
        fits = asked.joins(waiting[0]) and len(asked.numbers) <= room
        room -= len(asked.numbers) if fits else 0
        (mine if fits else rest).append(asked)
    return mine, rest


def _settle(mine: Sequence[Asked]) -> None:
    try:
        found = predict_rows(mine[0].loaded, np.concatenate([asked.numbers for asked in mine]), mine[0].question)
    except Exception as error:  # one request's own; the others shall not suffer for it
        if len(mine) > 1:
            for asked in mine:
                _settle([asked])
        elif not mine[0].done.done():
            mine[0].done.set_exception(error)
        return
    answers = iter(found)
    for asked in mine:
        own = [next(answers) for _ in asked.numbers]
        if not asked.done.done():  # its request has gone away
            asked.done.set_result(own)
