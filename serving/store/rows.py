"""What the online store knows of sellers: the rows that a model scores, and the orders and items behind them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

from features.table import FeatureTable


class ReturnedItem(TypedDict):
    """An item that came back in the last 60 days, counted in order lines; `features.items` defines the figures."""

    item_id: str
    delivered: int
    returned: int
    return_rate: float | None
    share_of_returns: float
    usual_rate: float
    expected: float
    chance: float
    order_ids: Sequence[str]


Orders = Mapping[str, Sequence[tuple[int, str]]]  # by ledger quantity: day and order_id, newest first
Items = Sequence[ReturnedItem]  # a seller's items that came back, the most surprising first


@dataclass(frozen=True)
class Rows:
    """Sellers to score: their rows, the orders behind each one's quantities, and which items came back."""

    table: FeatureTable
    orders: Sequence[Orders]
    items: Sequence[Items]
    incomplete: frozenset[str] = frozenset()  # sellers of whom too many rows were lost on the way in
