"""A model registry that is dead, hung, slow, broken or talks nonsense: the service starts and scores all the same."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

import psutil

from benchmarks.faulting.serving import Load, Running, ask_for_ever, sellers_of, service, wait_ready
from core.settings import Settings

CALLERS = 4
MODES = ("dead", "hung", "slow", "status 500", "nonsense")
SLOW_SECONDS = 0.5  # for each byte
STALE_SECONDS = 2.0


@dataclass(frozen=True)
class Asked:
    """One mode: what callers saw, seconds until it was ready (and of processor time), and whether the gauge told."""

    load: Load
    started: float
    worked: float
    stale: bool


def without_registry(settings: Settings, seconds: float) -> dict[str, float]:
    """The service started and asked for so many seconds in each mode; figures of docs/contract.md."""
    found = [_without(settings.model_copy(update={"stale_seconds": STALE_SECONDS}), mode, seconds) for mode in MODES]
    return {
        "registry_modes": len(found),
        "registry_failed_scores": sum(sum(one.load.failed.values()) for one in found),
        "registry_scores": sum(one.load.answered for one in found),
        "registry_start_seconds": max(one.started for one in found),
        "registry_start_processor_seconds": max(one.worked for one in found),
        "registry_stale_told": sum(one.stale for one in found),
    }


def _without(settings: Settings, mode: str, seconds: float) -> Asked:
    with fault_proxy(mode) as port:
        away = {"tracking_uri": f"http://127.0.0.1:{port}", "refresh_seconds": 1}
        return _asked(settings.model_copy(update=away), seconds)


def _asked(settings: Settings, seconds: float) -> Asked:
    load, begun = Load(), monotonic()
    with service(settings) as running:
        started, worked = monotonic() - begun, _worked(running)
        asyncio.run(_ask(load, running, sellers_of(settings.home), seconds))
        wait_ready(settings.port)
        return Asked(load, started, worked, asyncio.run(_says_stale(running)))


def _worked(running: Running) -> float:
    """Processor seconds of the service's processes."""
    mine = psutil.Process(running.process.pid)
    times = [p.cpu_times() for p in (mine, *mine.children(recursive=True))]
    return float(sum(t.user + t.system for t in times))


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
