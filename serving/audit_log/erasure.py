"""Erase what records hold of a seller: payload and salt go, their digests and the chain stay.

A record that was erased can be neither read nor replayed (410), and nothing that is left tells what was in it. Answers
kept for Idempotency-Keys go with it. Copies elsewhere, backups above all, are not reached from here.
"""

from collections.abc import Iterable, Sequence
from uuid import uuid4

import sqlalchemy as sa

from serving.audit_log.chain import record
from serving.database.chained_table import ChainedTable, chained_table_of, chained_tables
from serving.database.clock import now
from serving.database.connection import erasing
from serving.database.tables.chain import ERASURES
from serving.database.tables.predictions import PREDICTIONS
from serving.database.tables.service import IDEMPOTENCY

AT_ONCE = 500


def erase_seller(engine: sa.Engine, seller_id: str, reason: str) -> int:
    """Erase every record of a seller, whatever its table; how many there were."""
    with erasing(engine) as con:
        return sum(_erase(con, kind, _of_seller(con, kind, seller_id), reason) for kind in _with_sellers())


def erase_prediction(engine: sa.Engine, decision_id: str, reason: str) -> int:
    """Erase one prediction; 0 when there is none, or when it was erased before."""
    with erasing(engine) as con:
        key, erased_at = PREDICTIONS.c.decision_id, PREDICTIONS.c.erased_at
        found = con.execute(sa.select(key).where(key == decision_id, erased_at.is_(None))).scalars().all()
        return _erase(con, chained_table_of(PREDICTIONS), found, reason)


def _with_sellers() -> list[ChainedTable]:
    return [kind for kind in chained_tables().values() if "seller_id" in kind.payload]


def _of_seller(con: sa.Connection, kind: ChainedTable, seller_id: str) -> Sequence[str]:
    wanted = sa.select(kind.table.c[kind.key]).where(kind.table.c.seller_id == seller_id)
    return con.execute(wanted).scalars().all()


def _erase(con: sa.Connection, kind: ChainedTable, ids: Sequence[str], reason: str) -> int:
    moment = now()
    for start in range(0, len(ids), AT_ONCE):
        some = ids[start : start + AT_ONCE]
        mine = kind.table.c[kind.key].in_(some)
        if "request_id" in kind.table.c:
            requests = sa.select(kind.table.c.request_id).where(mine)
            con.execute(sa.update(IDEMPOTENCY).where(IDEMPOTENCY.c.request_id.in_(requests)).values(body=None))
        emptied = dict.fromkeys((*kind.payload, "salt"), None) | {"erased_at": moment}
        con.execute(sa.update(kind.table).where(mine).values(emptied))
        record(con, ERASURES, list(_entries(kind, some, reason, moment)))
    return len(ids)


def _entries(kind: ChainedTable, ids: Iterable[str], reason: str, moment: str) -> Iterable[dict[str, str]]:
    for record_id in ids:
        said = {"done_at": moment, "subject": kind.subject, "record_id": record_id, "reason": reason}
        yield {"erasure_id": str(uuid4())} | said
