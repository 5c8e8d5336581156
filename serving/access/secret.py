"""The server's secret, without which nobody who reads the database can tell whether a guess is a key."""

import os
import secrets
from pathlib import Path

from features.errors import ForesellError
from features.settings import Settings

LEAST_BYTES = 32
PRIVATE = 0o600


def server_secret(settings: Settings) -> bytes:
    """From FORESELL_KEY_SECRET, or from a file under home that only its owner may read; made once."""
    given = settings.key_secret.get_secret_value().encode()
    if given:
        return _long_enough(given, "FORESELL_KEY_SECRET")
    path = settings.home.resolve() / "serving" / "key-secret"
    if not path.exists():
        _make(path)
    _check_private(path)
    return _long_enough(path.read_bytes(), str(path))


def _make(path: Path) -> None:
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
            f"The server's secret must have {LEAST_BYTES} bytes.", found, "openssl rand -hex 32 makes one"
        )
    return secret
