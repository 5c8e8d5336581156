"""A model registry that is dead, hung, slow, broken or talks nonsense: the service starts and scores all the same."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic

from benchmarks.faulting.serving import Load, Running, ask_for_ever, sellers_of, service, wait_ready
from features.settings import Settings

CALLERS = 4
MODES = ("dead", "hung", "slow", "status 500", "nonsense")
SLOW_SECONDS = 0.5  # for each byte
STALE_SECONDS = 2.0


def without_registry(settings: Settings, seconds: float) -> dict[str, float]:
    """The service started and asked for so many seconds in each mode; figures of contract.md."""
    failed, answered, told, slowest = 0, 0, 0, 0.0
    for mode in MODES:
        with fault_proxy(mode) as port:
            away = settings.model_copy(update={"tracking_uri": f"http://127.0.0.1:{port}", "refresh_seconds": 1})
            load, started, stale = _asked(away.model_copy(update={"stale_seconds": STALE_SECONDS}), seconds)
        failed, answered = failed + sum(load.failed.values()), answered + load.answered
        told, slowest = told + stale, max(slowest, started)
    figures = {"registry_modes": len(MODES), "registry_failed_scores": failed, "registry_scores": answered}
    return figures | {"registry_start_seconds": slowest, "registry_stale_told": told}


def _asked(settings: Settings, seconds: float) -> tuple[Load, float, bool]:
    """What callers saw, how long the start took, and whether the gauge tells, of a service that says it is ready."""
    load = Load()
    begun = monotonic()
    with service(settings) as running:
        started = monotonic() - begun
        asyncio.run(_ask(load, running, sellers_of(settings.home), seconds))
        wait_ready(settings.port)
        stale = asyncio.run(_says_stale(running))
    return load, started, stale


async def _says_stale(running: Running) -> bool:
    caller = running.caller()
    answer = await caller.send("GET", "/metrics", b"", {})
    caller.close()
    return b"\nforesell_stale 1.0\n" in answer.body


async def _ask(load: Load, running: Running, sellers: Sequence[str], seconds: float) -> None:
    callers = [asyncio.create_task(ask_for_ever(load, running, sellers, seed)) for seed in range(CALLERS)]
    await asyncio.sleep(seconds)
    load.running = False
    await asyncio.gather(*callers)


@contextmanager
def fault_proxy(mode: str) -> Iterator[int]:
    """The port of something that is no registry."""
    runner = asyncio.Runner()
    loop = runner.get_loop()
    server = loop.run_until_complete(asyncio.start_server(lambda r, w: _answer(mode, r, w), "127.0.0.1", 0))
    port: int = server.sockets[0].getsockname()[1]
    if mode == "dead":
        server.close()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        runner.close()  # and every answer that was still under way


async def _answer(mode: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        await reader.readuntil(b"\r\n\r\n")
        await _speak(mode, writer)
    finally:
        writer.close()


async def _speak(mode: str, writer: asyncio.StreamWriter) -> None:
    if mode == "hung":
        await asyncio.sleep(3600)
    status, body = ("500 Internal Server Error", b"{}") if mode == "status 500" else ("200 OK", b"<html>nonsense")
    answer = f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body
    for byte in answer:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(SLOW_SECONDS if mode == "slow" else 0)
