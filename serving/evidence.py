"""The orders behind a row's counts, by seller and quantity, for the reasons to name."""

from itertools import groupby, islice
from operator import itemgetter

from features.evidence import evidence_orders
from features.ledger import Ledger
from features.table import FeatureTable
from serving.answers import Orders

KEPT = 20  # the newest orders of a seller and quantity; the count in a reason tells of all


def orders_of(ledger: Ledger, table: FeatureTable, as_of: int) -> dict[str, Orders]:
    """By seller_id, what the features of a table may show as evidence."""
    quantities = {f.evidence_quantity for f in table.features if f.evidence}
    found = evidence_orders(ledger, as_of, quantities)
    rows = zip(*(found[name].to_pylist() for name in ("seller_id", "quantity", "day", "order_id")), strict=True)
    orders: dict[str, dict[str, list[tuple[int, str]]]] = {}
    for (seller_id, quantity), group in groupby(rows, key=itemgetter(0, 1)):
        orders.setdefault(seller_id, {})[quantity] = [(day, order_id) for *_, day, order_id in islice(group, KEPT)]
    return dict(orders)
