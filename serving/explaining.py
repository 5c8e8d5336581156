"""Handler of /v1/explain: one seller's score, logged like any other, with all that is behind it."""

import asyncio
from functools import partial

from pydantic_core import to_json
from starlette.responses import Response

from serving.idempotency import Made, once
from serving.problems import refuse
from serving.routes import Call
from serving.schema_model import ExplainRequest


async def explain(call: Call) -> Response:
    """The answer, once its prediction is durable."""
    return await once(call, call.running.scoring.commits, partial(_make, call))


async def _make(call: Call, request_id: str) -> Made:
    from serving.answers import Question, opening, predict  # they bring LightGBM
    from serving.details import details
    from serving.history import Read, read
    from serving.records.predictions import rows as recorded
    from serving.store import UNKNOWN

    asked, loaded = call.body, call.running.scoring.following.loaded
    if loaded is None or not isinstance(asked, ExplainRequest):
        raise refuse("not-ready")

    def found() -> Read:
        if asked.history:
            return read(asked.history, asked.seller or {}, loaded.store, loaded.held.bundle)
        numbers = loaded.store.find([asked.seller_id or ""])
        if numbers[0] == UNKNOWN:
            raise refuse("unknown-seller")
        return Read(loaded.store.rows(numbers), loaded.store.days(asked.seller_id or ""))

    def work() -> Made:
        known, question = found(), Question(asked.horizon_days, explain=True)
        predictions = predict(loaded.held, known.rows, question, loaded.store.day, loaded.layout)
        more = to_json(details(loaded.held.bundle, known.rows, known.past, asked.horizon_days))
        body = (
            opening(loaded.held, loaded.store.day) + b',"result":' + predictions[0].answer + b',"risks":' + more + b"}"
        )
        return Made(body, recorded(predictions, request_id))

    return await asyncio.to_thread(work)
