"""The service as it runs, its workers by their process ids, and callers that never stop asking."""

import asyncio
import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psutil

from benchmarks.faulting.caller import Broken, Caller
from core.settings import Settings
from serving.database.api_keys import create, server_secret
from serving.database.connection import open_database
from serving.deployment.launch import command, environment

START_SECONDS = 600.0  # of a machine that has much else to do
RATE = 1_000_000.0  # what one key may ask: the rate is not what is tried here


@dataclass(frozen=True)
class Running:
    """The service: its parent process, where it answers, and a key to everything."""

    process: "subprocess.Popen[bytes]"
    port: int
    key: str

    def caller(self) -> Caller:
        """A new connection with the key."""
        return Caller(self.port, {"authorization": f"Bearer {self.key}"})


@contextmanager
def service(settings: Settings) -> Iterator[Running]:
    """The API's processes, ready, keys on; what they print is in home/service.txt."""
    at = settings.model_copy(update={"key_rate": RATE})
    key = _new_key(at)
    with (settings.home / "service.txt").open("ab") as out:
        process = subprocess.Popen(command(at), env=environment(at), stdout=out, stderr=out)
    try:
        wait_ready(at.port)
        yield Running(process, at.port, key)
    finally:
        process.terminate()
        process.wait(60)


def _new_key(settings: Settings) -> str:
    engine = open_database(settings)
    try:
        return create(engine, server_secret(settings), "faults", ["admin"], days=1)
    finally:
        engine.dispose()


def wait_ready(port: int, seconds: float = START_SECONDS) -> float:
    """How long it took until /readyz answered 200."""
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        if asyncio.run(_ready(port)):
            return time.monotonic() - started
        time.sleep(0.1)
    raise TimeoutError(f"not ready after {seconds:g} seconds")


async def _ready(port: int) -> bool:
    caller = Caller(port, seconds=5)
    try:
        return (await caller.send("GET", "/readyz", b"", {})).status == 200
    except Broken:
        return False
    finally:
        caller.close()


def workers(running: Running) -> list[psutil.Process]:
    """The processes that answer, the oldest first."""
    found = [p for p in psutil.Process(running.process.pid).children(recursive=True) if _is_worker(p)]
    return sorted(found, key=lambda p: p.create_time())


def _is_worker(process: psutil.Process) -> bool:
    try:
        said = process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False
    return any("worker" in part and "service" in part for part in said)


def end(worker: psutil.Process, how: signal.Signals) -> None:
    """Send a signal to one worker."""
    os.kill(worker.pid, how)


@dataclass
class Load:
    """What callers saw. acked: the decision ids of 200 answers; failed: what else came, and how often."""

    acked: list[str] = field(default_factory=list)
    answered: int = 0
    failed: dict[str, int] = field(default_factory=dict)
    pause: float = 0.0  # seconds between a caller's requests
    again: int = 0  # sent once more with the same Idempotency-Key, since the connection had gone
    running: bool = True

    def fail(self, said: str) -> None:
        """Count one failure."""
        self.failed[said] = self.failed.get(said, 0) + 1


async def ask_for_ever(load: Load, running: Running, sellers: Sequence[str], seed: int, retry: bool = False) -> None:
    """Score one seller after the other until load.running is false. retry: once, with the same key, when it broke."""
    rng, caller, numbers = random.Random(seed), running.caller(), count()
    while load.running:
        body = json.dumps({"seller_ids": [rng.choice(sellers)], "explain": rng.random() < 0.5}).encode()
        headers = {"idempotency-key": f"{os.getpid()}-{seed}-{next(numbers)}"} if retry else {}
        try:
            await _ask(load, caller, body, headers, retry)
        except Broken as error:
            load.fail(str(error))
            await asyncio.sleep(0.02)
        if load.pause:
            await asyncio.sleep(load.pause)
    caller.close()


async def _ask(load: Load, caller: Caller, body: bytes, headers: Mapping[str, str], retry: bool) -> None:
    try:
        answer = await caller.post("/v1/score", body, headers)
    except Broken:
        if not retry:
            raise
        load.again += 1
        answer = await caller.post("/v1/score", body, headers)
    load.answered += 1
    if answer.status != 200:
        load.fail(str(answer.status))
        return
    load.acked += [result["decision_id"] for result in answer.json()["results"] if "decision_id" in result]


def sellers_of(home: Path) -> list[str]:
    """Ids that the store of a home knows."""
    from serving.store.online_store import open_store

    store = open_store(home / "store")
    return [store.record(number)["seller_id"] for number in range(len(store.keys))]
