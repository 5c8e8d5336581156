"""Workers killed, and restarted one after the other, under load: what was acknowledged must be in the records."""

import asyncio
import random
import signal
from pathlib import Path

import psutil
import sqlalchemy as sa

from benchmarks.faulting.serving import Load, Running, ask_for_ever, end, sellers_of, service, workers
from core.settings import Settings
from serving.audit_log.verify import verify
from serving.database.connection import open_database, reading
from serving.database.tables.predictions import PREDICTIONS

CALLERS = 8
ENOUGH = 2  # workers that answer, before one of them is ended
BACK_SECONDS = 600.0
LOOK_SECONDS = 0.2
GENTLE_SECONDS = 0.05  # between a caller's requests while too few workers answer, so that the next is there the sooner


def killed(settings: Settings, times: int) -> dict[str, float]:
    """kill -9 of a worker, so many times, each while others answer; figures of docs/contract.md."""
    load = _under_load(settings, times, signal.SIGKILL, retry=False)
    broken = sum(load.failed.values())
    lost = _lost(settings, load)
    return {"worker_kills": times, "acked_lost": lost, "kills_acked": len(load.acked), "kills_broken_requests": broken}


def restarted(settings: Settings, times: int) -> dict[str, float]:
    """SIGTERM to a worker, so many times: what it holds is answered, and nothing fails."""
    load = _under_load(settings, times, signal.SIGTERM, retry=True)
    failed, lost = sum(load.failed.values()), _lost(settings, load)
    figures: dict[str, float] = {"rolling_restarts": times, "restart_failed": failed, "restart_lost": lost}
    return figures | {"restart_acked": len(load.acked), "restart_sent_again": load.again}


def _under_load(settings: Settings, times: int, how: signal.Signals, retry: bool) -> Load:
    with service(settings) as running:
        return asyncio.run(_run(settings, running, times, how, retry))


async def _run(settings: Settings, running: Running, times: int, how: signal.Signals, retry: bool) -> Load:
    load, rng, sellers = Load(), random.Random(1), sellers_of(settings.home)
    callers = [asyncio.create_task(ask_for_ever(load, running, sellers, seed, retry)) for seed in range(CALLERS)]
    for _ in range(times):
        alive = await _answering(running, load, ENOUGH)
        await asyncio.sleep(rng.uniform(0.2, 1.0))
        chosen = rng.choice(alive)
        end(chosen, how)
        await asyncio.to_thread(chosen.wait, BACK_SECONDS)
    await _answering(running, load, settings.workers)
    load.running = False
    await asyncio.gather(*callers)
    return load


async def _answering(running: Running, load: Load, count: int) -> list[psutil.Process]:
    """The workers that answer, once there are so many."""
    load.pause = GENTLE_SECONDS
    for _ in range(int(BACK_SECONDS / LOOK_SECONDS)):
        alive = [worker for worker in await asyncio.to_thread(workers, running) if _answers(worker)]
        if len(alive) >= count:
            load.pause = 0.0
            return alive
        await asyncio.sleep(LOOK_SECONDS)
    raise TimeoutError(f"a worker was not back after {BACK_SECONDS:g} seconds")


def _answers(worker: psutil.Process) -> bool:
    """Whether a worker has loaded what it answers with: it does so before it takes connections."""
    try:
        mapped = Path(f"/proc/{worker.pid}/maps").read_text(encoding="utf-8")
    except OSError:
        return False
    return "lib_lightgbm" in mapped and "records.bin" in mapped


def _lost(settings: Settings, load: Load) -> int:
    """Acknowledged predictions that are not in the records, or whose records do not verify."""
    engine = open_database(settings)
    with reading(engine) as con:
        kept = set(con.execute(sa.select(PREDICTIONS.c.decision_id)).scalars())
    faults = len(verify(engine).faults)
    engine.dispose()
    return len(set(load.acked) - kept) + faults
