"""What stands for a record in the chain: a digest of what is kept for ever, and a salted one of what may be erased.

Without its salt a digest tells nothing of what it was made from, so that erasing payload and salt leaves nothing that
could be guessed again, while the digest itself, and with it the chain, stays.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

SALT_BYTES = 16
EMPTY = bytes(32)  # what the first link follows


def kept_digest(values: Mapping[str, Any], names: Iterable[str]) -> bytes:
    """sha256 of the named columns; one that is null does not count, so that a later column changes no old digest."""
    return hashlib.sha256(_encoded(values, names)).digest()


def payload_digest(values: Mapping[str, Any], names: Iterable[str], salt: bytes) -> bytes:
    """The same of the columns that may be erased, begun with the record's salt."""
    return hashlib.sha256(salt + _encoded(values, names)).digest()


def link(before: bytes, seq: int, subject: str, record_id: str, kept: bytes, payload: bytes) -> bytes:
    """sha256 of an entry and of the link before it."""
    entry = {"subject": subject, "record_id": record_id, "kept": kept, "payload": payload, "seq": seq}
    return hashlib.sha256(before + _encoded(entry, entry)).digest()


def _encoded(values: Mapping[str, Any], names: Iterable[str]) -> bytes:
    """Each name and value with their lengths: two different records never make the same bytes."""
    return b"".join([_part(name, value) for name in names if (value := values[name]) is not None])


def _part(name: str, value: str | int | bytes) -> bytes:
    kind = "b" if isinstance(value, bytes) else "s" if isinstance(value, str) else "i"
    said = value if isinstance(value, bytes) else str(value).encode()
    return f"{name}={kind}{len(said)}:".encode() + said
