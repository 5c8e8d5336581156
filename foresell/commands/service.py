"""`foresell serve`: writes the online store and runs the prediction API."""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import STDOUT, Popen

import httpx

from core.days import DayChoice
from core.errors import ForesellError
from core.settings import Settings
from features.incremental.read import is_incremental
from foresell.commands.marketplace import read_ledger, refuse_day
from foresell.commands.scoring import champion, last_day
from foresell.console import StepReporter, steps
from serving.api.auth import is_loopback
from serving.database.api_keys import list_keys
from serving.database.clock import now
from serving.database.connection import open_database
from serving.deployment.launch import command, environment
from serving.store.bundles import current
from serving.store.incremental import write_incremental_store
from serving.store.online_store import Store, open_store, write_store

START_SECONDS = 60
Process = Popen[bytes]


def serve_api(data: Path | None, days: DayChoice) -> None:
    """Serve the prediction API until stopped."""
    settings = Settings()
    check_reachable(settings)
    with steps() as progress:
        if data:
            write_online_store(data, days, settings, progress)
        check_loadable(settings, progress)
        process = start_ready(settings, progress)
    with ending(process):
        print_intake(settings)
        print(f"Serving at {address(settings)} until Ctrl-C.", flush=True)
        wait(process)


def print_intake(settings: Settings) -> None:
    """Print what became of the rows that the online store was made from."""
    for line in open_store(settings.home / "store").facts.get("intake", {}).get("lines", ()):
        print(line, flush=True)


def write_online_store(data: Path, days: DayChoice, settings: Settings, progress: StepReporter) -> Store:
    """Write the online store that the API reads: every seller at the last ledger day."""
    _, bundle = champion(settings, progress)
    if is_incremental(data):
        refuse_day(days)
        progress("writing the online store")
        write_incremental_store(data, bundle, settings.home / "store")
        return open_store(settings.home / "store")
    ledger = read_ledger(data, days, settings, progress, present=True)
    rows = last_day(ledger, bundle, progress)
    progress("writing the online store")
    write_store(ledger, rows, settings.home / "store")
    return open_store(settings.home / "store")


def check_reachable(settings: Settings) -> None:
    """Raise ForesellError if the service could be called without a key from outside, or if no valid key exists."""
    rule = "The API needs keys. It runs without them only on a loopback address and with FORESELL_KEYLESS=true."
    if settings.keyless and not is_loopback(settings.host):
        step = "create keys (foresell keys create) and leave FORESELL_KEYLESS unset"
        raise ForesellError(rule, f"FORESELL_KEYLESS on {settings.host}", step)
    if not settings.keyless and not any(key.holds(now()) for key in list_keys(open_database(settings))):
        step = "foresell keys create NAME --role score; or, on loopback only, FORESELL_KEYLESS=true"
        raise ForesellError(rule, f"no valid key, on {settings.host}", step)


def check_loadable(settings: Settings, progress: StepReporter) -> None:
    """Raise ForesellError if there is no model or no store, since the service could never become ready."""
    if not current(settings.home):
        champion(settings, progress)
    open_store(settings.home / "store")


def address(settings: Settings) -> str:
    """The URL of the API."""
    return f"http://{settings.host}:{settings.port}"


def wait(process: Process) -> None:
    """Wait until the service ends or Ctrl-C is pressed."""
    try:
        code = process.wait()
    except KeyboardInterrupt:
        return
    raise ForesellError("The service must keep running.", f"it ended with code {code}", "read its messages above")


def start_ready(settings: Settings, progress: StepReporter, log: Path | None = None) -> Process:
    """Start the service and wait until it answers. Its messages go to the log, or to our own output."""
    if _answers(settings, "/livez"):
        raise ForesellError(
            "The port must be free.", f"{address(settings)} answers", "stop that program, or set FORESELL_PORT"
        )
    progress("starting the API")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # `ending` then stops the service
    process = _start(settings, log)
    try:
        _wait_ready(settings, process)
    except BaseException:
        _end(process)
        raise
    return process


def _start(settings: Settings, log: Path | None) -> Process:
    if log is None:
        return Popen(command(settings), env=environment(settings))
    with log.open("ab") as messages:
        return Popen(command(settings), env=environment(settings), stdout=messages, stderr=STDOUT)


@contextmanager
def ending(process: Process) -> Iterator[None]:
    """Stop the service at the end of the block; it finishes its open requests first."""
    try:
        yield
    finally:
        _end(process)


def _end(process: Process) -> None:
    process.terminate()
    process.wait()


def _wait_ready(settings: Settings, process: Process) -> None:
    give_up = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up:
        if _answers(settings, "/readyz"):
            return
        if process.poll() is not None:
            break
        time.sleep(0.2)
    found = "it ended" if process.poll() is not None else f"not ready after {START_SECONDS} s"
    raise ForesellError(
        "The service must be ready to answer.", found, "run foresell doctor, which says what is missing"
    )


def _answers(settings: Settings, path: str) -> bool:
    try:
        return httpx.get(f"{address(settings)}{path}", timeout=2).is_success
    except httpx.HTTPError:
        return False
