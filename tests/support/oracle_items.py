"""The oracle's second opinion on items: what was returned and delivered of each, as known at the close of a day."""

from collections import Counter
from typing import Any

from tests.support.oracle import Tables, newest
from tests.support.oracle_appeals import KEYS
from tests.support.oracle_orders import Day, to_origin

Row = dict[str, Any]
DAYS = 60


def worst_item(tables: Tables, seller: str, as_of: int, day_of: Day) -> tuple[str, dict[str, float]]:
    """The item of a seller with most returns in the window (ties: the first by name), and what is counted of it."""
    lines = {key_of("orders", line): line for line in newest("orders", tables["orders"], as_of, day_of)}
    mine = {key: line for key, line in lines.items() if line["seller_id"] == seller and line.get("item_id")}
    returns = Counter(
        mine[row["order_id"], row["line_id"]]["item_id"]
        for row in newest("returns", tables.get("returns", []), as_of, day_of)
        if (row["order_id"], row["line_id"]) in mine
        and not to_origin(row, mine[row["order_id"], row["line_id"]], day_of)
        and inside(row["opened_at"], as_of, day_of)
        and not excluded(tables, row, as_of, day_of)
    )
    if not returns:
        return "", dict.fromkeys(COUNTS, 0)
    worst = min(returns, key=lambda item: (-returns[item], item))
    delivered = Counter(line["item_id"] for line in mine.values() if inside(line.get("delivered_at"), as_of, day_of))
    numbers = (returns[worst], delivered[worst], returns.total(), delivered.total(), len(returns))
    return worst, dict(zip(COUNTS, numbers, strict=True))


COUNTS = ("worst_item_returns", "worst_item_deliveries", "item_returns", "item_deliveries", "items_with_returns")


def key_of(table: str, row: Row) -> tuple[str, ...]:
    return tuple(row[key] for key in KEYS[table])


def inside(moment: Any, as_of: int, day_of: Day) -> bool:
    return moment is not None and as_of - DAYS < day_of(moment) <= as_of


def excluded(tables: Tables, row: Row, as_of: int, day_of: Day) -> bool:
    """Whether an appeal took the return out by then."""
    return any(
        appeal["table"] == "returns"
        and appeal["row_key"] == row["return_id"]
        and appeal["effect"] == "excluded"
        and day_of(appeal["decided_at"]) <= as_of
        for appeal in tables.get("corrections", [])
    )
