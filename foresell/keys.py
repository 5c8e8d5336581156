"""`foresell keys`: who may ask the prediction API."""

from collections.abc import Sequence

import sqlalchemy as sa

from features.settings import Settings
from foresell.console import Outcome, table
from serving.access.secret import server_secret
from serving.records import keys
from serving.records.clock import now
from serving.records.database import open_database
from serving.records.keys import Key

SHOWN_ONCE = "It is not shown again. Send it as: Authorization: Bearer KEY"


def create_key(name: str, roles: Sequence[str], days: float, rate: float | None) -> Outcome:
    """A new key; days 0: it never expires."""
    engine, secret = _opened()
    return _made(keys.create(engine, secret, name, roles, days or None, rate))


def list_keys() -> Outcome:
    """All keys, without their secrets."""
    found = keys.everything(open_database(Settings()))
    heads = ("id", "name", "roles", "state", "expires", "last used")
    shown = table(dict.fromkeys(heads, "left"), [_row(key) for key in found])
    return Outcome({"keys": [_plain(key) for key in found]}, (shown,))


def rotate_key(key_id: str, overlap_hours: float, days: float) -> Outcome:
    """A key in the place of another, which holds for some hours more."""
    engine, secret = _opened()
    made = _made(keys.rotate(engine, secret, key_id, overlap_hours / 24, days or None))
    return Outcome(made.data, (*made.shown, f"{key_id} holds for {overlap_hours:g} hours more."))


def revoke_key(key_id: str) -> Outcome:
    """The end of a key."""
    keys.revoke(open_database(Settings()), key_id)
    return Outcome({"key_id": key_id}, (f"{key_id} is revoked; running services know within seconds.",))


def _opened() -> tuple[sa.Engine, bytes]:
    settings = Settings()
    return open_database(settings), server_secret(settings)


def _made(token: str) -> Outcome:
    return Outcome({"key": token, "key_id": token.split("_")[1]}, (token, SHOWN_ONCE))


def _row(key: Key) -> tuple[str, ...]:
    roles = " ".join(sorted(key.roles))
    return key.key_id, key.name, roles, _state(key), _day(key.expires_at), _day(key.used_at)


def _plain(key: Key) -> dict[str, object]:
    """For machines; the hash stays where it is."""
    said = {name: value for name, value in vars(key).items() if name != "digest"}
    return said | {"roles": sorted(key.roles), "state": _state(key)}


def _state(key: Key) -> str:
    return "revoked" if key.revoked_at else "holds" if key.holds(now()) else "expired"


def _day(moment: str | None) -> str:
    return moment[:16].replace("T", " ") if moment else "never"
