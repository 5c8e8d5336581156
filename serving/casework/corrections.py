"""Corrections that appeals made: rows of the contract's table, for the next scores and the next training."""

from collections.abc import Iterable
from datetime import datetime
from uuid import uuid4

import pyarrow as pa
import sqlalchemy as sa

from serving.casework.objection import Objection
from serving.records.clock import written
from serving.records.tables.casework import CORRECTIONS

NAMES = ("correction_id", "seller_id", "table", "row_key", "decided_at", "effect", "new_fault", "reason")
SCHEMA = pa.schema([(name, pa.string()) for name in NAMES])


def of_objection(objection: Objection, dataset: str, at: datetime) -> list[dict[str, str]]:
    """What granting an objection corrects: one correction for each row."""
    return [
        {
            "correction_id": uuid4().hex,
            "objection_id": objection.objection_id,
            "dataset": dataset,
            "seller_id": objection.seller_id,
            "table": table,
            "row_key": key,
            "decided_at": written(at),
            "effect": objection.effect,
            "new_fault": objection.new_fault,
            "reason": objection.reason,
        }
        for table, key in objection.rows
    ]


def read(con: sa.Connection, dataset: str, seller_id: str | None = None) -> list[dict[str, str]]:
    """Corrections of a source, of one seller or of all, in the order in which they were decided."""
    c = CORRECTIONS.c
    chosen = sa.select(CORRECTIONS).where(c.dataset == dataset)
    if seller_id is not None:
        chosen = chosen.where(c.seller_id == seller_id)
    return [dict(row) for row in con.execute(chosen.order_by(c.decided_at, c.correction_id)).mappings()]


def as_table(rows: Iterable[dict[str, str]]) -> pa.Table:
    """Corrections in the form of the contract; an empty text is nothing."""
    return pa.Table.from_pylist([{name: row[name] or None for name in NAMES} for row in rows], SCHEMA)
