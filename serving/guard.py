"""The front door: what is not allowed gets a problem for an answer before BentoML sees it.

BentoML takes any body as JSON, of any size, and answers errors in five shapes. Here the routes are a list, a body is
strict JSON under a byte cap that satisfies its model, and every error has one shape.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from time import perf_counter

from pydantic import BaseModel, ValidationError
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving import metrics, strict
from serving.problems import MEDIA_TYPE, Problem, Refused, invalid, refuse, response

LOGGER = logging.getLogger("foresell")
BODY_BYTES = 2 * 1024 * 1024
BODY_SECONDS = 10.0
ANSWER_SECONDS = 30.0  # under BentoML's own 60, whose answer has another shape
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
KIND_BY_STATUS = {404: "not-found", 405: "method-not-allowed", 503: "not-ready", 504: "deadline"}


@dataclass(frozen=True)
class Route:
    """One path: its method, the model of its body, and, where BentoML's own answer will not do, the page."""

    method: str = "GET"
    body: type[BaseModel] | None = None
    page: Callable[[], Response] | None = None


class Guard:
    """ASGI middleware around the whole service; what is not in `routes` does not exist."""

    def __init__(self, app: ASGIApp, routes: Mapping[str, Route]) -> None:
        self.app = app
        self.routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._other(scope, receive, send)
            return
        started, answer = perf_counter(), _Answer(send)
        try:
            await self._pass(scope, receive, answer)
        except Refused as refused:
            await answer.problem(refused.problem, refused.headers)
        except Exception:
            LOGGER.exception("A request failed")
            await answer.problem(Problem("internal-error"))
        route = scope["path"] if scope["path"] in self.routes else "other"
        metrics.count_request(route, answer.status, perf_counter() - started)

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        else:  # a web socket, of which there are none
            await send({"type": "websocket.close", "code": 1008})

    async def _pass(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        route = self._route(scope)  # keys and roles are checked here, once there are any
        if route.body:
            body = await _read_body(scope, receive)
            _check_body(body, route.body)
            receive = _again(body, receive)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await (route.page() if route.page else self.app)(scope, receive, answer)
        except TimeoutError:
            raise refuse("deadline") from None

    def _route(self, scope: Scope) -> Route:
        route = self.routes.get(scope["path"])
        if route is None:
            raise refuse("not-found", "The paths are listed at /docs.json.")
        if scope["method"] not in (route.method, "HEAD" if route.method == "GET" else ""):
            raise Refused(Problem("method-not-allowed", f"Use {route.method}."), {"Allow": route.method})
        return route


class _Answer:
    """The way out: adds headers, and turns an error in any other shape into a problem."""

    def __init__(self, send: Send) -> None:
        self.send = send
        self.status = 0
        self._replaced = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._start(message)
        elif not self._replaced:
            await self.send(message)

    async def problem(self, problem: Problem, headers: Mapping[str, str] | None = None) -> None:
        """Answer with a problem, unless an answer has begun."""
        if not self.status:
            await response(problem, headers)({"type": "http"}, _nothing, self)

    async def _start(self, message: Message) -> None:
        headers = MutableHeaders(raw=message["headers"])
        if message["status"] >= HTTPStatus.BAD_REQUEST and headers.get("content-type") != MEDIA_TYPE:
            await self.problem(Problem(KIND_BY_STATUS.get(message["status"], "internal-error")))
            self._replaced = True
            return
        self.status = message["status"]
        for name, value in HEADERS.items():
            headers.setdefault(name, value)
        await self.send({**message, "headers": headers.raw})


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


async def _read_body(scope: Scope, receive: Receive) -> bytes:
    headers = Headers(scope=scope)
    _check_headers(headers)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _collect(receive)
    except TimeoutError:
        raise refuse("timeout", f"A body has {BODY_SECONDS:g} seconds to arrive.") from None


def _check_headers(headers: Headers) -> None:
    media_type = headers.get("content-type", "").split(";")[0].strip().lower()
    if media_type != "application/json" or headers.get("content-encoding", "identity") != "identity":
        raise refuse("unsupported-media-type", "Send application/json without content encoding.")
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > BODY_BYTES:
        raise _too_large()


async def _collect(receive: Receive) -> bytes:
    body = bytearray()
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > BODY_BYTES:
            raise _too_large()
    return bytes(body)


def _too_large() -> Refused:
    return refuse("too-large", f"A body may have {BODY_BYTES} bytes; ask for fewer sellers at a time.")


def _check_body(body: bytes, model: type[BaseModel]) -> None:
    strict.parse(body)
    try:
        model.model_validate_json(body)
    except ValidationError as error:
        raise invalid(error.errors(include_url=False, include_context=False, include_input=False)) from None


def _again(body: bytes, receive: Receive) -> Receive:
    """A receive that first gives the body that was read."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay
