"""Rows in the data contract, from the draws: everything known at the end of the last day."""

from collections.abc import Mapping

import numpy as np

from simulation.aftermath import Columns
from simulation.draws import Ints
from simulation.orders import DAY, ITEMS, NULL, OrderLines, Orders
from simulation.sellers import NEVER, Sellers

NUMBERS = 10**9  # order, return, case and rating numbers kept for a block
# By table and event, the columns that become known with the event.
COLUMNS_KNOWN_WITH: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "orders": {"shipped_at": ("tracking_valid",), "delivered_at": (), "cancelled_at": ("cancelled_by",)},
    "returns": {"refunded_at": ("fault", "refund_amount")},
    "cases": {"first_response_at": (), "closed_at": ("resolution", "fault")},
    "feedback": {},
}
BORN = {"orders": "ordered_at", "returns": "opened_at", "cases": "opened_at", "feedback": "created_at"}


def order_rows(block: int, orders: Orders, lines: OrderLines) -> Columns:
    """One row per line."""
    at = lines.order
    return {
        "order_id": block * NUMBERS + orders.number[at],
        "line_id": _line_codes(orders, lines),
        "seller_id": orders.seller[at],
        "item_id": orders.seller[at] * ITEMS + lines.item,
        "category": lines.category,
        "price": lines.price_cents,
        "ordered_at": orders.ordered[at],
        "ship_by": orders.ship_by[at],
        "shipped_at": orders.shipped[at],
        "tracking_valid": orders.tracking[at],
        "promised_at": orders.promised[at],
        "delivered_at": orders.delivered[at],
        "cancelled_at": orders.cancelled[at],
        "cancelled_by": orders.cancelled_by[at],
        "recorded_at": np.full(len(at), NULL),
    }


def _line_codes(orders: Orders, lines: OrderLines) -> Ints:
    """0 and 1 for a seller's lines; 2 and 3 for those of the second seller of an order."""
    guest = orders.number != np.arange(len(orders))
    return np.asarray(lines.number - 1 + 2 * guest[lines.order])


def return_rows(block: int, returns: Columns, orders: Columns) -> Columns:
    """One row per return; `orders` are the rows of the lines."""
    line = returns["line"]
    names = ("opened_at", "reason", "fault", "refunded_at", "refund_amount")
    columns = {name: returns[name] for name in names}
    keys = {"return_id": _numbers(block, len(line)), "order_id": orders["order_id"][line]}
    return {**keys, "line_id": orders["line_id"][line], **columns, "recorded_at": np.full(len(line), NULL)}


def case_rows(block: int, cases: Columns, orders: Orders) -> Columns:
    """One row per case."""
    about = _order_ids(block, cases["order"], orders)
    names = ("kind", "opened_at", "first_response_at", "closed_at", "resolution", "fault")
    columns = {name: cases[name] for name in names}
    keys = {"case_id": _numbers(block, len(about)), "seller_id": cases["seller"], "order_id": about}
    return {**keys, **columns, "recorded_at": np.full(len(about), NULL)}


def feedback_rows(block: int, feedback: Columns, orders: Orders) -> Columns:
    """One row per rating."""
    order = feedback["order"]
    keys = {"feedback_id": _numbers(block, len(order)), "order_id": _order_ids(block, order, orders)}
    columns = {"rating": feedback["rating"], "created_at": feedback["created_at"]}
    return {**keys, "seller_id": orders.seller[order], **columns, "recorded_at": np.full(len(order), NULL)}


def seller_rows(sellers: Sellers, first_day: int) -> Columns:
    """One row per seller, and a second version of those who left, recorded when they did."""
    n = len(sellers)
    rows = {
        "seller_id": np.arange(n),
        "name": np.arange(n),
        "joined_at": (first_day + sellers.joined) * DAY,
        "left_at": np.full(n, NULL),
        "region": sellers.region,
        "fulfilment": sellers.platform.astype(np.int64),
        "natural_person": sellers.person.astype(np.int64),
        "recorded_at": np.full(n, NULL),
    }
    gone = np.flatnonzero(sellers.left < NEVER)
    left_at = (first_day + sellers.left[gone]) * DAY - 1
    return added(rows, {**taken(rows, gone), "left_at": left_at, "recorded_at": left_at})


def known_by(rows: Columns, table: str, end: int) -> Columns:
    """The rows known before `end`, without what happens from then on."""
    born, recorded = rows[BORN[table]], rows["recorded_at"]
    out = taken(rows, np.flatnonzero((born < end) & (recorded < end)))
    for event, columns in COLUMNS_KNOWN_WITH[table].items():
        ahead = out[event] >= end
        for name in (event, *columns):
            out[name] = np.where(ahead | (out[event] == NULL), NULL, out[name])
    return out


def taken(rows: Mapping[str, Ints], places: Ints) -> Columns:
    """The rows at these places."""
    return {name: column[places] for name, column in rows.items()}


def added(*parts: Mapping[str, Ints]) -> Columns:
    """The rows of all parts, one part after the other."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _numbers(block: int, count: int) -> Ints:
    return block * NUMBERS + np.arange(count)


def _order_ids(block: int, order: Ints, orders: Orders) -> Ints:
    return np.where(order == NULL, NULL, block * NUMBERS + orders.number[np.maximum(order, 0)])
