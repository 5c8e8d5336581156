"""`foresell keys`: create, list, rotate and revoke API keys."""

from collections.abc import Sequence

import sqlalchemy as sa

from core.settings import Settings
from foresell.console import CommandResult, table
from serving.database import api_keys
from serving.database.api_keys import ApiKey, server_secret
from serving.database.clock import now
from serving.database.connection import open_database

SHOWN_ONCE = "It is not shown again. Send it as: Authorization: Bearer KEY"


def create_key(name: str, roles: Sequence[str], days: float, rate: float | None) -> CommandResult:
    """Create a key; with days 0 it never expires."""
    engine, secret = _opened()
    return _created(api_keys.create(engine, secret, name, roles, days or None, rate))


def list_keys() -> CommandResult:
    """List all keys, without their secrets."""
    all_keys = api_keys.list_keys(open_database(Settings()))
    heads = ("id", "name", "roles", "state", "expires", "last used")
    shown = table(dict.fromkeys(heads, "left"), [_row(key) for key in all_keys])
    return CommandResult({"keys": [_plain(key) for key in all_keys]}, (shown,))


def rotate_key(key_id: str, overlap_hours: float, days: float) -> CommandResult:
    """Replace a key; the old one stays valid for some hours."""
    engine, secret = _opened()
    created = _created(api_keys.rotate(engine, secret, key_id, overlap_hours / 24, days or None))
    return CommandResult(created.data, (*created.shown, f"{key_id} stays valid for {overlap_hours:g} more hours."))


def revoke_key(key_id: str) -> CommandResult:
    """Revoke a key."""
    api_keys.revoke(open_database(Settings()), key_id)
    return CommandResult({"key_id": key_id}, (f"{key_id} is revoked; running services refuse it within seconds.",))


def _opened() -> tuple[sa.Engine, bytes]:
    settings = Settings()
    return open_database(settings), server_secret(settings)


def _created(token: str) -> CommandResult:
    return CommandResult({"key": token, "key_id": token.split("_")[1]}, (token, SHOWN_ONCE))


def _row(key: ApiKey) -> tuple[str, ...]:
    roles = " ".join(sorted(key.roles))
    return key.key_id, key.name, roles, _state(key), _day(key.expires_at), _day(key.used_at)


def _plain(key: ApiKey) -> dict[str, object]:
    """The key as plain values, without its hash."""
    values = {name: value for name, value in vars(key).items() if name != "digest"}
    return values | {"roles": sorted(key.roles), "state": _state(key)}


def _state(key: ApiKey) -> str:
    return "revoked" if key.revoked_at else "holds" if key.holds(now()) else "expired"


def _day(moment: str | None) -> str:
    return moment[:16].replace("T", " ") if moment else "never"
