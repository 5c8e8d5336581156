"""Handlers of the pages that tell of the service itself: the index, the API's document, and the metrics.

The index is the same for every caller, and nothing on it is loaded from elsewhere.
"""

from functools import cache
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST
from pydantic_core import to_json
from starlette.responses import HTMLResponse, Response

from serving import metrics as meters
from serving.api.openapi import document
from serving.api.routing import Call, Routes


async def index(_: Call) -> Response:
    """The page at `/`."""
    return HTMLResponse(_index())


async def openapi(call: Call) -> Response:
    """The API as OpenAPI. BentoML's own document knows neither null nor our errors."""
    return Response(_openapi(call.routes), media_type="application/json")


async def metrics(_: Call) -> Response:
    """The metrics of all workers as Prometheus reads them."""
    return Response(meters.exposition(), media_type=CONTENT_TYPE_LATEST)


@cache
def _index() -> bytes:
    return (Path(__file__).parent / "index.html").read_bytes()


@cache
def _openapi(routes: Routes) -> bytes:
    return to_json(document(routes))
