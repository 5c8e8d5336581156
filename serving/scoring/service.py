"""From the sellers of a request to the bytes of its answer: find the rows, score them, say what is to be logged."""

import asyncio
from collections.abc import Sequence
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from core.settings import Settings
from serving import metrics
from serving.audit_log.group_commit import GroupCommit
from serving.audit_log.predictions import PredictionRecord
from serving.database.connection import open_database
from serving.problems import refuse
from serving.scoring.ad_hoc import TableRow, Tables, rows_of
from serving.scoring.answers import ScoreOptions, body, predict, unknown
from serving.scoring.micro_batching import AT_ONCE, MicroBatcher, predict_rows
from serving.scoring.model_watcher import ModelAndStore, ModelWatcher
from serving.store.online_store import UNKNOWN

PIECE = 50  # sellers of a large request that are scored in one go, off the event loop
REST = 0.25  # of a piece's time: a pause that leaves the processor to small requests


class ScoringService:
    """The model, store and log of one serving process."""

    def __init__(self, settings: Settings) -> None:
        self.commits = GroupCommit(open_database(settings))
        self.watcher = ModelWatcher(settings.home.resolve(), self.commits.engine)
        self.batcher = MicroBatcher(lambda: self.commits.writing)

    @property
    def ready(self) -> bool:
        """Whether there is a model and a store that it can score."""
        return self.watcher.loaded is not None

    async def score_known(
        self, seller_ids: Sequence[str], horizon: int, explain: bool
    ) -> tuple[bytes, list[PredictionRecord]]:
        """The answer's bytes with a result for each seller asked for, and the predictions of those the store knows."""
        loaded, options = self._loaded(), ScoreOptions(horizon, explain)
        numbers = loaded.store.find(seller_ids)
        predictions = await self._predict(loaded, numbers[numbers != UNKNOWN], options)
        answered = iter(predictions)
        pairs = zip(seller_ids, numbers, strict=True)
        results = [unknown(s) if n == UNKNOWN else next(answered).answer for s, n in pairs]
        return _counted(loaded, predictions, results)

    async def score_history(
        self, tables: Tables, seller: TableRow, horizon: int, explain: bool
    ) -> tuple[bytes, list[PredictionRecord]]:
        """The same of one seller by its history; ProblemError says what is wrong with the history."""
        loaded, options = self._loaded(), ScoreOptions(horizon, explain)
        predictions = await asyncio.to_thread(_predict_history, loaded, tables, seller, options)
        return _counted(loaded, predictions, [p.answer for p in predictions])

    def _loaded(self) -> ModelAndStore:
        if self.watcher.loaded is None:
            raise refuse("not-ready")
        return self.watcher.loaded

    async def _predict(
        self, loaded: ModelAndStore, numbers: NDArray[np.int64], options: ScoreOptions
    ) -> list[PredictionRecord]:
        if not len(numbers):
            return []
        if len(numbers) <= AT_ONCE:
            return await self.batcher.predict(loaded, numbers, options)
        return await _in_pieces(loaded, numbers, options)


async def _in_pieces(
    loaded: ModelAndStore, numbers: NDArray[np.int64], options: ScoreOptions
) -> list[PredictionRecord]:
    """Many sellers, off the event loop, so that small requests are answered in between."""
    found: list[PredictionRecord] = []
    for piece in np.split(numbers, range(PIECE, len(numbers), PIECE)):
        started = perf_counter()
        found += await asyncio.to_thread(predict_rows, loaded, piece, options)
        await asyncio.sleep(REST * (perf_counter() - started))
    return found


def _predict_history(
    loaded: ModelAndStore, tables: Tables, seller: TableRow, options: ScoreOptions
) -> list[PredictionRecord]:
    rows = rows_of(tables, seller, loaded.store, loaded.model.bundle)
    return predict(loaded.model, rows, options, loaded.store.day, loaded.layout)


def _counted(
    loaded: ModelAndStore, predictions: list[PredictionRecord], results: Sequence[bytes]
) -> tuple[bytes, list[PredictionRecord]]:
    metrics.count_predictions(len(predictions))
    return body(loaded.model, loaded.store.day, results), predictions
