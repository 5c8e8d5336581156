"""The index page: the same for every caller, and nothing on it is loaded from elsewhere."""

from functools import cache
from pathlib import Path

from starlette.responses import HTMLResponse, Response

from serving.routes import Call


async def index(_: Call) -> Response:
    """The page at `/`."""
    return HTMLResponse(_content())


@cache
def _content() -> bytes:
    return (Path(__file__).parent / "index.html").read_bytes()
