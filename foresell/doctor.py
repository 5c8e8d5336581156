"""What is installed, reachable and fresh, and what to do about the rest."""

import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version

import httpx
from packaging.version import Version
from rich.table import Table

from features.errors import ForesellError
from features.settings import Settings
from foresell.console import Outcome, table
from foresell.doctor_records import records
from foresell.scoring import nothing_trained
from serving.copies import current
from serving.store import open_store

# Below these, a library has a known hole or lacks what Foresell calls.
SAFE_MINIMUM = {
    "bentoml": "1.4.39",
    "mlflow": "3.11",
    "skops": "0.13",
    "lightgbm": "4.6",
    "python-multipart": "0.0.18",
}
FREE_GB = 2  # a training with its plots and bundles takes well under one


@dataclass(frozen=True)
class Finding:
    """One thing looked at: whether it is well, what was seen, and what to do if it is not."""

    name: str
    well: bool
    seen: str
    next_step: str = ""


def examine(settings: Settings | None = None) -> Outcome:
    """Look at everything once; nothing is changed but a file made and removed under home."""
    settings = settings or Settings()
    findings = [*libraries(), home(settings), *registry(settings), copy(settings), store(settings)]
    findings += [Finding(**vars(look)) for look in records(settings)]
    findings += [service(settings)]
    data = {"healthy": all(f.well for f in findings), "findings": [asdict(f) for f in findings]}
    return Outcome(data, (_shown(findings),))


def libraries() -> Iterable[Finding]:
    """Each library with a safe minimum, against it."""
    for name, minimum in SAFE_MINIMUM.items():
        found = _installed(name)
        well = found is not None and Version(found) >= Version(minimum)
        yield Finding(name, well, found or "not installed", f"make installs {name} >= {minimum} from requirements.lock")


def home(settings: Settings) -> Finding:
    """Whether files can be written where Foresell keeps them."""
    folder, name = settings.home.resolve(), "files"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            free = shutil.disk_usage(folder).free / 1e9
    except OSError as error:
        return Finding(name, False, f"{folder}: {error.strerror}", "set FORESELL_HOME to a folder that can be written")
    return Finding(name, free >= FREE_GB, f"{folder}, {free:.0f} GB free", f"free {FREE_GB} GB there")


def registry(settings: Settings) -> Iterable[Finding]:
    """The champion and the challenger, if the registry answers."""
    if nothing_trained(settings):
        yield Finding("registry", False, "no model has been trained yet", "foresell train DATA, or foresell demo")
        return
    from models.registry import find

    for alias, next_step in (("champion", "foresell promote"), ("challenger", "foresell train DATA")):
        try:
            found = find(alias, settings)
        except Exception as error:  # whatever a client of a registry raises, the doctor goes on
            yield Finding("registry", False, f"{type(error).__name__}: {error}", "check FORESELL_TRACKING_URI")
            return
        yield Finding(alias, found is not None, f"version {found.number}" if found else "none", next_step)


def copy(settings: Settings) -> Finding:
    """The verified local copy of the champion that the service loads."""
    here = current(settings.home)
    seen = f"version {here['version']}, {here['digest']}" if here else "none"
    return Finding("local champion", bool(here), seen, "foresell serve brings it from the registry")


def store(settings: Settings) -> Finding:
    """The online store and its day."""
    try:
        found = open_store(settings.home / "store")
    except ForesellError as error:
        return Finding("online store", False, error.found, "foresell serve --data DATA writes it")
    return Finding("online store", True, f"{len(found.keys):,} sellers as of {found.day}")


def service(settings: Settings) -> Finding:
    """The prediction API, if it runs here."""
    where = f"http://{settings.host}:{settings.port}/readyz"
    try:
        answer = httpx.get(where, timeout=5)
    except httpx.HTTPError as error:
        return Finding("service", False, f"{where}: {type(error).__name__}", "foresell serve")
    return Finding("service", answer.is_success, f"{where}: {answer.status_code}", "it lacks a model or a store")


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _shown(findings: Iterable[Finding]) -> Table:
    rows = [("✓" if f.well else "✗", f.name, f.seen, "" if f.well else f.next_step) for f in findings]
    return table({"": "left", "what": "left", "found": "left", "next step": "left"}, rows)
