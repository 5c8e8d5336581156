"""What the doctor says of records, keys and addresses."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.settings import Settings
from foresell.doctor import HealthCheck, records
from serving.database import api_keys
from serving.database.api_keys import server_secret
from serving.database.connection import open_database


def looks(settings: Settings) -> Mapping[str, HealthCheck]:
    """By name."""
    return {look.name: look for look in records(settings)}


def test_a_home_without_records_is_left_without(tmp_path: Path) -> None:
    found = looks(Settings(home=tmp_path))
    assert not found["records"].well
    assert list(tmp_path.iterdir()) == []


def test_keys_that_end_soon_are_named_with_what_to_do(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    engine = open_database(settings)
    secret = server_secret(settings)
    none = looks(settings)
    assert none["records"].well
    assert not none["API keys"].well
    api_keys.create(engine, secret, "risk system", ["score"], days=90)
    assert looks(settings)["API keys"].well
    token = api_keys.create(engine, secret, "risk system", ["score"], days=3)
    ending = looks(settings)["API keys"]
    assert (ending.well, ending.next_step) == (False, f"foresell keys rotate {token.split('_')[1]}")
    (tmp_path / "serving" / "key-secret").chmod(0o644)
    assert not looks(settings)["key secret"].well
    engine.dispose()


def test_a_database_that_is_away_or_behind_is_told_of(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    engine = open_database(settings)
    with engine.begin() as con:
        con.execute(sa.text("update alembic_version set version_num = 'predictions'"))
    engine.dispose()
    behind = looks(settings)
    assert (behind["records"].well, "tables of predictions" in behind["records"].seen) == (False, True)
    away = looks(Settings(home=tmp_path, database="postgresql://user:secret@127.0.0.1:1/none"))["records"]
    assert not away.well
    assert "secret" not in away.seen


@pytest.mark.parametrize(("host", "well"), [("127.0.0.1", True), ("0.0.0.0", False)])
def test_an_address_without_keys_must_be_this_machine_s(tmp_path: Path, host: str, well: bool) -> None:
    settings = Settings(home=tmp_path, keyless=True, host=host)
    open_database(settings).dispose()
    assert looks(settings)["address"].well == well
