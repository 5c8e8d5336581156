"""What the source holds of one order of a seller: the entries that an objection can be about."""

from dataclasses import dataclass

import pyarrow as pa

from features.contract import CORRECTED, TABLES
from features.intake import Marketplace
from serving.casework.corrections import SCHEMA
from serving.casework.objection import Row
from serving.casework.recompute import Source, open_seller

KINDS = {"orders": "line", "returns": "return", "cases": "case", "feedback": "rating"}
# What is told of a row: its day, and its most telling column.
TOLD = {
    "orders": ("ordered_at_day", "coalesce(item_id, '')"),
    "returns": ("opened_at_day", "coalesce(reason, '')"),
    "cases": ("opened_at_day", "kind"),
    "feedback": ("created_at_day", "cast(rating as varchar)"),
}


@dataclass(frozen=True)
class Entry:
    """One row about an order. day: day number of what happened; told: item, reason, kind of case, or rating."""

    table: str
    key: str
    day: int
    told: str

    @property
    def row(self) -> Row:
        """Table and key."""
        return self.table, self.key


def entries(source: Source, seller_id: str, order_id: str, as_of: int) -> list[Entry]:
    """The newest version of every row about the order that was known by as_of; none for another seller's order."""
    market = open_seller(source, seller_id, pa.table([[] for _ in SCHEMA], schema=SCHEMA), as_of)
    return [Entry(table, *row) for table in CORRECTED for row in _rows(market, table, order_id)]


def _rows(market: Marketplace, table: str, order_id: str) -> list[tuple[str, int, str]]:
    key = f"concat_ws('/', {', '.join(TABLES[table].key)})"
    day, told = TOLD[table]
    newest = f"row_number() over (partition by {key} order by coalesce(recorded_at, 0) desc)"
    keyed = f"select {key} as key, {day} as day, {told} as told, {newest} as place from {table} where order_id = ?"
    query = f"select key, day, told from ({keyed}) where place = 1 order by day, key"
    return market.con.execute(query, [order_id]).fetchall()
