"""Tables whose records are in the chain: which columns stay, which may be erased, and the digests of a row.

Of each record the chain keeps two digests: one of the columns that stay for ever, and a salted one of those that may
be erased. Without its salt a digest says nothing of what it was made from. So erasing payload and salt leaves nothing
that could be guessed again, while the digest itself, and with it the chain, stays.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import sqlalchemy as sa

from serving.database.metadata import METADATA, all_tables

PAYLOAD, CHAINED = "payload", "chained"
OWN = ("salt", "erased_at")
SALT_BYTES = 16
EMPTY = bytes(32)  # what the first link follows


def chained(name: str, key: str, *columns: sa.Column[Any]) -> sa.Table:
    """A table of chained records, its key a text that says nothing of a person."""
    return sa.Table(
        name,
        METADATA,
        sa.Column(key, sa.Text, primary_key=True),
        *columns,
        sa.Column("salt", sa.LargeBinary, comment="begins the digest of the payload; erased with it"),
        sa.Column("erased_at", sa.Text),
        info={CHAINED: True},
    )


def payload(name: str, kind: Any, **more: Any) -> sa.Column[Any]:
    """A column that an erasure empties."""
    return sa.Column(name, kind, info={PAYLOAD: True}, **more)


@dataclass(frozen=True)
class ChainedTable:
    """What is to know of one chained table."""

    table: sa.Table

    @property
    def subject(self) -> str:
        """What the chain calls its records."""
        return self.table.name

    @cached_property
    def key(self) -> str:
        """The name of the key column."""
        [column] = self.table.primary_key
        return column.name

    @cached_property
    def kept(self) -> tuple[str, ...]:
        """The columns that stay, in alphabetical order."""
        return tuple(sorted({c.name for c in self.table.c} - {*OWN, *self.payload}))

    @cached_property
    def payload(self) -> tuple[str, ...]:
        """The columns that an erasure empties, in alphabetical order."""
        return tuple(sorted(c.name for c in self.table.c if c.info.get(PAYLOAD)))

    def salted(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The row as it is inserted: every column named, with a salt of its own."""
        return {name: row.get(name) for name in (*self.kept, *self.payload)} | {"salt": os.urandom(SALT_BYTES)}

    def digests(self, row: Mapping[str, Any]) -> tuple[bytes, bytes]:
        """Of a salted row: what is kept, and the payload."""
        return kept_digest(row, self.kept), payload_digest(row, self.payload, row["salt"])


@cache
def chained_table_of(table: sa.Table) -> ChainedTable:
    """The kind of a table made by `chained`."""
    return ChainedTable(table)


def chained_tables() -> dict[str, ChainedTable]:
    """Every chained table by its name."""
    return {t.name: chained_table_of(t) for t in all_tables().sorted_tables if t.info.get(CHAINED)}


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
