"""The API keys: their form, their hash under the server's secret, and their table.

A key is `fsl_<id>_<secret>`. The id is found in logs and lists; the secret is stored nowhere, only a hash of the whole
key. The command line makes, lists, replaces and revokes keys; the service reads them.
"""

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import sqlalchemy as sa

from core.errors import ForesellError
from core.settings import Settings
from serving.database.clock import now, written
from serving.database.connection import reading, writing
from serving.database.tables.service import API_KEYS

Role = Literal["score", "read", "review", "admin"]
ROLES: tuple[Role, ...] = ("score", "read", "review", "admin")
TOKEN_FORM = re.compile(r"fsl_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
SECRET_BYTES = 32
LEAST_BYTES = 32
PRIVATE = 0o600


@dataclass(frozen=True)
class ApiKey:
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
    key_id, token = new_token()
    row = {
        "key_id": key_id,
        "name": name,
        "roles": " ".join(role for role in ROLES if role in roles),
        "digest": token_digest(token, secret),
        "rate": rate,
        "created_at": now(),
        "expires_at": None if days is None else _in_days(days),
    }
    with writing(engine) as con:
        con.execute(sa.insert(API_KEYS), row)
    return token


def list_keys(engine: sa.Engine) -> list[ApiKey]:
    """All keys, the newest first."""
    with reading(engine) as con:
        rows = con.execute(sa.select(API_KEYS).order_by(API_KEYS.c.created_at.desc())).mappings().all()
    return [ApiKey(**{**row, "roles": frozenset(row["roles"].split())}) for row in rows]


def rotate(engine: sa.Engine, secret: bytes, key_id: str, overlap_days: float, days: float | None) -> str:
    """A new key with the name, roles and rate of an old one, which holds for the overlap and no longer."""
    old = _find(engine, key_id)
    if not old.holds(now()):
        raise ForesellError(
            "Only a valid key can be replaced.", f"{key_id} is not valid", "create a key: foresell keys create"
        )
    token = create(engine, secret, old.name, old.roles, days, old.rate)
    until = min(old.expires_at or "9", _in_days(overlap_days))
    _update(engine, key_id, {"expires_at": until})
    return token


def revoke(engine: sa.Engine, key_id: str) -> None:
    """End a key at once; services learn of it within seconds."""
    if _find(engine, key_id).revoked_at is None:
        _update(engine, key_id, {"revoked_at": now()})


def record_use(engine: sa.Engine, key_ids: Collection[str]) -> None:
    """Remember that keys were used, to the minute."""
    moment = written(datetime.now(UTC).replace(second=0, microsecond=0))
    later = sa.or_(API_KEYS.c.used_at.is_(None), API_KEYS.c.used_at < moment)
    with writing(engine) as con:
        con.execute(sa.update(API_KEYS).where(API_KEYS.c.key_id.in_(key_ids), later).values(used_at=moment))


def _find(engine: sa.Engine, key_id: str) -> ApiKey:
    found = next((key for key in list_keys(engine) if key.key_id == key_id), None)
    if found is None:
        raise ForesellError("The key must exist.", f"no key with the id {key_id!r}", "foresell keys list shows the ids")
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
            f"A key has one or more of the roles {', '.join(ROLES)}.",
            ", ".join(strange) or "none",
            "give it one of these roles",
        )
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise ForesellError(
            "A key's name has 1 to 100 printable characters.", repr(name[:100]), "give the name of its user"
        )
    if (days is not None and not 0 < days <= 3650) or (rate is not None and not rate > 0):
        raise ForesellError(
            "A key is valid for up to 3650 days, at a rate above 0.", f"{days} days, rate {rate}", "correct them"
        )


def new_token() -> tuple[str, str]:
    """A new key's id, and the whole key."""
    key_id = secrets.token_hex(6)
    return key_id, f"fsl_{key_id}_{secrets.token_urlsafe(SECRET_BYTES)}"


def token_digest(token: str, secret: bytes) -> bytes:
    """What is kept of a key. Nobody guesses 256 bits; the secret keeps a row that was written in from being a key."""
    return hmac.digest(secret, token.encode(), hashlib.sha256)


def key_id_of(token: str) -> str:
    """The id in a key; empty when it has not the form of one."""
    found = TOKEN_FORM.fullmatch(token)
    return found[1] if found else ""


def server_secret(settings: Settings) -> bytes:
    """From FORESELL_KEY_SECRET, or from a file under home that only its owner may read; made once."""
    given = settings.key_secret.get_secret_value().encode()
    if given:
        return _long_enough(given, "FORESELL_KEY_SECRET")
    path = settings.home.resolve() / "serving" / "key-secret"
    if not path.exists():
        _write_secret(path)
    _check_private(path)
    return _long_enough(path.read_bytes(), str(path))


def _write_secret(path: Path) -> None:
    """Written beside and linked into place: of several processes one wins, and none reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
    with os.fdopen(handle, "wb") as out:
        out.write(secrets.token_hex(LEAST_BYTES).encode())
        out.flush()
        os.fsync(out.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _check_private(path: Path) -> None:
    mode = path.stat().st_mode & 0o777
    if mode & ~PRIVATE:
        raise ForesellError(
            "Only its owner may read the server's secret.", f"{path} with mode {mode:o}", f"chmod 600 {path}"
        )


def _long_enough(secret: bytes, where: str) -> bytes:
    if len(secret) < LEAST_BYTES:
        found = f"{len(secret)} bytes in {where}"
        raise ForesellError(
            f"The server's secret must have {LEAST_BYTES} bytes or more.", found, "create one with openssl rand -hex 32"
        )
    return secret
