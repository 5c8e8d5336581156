"""The pages that are the same for every caller: the index and the OpenAPI document."""

from functools import cache
from pathlib import Path
from typing import Any

from pydantic.json_schema import models_json_schema
from pydantic_core import to_json
from starlette.responses import HTMLResponse, Response

from serving.problems import MEDIA_TYPE
from serving.schema import InvalidShown, ScoreAnswer, ScoreRequest

REFERENCE = "#/components/schemas/{model}"
PROBLEMS = {
    "400": "The body is not strict JSON",
    "413": "The body is too large",
    "415": "The body is not application/json",
    "422": "The request breaks a rule",
    "503": "No model is loaded yet, or the prediction could not be logged",
    "504": "The answer did not come in time",
}


def index() -> Response:
    """The page at `/`; it loads nothing from elsewhere."""
    return HTMLResponse((Path(__file__).parent / "index.html").read_bytes())


def openapi() -> Response:
    """The API as OpenAPI 3.1. BentoML's own document knows neither null nor our errors."""
    return Response(_document(), media_type="application/json")


@cache
def _document() -> bytes:
    _, schemas = models_json_schema(
        [(ScoreRequest, "validation"), (ScoreAnswer, "serialization"), (InvalidShown, "serialization")],
        ref_template=REFERENCE,
    )
    return to_json(
        {
            "openapi": "3.1.0",
            "info": {"title": "Foresell", "version": "v1"},
            "paths": {
                "/v1/score": {"post": _score()},
                "/livez": {"get": _plain("livez", "The process lives.")},
                "/readyz": {"get": _plain("readyz", "A model and a store are loaded.", {"503": _problem("Not yet")})},
                "/metrics": {"get": _plain("metrics", "Prometheus metrics.")},
            },
            "components": {"schemas": schemas["$defs"]},
        }
    )


def _score() -> dict[str, Any]:
    answer = {"description": "Scores in the order asked", "content": _json("ScoreAnswer")}
    return {
        "operationId": "score",
        "summary": "Score sellers: the probability of a breach, why, and how sure.",
        "requestBody": {"required": True, "content": _json("ScoreRequest")},
        "responses": {"200": answer} | {status: _problem(said) for status, said in PROBLEMS.items()},
    }


def _plain(name: str, summary: str, more: dict[str, Any] | None = None) -> dict[str, Any]:
    answer = {"description": summary, "content": {"text/plain": {"schema": {"type": "string"}}}}
    return {"operationId": name, "summary": summary, "responses": {"200": answer} | (more or {})}


def _problem(said: str) -> dict[str, Any]:
    return {"description": said, "content": _json("InvalidShown", MEDIA_TYPE)}


def _json(model: str, media_type: str = "application/json") -> dict[str, Any]:
    return {media_type: {"schema": {"$ref": REFERENCE.format(model=model)}}}
