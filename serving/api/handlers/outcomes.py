"""Handlers of /v1/outcomes."""

from functools import partial
from typing import cast

from pydantic_core import to_json
from starlette.responses import Response

from serving.api.idempotency import PendingAnswer, once
from serving.api.routing import Call
from serving.api.schema.records import OutcomesQuery, OutcomesRequest
from serving.audit_log import outcomes


async def keep(call: Call) -> Response:
    """Record outcomes."""
    request = cast(OutcomesRequest, call.body)
    rows = [_row(outcome.model_dump(mode="json")) for outcome in request.outcomes]

    async def make(request_id: str) -> PendingAnswer:
        also = partial(outcomes.keep, given=rows, request_id=request_id)
        return PendingAnswer(to_json({"recorded": len(rows)}), also=also)

    return await once(call, call.state.scoring.commits, make)


async def list_(call: Call) -> Response:
    """One page of outcomes."""
    query = cast(OutcomesQuery, call.query)
    wanted = {"seller_id": query.seller_id, "decision_id": query.decision_id}
    read = partial(outcomes.listed, wanted=wanted, limit=query.limit + 1, after=query.after)
    found = await call.state.scoring.commits.read(read)
    page, more = found[: query.limit], len(found) > query.limit
    body = {"outcomes": page, "next_after": page[-1]["outcome_id"] if more else None}
    return Response(to_json(body), media_type="application/json")


def _row(given: dict[str, object]) -> dict[str, object]:
    """As the database keeps it."""
    return given | {"in_breach": int(bool(given["in_breach"]))}
