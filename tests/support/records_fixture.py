"""Records to test with: predictions and outcomes of a few sellers, as the service would keep them."""

import os
from typing import Any

import sqlalchemy as sa

from serving.audit_log.chain import record
from serving.audit_log.group_commit import Rows
from serving.audit_log.predictions import PredictionRecord, prediction_rows, record_layout
from serving.database.clock import now
from serving.database.connection import writing
from serving.database.tables.predictions import OUTCOMES

SELLERS = 7


def prediction(number: int, layout: str, **changes: str | bytes) -> PredictionRecord:
    """The prediction of one seller."""
    made: dict[str, Any] = {
        "decision_id": f"d{number}",
        "seller_id": f"seller-{number % SELLERS}",
        "as_of": "2026-03-01",
        "horizon_days": 28,
        "model_version": "1",
        "model_digest": "sha256:m",
        "layout": layout,
        "vector": os.urandom(16),
        "attributes": '{"category": "home"}',
        "offsets": '{"returns": -2.0}',
        "answer": f'{{"seller_id": "seller-{number % SELLERS}"}}'.encode(),
    }
    return PredictionRecord(**made | changes)


def outcome(number: int, **changes: str) -> dict[str, object]:
    """What another system says of one seller."""
    made: dict[str, object] = {
        "outcome_id": f"o{number}",
        "recorded_at": now(),
        "source": "payments",
        "risk": "returns",
        "observed_on": "2026-03-29",
        "decision_id": f"d{number}",
        "seller_id": f"seller-{number % SELLERS}",
        "in_breach": number % 2,
    }
    return made | changes


def fill(engine: sa.Engine, count: int = 20, **changes: str) -> None:
    """Record so many predictions, several at a time, and an outcome for every second one."""
    layout = record_layout(engine, ("a", "b"))
    for start in range(0, count, 4):
        made = [prediction(n, layout, **changes) for n in range(start, min(start + 4, count))]
        keep(engine, prediction_rows(made, f"r{start}"))
    keep(engine, {OUTCOMES: [outcome(n) for n in range(0, count, 2)]})


def keep(engine: sa.Engine, new: Rows) -> None:
    """Record rows in a transaction."""
    with writing(engine) as con:
        for table, some in new.items():
            record(con, table, some)
