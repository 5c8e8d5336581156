"""From a checked request to an answer: find the rows, score them, log the predictions, and only then answer."""

import asyncio
from functools import partial

import numpy as np
from numpy.typing import NDArray

from features.settings import Settings
from serving import metrics
from serving.answers import Question, body, predict, unknown
from serving.history import rows_of
from serving.loaded import Following, Loaded
from serving.problems import refuse
from serving.records.database import open_database
from serving.records.predictions import Prediction, PredictionLog
from serving.schema import History, ScoreRequest
from serving.store import UNKNOWN

AT_ONCE = 32  # sellers scored on the event loop; more are scored in pieces beside it


class Scoring:
    """The model, store and log of one serving process."""

    def __init__(self, settings: Settings) -> None:
        home = settings.home.resolve()
        self.log = PredictionLog(open_database(settings))
        self.following = Following(home, self.log)

    @property
    def ready(self) -> bool:
        """Whether there is a model and a store that it can score."""
        return self.following.loaded is not None

    async def answer(self, request: ScoreRequest) -> bytes:
        """The body of the answer; Refused with the problem that stands for it."""
        loaded, history = self.following.loaded, request.history
        if loaded is None:
            raise refuse("not-ready")
        results = await (self._new(loaded, history, request) if history else self._known(loaded, request))
        return body(loaded.held, loaded.store.day, results)

    async def _known(self, loaded: Loaded, request: ScoreRequest) -> list[bytes]:
        seller_ids = request.seller_ids or []
        numbers = loaded.store.find(seller_ids)
        answered = iter(await self._logged(await _predict(loaded, numbers[numbers != UNKNOWN], request)))
        return [unknown(s) if n == UNKNOWN else next(answered) for s, n in zip(seller_ids, numbers, strict=True)]

    async def _new(self, loaded: Loaded, history: History, request: ScoreRequest) -> list[bytes]:
        return await self._logged(await asyncio.to_thread(_predict_new, loaded, history, request))

    async def _logged(self, predictions: list[Prediction]) -> list[bytes]:
        """The answers, once they are in the log."""
        if predictions:
            await self.log.append(predictions)
        metrics.count_predictions(len(predictions))
        return [p.answer for p in predictions]


async def _predict(loaded: Loaded, numbers: NDArray[np.int64], request: ScoreRequest) -> list[Prediction]:
    work = partial(_predict_rows, loaded, request=request)
    if len(numbers) <= AT_ONCE:
        return work(numbers)
    pieces = np.split(numbers, range(AT_ONCE, len(numbers), AT_ONCE))
    return [p for piece in pieces for p in await asyncio.to_thread(work, piece)]


def _predict_rows(loaded: Loaded, numbers: NDArray[np.int64], request: ScoreRequest) -> list[Prediction]:
    if not len(numbers):
        return []
    rows = loaded.store.rows(numbers)
    return predict(loaded.held, rows, _question(request), loaded.store.day, loaded.layout)


def _predict_new(loaded: Loaded, history: History, request: ScoreRequest) -> list[Prediction]:
    rows = rows_of(history, request.seller or {}, loaded.store, loaded.held.bundle)
    return predict(loaded.held, rows, _question(request), loaded.store.day, loaded.layout)


def _question(request: ScoreRequest) -> Question:
    return Question(request.horizon_days, request.explain)
