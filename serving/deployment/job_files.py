"""The results of batch jobs on the disk: where they lie, and when they go."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from core.settings import Settings
from serving.database.clock import written
from serving.database.connection import reading
from serving.deployment import job_queue


def result(home: Path, job_id: str) -> Path:
    """Where the result of a job lies."""
    return home / "serving" / "jobs" / f"{job_id}.parquet"


def lock(home: Path) -> Path:
    """What whoever works on jobs holds."""
    return home / "serving" / "jobs.lock"


def forget_old(settings: Settings, engine: sa.Engine) -> None:
    """Remove the results that were kept as long as results are."""
    before = written(datetime.now(UTC) - timedelta(days=settings.job_days))
    with reading(engine) as con:
        old = job_queue.finished(con, before)
    for job_id in old:
        remove(settings.home.resolve(), engine, job_id)


def forget_seller(settings: Settings, engine: sa.Engine, seller_id: str) -> int:
    """Remove the results that name a seller; how many."""
    home = settings.home.resolve()
    with reading(engine) as con:
        done = job_queue.finished(con)
    named = [job_id for job_id in done if result(home, job_id).exists() and _names(result(home, job_id), seller_id)]
    for job_id in named:
        remove(home, engine, job_id)
    return len(named)


def remove(home: Path, engine: sa.Engine, job_id: str) -> None:
    """Remove one result."""
    job_queue.expire(engine, job_id)
    result(home, job_id).unlink(missing_ok=True)


def _names(file: Path, seller_id: str) -> bool:
    import pyarrow.parquet as pq

    found = pq.ParquetFile(file)
    groups = (found.read_row_group(i, columns=["seller_id"]) for i in range(found.num_row_groups))
    return any(seller_id in group["seller_id"].to_pylist() for group in groups)
