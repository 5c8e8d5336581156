"""Handlers of /v1/jobs, and what starts the process that works on them."""

import asyncio
import json
from base64 import b64encode
from typing import Any, cast
from uuid import uuid4

import sqlalchemy as sa
from pydantic_core import to_json
from starlette.responses import FileResponse, Response

from features.settings import Settings
from models.lock import locked
from serving import job_files
from serving.idempotency import Made, once
from serving.problems import Problem, Refused, refuse
from serving.records import jobs
from serving.records.commits import Commits
from serving.records.jobs import RETRY_SECONDS, Job
from serving.routes import Call
from serving.schema_records import JobRequest
from serving.watch import run_module

PARQUET = "application/octet-stream"  # client generators know no type of Parquet's own
LOOK_SECONDS = 1.0
DAY = 86_400.0  # what a run of jobs may take; it goes on where it stopped


async def submit(call: Call) -> Response:
    """Queue a job; its state is durable when this answers."""
    request, job_id = cast(JobRequest, call.body), str(uuid4())

    async def make(request_id: str) -> Made:
        def queue(con: sa.Connection) -> None:
            jobs.submit(con, job_id, call.caller, request_id, request.model_dump_json())

        return Made(to_json({"job_id": job_id, "state": "queued"}), also=queue)

    return await once(call, call.running.scoring.commits, make)


async def show(call: Call) -> Response:
    """How far a job is."""
    return Response(to_json(_shown(await _find(call))), media_type="application/json")


async def result(call: Call) -> Response:
    """The result of a job, once it is done."""
    job = await _find(call)
    path = job_files.result(call.running.settings.home.resolve(), job.job_id)
    if job.state in jobs.OPEN:
        raise Refused(Problem("job-open", f"It is {job.state}."), {"Retry-After": str(RETRY_SECONDS)})
    if job.state == "failed":
        raise refuse("job-failed", job.problem or "")
    if job.state == "expired" or not path.exists():
        raise refuse("job-expired", "Submit it again.")
    return FileResponse(path, media_type=PARQUET, headers=_digest(job), filename=path.name)


async def work_on_jobs(settings: Settings, commits: Commits) -> None:
    """Start the process that works on jobs whenever one waits and nobody is at it."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        if await _there_is_work(settings, commits):
            await run_module("serving.job_run", settings, DAY)


async def _there_is_work(settings: Settings, commits: Commits) -> bool:
    try:
        if not await commits.read(jobs.waiting):
            return False
    except Refused:  # the database is away; it is asked again
        return False
    with locked(job_files.lock(settings.home.resolve()), wait=False) as free:
        return free


async def _find(call: Call) -> Job:
    return await call.running.scoring.commits.read(lambda con: jobs.find(con, call.path["job_id"]))


def _digest(job: Job) -> dict[str, str]:
    """RFC 9530."""
    raw = bytes.fromhex((job.digest or "").removeprefix("sha256:"))
    return {"Repr-Digest": f"sha-256=:{b64encode(raw).decode()}:"}


def _shown(job: Job) -> dict[str, Any]:
    shown = ("job_id", "submitted_at", "state", "sellers", "scored", "problem", "finished_at", "digest")
    return {name: getattr(job, name) for name in shown} | {"basis": json.loads(job.basis) if job.basis else None}
