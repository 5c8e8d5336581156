"""`foresell serve`: the online store and the prediction API's processes."""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import STDOUT, Popen

import httpx

from features.errors import ForesellError
from features.grown import is_grown
from features.settings import Settings
from foresell.console import Say, steps
from foresell.data import read_ledger
from foresell.scoring import champion, last_day
from serving.access.door import is_loopback
from serving.copies import current
from serving.grown_store import write_grown_store
from serving.launch import command, environment
from serving.records.clock import now
from serving.records.database import open_database
from serving.records.keys import everything
from serving.store import Store, open_store, write_store

START_SECONDS = 60
Process = Popen[bytes]


def serve_api(data: Path | None, zone: str | None) -> None:
    """Serve until stopped."""
    settings = Settings()
    check_reachable(settings)
    with steps() as say:
        if data:
            write_online_store(data, zone, settings, say)
        check_loadable(settings, say)
        process = start_ready(settings, say)
    with ending(process):
        print(f"Serving at {address(settings)} until Ctrl-C.", flush=True)
        wait(process)


def write_online_store(data: Path, zone: str | None, settings: Settings, say: Say) -> Store:
    """Write the store that the API reads: every seller at the last ledger day of a contract folder."""
    _, bundle = champion(settings, say)
    if is_grown(data):
        say("writing the online store")
        write_grown_store(data, bundle, settings.home / "store")
        return open_store(settings.home / "store")
    ledger = read_ledger(data, zone, settings, say, present=True)
    rows = last_day(ledger, bundle, say)
    say("writing the online store")
    write_store(ledger, rows, settings.home / "store")
    return open_store(settings.home / "store")


def check_reachable(settings: Settings) -> None:
    """Who could reach the service, and by what right; ForesellError where anybody could, or nobody."""
    rule = "The API answers to keys; without them only on loopback, and only where the setting says so."
    if settings.keyless and not is_loopback(settings.host):
        step = "make keys (foresell keys create) and leave FORESELL_KEYLESS unset"
        raise ForesellError(rule, f"FORESELL_KEYLESS on {settings.host}", step)
    if not settings.keyless and not any(key.holds(now()) for key in everything(open_database(settings))):
        step = "foresell keys create NAME --role score; or, on loopback only, FORESELL_KEYLESS=true"
        raise ForesellError(rule, f"no key that holds, on {settings.host}", step)


def check_loadable(settings: Settings, say: Say) -> None:
    """A service without a model or a store would start and never be ready."""
    if not current(settings.home):
        champion(settings, say)
    open_store(settings.home / "store")


def address(settings: Settings) -> str:
    """Where the API answers."""
    return f"http://{settings.host}:{settings.port}"


def wait(process: Process) -> None:
    """Wait until the service ends or Ctrl-C is pressed."""
    try:
        code = process.wait()
    except KeyboardInterrupt:
        return
    raise ForesellError("The service must keep running.", f"it ended with code {code}", "read its messages above")


def start_ready(settings: Settings, say: Say, log: Path | None = None) -> Process:
    """Start the service and wait until it answers; its messages go to the log, or to where ours go."""
    if _answers(settings, "/livez"):
        raise ForesellError("The port must be free.", f"{address(settings)} answers", "stop that, or set FORESELL_PORT")
    say("starting the API")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # through `ending`, so that no process is left behind
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
    """End the service on the way out, after the requests it holds."""
    try:
        yield
    finally:
        _end(process)


def _end(process: Process) -> None:
    process.terminate()
    process.wait()


def _wait_ready(settings: Settings, process: Process) -> None:
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
