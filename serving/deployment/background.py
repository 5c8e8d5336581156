"""What a serving process does beside answering: it follows what changes, and starts other processes for the rest.

The processes bring the registry's champion, compare its challenger and work on batch jobs. Every worker repeats these
steps; a lock lets one of them at a time do the work.
"""

import asyncio
import logging
import os
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from core.file_lock import locked
from core.settings import Settings
from serving.audit_log.group_commit import GroupCommit
from serving.audit_log.idempotency_keys import forget_expired
from serving.database.connection import writing
from serving.deployment import job_files, job_queue
from serving.problems import ProblemError
from serving.store.bundles import challenger_pointer

LOGGER = logging.getLogger("foresell")
LOOK_SECONDS = 1.0
SHADOW_SECONDS = 60.0
JOB_SECONDS = 1.0  # between two looks for a job that waits
TIDY_SECONDS = 3600.0
REFRESH_TIMEOUT = 300.0  # longer than a trial of a bundle
JOBS_TIMEOUT = 86_400.0  # what a run of jobs may take; the next run resumes it
BUSY = 3  # another worker's process is at it
ROOT = Path(__file__).parents[2]


@dataclass
class RegistryFreshness:
    """When this process last knew the registry's champion: it was asked, or had not changed."""

    limit: float
    asked_at: float = field(default_factory=time.time)  # a start counts: the registry is asked within seconds of it

    def asked(self) -> None:
        """The registry answered just now."""
        self.asked_at = time.time()

    @property
    def stale(self) -> bool:
        """Whether that is longer ago than it may be."""
        return time.time() - self.asked_at > self.limit


async def follow(look: Callable[[], None], seconds: float = LOOK_SECONDS) -> None:
    """Call `look` every so many seconds, for ever, off the event loop."""
    while True:
        await look_once(look)
        await asyncio.sleep(seconds)


async def look_once(look: Callable[[], None]) -> None:
    """Call `look` once, off the event loop; a failure is logged and changes nothing."""
    try:
        await asyncio.to_thread(look)
    except Exception:  # the next call may succeed
        LOGGER.exception("A look at what has changed failed")


async def ask_registry(settings: Settings, freshness: RegistryFreshness) -> None:
    """Start the refresh process at intervals; one that hangs is killed."""
    asked_at: int | None = 0
    while True:
        changed_at = _changed_at(settings)
        if changed_at is not None and changed_at == asked_at:
            freshness.asked()
        elif await run_module("serving.deployment.refresh", settings):
            freshness.asked()
            asked_at = changed_at
        else:
            asked_at = None
        await asyncio.sleep(settings.refresh_seconds)


async def compare_challenger(settings: Settings) -> None:
    """Start the shadow process at intervals, while there is a challenger."""
    while True:
        await asyncio.sleep(SHADOW_SECONDS)
        if challenger_pointer(settings.home).exists():
            await run_module("serving.deployment.shadow", settings)


async def work_on_jobs(settings: Settings, commits: GroupCommit) -> None:
    """Start the job worker whenever a job waits and no worker runs."""
    while True:
        await asyncio.sleep(JOB_SECONDS)
        if await _job_waits(settings, commits):
            await run_module("serving.deployment.job_worker", settings, JOBS_TIMEOUT)


def tidy(settings: Settings, engine: sa.Engine) -> None:
    """Remove expired answers of Idempotency-Keys and results of jobs past their time."""
    with writing(engine) as con:
        forget_expired(con)
    job_files.forget_old(settings, engine)


async def run_module(module: str, settings: Settings, seconds: float = REFRESH_TIMEOUT) -> bool:
    """Run a module of ours as a process; whether it ended well in its time."""
    path = os.pathsep.join(p for p in (str(ROOT), os.environ.get("PYTHONPATH")) if p)
    environment = {**os.environ, "FORESELL_HOME": str(settings.home.resolve()), "PYTHONPATH": path}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE, env=environment
    )
    try:
        async with asyncio.timeout(seconds):
            _, said = await process.communicate()
    except (TimeoutError, asyncio.CancelledError) as error:
        await _end(process)
        if isinstance(error, asyncio.CancelledError):
            raise
        LOGGER.warning("%s did not end in %g seconds; the loaded model stays in use", module, seconds)
        return False
    if process.returncode not in (0, BUSY):
        LOGGER.warning("%s did not end well: %s", module, said.decode(errors="replace").strip()[-500:])
    return process.returncode == 0


async def _end(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()


def _changed_at(settings: Settings) -> int | None:
    """When the registry under home last changed (0: there is none), because asking takes seconds; None: not known."""
    if settings.tracking_uri:
        return None
    with suppress(OSError):
        return (settings.home / "mlflow.db").stat().st_mtime_ns
    return 0


async def _job_waits(settings: Settings, commits: GroupCommit) -> bool:
    try:
        if not await commits.read(job_queue.waiting):
            return False
    except ProblemError:  # the database does not answer; the next round asks again
        return False
    with locked(job_files.lock(settings.home.resolve()), wait=False) as free:
        return free
