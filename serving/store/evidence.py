"""The orders behind a row's counts, by seller and quantity, for the reasons to name; and the items that came back."""

from itertools import groupby, islice
from operator import itemgetter
from typing import cast

import pyarrow as pa

from features.columns.worst_items import NEEDS, item_quality
from features.ledger.build import Ledger
from features.ledger.evidence import evidence_orders
from features.table import FeatureTable
from serving.store.rows import Items, Orders, ReturnedItem

KEPT_ITEMS = 10
MARKET = ("market_returned_60", "market_delivered_60")
NEWEST_ORDERS = 20  # the newest orders of a seller and quantity; the count in a reason tells of all


def orders_of(ledger: Ledger, table: FeatureTable, as_of: int) -> dict[str, Orders]:
    """By seller_id, what the features of a table may show as evidence."""
    quantities = {f.evidence_quantity for f in table.features if f.evidence}
    return orders_by_seller(evidence_orders(ledger, as_of, quantities))


def orders_by_seller(found: pa.Table) -> dict[str, Orders]:
    """The newest of evidence rows, which come by seller and quantity, the newest first."""
    rows = zip(*(found[name].to_pylist() for name in ("seller_id", "quantity", "day", "order_id")), strict=True)
    orders: dict[str, dict[str, list[tuple[int, str]]]] = {}
    for (seller_id, quantity), group in groupby(rows, key=itemgetter(0, 1)):
        orders.setdefault(seller_id, {})[quantity] = [
            (day, order_id) for *_, day, order_id in islice(group, NEWEST_ORDERS)
        ]
    return dict(orders)


def items_of(ledger: Ledger, table: FeatureTable, as_of: int) -> dict[str, Items]:
    """By seller_id, its items that came back, the most surprising first; none without items or returns.

    The market's rate is the one published with the rows, so that a seller's items need nothing of other sellers.
    """
    if not {*NEEDS} <= {*ledger.quantities} or not len(table):
        return {}
    return items_by_seller(item_quality(ledger, as_of, market_rate(table)))


def market_rate(table: FeatureTable) -> float:
    """The market's return rate, as published with every row."""
    returned, delivered = (float(table.block[name][0]) for name in MARKET)
    return returned / max(delivered, 1)


def items_by_seller(view: pa.Table) -> dict[str, Items]:
    """The first of each seller's rows of the item-quality view."""
    found: dict[str, list[ReturnedItem]] = {}
    for row in view.to_pylist():
        mine = found.setdefault(row.pop("seller_id"), [])
        if len(mine) < KEPT_ITEMS:
            mine.append(cast(ReturnedItem, row | {"order_ids": row["order_ids"][:NEWEST_ORDERS]}))
    return dict(found)
