"""Handlers of /v1/jobs."""

import json
from base64 import b64encode
from typing import Any, cast
from uuid import uuid4

import sqlalchemy as sa
from pydantic_core import to_json
from starlette.responses import FileResponse, Response

from serving.api.idempotency import PendingAnswer, once
from serving.api.routing import Call
from serving.api.schema.records import JobRequest
from serving.deployment import job_files, job_queue
from serving.deployment.job_queue import RETRY_SECONDS, Job
from serving.problems import Problem, ProblemError, refuse

PARQUET = "application/octet-stream"  # client generators know no type of Parquet's own


async def submit(call: Call) -> Response:
    """Queue a job; its state is durable when this answers."""
    request, job_id = cast(JobRequest, call.body), str(uuid4())

    async def make(request_id: str) -> PendingAnswer:
        def queue(con: sa.Connection) -> None:
            job_queue.submit(con, job_id, call.caller, request_id, request.model_dump_json())

        return PendingAnswer(to_json({"job_id": job_id, "state": "queued"}), also=queue)

    return await once(call, call.state.scoring.commits, make)


async def show(call: Call) -> Response:
    """How far a job is."""
    return Response(to_json(_shown(await _find(call))), media_type="application/json")


async def result(call: Call) -> Response:
    """The result of a job, once it is done."""
    job = await _find(call)
    path = job_files.result(call.state.settings.home.resolve(), job.job_id)
    if job.state in job_queue.OPEN:
        raise ProblemError(Problem("job-open", f"It is {job.state}."), {"Retry-After": str(RETRY_SECONDS)})
    if job.state == "failed":
        raise refuse("job-failed", job.problem or "")
    if job.state == "expired" or not path.exists():
        raise refuse("job-expired", "Submit it again.")
    return FileResponse(path, media_type=PARQUET, headers=_digest(job), filename=path.name)


async def _find(call: Call) -> Job:
    return await call.state.scoring.commits.read(lambda con: job_queue.find(con, call.path["job_id"]))


def _digest(job: Job) -> dict[str, str]:
    """RFC 9530."""
    raw = bytes.fromhex((job.digest or "").removeprefix("sha256:"))
    return {"Repr-Digest": f"sha-256=:{b64encode(raw).decode()}:"}


def _shown(job: Job) -> dict[str, Any]:
    shown = ("job_id", "submitted_at", "state", "sellers", "scored", "problem", "finished_at", "digest")
    return {name: getattr(job, name) for name in shown} | {"basis": json.loads(job.basis) if job.basis else None}
