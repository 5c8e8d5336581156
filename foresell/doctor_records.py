"""What the doctor says of the records, the API keys and who could reach the service. Nothing is made or changed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from features.errors import ForesellError
from features.settings import Settings
from serving.access.door import is_loopback
from serving.records.clock import now, written
from serving.records.database import address, connect
from serving.records.keys import Key, everything
from serving.records.migrate import newest

SOON_DAYS = 7


@dataclass(frozen=True)
class Look:
    """One thing looked at, before the doctor shows it."""

    name: str
    well: bool
    seen: str
    next_step: str = ""


def records(settings: Settings) -> Iterable[Look]:
    """The database, and the keys in it."""
    try:
        url = address(settings)
        where = url.render_as_string(hide_password=True)
        if url.get_backend_name() == "sqlite" and not Path(str(url.database)).exists():
            yield Look("records", False, f"{where}: none yet", "foresell keys create makes it")
            return
        version, keys = _read(settings)
    except ForesellError as error:
        yield Look("records", False, error.found, error.next_step)
    except sa.exc.SQLAlchemyError as error:
        yield Look("records", False, f"{where}: {type(error).__name__}", "check FORESELL_DATABASE and that it runs")
    else:
        step = "start the service or any `foresell records` command once, after a backup"
        yield Look("records", version == newest(), f"{where}, tables of {version}", step)
        yield from of_keys(keys, settings)


def _read(settings: Settings) -> tuple[str, list[Key]]:
    engine = connect(address(settings))
    try:
        with engine.connect() as con:
            version = con.execute(sa.text("select version_num from alembic_version")).scalar_one_or_none()
        return str(version), everything(engine) if version == newest() else []
    finally:
        engine.dispose()


def of_keys(keys: Iterable[Key], settings: Settings) -> Iterable[Look]:
    """Keys that hold, those that end soon, and whether the address fits them."""
    holding = [key for key in keys if key.holds(now())]
    soon = written(datetime.now(UTC) + timedelta(days=SOON_DAYS))
    ending = [key.key_id for key in holding if key.expires_at and key.expires_at < soon]
    seen = f"{len(holding)} that hold" + (f"; within {SOON_DAYS} days end {', '.join(ending)}" if ending else "")
    step = f"foresell keys rotate {ending[0]}" if ending else "foresell keys create NAME --role score"
    yield Look("API keys", settings.keyless or bool(holding and not ending), seen, step)
    if settings.keyless:
        well = is_loopback(settings.host)
        yield Look("address", well, f"{settings.host}, without keys", "unset FORESELL_KEYLESS, and make keys")
    else:
        yield Look("address", True, settings.host)
    path = settings.home.resolve() / "serving" / "key-secret"
    if path.exists() and path.stat().st_mode & 0o177:
        yield Look("key secret", False, f"{path} can be read by others", f"chmod 600 {path}")
