"""The form of an API key, `fsl_<id>_<secret>`, and its hash. The id is found in logs and lists; the secret nowhere."""

import hashlib
import hmac
import re
import secrets

FORM = re.compile(r"fsl_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
SECRET_BYTES = 32


def new() -> tuple[str, str]:
    """A new key's id, and the whole key."""
    key_id = secrets.token_hex(6)
    return key_id, f"fsl_{key_id}_{secrets.token_urlsafe(SECRET_BYTES)}"


def digest(token: str, secret: bytes) -> bytes:
    """What is kept of a key. Nobody guesses 256 bits; the secret keeps a row that was written in from being a key."""
    return hmac.digest(secret, token.encode(), hashlib.sha256)


def id_of(token: str) -> str:
    """The id in a key; empty when it has not the form of one."""
    found = FORM.fullmatch(token)
    return found[1] if found else ""
