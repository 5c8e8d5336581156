"""Callers who mean no good, or know no better: bodies like bombs, sockets that say nothing, far too many calls."""

import asyncio
import gzip
import json
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial

import numpy as np

from benchmarks.faulting.caller import Broken, Caller
from benchmarks.faulting.serving import Running, sellers_of, service, workers
from core.settings import Settings
from serving.database.api_keys import create, server_secret
from serving.database.connection import open_database

SLOW_SOCKETS = 500
SLOW_SECONDS = 10.0
ABUSER_RATE = 5.0
PAIRS = 5  # of windows with an attack and without
TRAVERSALS = 500
HAMMER_SECONDS = 0.002
PLAIN = {"content-type": "application/json"}
Attack = Callable[[], AbstractAsyncContextManager[object]]


def attacked(settings: Settings, seconds: float) -> dict[str, float]:
    """Each attack while others ask as ever; figures of faults.md."""
    abuser = _key(settings, ABUSER_RATE)
    with service(settings) as running:
        return asyncio.run(_attacks(running, sellers_of(settings.home), abuser, seconds))


async def _attacks(running: Running, sellers: Sequence[str], abuser: str, seconds: float) -> dict[str, float]:
    await _p99(running, sellers, seconds)  # warm: what a worker takes at its first requests is no growth
    figures = await _bombs(running) | await _traversals(running)
    figures |= await _abuse(running, sellers, abuser, seconds)
    return figures | await _slow(running, sellers, seconds)


def _key(settings: Settings, rate: float) -> str:
    engine = open_database(settings)
    try:
        return create(engine, server_secret(settings), "abuser", ["score"], days=1, rate=rate)
    finally:
        engine.dispose()


async def _p99(running: Running, sellers: Sequence[str], seconds: float) -> float:
    """Seconds within which 99 of 100 single calls of two callers are answered."""
    end, took = time.monotonic() + seconds, list[float]()

    async def ask(seed: int) -> None:
        caller, rng = running.caller(), random.Random(seed)
        while time.monotonic() < end:
            body, begun = json.dumps({"seller_ids": [rng.choice(sellers)]}).encode(), time.perf_counter()
            assert (await caller.post("/v1/score", body)).status == 200
            took.append(time.perf_counter() - begun)
        caller.close()

    await asyncio.gather(ask(1), ask(2))
    return float(np.quantile(took, 0.99))


async def _p99_ratio(running: Running, sellers: Sequence[str], attack: Attack, seconds: float) -> float:
    """The others' p99 under attack, as a multiple of theirs without: what else the machine does moves both."""
    ratios = []
    for _ in range(PAIRS):
        alone = await _p99(running, sellers, seconds / PAIRS)
        async with attack():
            ratios.append(await _p99(running, sellers, seconds / PAIRS) / alone)
    return float(np.median(ratios))


async def _bombs(running: Running) -> dict[str, float]:
    """Bodies of 10 MB, nested 100,000 deep, and packed: refused before parsing, and memory stays as it is."""
    before, refused = _megabytes(running), 0
    bombs = [
        (b" " * 10_000_000, PLAIN),
        (b"[" * 1_000_000, PLAIN),
        (b'{"a":' * 300_000, PLAIN),
        (gzip.compress(bytes(50_000_000)), {**PLAIN, "content-encoding": "gzip"}),
        (b'{"seller_ids": [' + b'"s",' * 400_000 + b'"s"]}', PLAIN),
    ]
    for body, headers in bombs * 10:
        refused += await _refused(running, body, headers)
    growth = max(after - was for was, after in zip(before, _megabytes(running), strict=True))
    return {"bombs": len(bombs) * 10, "bombs_refused": refused, "bombs_mb_per_worker": growth}


async def _refused(running: Running, body: bytes, headers: dict[str, str]) -> bool:
    """Whether it was answered with a problem of the caller's, or the connection was closed on it."""
    caller = running.caller()
    try:
        answer = await caller.send("POST", "/v1/score", body, headers)
    except Broken:
        return True
    finally:
        caller.close()
    return 400 <= answer.status < 500


def _megabytes(running: Running) -> list[float]:
    return [p.memory_info().rss / 1e6 for p in workers(running)]


async def _traversals(running: Running) -> dict[str, float]:
    """Ids that would lead out of the folder, in paths and bodies: 404 or 422."""
    rng, caller, through = random.Random(5), running.caller(), 0
    for _ in range(TRAVERSALS):
        odd = "".join(rng.choice(PIECES) for _ in range(rng.randrange(1, 6)))
        for path in (f"/v1/decisions/{odd}", f"/v1/jobs/{odd}/result", f"/v1/decisions/{odd}/replay"):
            method = "POST" if path.endswith("replay") else "GET"
            through += (await caller.send(method, path, b"", {})).status not in (404, 405, 422)
    caller.close()
    return {"traversals": 3 * TRAVERSALS, "traversals_through": through}


PIECES = ("..", "../", "..%2f", "%2e%2e/", "%00", "etc", "passwd", "%5c", "....//", "~", "C:", ";", "%c0%ae", "a", "/")


async def _abuse(running: Running, sellers: Sequence[str], abuser: str, seconds: float) -> dict[str, float]:
    """One key asks far more often than it may, while another asks as before."""
    told, hammering = list[str](), list[bool]()
    body = json.dumps({"seller_ids": [sellers[0]]}).encode()

    async def hammer() -> None:
        caller = Caller(running.port, {"authorization": f"Bearer {abuser}"})
        while hammering:
            answer = await caller.post("/v1/score", body)
            if answer.status == 429:
                told.append(answer.headers["retry-after"])
            await asyncio.sleep(HAMMER_SECONDS)
        caller.close()

    @asynccontextmanager
    async def hammered() -> AsyncIterator[None]:
        hammering.append(True)
        tasks = [asyncio.create_task(hammer()) for _ in range(4)]
        yield
        hammering.clear()
        await asyncio.gather(*tasks)

    ratio = await _p99_ratio(running, sellers, hammered, seconds)
    return {"abuse_told_to_wait": len(told), "abuse_other_key_p99_ratio": ratio}


async def _slow(running: Running, sellers: Sequence[str], seconds: float) -> dict[str, float]:
    """Sockets that send a byte of a header now and then, while others ask as before."""
    ratio = await _p99_ratio(running, sellers, partial(_dripping, running.port), seconds)
    async with _dripping(running.port) as writers:
        await asyncio.sleep(SLOW_SECONDS)
        left = sum(not writer.transport.is_closing() for writer in writers)
    return {"slow_sockets": SLOW_SOCKETS, "slow_left_after_10_s": left, "slow_others_p99_ratio": ratio}


@asynccontextmanager
async def _dripping(port: int) -> AsyncIterator[Sequence[asyncio.StreamWriter]]:
    writers = [(await asyncio.open_connection("127.0.0.1", port))[1] for _ in range(SLOW_SOCKETS)]
    for writer in writers:
        writer.write(b"POST /v1/score HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
    task = asyncio.create_task(_drip(writers))
    yield writers
    task.cancel()
    for writer in writers:
        writer.close()
    await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)


async def _drip(writers: Sequence[asyncio.StreamWriter]) -> None:
    while True:
        for writer in writers:
            if not writer.transport.is_closing():
                writer.write(b"x")
        await asyncio.sleep(1.0)
