"""Workers killed, and restarted one after the other, under load: what was acknowledged must be in the records."""

import asyncio
import random
import signal

import psutil
import sqlalchemy as sa

from benchmarks.faulting.serving import WORKERS, Load, Running, ask_for_ever, end, sellers_of, service, workers
from features.settings import Settings
from serving.records.database import open_database, reading
from serving.records.tables.predictions import PREDICTIONS
from serving.records.verify import verify

CALLERS = 8
BACK_SECONDS = 120.0


def killed(settings: Settings, times: int) -> dict[str, float]:
    """kill -9 of a worker, so many times, each when all workers are there; figures of contract.md."""
    load = _under_load(settings, times, signal.SIGKILL, retry=False)
    broken = sum(load.failed.values())
    lost = _lost(settings, load)
    return {"worker_kills": times, "acked_lost": lost, "kills_acked": len(load.acked), "kills_broken_requests": broken}


def restarted(settings: Settings, times: int) -> dict[str, float]:
    """SIGTERM to a worker, so many times: what it holds is answered, and nothing fails."""
    load = _under_load(settings, times, signal.SIGTERM, retry=True)
    failed, lost = sum(load.failed.values()), _lost(settings, load)
    figures = {"rolling_restarts": times, "restart_failed": failed, "restart_lost": lost}
    return figures | {"restart_acked": len(load.acked), "restart_sent_again": load.again}


def _under_load(settings: Settings, times: int, how: signal.Signals, retry: bool) -> Load:
    with service(settings) as running:
        return asyncio.run(_run(settings, running, times, how, retry))


async def _run(settings: Settings, running: Running, times: int, how: signal.Signals, retry: bool) -> Load:
    load, rng, sellers = Load(), random.Random(1), sellers_of(settings.home)
    callers = [asyncio.create_task(ask_for_ever(load, running, sellers, seed, retry)) for seed in range(CALLERS)]
    for _ in range(times):
        alive = await _all_there(running)
        await asyncio.sleep(rng.uniform(0.2, 1.0))
        chosen = rng.choice(alive)
        end(chosen, how)
        await asyncio.to_thread(chosen.wait, BACK_SECONDS)
    await _all_there(running)
    load.running = False
    await asyncio.gather(*callers)
    return load


async def _all_there(running: Running) -> list[psutil.Process]:
    """The workers, once there are as many as there should be and each has been answering for a moment."""
    for _ in range(int(BACK_SECONDS * 10)):
        alive = await asyncio.to_thread(workers, running)
        if len(alive) == WORKERS and all(map(_listens, alive)):
            return alive
        await asyncio.sleep(0.1)
    raise TimeoutError(f"a worker was not back after {BACK_SECONDS:g} seconds")


def _listens(worker: psutil.Process) -> bool:
    """Whether a worker has loaded what it answers with: it is then a process of many threads that has slept."""
    try:
        return worker.status() != psutil.STATUS_ZOMBIE and _has_models(worker)
    except psutil.Error:
        return False


def _has_models(worker: psutil.Process) -> bool:
    return any("lib_lightgbm" in mapped.path for mapped in worker.memory_maps()) and any(
        mapped.path.endswith("records.bin") for mapped in worker.memory_maps()
    )


def _lost(settings: Settings, load: Load) -> int:
    """Acknowledged predictions that are not in the records, or whose records do not verify."""
    engine = open_database(settings)
    with reading(engine) as con:
        kept = set(con.execute(sa.select(PREDICTIONS.c.decision_id)).scalars())
    faults = len(verify(engine).faults)
    engine.dispose()
    return len(set(load.acked) - kept) + faults
