"""The prediction API as a BentoML service.

BentoML starts, watches and ends the processes, answers the probes, and builds the Bento. The middleware answers the
routes of the API: for each request BentoML's own way would read the method's signature, the body and the types of the
answer anew, which takes a tenth of the time of a score.
"""

import asyncio
import gc
import sys
from contextlib import suppress
from functools import partial

import bentoml

from core.settings import Settings
from models.bundle.trial import without_sklearn
from serving import metrics
from serving.api import auth, logs
from serving.api.auth import Authenticator
from serving.api.middleware import ApiMiddleware
from serving.api.routes import ROUTES
from serving.api.routing import AppState
from serving.deployment.background import (
    TIDY_SECONDS,
    RegistryFreshness,
    ask_registry,
    compare_challenger,
    follow,
    look_once,
    tidy,
    work_on_jobs,
)
from serving.deployment.shadow import report as shadow_report
from serving.store.pointer import read

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
    """Predicts which sellers are about to breach a standard, and says why."""

    def __init__(self) -> None:
        # Here, not above: BentoML's parent process imports this file too, and has no use for LightGBM.
        without_sklearn()
        from serving.scoring.service import ScoringService

        logs.configure()
        sys.setswitchinterval(SWITCH_SECONDS)
        self.settings = Settings()
        self.scoring = ScoringService(self.settings)
        self.authenticator = Authenticator(self.settings, self.scoring.commits.engine)
        self.state = AppState(
            self.settings, self.authenticator, self.scoring, RegistryFreshness(self.settings.stale_seconds)
        )
        self.tasks: list[asyncio.Task[None]] = []

    @bentoml.on_startup  # type: ignore[untyped-decorator]
    async def start(self) -> None:
        """Load what is on this machine before the first request; the registry is asked in the background."""
        await asyncio.to_thread(self.authenticator.look)
        await look_once(self.scoring.watcher.look)
        background = (
            follow(self.scoring.watcher.look),
            follow(self.authenticator.look, auth.KEYS_SECONDS),
            follow(self.authenticator.remember, auth.USED_SECONDS),
            follow(self.measure, MEASURE_SECONDS),
            ask_registry(self.settings, self.state.freshness),
            compare_challenger(self.settings),
            work_on_jobs(self.settings, self.scoring.commits),
            follow(partial(tidy, self.settings, self.scoring.commits.engine), TIDY_SECONDS),
        )
        self.tasks = [asyncio.create_task(work) for work in background]
        gc.collect()
        gc.freeze()  # loaded objects stay, so collections need not scan them again

    @bentoml.on_shutdown  # type: ignore[untyped-decorator]
    async def stop(self) -> None:
        """Stop the background work, then close the log."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        with suppress(Exception):  # failing to note when a key was last used must not keep the process from ending
            await asyncio.to_thread(self.authenticator.remember)
        await self.scoring.commits.close()

    def measure(self) -> None:
        """Set the gauges that change without a request."""
        loaded = self.scoring.watcher.loaded
        if loaded:
            metrics.set_model(loaded.model.bundle.calibrated_to, loaded.store.as_of, self.state.freshness.stale)
        metrics.set_shadow(read(shadow_report(self.settings.home.resolve())) or {})

    def __is_ready__(self) -> bool:
        return self.scoring.ready


# To the type checker the decorator above leaves a class; it made a bentoml.Service.
Foresell.add_asgi_middleware(  # type: ignore[attr-defined]
    ApiMiddleware, routes=ROUTES, state=lambda: current_service().state
)
