"""Handler of /v1/score: sellers that the store knows, or one by its history."""

from starlette.responses import Response

from serving.problems import refuse
from serving.routes import Call
from serving.schema import ScoreRequest


async def score(call: Call) -> Response:
    """The answer, once its predictions are durable."""
    if not isinstance(call.body, ScoreRequest):
        raise refuse("invalid-request")
    return await call.running.scoring.answer(call, call.body)
