"""From a checked request to an answer: find the rows, score them, log the predictions, and only then answer."""

import asyncio
from functools import partial
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from starlette.responses import Response

from features.settings import Settings
from serving import metrics
from serving.answers import Question, body, predict, unknown
from serving.gathered import AT_ONCE, Gathered, predict_rows
from serving.history import rows_of
from serving.idempotency import Made, once
from serving.loaded import Following, Loaded
from serving.problems import refuse
from serving.records.commits import Commits
from serving.records.database import open_database
from serving.records.predictions import Prediction, rows
from serving.routes import Call
from serving.schema import History, ScoreRequest
from serving.store import UNKNOWN

PIECE = 50  # sellers of a large request that are scored in one go beside the event loop
REST = 0.25  # of a piece's time, in which the small requests beside it have the processor to themselves


class Scoring:
    """The model, store and log of one serving process."""

    def __init__(self, settings: Settings) -> None:
        self.commits = Commits(open_database(settings))
        self.following = Following(settings.home.resolve(), self.commits.engine)
        self.gathered = Gathered(lambda: self.commits.writing)

    @property
    def ready(self) -> bool:
        """Whether there is a model and a store that it can score."""
        return self.following.loaded is not None

    async def answer(self, call: Call, request: ScoreRequest) -> Response:
        """The answer, once its predictions are durable; Refused with the problem that stands for it."""
        return await once(call, self.commits, partial(self._make, request))

    async def _make(self, request: ScoreRequest, request_id: str) -> Made:
        loaded, history = self.following.loaded, request.history
        if loaded is None:
            raise refuse("not-ready")
        if history:
            predictions = await asyncio.to_thread(_predict_new, loaded, history, request)
            results = [p.answer for p in predictions]
        else:
            predictions, results = await self._known(loaded, request)
        metrics.count_predictions(len(predictions))
        return Made(body(loaded.held, loaded.store.day, results), rows(predictions, request_id))

    async def _known(self, loaded: Loaded, request: ScoreRequest) -> tuple[list[Prediction], list[bytes]]:
        """Predictions of those that the store knows, and a result for each that was asked for."""
        seller_ids = request.seller_ids or []
        numbers = loaded.store.find(seller_ids)
        predictions = await self._predict(loaded, numbers[numbers != UNKNOWN], _question(request))
        answered = iter(predictions)
        pairs = zip(seller_ids, numbers, strict=True)
        return predictions, [unknown(s) if n == UNKNOWN else next(answered).answer for s, n in pairs]

    async def _predict(self, loaded: Loaded, numbers: NDArray[np.int64], question: Question) -> list[Prediction]:
        if not len(numbers):
            return []
        if len(numbers) <= AT_ONCE:
            return await self.gathered.predict(loaded, numbers, question)
        return await _in_pieces(loaded, numbers, question)


async def _in_pieces(loaded: Loaded, numbers: NDArray[np.int64], question: Question) -> list[Prediction]:
    """Many sellers, beside the event loop."""
    found: list[Prediction] = []
    for piece in np.split(numbers, range(PIECE, len(numbers), PIECE)):
        started = perf_counter()
        found += await asyncio.to_thread(predict_rows, loaded, piece, question)
        await asyncio.sleep(REST * (perf_counter() - started))
    return found


def _predict_new(loaded: Loaded, history: History, request: ScoreRequest) -> list[Prediction]:
    found = rows_of(history, request.seller or {}, loaded.store, loaded.held.bundle)
    return predict(loaded.held, found, _question(request), loaded.store.day, loaded.layout)


def _question(request: ScoreRequest) -> Question:
    return Question(request.horizon_days, request.explain)
