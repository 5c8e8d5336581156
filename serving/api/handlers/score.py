"""Handlers of /v1/score and /v1/explain, for sellers that the store knows, or one by its history."""

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from starlette.responses import Response

from serving.api.idempotency import PendingAnswer, once
from serving.api.routing import Call
from serving.api.schema.model import ExplainRequest
from serving.api.schema.score import ScoreRequest
from serving.audit_log.predictions import prediction_rows
from serving.problems import refuse

if TYPE_CHECKING:  # brings LightGBM, which BentoML's parent process has no use for
    from serving.scoring.model_watcher import ModelAndStore


async def score(call: Call) -> Response:
    """The answer, once its predictions are durable."""
    if not isinstance(call.body, ScoreRequest):
        raise refuse("invalid-request")
    return await once(call, call.state.scoring.commits, partial(_pending_scores, call, call.body))


async def _pending_scores(call: Call, request: ScoreRequest, request_id: str) -> PendingAnswer:
    scoring, options = call.state.scoring, (request.horizon_days, request.explain)
    if request.history:
        tables, seller = request.history.tables(), request.seller or {}
        body, predictions = await scoring.score_history(tables, seller, *options)
    else:
        body, predictions = await scoring.score_known(request.seller_ids or [], *options)
    return PendingAnswer(body, prediction_rows(predictions, request_id))


async def explain(call: Call) -> Response:
    """One seller's score, logged like any other, with all that is behind it."""
    return await once(call, call.state.scoring.commits, partial(_pending_explanation, call))


async def _pending_explanation(call: Call, request_id: str) -> PendingAnswer:
    request, loaded = call.body, call.state.scoring.watcher.loaded
    if loaded is None or not isinstance(request, ExplainRequest):
        raise refuse("not-ready")
    return await asyncio.to_thread(_explain, loaded, request, request_id)


def _explain(loaded: "ModelAndStore", request: ExplainRequest, request_id: str) -> PendingAnswer:
    from serving.scoring import explanation

    if request.history:
        known = explanation.from_history(loaded, request.history.tables(), request.seller or {})
    else:
        known = explanation.from_store(loaded, request.seller_id or "")
    body, prediction = explanation.explain(loaded, known, request.horizon_days)
    return PendingAnswer(body, prediction_rows([prediction], request_id))
