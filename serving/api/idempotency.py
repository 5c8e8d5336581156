"""Idempotency-Key on requests that record something, as Stripe means it.

The same key and request again: the bytes of the first answer. The same key and another request: 422. Two at once: one
is recorded, and both get its answer. Keys are each caller's own and are kept for FORESELL_IDEMPOTENCY_HOURS. Only what
was recorded is kept: a request that was refused, or that the database did not take, may be sent again.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import sqlalchemy as sa
from starlette.responses import Response

from serving.api.routing import Call
from serving.audit_log.group_commit import GroupCommit, Rows, UnitOfWork
from serving.audit_log.idempotency_keys import IdempotencyRecord, StoredAnswer, find
from serving.database.clock import written
from serving.problems import refuse

HEADER = "Idempotency-Key"
REPLAYED = {"Idempotent-Replayed": "true"}
KEY = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass(frozen=True)
class PendingAnswer:
    """An answer, and what must be durable before it is given; `also` works in the same transaction."""

    body: bytes
    rows: Rows = field(default_factory=dict)
    also: Callable[[sa.Connection], None] | None = None


MakeAnswer = Callable[[str], Awaitable[PendingAnswer]]  # of the id that its records shall carry


async def once(call: Call, commits: GroupCommit, make: MakeAnswer) -> Response:
    """Answer a call that records something, once for each Idempotency-Key."""
    key, request_id = _key(call), str(uuid4())
    if key is None:
        made = await make(request_id)
        if made.rows or made.also:
            await commits.keep(UnitOfWork(made.rows, made.also))
        return Response(made.body, media_type="application/json")
    fingerprint = hashlib.sha256(f"{call.route.method} {call.route.path}\n".encode() + call.raw).digest()
    if before := await commits.read(lambda con: find(con, call.caller, key)):
        return _again(before, fingerprint)
    made = await make(request_id)
    record = IdempotencyRecord(call.caller, key, fingerprint, request_id, _expiry(call), made.body)
    if before := await commits.keep(UnitOfWork(made.rows, made.also, record)):
        return _again(before, fingerprint)
    return Response(made.body, media_type="application/json")


def _key(call: Call) -> str | None:
    given = call.headers.getlist(HEADER)
    if not given:
        return None
    if len(given) > 1 or not KEY.fullmatch(given[0]):
        errors = [{"pointer": f"/{HEADER}", "detail": f"Send it once; it must match {KEY.pattern}."}]
        raise refuse(
            "invalid-request", f"{HEADER} must be one value of 1 to 255 visible ASCII characters.", errors=errors
        )
    return given[0]


def _expiry(call: Call) -> str:
    return written(datetime.now(UTC) + timedelta(hours=call.state.settings.idempotency_hours))


def _again(before: StoredAnswer, fingerprint: bytes) -> Response:
    if before.fingerprint != fingerprint:
        raise refuse("idempotency-mismatch", "Use a new key for a new request.")
    if before.body is None:
        raise refuse("erased", "A record in the answer has been erased.")
    return Response(before.body, media_type="application/json", headers=REPLAYED)
