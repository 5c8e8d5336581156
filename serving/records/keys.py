"""The API keys in the database: made, listed, replaced and revoked by the command line, read by the service."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from features.errors import ForesellError
from serving.access import tokens
from serving.records.clock import now, written
from serving.records.database import reading, writing
from serving.records.tables.keys import API_KEYS
from serving.routes import ROLES


@dataclass(frozen=True)
class Key:
    """One API key, but for its secret."""

    key_id: str
    name: str
    roles: frozenset[str]
    digest: bytes
    rate: float | None
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    used_at: str | None

    def holds(self, moment: str) -> bool:
        """Whether it is neither revoked nor expired at a time as `clock.now` writes it."""
        return self.revoked_at is None and (self.expires_at is None or moment < self.expires_at)


def create(
    engine: sa.Engine, secret: bytes, name: str, roles: Collection[str], days: float | None, rate: float | None = None
) -> str:
    """Make a key and return it; it cannot be shown again. days: None for one that never expires."""
    _check(name, roles, days, rate)
    key_id, token = tokens.new()
    row = {
        "key_id": key_id,
        "name": name,
        "roles": " ".join(role for role in ROLES if role in roles),
        "digest": tokens.digest(token, secret),
        "rate": rate,
        "created_at": now(),
        "expires_at": None if days is None else _in_days(days),
    }
    with writing(engine) as con:
        con.execute(sa.insert(API_KEYS), row)
    return token


def everything(engine: sa.Engine) -> list[Key]:
    """All keys, the newest first."""
    with reading(engine) as con:
        rows = con.execute(sa.select(API_KEYS).order_by(API_KEYS.c.created_at.desc())).mappings().all()
    return [Key(**{**row, "roles": frozenset(row["roles"].split())}) for row in rows]


def rotate(engine: sa.Engine, secret: bytes, key_id: str, overlap_days: float, days: float | None) -> str:
    """A new key with the name, roles and rate of an old one, which holds for the overlap and no longer."""
    old = _find(engine, key_id)
    if not old.holds(now()):
        raise ForesellError("A key that is replaced must still hold.", f"{key_id} does not", "foresell keys create")
    token = create(engine, secret, old.name, old.roles, days, old.rate)
    until = min(old.expires_at or "9", _in_days(overlap_days))
    _update(engine, key_id, {"expires_at": until})
    return token


def revoke(engine: sa.Engine, key_id: str) -> None:
    """End a key at once; services learn of it within seconds."""
    if _find(engine, key_id).revoked_at is None:
        _update(engine, key_id, {"revoked_at": now()})


def used(engine: sa.Engine, key_ids: Collection[str]) -> None:
    """Remember that keys were used, to the minute."""
    moment = written(datetime.now(UTC).replace(second=0, microsecond=0))
    later = sa.or_(API_KEYS.c.used_at.is_(None), API_KEYS.c.used_at < moment)
    with writing(engine) as con:
        con.execute(sa.update(API_KEYS).where(API_KEYS.c.key_id.in_(key_ids), later).values(used_at=moment))


def _find(engine: sa.Engine, key_id: str) -> Key:
    found = next((key for key in everything(engine) if key.key_id == key_id), None)
    if found is None:
        raise ForesellError("The key must exist.", f"none with the id {key_id!r}", "foresell keys list")
    return found


def _update(engine: sa.Engine, key_id: str, values: dict[str, str]) -> None:
    with writing(engine) as con:
        con.execute(sa.update(API_KEYS).where(API_KEYS.c.key_id == key_id).values(**values))


def _in_days(days: float) -> str:
    return written(datetime.now(UTC) + timedelta(days=days))


def _check(name: str, roles: Collection[str], days: float | None, rate: float | None) -> None:
    strange = sorted(set(roles) - set(ROLES))
    if strange or not roles:
        raise ForesellError(
            f"A key has one or more of the roles {', '.join(ROLES)}.", ", ".join(strange) or "none", "name its roles"
        )
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise ForesellError("A key's name has 1 to 100 printable characters.", repr(name[:100]), "say who holds it")
    if (days is not None and not 0 < days <= 3650) or (rate is not None and not rate > 0):
        raise ForesellError(
            "A key lasts up to 3650 days, at a rate above 0.", f"{days} days, rate {rate}", "correct it"
        )
