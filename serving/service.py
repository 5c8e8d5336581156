"""The prediction API as a BentoML service: the thin side towards BentoML.

BentoML starts, watches and ends the processes, answers the probes, and builds the Bento. The routes of the API are
answered by the guard: BentoML's way from a request to a method of the service reads that method's signature, the body
and the types of the answer anew each time, which takes a tenth of what a score does.
"""

import asyncio
import gc
import sys
from contextlib import suppress
from functools import partial

import bentoml

from features.settings import Settings
from models.lean import without_sklearn
from serving import logs, metrics
from serving.access import keyring
from serving.access.door import Door
from serving.freshness import Freshness
from serving.guard import Guard
from serving.jobs import work_on_jobs
from serving.pointer import read
from serving.running import Running
from serving.shadow import report as shadow_report
from serving.table import ROUTES
from serving.tidying import TIDY_SECONDS, tidy
from serving.watch import ask_registry, compare_challenger, follow, look_once

current_service = bentoml.get_current_service  # looked up once: bentoml's own look-up of a name imports each time
MEASURE_SECONDS = 1.0
# A commit is a dozen short turns of its thread. With Python's 5 ms it waits that long for each while scores are worked
# out, and all the answers of its group with it.
SWITCH_SECONDS = 0.0002


@bentoml.service(
    name="foresell",
    http={"host": "127.0.0.1"},  # BentoML's own default is every address
    tracing={"excluded_urls": ".*"},  # spans that nothing collects
    metrics={"enabled": False},  # labelled with any path that is asked for; ours are in serving.metrics
    logging={"access": {"enabled": False}},  # writes any path into the log, line breaks and all
    envs=[{"name": "OMP_NUM_THREADS", "value": "1"}],  # workers share the cores; one row needs no more
)
class Foresell:
    """Tells which sellers are about to breach a standard, and why."""

    def __init__(self) -> None:
        # Here, not above: BentoML's parent process imports this file too, and has no use for LightGBM.
        without_sklearn()
        from serving.scoring import Scoring

        logs.configure()
        sys.setswitchinterval(SWITCH_SECONDS)
        self.settings = Settings()
        self.scoring = Scoring(self.settings)
        self.door = Door(self.settings, self.scoring.commits.engine)
        self.running = Running(self.settings, self.door, self.scoring, Freshness(self.settings.stale_seconds))
        self.tasks: list[asyncio.Task[None]] = []

    @bentoml.on_startup  # type: ignore[untyped-decorator]
    async def start(self) -> None:
        """Load what is here, before the first request comes; the registry is asked beside it, and not waited for."""
        await asyncio.to_thread(self.door.look)
        await look_once(self.scoring.following.look)
        beside = (
            follow(self.scoring.following.look),
            follow(self.door.look, keyring.LOOK_SECONDS),
            follow(self.door.remember, keyring.REMEMBER_SECONDS),
            follow(self.measure, MEASURE_SECONDS),
            ask_registry(self.settings, self.running.freshness),
            compare_challenger(self.settings),
            work_on_jobs(self.settings, self.scoring.commits),
            follow(partial(tidy, self.settings, self.scoring.commits.engine), TIDY_SECONDS),
        )
        self.tasks = [asyncio.create_task(work) for work in beside]
        gc.collect()
        gc.freeze()  # what is loaded stays: a collection need not look through it again and again

    @bentoml.on_shutdown  # type: ignore[untyped-decorator]
    async def stop(self) -> None:
        """End what runs beside the answers."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        with suppress(Exception):  # when a key was last used is no reason not to end
            await asyncio.to_thread(self.door.remember)
        await self.scoring.commits.close()

    def measure(self) -> None:
        """Set the gauges that change without a request."""
        loaded = self.scoring.following.loaded
        if loaded:
            metrics.set_model(loaded.held.bundle.calibrated_to, loaded.store.as_of, self.running.freshness.stale)
        metrics.set_shadow(read(shadow_report(self.settings.home.resolve())) or {})

    def __is_ready__(self) -> bool:
        return self.scoring.ready


# To the type checker the decorator above leaves a class; it made a bentoml.Service.
Foresell.add_asgi_middleware(  # type: ignore[attr-defined]
    Guard, routes=ROUTES, running=lambda: current_service().running
)
