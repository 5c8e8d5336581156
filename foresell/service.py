"""`foresell serve`: the online store and the prediction API's processes."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from features.errors import ForesellError
from features.settings import Settings
from foresell.console import step
from foresell.data import iso, read_ledger
from foresell.scoring import champion, last_day
from serving.copies import current
from serving.launch import start
from serving.store import open_store, write_store

START_SECONDS = 60


def write_online_store(data: Path, zone: str | None, settings: Settings) -> str:
    """Write the store that the API reads from a contract folder; returns its day."""
    _, bundle = champion(settings)
    ledger = read_ledger(data, zone)
    rows = last_day(ledger, bundle)
    with step("Write the online store"):
        write_store(ledger, rows, settings.home / "store")
    return iso(ledger.last_day)


def serve_api(data: Path | None, zone: str | None) -> None:
    """Serve until stopped."""
    settings = Settings()
    if data:
        write_online_store(data, zone, settings)
    _check_store(settings)
    with running(settings) as process:
        print(f"Serving at {address(settings)} until Ctrl-C.", flush=True)
        wait(process)


def _check_store(settings: Settings) -> None:
    """A service without a model or a store would start and never be ready."""
    if not current(settings.home):
        champion(settings)
    open_store(settings.home / "store")


def address(settings: Settings) -> str:
    """Where the API answers."""
    return f"http://{settings.host}:{settings.port}"


def wait(process: "subprocess.Popen[bytes]") -> None:
    """Wait until the service ends or Ctrl-C is pressed."""
    try:
        code = process.wait()
    except KeyboardInterrupt:
        return
    raise ForesellError("The service must keep running.", f"it ended with code {code}", "read its messages above")


@contextmanager
def running(settings: Settings) -> Iterator["subprocess.Popen[bytes]"]:
    """The service, ready to answer; ended on the way out, after the requests it holds."""
    if _answers(settings, "/livez"):
        raise ForesellError("The port must be free.", f"{address(settings)} answers", "stop that, or set FORESELL_PORT")
    process = start(settings)
    try:
        with step("Start the API"):
            _wait_ready(settings, process)
        yield process
    finally:
        process.terminate()
        process.wait()


def _wait_ready(settings: Settings, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(START_SECONDS * 5):
        if _answers(settings, "/readyz"):
            return
        if process.poll() is not None:
            break
        time.sleep(0.2)
    found = "it ended" if process.poll() is not None else f"not ready after {START_SECONDS} s"
    raise ForesellError("The service must be ready to answer.", found, "foresell doctor says what it lacks")


def _answers(settings: Settings, path: str) -> bool:
    try:
        return httpx.get(f"{address(settings)}{path}", timeout=2).is_success
    except httpx.HTTPError:
        return False
