"""An Idempotency-Key's claim: the first request to commit it keeps it, and its answer with it.

The claim is committed with the records that the request makes. So of several requests at once one is recorded, and the
others find the key taken; and a process that dies in the middle leaves no key half used.
"""

from dataclasses import dataclass

import sqlalchemy as sa

from serving.records.chain import hold
from serving.records.clock import now
from serving.records.tables.idempotency import IDEMPOTENCY


@dataclass(frozen=True)
class Claim:
    """What a request asks to be the answer to its key."""

    scope: str
    key: str
    fingerprint: bytes
    request_id: str
    expires_at: str
    body: bytes


@dataclass(frozen=True)
class Answered:
    """What is kept under a key. body: None once a record in it was erased."""

    fingerprint: bytes
    body: bytes | None


def take(con: sa.Connection, claim: Claim) -> Answered | None:
    """Keep the claim if its key is free, else say what is there. The chain's head is held: nobody else claims now."""
    hold(con)
    if before := find(con, claim.scope, claim.key):
        return before
    con.execute(sa.delete(IDEMPOTENCY).where(*_named(claim.scope, claim.key)))
    con.execute(sa.insert(IDEMPOTENCY), vars(claim))
    return None


def find(con: sa.Connection, scope: str, key: str) -> Answered | None:
    """What is kept under a key that has not expired."""
    wanted = sa.select(IDEMPOTENCY.c.fingerprint, IDEMPOTENCY.c.body)
    row = con.execute(wanted.where(*_named(scope, key), IDEMPOTENCY.c.expires_at > now())).one_or_none()
    return Answered(bytes(row.fingerprint), None if row.body is None else bytes(row.body)) if row else None


def forget_expired(con: sa.Connection) -> int:
    """Remove what has expired; how many."""
    return con.execute(sa.delete(IDEMPOTENCY).where(IDEMPOTENCY.c.expires_at <= now())).rowcount


def _named(scope: str, key: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (IDEMPOTENCY.c.scope == scope, IDEMPOTENCY.c.key == key)
