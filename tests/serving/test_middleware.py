"""The front door, with an application of one's own behind it."""

import asyncio
import json
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.api import middleware, request_parsing
from serving.api.auth import Caller, unauthorized
from serving.api.middleware import ApiMiddleware
from serving.api.routing import Call, Route, Routes
from serving.api.schema.score import ScoreRequest


class Body(BaseModel):
    """Any body with a number."""

    number: int


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers in BentoML's ways."""
    path = scope["path"]
    if path == "/breaks":
        raise RuntimeError("secret")
    if path == "/slow":
        await asyncio.sleep(5)
    answers: dict[str, Response] = {
        "/ok": PlainTextResponse("ok"),
        "/bento-500": JSONResponse({"error": "An unexpected error has occurred, please check the server log."}, 500),
        "/bento-415": JSONResponse([{"error": "secret"}], 415),
        "/bento-503": PlainTextResponse("Service is not ready because .__is_ready__() returns False.", 503),
    }
    await answers[path](scope, receive, send)


async def page(_: Call) -> Response:
    """A page of ours."""
    return PlainTextResponse("ours")


async def sent(call: Call) -> Response:
    """The body as it came."""
    return PlainTextResponse(call.raw)


async def told(call: Call) -> Response:
    """What the call holds."""
    return JSONResponse({"path": call.path, "query": call.query.model_dump() if call.query else None})


class Limit(BaseModel):
    """A query."""

    limit: int = Field(default=10, ge=1, le=100)


BARE = ("/ok", "/breaks", "/slow", "/bento-500", "/bento-415", "/bento-503")
ROUTES = Routes(
    [
        *(Route(path[1:], "GET", path, "") for path in BARE),
        Route("score", "POST", "/score", "", sent, body=ScoreRequest),
        Route("echo", "POST", "/echo", "", sent, body=Body),
        Route("page", "GET", "/page", "", page),
        Route("things", "GET", "/things", "", told, query=Limit),
        Route("thing", "GET", "/things/{thing_id}", "", told),
        Route("end", "DELETE", "/things/{thing_id}", "", told),
        Route("part", "GET", "/things/{thing_id}/parts/{part_id}", "", told),
    ]
)


class Open:
    """A door without keys."""

    def caller(self, scope: Scope) -> Caller:
        """Somebody, unless the request says that it is nobody's."""
        if (b"x-nobody", b"1") in scope["headers"]:
            raise unauthorized()
        return Caller("somebody", frozenset())

    def admit(self, caller: Caller, roles: frozenset[str]) -> None:
        """Everybody may, wherever it is."""


def nothing_runs() -> Any:
    """No model, no store, no log; the door is open."""
    return SimpleNamespace(authenticator=Open())


def guarded(app: ASGIApp) -> ApiMiddleware:
    """The guard around an application."""
    return ApiMiddleware(app, ROUTES, nothing_runs)


def ask(method: str, path: str, **more: Any) -> httpx.Response:
    """One request through the guard."""

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(guarded(application))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, path, **more)

    return asyncio.run(send())


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", "/nothing", 404, "not-found"),
        ("GET", "/ok/", 404, "not-found"),
        ("GET", "/ok%0aforged", 404, "not-found"),
        ("POST", "/ok", 405, "method-not-allowed"),
        ("GET", "/echo", 405, "method-not-allowed"),
        ("GET", "/breaks", 500, "internal-error"),
        ("GET", "/bento-500", 500, "internal-error"),
        ("GET", "/bento-415", 500, "internal-error"),
        ("GET", "/bento-503", 503, "not-ready"),
    ],
)
def test_every_error_has_one_shape(method: str, path: str, status: int, kind: str) -> None:
    answer = ask(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json()["type"], answer.json()["status"]) == (f"/problems/{kind}", status)
    assert "secret" not in answer.text
    assert int(answer.headers["content-length"]) == len(answer.content)


def test_a_path_may_hold_ids_and_methods_of_its_own() -> None:
    assert ask("GET", "/things/a-1").json() == {"path": {"thing_id": "a-1"}, "query": None}
    assert ask("DELETE", "/things/a_1").json()["path"] == {"thing_id": "a_1"}
    assert ask("GET", "/things/x/parts/y").json()["path"] == {"thing_id": "x", "part_id": "y"}
    refused = ask("PUT", "/things/x")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, DELETE")
    assert ask("HEAD", "/things/x").status_code == 200


HOSTILE = [
    "..",
    "%2e%2e",
    "..%2f..%2fetc%2fpasswd",
    "....//",
    "%00",
    "a.b",
    "a%20b",
    "%0a",
    "x" * 65,
    "%c3%a9",
    "a;b",
    "a\n",
]


@pytest.mark.parametrize("value", HOSTILE)
def test_what_can_be_no_id_of_ours_goes_no_further(value: str) -> None:
    for path in (f"/things/{value}", f"/things/a/parts/{value}"):
        answer = send_raw(path)
        assert answer["status"] in (404, 422)
        assert (b"content-type", b"application/problem+json") in answer["headers"]


def send_raw(path: str) -> dict[str, Any]:
    """The start of the answer to a path as a server hands it over, decoded but not tidied by a client."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": unquote(path), "query_string": b"", "headers": []}
    asyncio.run(guarded(application)(scope, receive, send))
    return dict(sent[0])


def test_a_query_is_checked_like_a_body() -> None:
    assert ask("GET", "/things").json()["query"] == {"limit": 10}
    assert ask("GET", "/things?limit=5").json()["query"] == {"limit": 5}
    for query in ("limit=0", "limit=x", "limit=5&limit=6", "limit=5&other=1" * 30, "limit=\u0665"):
        answer = ask("GET", f"/things?{query}")
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-request"), query
    assert ask("GET", "/page?x=1").status_code == 422
    assert ask("GET", "/things/x?limit=5").status_code == 422


def test_what_is_allowed_passes_with_safe_headers() -> None:
    for path, text in (("/ok", "ok"), ("/page", "ours")):
        answer = ask("GET", path)
        assert (answer.status_code, answer.text) == (200, text)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert ask("HEAD", "/ok").status_code == 200
    assert ask("GET", "/echo").headers["allow"] == "POST"


def test_a_checked_body_reaches_its_handler_unchanged() -> None:
    answer = ask(
        "POST", "/echo", content=b'{ "number": 7 }', headers={"content-type": "application/JSON; charset=utf-8"}
    )
    assert (answer.status_code, answer.content) == (200, b'{ "number": 7 }')


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b'{"number": 7}', {}, 415),
        (b'{"number": 7}', {"content-type": "text/plain"}, 415),
        (b"number=7", {"content-type": "application/x-www-form-urlencoded"}, 415),
        (b"cos\nsystem\n(S'true'\ntR.", {"content-type": "application/vnd.bentoml+pickle"}, 415),
        (b"\x1f\x8b\x08", {"content-type": "application/json", "content-encoding": "gzip"}, 415),
        (b'{"number": 7, "number": 8}', {"content-type": "application/json"}, 400),
        (b'{"number": "x"}', {"content-type": "application/json"}, 422),
        (b"{}", {"content-type": "application/json", "content-length": "99999999"}, 413),
        (b"{}", {"content-type": "application/json", "content-length": "-1"}, 413),
        (b" " * (request_parsing.BODY_BYTES + 1), {"content-type": "application/json"}, 413),
    ],
)
def test_other_bodies_do_not_pass(content: bytes, headers: dict[str, str], status: int) -> None:
    answer = ask("POST", "/echo", content=content, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_chunked_body_is_cut_off_at_the_cap() -> None:
    sent = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 65_536
            yield b" " * 65_536

    assert ask("POST", "/echo", content=chunks(), headers={"content-type": "application/json"}).status_code == 413
    assert sent <= request_parsing.BODY_BYTES + 2 * 65_536


def test_validation_errors_name_the_place_and_not_the_value() -> None:
    answer = ask("POST", "/echo", json={"number": "secret"})
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"pointer": "/number", "detail": "Input should be a valid integer, unable to parse string as an integer"}
    ]
    assert "secret" not in answer.text
    assert "pydantic" not in answer.text


def test_a_body_that_dawdles_and_an_answer_that_does_not_come_end_as_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_parsing, "BODY_SECONDS", 0.05)
    monkeypatch.setattr(middleware, "ANSWER_SECONDS", 0.05)

    async def chunks() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(5)

    assert ask("POST", "/echo", content=chunks(), headers={"content-type": "application/json"}).status_code == 408
    assert ask("GET", "/slow").json()["type"] == "/problems/deadline"


def test_web_sockets_are_closed_and_the_lifespan_passes() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    asyncio.run(guarded(application)({"type": "websocket", "path": "/ok"}, receive, send))
    assert [m["type"] for m in sent] == ["websocket.close"]
    seen: list[str] = []

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    asyncio.run(guarded(inner)({"type": "lifespan"}, receive, send))
    assert seen == ["lifespan"]


def test_the_problem_document_is_json_of_rfc_9457() -> None:
    said = json.loads(ask("GET", "/nothing").content)
    assert said == {
        "type": "/problems/not-found",
        "title": "There is nothing at this path",
        "status": 404,
        "detail": "The paths are listed at /docs.json.",
    }


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["s1", 28])
NAMES = st.sampled_from(["seller_ids", "history", "seller", "horizon_days", "explain", "orders"]) | st.text(max_size=5)
VALUES = st.recursive(SCALARS, lambda v: st.lists(v, max_size=3) | st.dictionaries(NAMES, v, max_size=4), max_leaves=12)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=50) | VALUES.map(lambda v: json.dumps(v).encode()))
def test_no_body_makes_the_service_fail(body: bytes) -> None:
    answer = ask("POST", "/score", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (200, 400, 422)
    if answer.status_code != 200:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code
