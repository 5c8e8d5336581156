"""Checks every request before BentoML sees it; what is not allowed is answered with a problem.

BentoML accepts any body as JSON, of any size, from anybody, and answers errors in five shapes. Here the key is checked
first, only listed routes exist, a body is strict JSON under a byte cap that satisfies its model, and every error has
one shape (RFC 9457).
"""

import asyncio
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from time import perf_counter
from uuid import uuid4

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving import metrics
from serving.api import logs, request_parsing
from serving.api.routing import AppState, Call, Route, Routes
from serving.problems import MEDIA_TYPE, Problem, ProblemError, refuse, response

LOGGER = logging.getLogger("foresell")
ANSWER_SECONDS = 30.0  # under BentoML's own 60, whose answer has another shape
HEADERS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)
REQUEST_ID = b"x-request-id"
GIVEN_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
KIND_BY_STATUS = {404: "not-found", 405: "method-not-allowed", 503: "not-ready", 504: "deadline"}
AT_ONCE = 64  # a worker answers some 200 a second, so that the last of them waits a third of a second
PAUSED = 256
PAUSE_SECONDS = 0.2
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class ApiMiddleware:
    """ASGI middleware around the whole service; what is not in `routes` does not exist."""

    def __init__(self, app: ASGIApp, routes: Routes, state: Callable[[], AppState]) -> None:
        self.app = app
        self.routes = routes
        self.state = state
        self.limit = ConcurrencyLimit()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._other(scope, receive, send)
            return
        started, answer = perf_counter(), _AnswerSender(send, _request_id(scope))
        try:
            await self._handle(scope, receive, answer)
        except ProblemError as refused:
            await self._refuse(refused, answer)
        except Exception:
            LOGGER.exception("A request failed")
            await answer.problem(Problem("internal-error"))
        self._record(scope, answer, perf_counter() - started)

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            self._go_first(scope)
            await self.app(scope, receive, send)
        else:  # a web socket, of which there are none
            await send({"type": "websocket.close", "code": 1008})

    def _go_first(self, scope: Scope) -> None:
        """Requests come here first, and go on to BentoML only where it answers.

        BentoML's own middleware starts a task and a timer of a minute for each request and asks whether to trace it;
        this one has its own deadline and lets no error through.
        """
        if "app" in scope:
            scope["app"].middleware_stack = self

    async def _handle(self, scope: Scope, receive: Receive, answer: "_AnswerSender") -> None:
        """Probes first, then the key, and only then the route: without a key, a caller learns nothing."""
        template = self.routes.template(scope["path"])
        if template and self.routes.is_probe(template):
            route, path = self.routes.find(scope["method"], scope["path"])
            await self._answer(Call(route, self.state(), self.routes, path), scope, receive, answer)
            return
        authenticator = self.state().authenticator
        caller = authenticator.caller(scope)
        answer.key_id = caller.key_id
        route, path = self.routes.find(scope["method"], scope["path"])
        authenticator.admit(caller, route.roles)
        with self.limit.slot():
            call = await self._call(route, path, caller.key_id, scope, receive)
            await self._answer(call, scope, receive, answer)

    async def _call(self, route: Route, path: Mapping[str, str], key_id: str, scope: Scope, receive: Receive) -> Call:
        headers = Headers(scope=scope)
        query = request_parsing.query(scope, route)
        raw = await request_parsing.read(headers, receive) if route.body else b""
        body = request_parsing.checked(raw, route.body) if route.body else None
        return Call(route, self.state(), self.routes, path, headers, query, body, raw, key_id)

    async def _answer(self, call: Call, scope: Scope, receive: Receive, answer: "_AnswerSender") -> None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                if call.route.handle:
                    await (await call.route.handle(call))(scope, receive, answer)
                else:
                    await self.app(scope, receive, answer)
        except TimeoutError:
            raise refuse("deadline") from None

    async def _refuse(self, refused: ProblemError, answer: "_AnswerSender") -> None:
        if refused.problem.kind in ("too-many-requests", "overloaded"):
            await self.limit.pause()
        await answer.problem(refused.problem, refused.headers)

    def _record(self, scope: Scope, answer: "_AnswerSender", seconds: float) -> None:
        """Metrics and a line in the log; labels and words are ours, never the caller's."""
        route = self.routes.template(scope["path"]) or "other"
        metrics.count_request(route, answer.status, answer.kind, seconds)
        if not (self.routes.is_probe(route) and answer.status == HTTPStatus.OK):
            method = scope["method"] if scope["method"] in METHODS else "other"
            logs.answered(route, method, answer.status, seconds, answer.key_id, answer.kind)


class ConcurrencyLimit:
    """Counts the requests that one worker is answering, and those whose refusal it delays a little.

    More at once would wait longer and longer; they are refused, and may try again.
    """

    def __init__(self, most: int = AT_ONCE) -> None:
        self.most = most
        self.running_requests = 0
        self._paused = 0

    @contextmanager
    def slot(self) -> Iterator[None]:
        """A place among the requests at work; ProblemError where none is free."""
        if self.running_requests >= self.most:
            raise ProblemError(Problem("overloaded"), {"Retry-After": "1"})
        self.running_requests += 1
        try:
            yield
        finally:
            self.running_requests -= 1

    async def pause(self) -> None:
        """Delay a refusal whose caller may send the next request at once, so that a flood costs little."""
        if self._paused < PAUSED:
            self._paused += 1
            try:
                await asyncio.sleep(PAUSE_SECONDS)
            finally:
                self._paused -= 1


class _AnswerSender:
    """Sends the answer: adds headers, and turns an error in any other shape into a problem."""

    def __init__(self, send: Send, request_id: str) -> None:
        self.send = send
        self.status = 0
        self.kind = ""  # of the problem, if it is one
        self.key_id = ""
        self._request_id = request_id.encode()
        self._replaced = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._start(message)
        elif not self._replaced:
            await self.send(message)

    async def problem(self, problem: Problem, headers: Mapping[str, str] | None = None) -> None:
        """Answer with a problem, unless an answer has begun."""
        if not self.status:
            self.kind = problem.kind
            await response(problem, headers)({"type": "http"}, _nothing, self)

    async def _start(self, message: Message) -> None:
        given = message["headers"]
        if message["status"] >= HTTPStatus.BAD_REQUEST and Headers(raw=given).get("content-type") != MEDIA_TYPE:
            await self.problem(Problem(KIND_BY_STATUS.get(message["status"], "internal-error")))
            self._replaced = True
            return
        self.status = message["status"]
        names = {name for name, _ in given}
        more = [pair for pair in (*HEADERS, (REQUEST_ID, self._request_id)) if pair[0] not in names]
        await self.send({**message, "headers": [*given, *more]})


def _request_id(scope: Scope) -> str:
    """The caller's, if it is short and plain; else one of ours. From here on it is in every line of the log."""
    given = [value for name, value in scope["headers"] if name == REQUEST_ID]
    plain = len(given) == 1 and GIVEN_ID.fullmatch(given[0])
    request_id = given[0].decode() if plain else uuid4().hex
    logs.begin(request_id)
    return request_id


async def _nothing() -> Message:
    return {"type": "http.disconnect"}
