"""The front door: what is not allowed gets a problem for an answer before BentoML sees it.

BentoML takes any body as JSON, of any size, and answers errors in five shapes. Here the routes are a list, a body is
strict JSON under a byte cap that satisfies its model, and every error has one shape.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from time import perf_counter
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving import metrics, strict
from serving.problems import MEDIA_TYPE, Problem, Refused, invalid, refuse, response
from serving.routes import CURRENT, Call, Route, Routes

if TYPE_CHECKING:
    from serving.running import Running

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


class Guard:
    """ASGI middleware around the whole service; what is not in `routes` does not exist."""

    def __init__(self, app: ASGIApp, routes: Routes, running: "Callable[[], Running]") -> None:
        self.app = app
        self.routes = routes
        self.running = running

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
        route = self.routes.template(scope["path"]) or "other"
        metrics.count_request(route, answer.status, perf_counter() - started)

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        else:  # a web socket, of which there are none
            await send({"type": "websocket.close", "code": 1008})

    async def _pass(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        route, path = self.routes.find(scope["method"], scope["path"])  # keys and roles are checked here
        query = _query(scope, route)
        raw = await _read_body(scope, receive) if route.body else b""
        body = _checked(raw, route.body) if route.body else None
        call = Call(route, self.running(), self.routes, path, Headers(scope=scope), query, body, raw)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._answer(call, scope, receive, answer)
        except TimeoutError:
            raise refuse("deadline") from None

    async def _answer(self, call: Call, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        if call.route.handle:
            await (await call.route.handle(call))(scope, receive, answer)
        else:
            CURRENT.set(call)
            await self.app(scope, _again(call.raw, receive) if call.route.body else receive, answer)


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


def _checked(body: bytes, model: type[BaseModel]) -> BaseModel:
    strict.parse(body)
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise _invalid(error) from None


def _query(scope: Scope, route: Route) -> BaseModel | None:
    """The parameters after the question mark: each once, and only those that the route takes."""
    try:
        pairs = parse_qsl(scope["query_string"].decode("ascii"), keep_blank_values=True, max_num_fields=20)
    except ValueError:
        raise refuse("invalid-request", "The query can be read in two ways, or is too long.") from None
    given = dict(pairs)
    if len(given) < len(pairs) or (given and route.query is None):
        raise refuse("invalid-request", "A parameter occurs twice, or this path takes none.")
    try:
        return route.query.model_validate_strings(given) if route.query else None
    except ValidationError as error:
        raise _invalid(error) from None


def _invalid(error: ValidationError) -> Refused:
    return invalid(error.errors(include_url=False, include_context=False, include_input=False))


def _again(body: bytes, receive: Receive) -> Receive:
    """A receive that first gives the body that was read."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay
