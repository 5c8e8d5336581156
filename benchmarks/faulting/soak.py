"""Memory over a long load: how many megabytes the workers grow by, for each 10,000 requests."""

import asyncio
import time
from collections.abc import Sequence

import numpy as np
import psutil

from benchmarks.faulting.serving import Load, Running, ask_for_ever, sellers_of, service, workers
from core.settings import Settings

CALLERS = 4
SAMPLE_SECONDS = 2.0
WARM_SHARE = 0.2  # of the time: caches fill, allocators settle


def soaked(settings: Settings, seconds: float) -> dict[str, float]:
    """Under load for so long; figures of docs/contract.md."""
    load = Load()
    with service(settings) as running:
        samples = asyncio.run(_run(running, load, sellers_of(settings.home), seconds))
    slope = _slope([s for s in samples if s[0] >= WARM_SHARE * seconds])
    figures = {"soak_mb_per_10k_requests": slope, "soak_seconds": seconds, "soak_requests": load.answered}
    return figures | {"soak_failed": sum(load.failed.values()), "soak_mb_at_the_end": samples[-1][2]}


Sample = tuple[float, int, float]  # seconds, requests answered, megabytes of all workers


async def _run(running: Running, load: Load, sellers: Sequence[str], seconds: float) -> list[Sample]:
    begun, samples = time.monotonic(), list[Sample]()
    callers = [asyncio.create_task(ask_for_ever(load, running, sellers, seed)) for seed in range(CALLERS)]
    watched = workers(running)
    while (now := time.monotonic() - begun) < seconds:
        samples.append((now, load.answered, _megabytes(watched)))
        await asyncio.sleep(SAMPLE_SECONDS)
    load.running = False
    await asyncio.gather(*callers)
    return samples


def _megabytes(processes: Sequence[psutil.Process]) -> float:
    """Memory of their own: pages of the store's files that they share with the disk's cache are not growth."""
    return float(sum(p.memory_info().rss - p.memory_info().shared for p in processes) / 1e6)


def _slope(samples: Sequence[Sample]) -> float:
    """Megabytes for each 10,000 requests, by least squares."""
    _, requests, megabytes = np.array(samples).T
    return float(np.polyfit(requests, megabytes, 1)[0] * 10_000)
