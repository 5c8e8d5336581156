"""The oracle's second opinion on problem orders: by item, and in categories new to the seller."""

from collections import defaultdict
from typing import Any

from tests.support.oracle import Tables, first_versions, newest
from tests.support.oracle_new_to_seller import FIRST_STOCK, NEW, known_on, last_taken_on
from tests.support.oracle_orders import Day, to_origin

Row = dict[str, Any]
DAYS, UNITS_DAYS = 28, 60
COUNTS = (
    *("worst_item_troubles", "worst_item_units", "order_troubles", "new_category_troubles"),
    *("disappointing_orders", "new_category_disappointing"),
)
GOODS = {"not_as_described", "Wrong item sent", "defective"}
KEY = {"returns": "return_id", "cases": "case_id", "feedback": "feedback_id"}


def problem_orders(tables: Tables, seller: str, as_of: int, day_of: Day) -> tuple[str, dict[str, float]]:
    """The item with most problem orders (ties: the first by name), and what is counted."""
    lines = [row for row in first_versions(tables, day_of) if row["seller_id"] == seller]
    known = [line for line in lines if known_on(line, day_of) <= as_of]
    orders: set[str] = set()
    by_item: dict[Any, set[str]] = defaultdict(set)
    new: set[str] = set()
    said: dict[str, set[str]] = defaultdict(set)
    said_new: set[str] = set()
    for table, order_id, line_id in told(tables, seller, as_of, day_of):
        for line in known:
            if line["order_id"] == order_id and line_id in (None, line["line_id"]):
                orders.add(order_id)
                is_new = of_new_category(line, lines, day_of)
                by_item[line.get("item_id")].add(order_id)
                if is_new:
                    new.add(order_id)
                if known_on(line, day_of) > as_of - DAYS:
                    said[order_id].add(table)
                    said_new |= {order_id} if is_new else set()
    by_item.pop(None, None)
    worst = min(by_item, key=lambda item: (-len(by_item[item]), item), default="")
    recent = [line for line in known if known_on(line, day_of) > as_of - UNITS_DAYS]
    units = sum(line.get("item_id") == worst for line in recent)
    disappointing = {order_id for order_id, tables_ in said.items() if {"cases", "goods"} & tables_ or len(tables_) > 1}
    both = (len(disappointing), len(disappointing & said_new))
    numbers = (len(by_item.get(worst, ())), units, len(orders), len(new), *both)
    return worst, dict(zip(COUNTS, numbers, strict=True))


def told(tables: Tables, seller: str, as_of: int, day_of: Day) -> list[tuple[str, str, str | None]]:
    """Table, order and line (None: every line of the order) of each return, complaint and low rating that counts."""
    now = {(line["order_id"], line["line_id"]): line for line in newest("orders", tables["orders"], as_of, day_of)}
    found: list[tuple[str, str, str | None]] = []
    for row in standing(tables, "returns", as_of, day_of):
        line = now.get((row["order_id"], row["line_id"]))
        mine = line and line["seller_id"] == seller and not to_origin(row, line, day_of)
        if mine and lately(row["opened_at"], as_of, day_of):
            found.append(("returns", row["order_id"], row["line_id"]))
            if row.get("reason") in GOODS:
                found.append(("goods", row["order_id"], row["line_id"]))
    for table, moment, bad in (
        ("cases", "opened_at", told_of_goods),
        ("feedback", "created_at", rated_low),
    ):
        found += [
            (table, row["order_id"], None)
            for row in standing(tables, table, as_of, day_of)
            if row["seller_id"] == seller and row.get("order_id") and bad(row) and lately(row[moment], as_of, day_of)
        ]
    return found


def told_of_goods(case: Row) -> bool:
    return bool(case["kind"] == "not_as_described")


def rated_low(feedback: Row) -> bool:
    return bool(feedback["rating"] <= 2)


def standing(tables: Tables, table: str, as_of: int, day_of: Day) -> list[Row]:
    """Rows as known by then that no appeal has taken out."""
    out = {
        appeal["row_key"]
        for appeal in tables.get("corrections", [])
        if appeal["table"] == table and appeal["effect"] == "excluded" and day_of(appeal["decided_at"]) <= as_of
    }
    return [row for row in newest(table, tables.get(table, []), as_of, day_of) if row[KEY[table]] not in out]


def lately(moment: Any, as_of: int, day_of: Day) -> bool:
    return as_of - DAYS < day_of(moment) <= as_of


def of_new_category(line: Row, lines: list[Row], day_of: Day) -> bool:
    category = line.get("category")
    if not category:
        return False
    began = min(known_on(other, day_of) for other in lines)
    same = [known_on(other, day_of) for other in lines if other.get("category") == category]
    taken_on = last_taken_on(same, known_on(line, day_of), pauses=True)
    return taken_on >= began + FIRST_STOCK and known_on(line, day_of) < taken_on + NEW["category"][1]
