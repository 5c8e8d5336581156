"""The week's queue, opened from what the online store holds."""

from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Desk:
    """What the cases are opened from: a store, the rows that it was written from, and the sellers' own words."""

    store: Store
    table: FeatureTable
    sellers: Mapping[str, Any]


def open_cases(engine: sa.Engine, held: Held, desk: Desk, capacity: int, at: datetime) -> Opened:
    """Bring the cases up to the store's day: of each risk, as many as the team can review in a week."""
    store, table = desk.store, desk.table
    known = {name: Known(said.get("name") or "", said.get("natural_person")) for name, said in desk.sellers.items()}
    rows = store.find(table.seller_id.tolist())
    asked = Sellers(table, lambda numbers: store.rows(rows[numbers]), known, know(engine, store.names))
    share = capacity / max(int(table.block["active"].sum()), 1)
    return open_week(engine, held, asked, Economy(capacity=min(share, 1.0)), at)
