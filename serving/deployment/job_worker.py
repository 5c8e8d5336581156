"""`python -m serving.deployment.job_worker`: work on the batch jobs that wait, one after the other, then end.

A process of its own at low priority, started by the service when there is something to do. It may be killed at any
moment: blocks that were scored stay on the disk, and the next one goes on from there.
"""

import json
import os
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from core.errors import ForesellError
from core.file_lock import locked
from core.settings import Settings
from features.table import FeatureTable
from serving.database.connection import open_database
from serving.deployment import job_queue
from serving.deployment.background import BUSY
from serving.deployment.job_files import forget_old, lock, result
from serving.scoring.model_watcher import ModelAndStore, ModelWatcher
from serving.store.online_store import UNKNOWN

AT_ONCE = 2_000  # sellers in a block


def work(settings: Settings, engine: sa.Engine) -> None:
    """Every job that waits; results past their time go first."""
    forget_old(settings, engine)
    watcher = ModelWatcher(settings.home.resolve(), engine)
    while job := job_queue.take(engine):
        watcher.look()
        try:
            if watcher.loaded is None:
                raise ForesellError("A job needs a model and a store.", "none", "foresell doctor says what is missing")
            _run(settings.home.resolve(), engine, watcher.loaded, job)
        except ForesellError as error:
            job_queue.fail(engine, job.job_id, str(error))


def _run(home: Path, engine: sa.Engine, loaded: ModelAndStore, job: job_queue.Job) -> None:
    from models.batch.score_file import Scorer, write_scores

    request, out, serving_model = json.loads(job.request or "{}"), result(home, job.job_id), loaded.model
    numbers = _numbers(loaded, request)
    basis = {"version": serving_model.version, "digest": serving_model.bundle.digest, "as_of": loaded.store.day}
    job_queue.begin(engine, job.job_id, len(numbers), json.dumps(basis))

    def tell(blocks: int) -> None:
        job_queue.advance(engine, job.job_id, min(blocks * AT_ONCE, len(numbers)))

    scorer = Scorer(serving_model.bundle, serving_model.version, horizon=request["horizon_days"])
    write_scores(scorer, _blocks(loaded, numbers), out, tell)
    job_queue.finish(engine, job.job_id, _digest(out))


def _numbers(loaded: ModelAndStore, request: dict[str, Any]) -> NDArray[np.int64]:
    """Rows of the store to score: those of the sellers named, or every active seller's."""
    store = loaded.store
    if request["seller_ids"] is None:
        numbers = np.flatnonzero(store.values[:, store.names.index("active")] > 0)
    else:
        found = store.find(request["seller_ids"])
        numbers = found[found != UNKNOWN]
    if not len(numbers):
        raise ForesellError("A job needs a seller that is in the store.", "none", "check the ids")
    return numbers.astype(np.int64)


def _blocks(loaded: ModelAndStore, numbers: NDArray[np.int64]) -> Iterator[FeatureTable]:
    for start in range(0, len(numbers), AT_ONCE):
        yield loaded.store.rows(numbers[start : start + AT_ONCE]).table


def _digest(file: Path) -> str:
    found = sha256()
    with file.open("rb") as handle:
        while part := handle.read(1 << 20):
            found.update(part)
        os.fsync(handle.fileno())
    return f"sha256:{found.hexdigest()}"


def main() -> int:
    """0 when nothing waits any more, BUSY when another process is at it."""
    settings = Settings()
    os.nice(10)  # answers come first
    with locked(lock(settings.home.resolve()), wait=False) as mine:
        if not mine:
            return BUSY
        engine = open_database(settings)
        work(settings, engine)
        engine.dispose()
    return 0


if __name__ == "__main__":
    sys.exit(main())
