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

LOGGER = logging.getLogger("foresell")
LOOK_SECONDS = 1.0
REFRESH_TIMEOUT = 120.0
ROOT = Path(__file__).parents[1]


async def follow(look: Callable[[], None], seconds: float = LOOK_SECONDS) -> None:
    """Look every so many seconds, for ever, off the event loop."""
    while True:
        try:
            await asyncio.to_thread(look)
        except Exception:  # the next look may find things mended; what was found last stays
            LOGGER.exception("A look at what has changed failed")
        await asyncio.sleep(seconds)


async def ask_registry(settings: Settings) -> None:
    """Start the refresh process again and again; one that hangs is ended."""
    asked_at: int | None = 0
    while True:
        changed_at = _changed_at(settings)
        if changed_at is None or changed_at != asked_at:
            asked_at = changed_at if await _refresh(settings) else None
        await asyncio.sleep(settings.refresh_seconds)


def _changed_at(settings: Settings) -> int | None:
    """When the registry under home last changed (0: there is none), since asking costs seconds; None: not known."""
    if settings.tracking_uri:
        return None
    with suppress(OSError):
        return (settings.home / "mlflow.db").stat().st_mtime_ns
    return 0


async def _refresh(settings: Settings) -> bool:
    path = os.pathsep.join(p for p in (str(ROOT), os.environ.get("PYTHONPATH")) if p)
    environment = {**os.environ, "FORESELL_HOME": str(settings.home.resolve()), "PYTHONPATH": path}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "serving.refresh", stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE, env=environment
    )
    try:
        async with asyncio.timeout(REFRESH_TIMEOUT):
            _, said = await process.communicate()
    except (TimeoutError, asyncio.CancelledError) as error:
        await _end(process)
        if isinstance(error, asyncio.CancelledError):
            raise
        LOGGER.warning("The registry did not answer in %g seconds; the local copy serves on", REFRESH_TIMEOUT)
        return False
    if process.returncode:
        LOGGER.warning("The registry could not be asked: %s", said.decode(errors="replace").strip()[-500:])
    return process.returncode == 0


async def _end(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()
