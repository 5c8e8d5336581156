"""Handlers of /v1/decisions: a prediction read back, and scored again."""

import asyncio
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from pydantic_core import to_json
from starlette.responses import Response

from serving.api.routing import Call
from serving.audit_log import outcomes, predictions
from serving.audit_log.predictions import LoggedPrediction

MOST_OUTCOMES = 100


async def show(call: Call) -> Response:
    """The prediction, its result in the bytes that were answered."""
    decision_id = call.path["decision_id"]

    def read(con: sa.Connection) -> tuple[LoggedPrediction, Sequence[Any]]:
        return predictions.find(con, decision_id), outcomes.listed(con, {"decision_id": decision_id}, MOST_OUTCOMES)

    logged, known = await call.state.scoring.commits.read(read)
    plain = {"logged_at": logged.logged_at, "as_of": logged.as_of, "horizon_days": logged.horizon_days}
    head = to_json({"decision_id": decision_id, **plain, "model": _model(logged), "outcomes": known})
    return Response(head[:-1] + b',"result":' + logged.answer + b"}", media_type="application/json")


async def replay(call: Call) -> Response:
    """The same model on the same inputs, off the event loop."""
    from serving.scoring.replay import replay  # brings LightGBM, which BentoML's parent process has no use for

    decision_id = call.path["decision_id"]
    logged = await call.state.scoring.commits.read(lambda con: predictions.find(con, decision_id))
    again = await asyncio.to_thread(replay, call.state.settings.home.resolve(), logged)
    body = {"decision_id": decision_id, "model": _model(logged), "identical": not again["differences"], **again}
    return Response(to_json(body), media_type="application/json")


def _model(logged: LoggedPrediction) -> dict[str, str]:
    return {"version": logged.model_version, "digest": logged.model_digest}
