"""Tables whose records are in the chain: which columns stay, which may be erased, and how a row's digests are made."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import sqlalchemy as sa

from serving.records.digests import SALT_BYTES, kept_digest, payload_digest
from serving.records.metadata import METADATA, all_tables

PAYLOAD, CHAINED = "payload", "chained"
OWN = ("salt", "erased_at")


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
class Kind:
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
def kind_of(table: sa.Table) -> Kind:
    """The kind of a table made by `chained`."""
    return Kind(table)


def kinds() -> dict[str, Kind]:
    """Every chained table by its name."""
    return {t.name: kind_of(t) for t in all_tables().sorted_tables if t.info.get(CHAINED)}
