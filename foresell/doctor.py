"""`foresell doctor`: checks libraries, registry, store, records, keys and service; each fault has a next step."""

import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import httpx
import sqlalchemy as sa
from packaging.version import Version
from rich.table import Table

from core.errors import ForesellError
from core.settings import Settings
from core.words import count_of
from foresell.commands.scoring import nothing_trained
from foresell.console import CommandResult, table
from serving.api.auth import is_loopback
from serving.database.api_keys import ApiKey, list_keys
from serving.database.clock import now, written
from serving.database.connection import address, connect
from serving.database.migrate import newest
from serving.store.bundles import current
from serving.store.online_store import open_store

# Older versions have a known vulnerability or lack a function that Foresell calls.
SAFE_MINIMUM = {
    "bentoml": "1.4.39",
    "mlflow": "3.11",
    "skops": "0.13",
    "lightgbm": "4.6",
    "python-multipart": "0.0.18",
}
SOON_DAYS = 7  # API keys that expire sooner are reported
FREE_GB = 2  # a training with its plots and bundles takes less than one


@dataclass(frozen=True)
class HealthCheck:
    """The result of one check: whether it passed, what was found, and the next step if it failed."""

    name: str
    well: bool
    seen: str
    next_step: str = ""


def examine(settings: Settings | None = None) -> CommandResult:
    """Run every check once; nothing is changed, except that a temporary file is written under home."""
    settings = settings or Settings()
    findings = [*libraries(), home(settings), *registry(settings), copy(settings), store(settings)]
    findings += [*records(settings), service(settings)]
    data = {"healthy": all(f.well for f in findings), "findings": [asdict(f) for f in findings]}
    return CommandResult(data, (_shown(findings),))


def libraries() -> Iterable[HealthCheck]:
    """The version of each library that has a safe minimum."""
    for name, minimum in SAFE_MINIMUM.items():
        found = _installed(name)
        well = found is not None and Version(found) >= Version(minimum)
        yield HealthCheck(
            name, well, found or "not installed", f"run make: it installs {name} >= {minimum} from requirements.lock"
        )


def home(settings: Settings) -> HealthCheck:
    """Whether files can be written under home, and the free space."""
    folder, name = settings.home.resolve(), "files"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            free = shutil.disk_usage(folder).free / 1e9
    except OSError as error:
        return HealthCheck(
            name, False, f"{folder}: {error.strerror}", "set FORESELL_HOME to a folder with write permission"
        )
    return HealthCheck(name, free >= FREE_GB, f"{folder}, {free:.0f} GB free", f"free {FREE_GB} GB there")


def registry(settings: Settings) -> Iterable[HealthCheck]:
    """Champion and challenger in the registry, if it can be reached."""
    if nothing_trained(settings):
        yield HealthCheck("registry", False, "no model has been trained yet", "foresell train DATA, or foresell demo")
        return
    from models.registry import find

    for alias, next_step in (("champion", "foresell promote"), ("challenger", "foresell train DATA")):
        try:
            found = find(alias, settings)
        except Exception as error:  # a registry's client raises many kinds; the other checks still run
            yield HealthCheck("registry", False, f"{type(error).__name__}: {error}", "check FORESELL_TRACKING_URI")
            return
        yield HealthCheck(alias, found is not None, f"version {found.number}" if found else "none", next_step)


def copy(settings: Settings) -> HealthCheck:
    """The verified local copy of the champion that the service loads."""
    local = current(settings.home)
    seen = f"version {local['version']}, {local['digest']}" if local else "none"
    return HealthCheck(
        "local champion", bool(local), seen, "run foresell serve: it copies the champion from the registry"
    )


def store(settings: Settings) -> HealthCheck:
    """The online store and its date."""
    try:
        found = open_store(settings.home / "store")
    except ForesellError as error:
        return HealthCheck("online store", False, error.found, "run foresell serve --data DATA, which writes the store")
    return HealthCheck("online store", True, f"{count_of(len(found.keys), 'seller')} as of {found.day}")


def records(settings: Settings) -> Iterable[HealthCheck]:
    """The database of the records, and its API keys."""
    try:
        url = address(settings)
        where = url.render_as_string(hide_password=True)
        if url.get_backend_name() == "sqlite" and not Path(str(url.database)).exists():
            yield HealthCheck(
                "records", False, f"{where}: does not exist yet", "run foresell keys create, which creates it"
            )
            return
        version, keys = _read(settings)
    except ForesellError as error:
        yield HealthCheck("records", False, error.found, error.next_step)
    except sa.exc.SQLAlchemyError as error:
        yield HealthCheck(
            "records",
            False,
            f"{where}: {type(error).__name__}",
            "check FORESELL_DATABASE, and whether that database runs",
        )
    else:
        step = "make a backup, then start the service or any `foresell records` command once: it updates the tables"
        yield HealthCheck("records", version == newest(), f"{where}, tables of {version}", step)
        yield from of_keys(keys, settings)


def _read(settings: Settings) -> tuple[str, list[ApiKey]]:
    engine = connect(address(settings))
    try:
        with engine.connect() as con:
            version = con.execute(sa.text("select version_num from alembic_version")).scalar_one_or_none()
        return str(version), list_keys(engine) if version == newest() else []
    finally:
        engine.dispose()


def of_keys(keys: Iterable[ApiKey], settings: Settings) -> Iterable[HealthCheck]:
    """The valid keys, those that expire soon, and whether the address is safe with the keys' settings."""
    valid = [key for key in keys if key.holds(now())]
    soon = written(datetime.now(UTC) + timedelta(days=SOON_DAYS))
    expiring = [key.key_id for key in valid if key.expires_at and key.expires_at < soon]
    seen = f"{len(valid)} valid" + (f"; within {SOON_DAYS} days expire {', '.join(expiring)}" if expiring else "")
    step = f"foresell keys rotate {expiring[0]}" if expiring else "foresell keys create NAME --role score"
    yield HealthCheck("API keys", settings.keyless or bool(valid and not expiring), seen, step)
    if settings.keyless:
        well = is_loopback(settings.host)
        yield HealthCheck("address", well, f"{settings.host}, without keys", "unset FORESELL_KEYLESS, and create keys")
    else:
        yield HealthCheck("address", True, settings.host)
    path = settings.home.resolve() / "serving" / "key-secret"
    if path.exists() and path.stat().st_mode & 0o177:
        yield HealthCheck("key secret", False, f"{path} can be read by others", f"chmod 600 {path}")


def service(settings: Settings) -> HealthCheck:
    """The prediction API, if it runs on this machine."""
    where = f"http://{settings.host}:{settings.port}/readyz"
    try:
        answer = httpx.get(where, timeout=5)
    except httpx.HTTPError as error:
        return HealthCheck("service", False, f"{where}: {type(error).__name__}", "foresell serve")
    return HealthCheck(
        "service", answer.is_success, f"{where}: {answer.status_code}", "train and promote a model, and write the store"
    )


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _shown(findings: Iterable[HealthCheck]) -> Table:
    rows = [("✓" if f.well else "✗", f.name, f.seen, "" if f.well else f.next_step) for f in findings]
    return table({"": "left", "what": "left", "found": "left", "next step": "left"}, rows)
