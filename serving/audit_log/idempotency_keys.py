"""Idempotency-Keys: the first request to commit a key owns it, and its answer is stored with it.

The key is committed with the records that the request makes. So of several requests at once one is recorded, and the
others find the key taken; and a process that dies in the middle leaves no key half used.
"""

from dataclasses import dataclass

import sqlalchemy as sa

from serving.audit_log.chain import lock_head
from serving.database.clock import now
from serving.database.tables.service import IDEMPOTENCY


@dataclass(frozen=True)
class IdempotencyRecord:
    """What a request asks to be the answer to its key."""

    scope: str
    key: str
    fingerprint: bytes
    request_id: str
    expires_at: str
    body: bytes


@dataclass(frozen=True)
class StoredAnswer:
    """What is kept under a key. body: None once a record in it was erased."""

    fingerprint: bytes
    body: bytes | None


def claim_key(con: sa.Connection, record: IdempotencyRecord) -> StoredAnswer | None:
    """Keep the record if its key is free, else return what is there. Locks the chain's head: one claims at a time."""
    lock_head(con)
    if before := find(con, record.scope, record.key):
        return before
    con.execute(sa.delete(IDEMPOTENCY).where(*_named(record.scope, record.key)))
    con.execute(sa.insert(IDEMPOTENCY), vars(record))
    return None


def find(con: sa.Connection, scope: str, key: str) -> StoredAnswer | None:
    """What is kept under a key that has not expired."""
    wanted = sa.select(IDEMPOTENCY.c.fingerprint, IDEMPOTENCY.c.body)
    row = con.execute(wanted.where(*_named(scope, key), IDEMPOTENCY.c.expires_at > now())).one_or_none()
    return StoredAnswer(bytes(row.fingerprint), None if row.body is None else bytes(row.body)) if row else None


def forget_expired(con: sa.Connection) -> int:
    """Remove what has expired; how many."""
    return con.execute(sa.delete(IDEMPOTENCY).where(IDEMPOTENCY.c.expires_at <= now())).rowcount


def _named(scope: str, key: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (IDEMPOTENCY.c.scope == scope, IDEMPOTENCY.c.key == key)
