"""The queue of batch jobs: at most MOST_OPEN wait or run, one at a time is worked on.

Whoever works holds a lock, so a job that is `running` while nobody holds it was interrupted. It is taken up again,
until that has happened ATTEMPTS times without a step forward.
"""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from serving.database.clock import now
from serving.database.connection import writing
from serving.database.tables.service import JOBS
from serving.problems import Problem, ProblemError, refuse

MOST_OPEN = 20
ATTEMPTS = 3
RETRY_SECONDS = 30
OPEN = ("queued", "running")


@dataclass(frozen=True)
class Job:
    """One job, as far as it is."""

    job_id: str
    submitted_at: str
    state: str
    request: str | None
    sellers: int | None
    scored: int
    attempts: int
    basis: str | None
    problem: str | None
    finished_at: str | None
    digest: str | None


def submit(con: sa.Connection, job_id: str, scope: str, request_id: str, request: str) -> None:
    """Queue a job; ProblemError when as many as may be are open."""
    if _open(con) >= MOST_OPEN:
        raise ProblemError(Problem("too-many-jobs", f"{MOST_OPEN} are open."), {"Retry-After": str(RETRY_SECONDS)})
    row = {"job_id": job_id, "scope": scope, "request_id": request_id, "submitted_at": now(), "request": request}
    con.execute(sa.insert(JOBS), row | {"state": "queued", "scored": 0, "attempts": 0})


def find(con: sa.Connection, job_id: str) -> Job:
    """The job; ProblemError when there is none."""
    row = con.execute(_jobs().where(JOBS.c.job_id == job_id)).mappings().one_or_none()
    if row is None:
        raise refuse("unknown-job", "Use the job_id from the answer that accepted the job.")
    return Job(**row)


def waiting(con: sa.Connection) -> bool:
    """Whether there is anything to work on."""
    return _open(con) > 0


def take(engine: sa.Engine) -> Job | None:
    """The next job to work on: one that was interrupted, else the oldest that waits. The caller holds the lock."""
    with writing(engine) as con:
        order = (JOBS.c.state != "running", JOBS.c.submitted_at, JOBS.c.job_id)
        row = con.execute(_jobs().where(JOBS.c.state.in_(OPEN)).order_by(*order).limit(1)).mappings().first()
        if row is None:
            return None
        job = Job(**row)
        if job.attempts >= ATTEMPTS:
            _end(con, job.job_id, "failed", problem=f"Its process ended {ATTEMPTS} times at the same place.")
        else:
            _set(con, job.job_id, state="running", attempts=job.attempts + 1)
    return job if job.attempts < ATTEMPTS else take(engine)


def begin(engine: sa.Engine, job_id: str, sellers: int, basis: str) -> None:
    """The work begins: how many sellers there are to score, and with what."""
    with writing(engine) as con:
        _set(con, job_id, sellers=sellers, basis=basis)


def advance(engine: sa.Engine, job_id: str, scored: int) -> None:
    """So many sellers are scored; if that is more than ever before, it is a step forward."""
    further = sa.update(JOBS).where(JOBS.c.job_id == job_id, JOBS.c.scored < scored)
    with writing(engine) as con:
        con.execute(further.values(scored=scored, attempts=1))


def finish(engine: sa.Engine, job_id: str, digest: str) -> None:
    """The result is there."""
    with writing(engine) as con:
        _end(con, job_id, "done", digest=digest)


def fail(engine: sa.Engine, job_id: str, problem: str) -> None:
    """There will be no result."""
    with writing(engine) as con:
        _end(con, job_id, "failed", problem=problem)


def finished(con: sa.Connection, before: str | None = None) -> list[str]:
    """Jobs with a result, those that ended before a time."""
    wanted = sa.select(JOBS.c.job_id).where(JOBS.c.state == "done")
    return list(con.execute(wanted if before is None else wanted.where(JOBS.c.finished_at < before)).scalars())


def expire(engine: sa.Engine, job_id: str) -> None:
    """The result is no longer there."""
    with writing(engine) as con:
        _set(con, job_id, state="expired")


def _jobs() -> sa.Select[Any]:
    return sa.select(*(JOBS.c[name] for name in Job.__dataclass_fields__))


def _open(con: sa.Connection) -> int:
    return con.scalar(sa.select(sa.func.count()).select_from(JOBS).where(JOBS.c.state.in_(OPEN))) or 0


def _end(con: sa.Connection, job_id: str, state: str, **values: str) -> None:
    _set(con, job_id, state=state, finished_at=now(), request=None, **values)


def _set(con: sa.Connection, job_id: str, **values: Any) -> None:
    con.execute(sa.update(JOBS).where(JOBS.c.job_id == job_id).values(values))
