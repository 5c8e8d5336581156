"""The week's queue, opened from what the online store holds."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from features.table import FeatureTable
from models.economy import Economy
from serving.casework.looks import Known
from serving.casework.week import Opened, Sellers, open_week
from serving.holder import Held
from serving.records.predictions import know
from serving.store import Store


def open_cases(
    engine: sa.Engine, held: Held, store: Store, table: FeatureTable, sellers: Mapping[str, Any], at: datetime
) -> Opened:
    """Bring the cases up to the store's day. table: the rows that the store was written from."""
    known = {name: Known(said.get("name") or "", said.get("natural_person")) for name, said in sellers.items()}
    rows = store.find(table.seller_id.tolist())
    asked = Sellers(table, lambda numbers: store.rows(rows[numbers]), known, know(engine, store.names))
    return open_week(engine, held, asked, Economy(), at)
