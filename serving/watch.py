"""What a serving process does beside answering: it follows the local pointers, and has the registry asked."""

import asyncio
import logging
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from features.settings import Settings
from serving.copies import challenger_pointer
from serving.freshness import Freshness

LOGGER = logging.getLogger("foresell")
LOOK_SECONDS = 1.0
SHADOW_SECONDS = 60.0
REFRESH_TIMEOUT = 300.0  # longer than a trial of a bundle
BUSY = 3  # another worker's process is at it
ROOT = Path(__file__).parents[1]


async def follow(look: Callable[[], None], seconds: float = LOOK_SECONDS) -> None:
    """Look every so many seconds, for ever, off the event loop."""
    while True:
        await look_once(look)
        await asyncio.sleep(seconds)


async def look_once(look: Callable[[], None]) -> None:
    """Look, off the event loop; what fails is told, and leaves what was found last."""
    try:
        await asyncio.to_thread(look)
    except Exception:  # the next look may find things mended
        LOGGER.exception("A look at what has changed failed")


async def ask_registry(settings: Settings, freshness: Freshness) -> None:
    """Start the refresh process again and again; one that hangs is ended."""
    asked_at: int | None = 0
    while True:
        changed_at = _changed_at(settings)
        if changed_at is not None and changed_at == asked_at:
            freshness.asked()
        elif await run_module("serving.refresh", settings):
            freshness.asked()
            asked_at = changed_at
        else:
            asked_at = None
        await asyncio.sleep(settings.refresh_seconds)


async def compare_challenger(settings: Settings) -> None:
    """Start the shadow's process now and then, while there is a challenger."""
    while True:
        await asyncio.sleep(SHADOW_SECONDS)
        if challenger_pointer(settings.home).exists():
            await run_module("serving.shadow", settings)


def _changed_at(settings: Settings) -> int | None:
    """When the registry under home last changed (0: there is none), since asking costs seconds; None: not known."""
    if settings.tracking_uri:
        return None
    with suppress(OSError):
        return (settings.home / "mlflow.db").stat().st_mtime_ns
    return 0


async def run_module(module: str, settings: Settings, seconds: float = REFRESH_TIMEOUT) -> bool:
    """Whether a process of ours ended well in its time."""
    path = os.pathsep.join(p for p in (str(ROOT), os.environ.get("PYTHONPATH")) if p)
    environment = {**os.environ, "FORESELL_HOME": str(settings.home.resolve()), "PYTHONPATH": path}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE, env=environment
    )
    try:
        async with asyncio.timeout(seconds):
            _, said = await process.communicate()
    except (TimeoutError, asyncio.CancelledError) as error:
        await _end(process)
        if isinstance(error, asyncio.CancelledError):
            raise
        LOGGER.warning("%s did not end in %g seconds; what is here serves on", module, seconds)
        return False
    if process.returncode not in (0, BUSY):
        LOGGER.warning("%s did not end well: %s", module, said.decode(errors="replace").strip()[-500:])
    return process.returncode == 0


async def _end(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()
