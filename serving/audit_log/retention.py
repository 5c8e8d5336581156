"""Remove records that are older than they need to be kept, leaving word of it in the chain."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import sqlalchemy as sa

from serving.audit_log.chain import record
from serving.audit_log.idempotency_keys import forget_expired
from serving.database.chained_table import ChainedTable, chained_table_of
from serving.database.clock import now, written
from serving.database.connection import erasing
from serving.database.tables.chain import CHAIN, REMOVALS
from serving.database.tables.predictions import OUTCOMES, PREDICTIONS

TIMES: Mapping[sa.Table, str] = {PREDICTIONS: "logged_at", OUTCOMES: "recorded_at"}


def remove_older(engine: sa.Engine, days: float) -> dict[str, int]:
    """Remove predictions and outcomes recorded more than so many days ago, and what has expired; how many of each."""
    older_than = written(datetime.now(UTC) - timedelta(days=days))
    with erasing(engine) as con:
        removed = {table.name: _remove(con, chained_table_of(table), older_than) for table in TIMES}
        return removed | {"idempotency": forget_expired(con)}


def _remove(con: sa.Connection, kind: ChainedTable, older_than: str) -> int:
    through = _last_older(con, kind, older_than)
    gone = sa.select(CHAIN.c.record_id).where(CHAIN.c.subject == kind.subject, CHAIN.c.seq <= through)
    records = con.execute(sa.delete(kind.table).where(kind.table.c[kind.key].in_(gone))).rowcount
    if records:
        said = {"subject": kind.subject, "through_seq": through, "older_than": older_than, "records": records}
        record(con, REMOVALS, [{"removal_id": str(uuid4()), "done_at": now(), **said}])
    return records


def _last_older(con: sa.Connection, kind: ChainedTable, older_than: str) -> int:
    """The entry before the first record to stay, or the last one where none is to."""
    mine = sa.select(sa.func.min(CHAIN.c.seq)).join(kind.table, kind.table.c[kind.key] == CHAIN.c.record_id)
    mine = mine.where(CHAIN.c.subject == kind.subject, kind.table.c[TIMES[kind.table]] >= older_than)
    first_to_stay = con.scalar(mine)
    if first_to_stay is not None:
        return int(first_to_stay) - 1
    return con.scalar(sa.select(sa.func.max(CHAIN.c.seq)).where(CHAIN.c.subject == kind.subject)) or 0
