"""Inputs of every kind against the service as it runs: none may be answered with a 5xx, or not at all.

Half come from the OpenAPI document: what schemathesis makes of it (allowed and forbidden), each once as it is and some
times damaged. The other half are requests in order, damaged byte by byte and value by value.
"""

import asyncio
import json
import random
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Any
from urllib.parse import quote, urlencode

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from benchmarks.faulting.caller import Answer, Broken, Caller
from benchmarks.faulting.serving import Running, sellers_of, service
from core.settings import Settings
from serving.api.openapi import document
from serving.api.routes import ROUTES

BATCH = 200
DRAWING = settings(database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
DAMAGED = 9  # of each request that schemathesis makes: making one takes it as long as the service takes for several
CALLERS = 8
HISTORY_SHARE = 0.01  # of the requests in order: scoring one takes as long as hundreds of others
PLAIN = {"content-type": "application/json"}


@dataclass(frozen=True)
class Input:
    """One request."""

    method: str
    path: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=lambda: dict(PLAIN))


@dataclass
class Seen:
    """What came back: how often each status, and the inputs that should not have been possible."""

    statuses: dict[int, int] = field(default_factory=dict)
    errors: list[tuple[Input, str]] = field(default_factory=list)

    def note(self, sent: Input, answer: Answer | None) -> None:
        """Count one answer."""
        status = answer.status if answer else 0
        self.statuses[status] = self.statuses.get(status, 0) + 1
        if answer is None or status >= 500:
            self.errors.append((sent, f"{status} {answer.body[:200]!r}" if answer else "no answer"))


def fuzzed(at: Settings, count: int) -> dict[str, float]:
    """So many inputs; figures of docs/contract.md."""
    seen, sellers, strategies = Seen(), sellers_of(at.home), _strategies()
    with service(at) as running:
        for made in (_damaged(sellers, count // 2), _from_document(strategies, count - count // 2)):
            asyncio.run(_send(running, made, seen))
    for sent, said in seen.errors[:5]:
        print(f"{said} to {sent.method} {sent.path[:200]} {dict(sent.headers)} {sent.body[:500]!r}", flush=True)
    accepted = sum(times for status, times in seen.statuses.items() if status == 200)
    figures: dict[str, float] = {"fuzzed_inputs": sum(seen.statuses.values()), "server_errors": len(seen.errors)}
    return figures | {"fuzzed_accepted": accepted}


async def _send(running: Running, made: Iterator[Input], seen: Seen) -> None:
    async def ask() -> None:
        caller = running.caller()
        for sent in made:
            seen.note(sent, await _answer(caller, sent))
        caller.close()

    await asyncio.gather(*(ask() for _ in range(CALLERS)))


async def _answer(caller: Caller, sent: Input) -> Answer | None:
    """The answer; an idle connection that the service has closed is opened anew once."""
    for _ in range(2):
        try:
            return await caller.send(sent.method, sent.path, sent.body, sent.headers)
        except Broken:
            pass
    return None


def _strategies() -> list[st.SearchStrategy[Any]]:
    """What schemathesis makes of each operation: what the document allows, and what it forbids."""
    schema = schemathesis.openapi.from_dict(document(ROUTES))
    every: list[Any] = list(schema.get_all_operations())
    operations = [found.ok() for found in every]
    return [
        operation.as_strategy(generation_mode=mode)
        for operation in operations
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
        if mode is GenerationMode.POSITIVE or _takes_anything(operation)
    ]


def _from_document(strategies: Sequence[st.SearchStrategy[Any]], count: int) -> Iterator[Input]:
    """Each strategy in turn, a batch at a time."""
    made, rng = -(-count // (1 + DAMAGED)), random.Random(13)
    batch = min(BATCH, -(-made // len(strategies)))
    drawn = (_as_input(case) for strategy in cycle(strategies) for case in _drawn(strategy, batch))
    return islice((sent for first in drawn for sent in (first, *_damages(first, rng))), count)


def _damages(first: Input, rng: random.Random) -> Iterator[Input]:
    return (rng.choice(DAMAGES)(first, rng) for _ in range(DAMAGED))


def _takes_anything(operation: Any) -> bool:
    return bool(operation.body) or bool(list(operation.query)) or bool(list(operation.path_parameters))


def _drawn(strategy: st.SearchStrategy[Any], count: int) -> list[Any]:
    """Up to so many values of a strategy."""
    found: list[Any] = []

    @settings(DRAWING, max_examples=count)
    @given(strategy)
    def draw(case: Any) -> None:
        found.append(case)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            draw()
        except Exception as error:  # a strategy that can make nothing more has said so
            if not found:
                print(f"schemathesis: {type(error).__name__}: {error}", flush=True)
    return found


def _as_input(case: Any) -> Input:
    path = case.formatted_path
    query = f"?{urlencode(case.query, doseq=True)}" if case.query else ""
    body = case.body if not isinstance(case.body, schemathesis.core.NotSet) else b""
    raw = body if isinstance(body, bytes) else json.dumps(body, default=str).encode()
    given = {str(k): str(v) for k, v in (case.headers or {}).items()}
    headers = {name: value for name, value in {**PLAIN, **given}.items() if _can_be_sent(name, value)}
    return Input(case.method.upper(), quote(path, safe="/%") + query, raw, headers)


def _can_be_sent(name: str, value: str) -> bool:
    """What would end the request's head early is no input but another request."""
    text = f"{name}{value}"
    return text.isascii() and text.isprintable() and name.lower() not in ("content-length", "transfer-encoding", "host")


def _damaged(sellers: list[str], count: int) -> Iterator[Input]:
    rng = random.Random(11)
    for _ in range(count):
        yield rng.choice(DAMAGES)(rng.choice(_good(sellers, rng)), rng)


def _good(sellers: list[str], rng: random.Random) -> list[Input]:
    """Requests in order."""
    if rng.random() < HISTORY_SHARE:
        order = {"order_id": "o1", "line_id": "1", "ordered_at": "2026-06-01T00:00:00Z", "price": 5}
        history = {"orders": [order], "returns": []}
        return [_post("/v1/score", {"history": history, "seller": {"seller_id": "new"}})]
    outcome: dict[str, Any] = {
        "outcome_id": f"f{rng.randrange(9)}",
        "seller_id": rng.choice(sellers),
        "risk": "returns",
    }
    outcome |= {"observed_on": "2026-03-29", "in_breach": True, "source": "fuzz"}
    bodies: list[tuple[str, dict[str, Any]]] = [
        ("/v1/score", {"seller_ids": [rng.choice(sellers), "nobody"], "horizon_days": 28, "explain": True}),
        ("/v1/explain", {"seller_id": rng.choice(sellers)}),
        ("/v1/outcomes", {"outcomes": [outcome]}),
    ]
    posts = [_post(path, body) for path, body in bodies]
    gets = [Input("GET", path) for path in ("/v1/outcomes?limit=3", "/v1/decisions/nobody", "/docs.json")]
    return [*posts, *posts, *gets]


def _post(path: str, body: Mapping[str, Any]) -> Input:
    return Input("POST", path, json.dumps(body).encode())


ODD: tuple[Any, ...] = (
    None, True, 0, -1, 2**63, 10**400, 0.1, -0.0, 1e308, "", " ", "\0", "\ud800", "\u202e", "x" * 5000, [], {}, [[]],
    {"a": 1}, "2026-13-45", "NaN", "../../etc/passwd", "' or 1=1 --", "\U0001f600", "9" * 400, "2026-03-01T00:00:00",
)  # fmt: skip


def _odd_value(sent: Input, rng: random.Random) -> Input:
    """One value of the body is another."""
    body = _values(sent.body)
    if not body:
        return _odd_path(sent, rng)
    _replace_somewhere(body, rng)
    return Input(sent.method, sent.path, json.dumps(body).encode("utf-8", "surrogatepass"), sent.headers)


def _values(body: bytes) -> Any:
    """The body's object or array; None where it is neither."""
    try:
        value = json.loads(body)
    except ValueError:
        return None
    return value if isinstance(value, dict | list) else None


def _replace_somewhere(value: Any, rng: random.Random) -> None:
    while True:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        key = rng.choice(keys)
        if isinstance(value[key], dict | list) and value[key] and rng.random() < 0.7:
            value = value[key]
            continue
        match rng.randrange(4):
            case 0 if isinstance(value, dict):
                del value[key]
            case 1 if isinstance(value, dict):
                value[rng.choice(["more", "", "\0", "__proto__", "seller_ids"])] = rng.choice(ODD)
            case _:
                value[key] = rng.choice(ODD)
        return


def _odd_bytes(sent: Input, rng: random.Random) -> Input:
    """Some bytes of the body are others, gone or there twice."""
    body = bytearray(sent.body or b"{}")
    for _ in range(rng.randrange(1, 5)):
        place = rng.randrange(len(body) + 1)
        match rng.randrange(3):
            case 0:
                body[place : place + 1] = bytes([rng.randrange(256)])
            case 1:
                body[place : place + rng.randrange(1, 20)] = b""
            case _:
                body[place:place] = body[place : place + rng.randrange(1, 50)]
        body = body or bytearray(b"{")
    return Input(sent.method, sent.path, bytes(body), sent.headers)


def _odd_path(sent: Input, rng: random.Random) -> Input:
    """Another path, query or method."""
    odd = quote(rng.choice(["..", "../x", "a/b", "\n", "\0", "%", "x" * 300, "\u202e", "a;b", "~", "*"]), safe="")
    paths = [f"/v1/decisions/{odd}", f"/v1/decisions/{odd}/replay", f"/{odd}", f"{sent.path}/{odd}"]
    paths += [f"/v1/outcomes?limit={odd}", f"/v1/outcomes?after={odd}&after={odd}", f"/v1/outcomes?seller_id={odd}"]
    method = rng.choice([sent.method, "GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
    return Input(method, rng.choice(paths), sent.body, sent.headers)


def _odd_headers(sent: Input, rng: random.Random) -> Input:
    """Another content type, encoding or key."""
    name, value = rng.choice(
        [
            ("content-type", "text/plain"), ("content-type", "application/json; charset=utf-16"), ("content-type", ""),
            ("content-encoding", "gzip"), ("content-encoding", "br"), ("idempotency-key", ""), ("accept", "text/html"),
            ("idempotency-key", "x" * 256), ("idempotency-key", "a b"), ("idempotency-key", f"k{rng.randrange(5)}"),
            ("authorization", "Bearer nonsense"), ("expect", "something"), ("range", "bytes=0-1"),
        ]
    )  # fmt: skip
    return Input(sent.method, sent.path, sent.body, {**sent.headers, name: value})


Damage = Callable[[Input, random.Random], Input]
DAMAGES: tuple[Damage, ...] = (_odd_value, _odd_value, _odd_bytes, _odd_path, _odd_headers)
