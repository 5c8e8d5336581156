"""Faults of the delivered data: late records, several versions, duplicates, invalid rows."""

from collections.abc import Mapping

import numpy as np
from numpy.random import Generator

from simulation.aftermath import Columns
from simulation.draws import Bools, Ints, between, generator
from simulation.orders import BUYER, DAY, NULL, SELLER, UNKNOWN, seconds
from simulation.parameters import Parameters
from simulation.rows import BORN, NUMBERS, added, known_by, taken

FAR_FUTURE = 32_503_680_000  # the year 3000, a placeholder
NO_CHOICE = 99  # stands for a value that the contract does not know
OWN_KEY = {"orders": "order_id", "returns": "return_id", "cases": "case_id", "feedback": "feedback_id"}
# Invalid values; each row gets one. The checks of the data contract find them.
BROKEN: Mapping[str, tuple[tuple[str, int], ...]] = {
    "orders": (("price", -500), ("seller_id", NULL), ("ordered_at", FAR_FUTURE), ("cancelled_by", NO_CHOICE)),
    "returns": (("order_id", NUMBERS - 1), ("opened_at", NULL), ("fault", NO_CHOICE)),
    "cases": (("kind", NO_CHOICE), ("seller_id", NULL), ("opened_at", FAR_FUTURE)),
    "feedback": (("rating", 0), ("rating", 7), ("created_at", NULL)),
}


def handed_over(p: Parameters, seed: int, block: int, table: str, rows: Columns, end: int) -> Columns:
    """The table as the marketplace delivers it at `end` (seconds)."""
    draws = generator(seed, block, f"records of {table}")
    rows = late_records(p, draws, rows, BORN[table])
    rows = known_by(REVISIONS[table](p, draws, rows), table, end)
    count = len(rows["recorded_at"])
    doubled = taken(rows, np.flatnonzero(draws.random(count) < p.records.duplicate))
    broken = break_rows(draws, table, taken(rows, np.flatnonzero(draws.random(count) < p.records.broken)), block)
    return added(rows, doubled, broken)


def late_records(p: Parameters, draws: Generator, rows: Columns, born: str) -> Columns:
    """Some rows recorded days after they happened."""
    count = len(rows[born])
    delay = seconds(between(draws, p.records.late_days, count))
    return rows | {"recorded_at": np.where(draws.random(count) < p.records.late_arrival, rows[born] + delay, NULL)}


def break_rows(draws: Generator, table: str, rows: Columns, block: int) -> Columns:
    """Invalid rows: each has its own key and one invalid value."""
    count, key = len(rows["recorded_at"]), OWN_KEY[table]
    rows = rows | {key: block * NUMBERS + NUMBERS // 2 + np.arange(count)}
    which = draws.integers(0, len(BROKEN[table]), size=count)
    for number, (column, value) in enumerate(BROKEN[table]):
        rows = rows | {column: np.where(which == number, value, rows[column])}
    return rows


def _orders(p: Parameters, draws: Generator, rows: Columns) -> Columns:
    """Deliveries with a wrong day in the first version; cancellations whose author was not known at first."""
    count = len(rows["order_id"])
    moved = (rows["delivered_at"] != NULL) & (draws.random(count) < p.records.revised_delivery)
    unclear = (rows["cancelled_by"] == SELLER) & (draws.random(count) < p.records.revised_cancellation)
    shift = seconds(between(draws, (-2, 2), count))
    scanned = np.maximum(rows["delivered_at"] + shift, rows["shipped_at"] + 3600)
    before = {"delivered_at": np.where(moved, scanned, rows["delivered_at"])}
    before["cancelled_by"] = np.where(unclear, UNKNOWN, rows["cancelled_by"])
    after = np.where(moved, np.maximum(scanned, rows["delivered_at"]), rows["cancelled_at"])
    return _two_versions(p, draws, rows, moved | unclear, before, after)


def _returns(p: Parameters, draws: Generator, rows: Columns) -> Columns:
    """Faults that were decided again after the refund."""
    changed = draws.random(len(rows["return_id"])) < p.records.revised_return
    other = np.where(rows["fault"] == SELLER, BUYER, SELLER)
    return _two_versions(p, draws, rows, changed, {"fault": other}, rows["refunded_at"])


def _cases(p: Parameters, draws: Generator, rows: Columns) -> Columns:
    """Cases whose end was recorded days after it."""
    ended = rows["closed_at"] != NULL
    changed = ended & (draws.random(len(ended)) < p.records.revised_case)
    before = {name: np.where(changed, NULL, rows[name]) for name in ("closed_at", "resolution", "fault")}
    return _two_versions(p, draws, rows, changed, before, rows["closed_at"])


def _feedback(p: Parameters, draws: Generator, rows: Columns) -> Columns:
    """Ratings that the customer raised or lowered by one."""
    changed = draws.random(len(rows["rating"])) < p.records.revised_rating
    before = {"rating": np.clip(rows["rating"] + np.where(rows["rating"] < 3, 1, -1), 1, 5)}
    return _two_versions(p, draws, rows, changed, before, rows["created_at"])


REVISIONS = {"orders": _orders, "returns": _returns, "cases": _cases, "feedback": _feedback}


def _two_versions(
    p: Parameters, draws: Generator, rows: Columns, changed: Bools, before: Mapping[str, Ints], after: Ints
) -> Columns:
    """Two versions of changed rows: the values of `before`, and the correct ones, recorded days after `after`."""
    places = np.flatnonzero(changed)
    delay = seconds(between(draws, p.records.revising_days, len(changed)))
    recorded = np.maximum(after, rows["recorded_at"]) + np.maximum(delay, DAY)
    first = rows | {name: np.where(changed, value, rows[name]) for name, value in before.items()}
    return added(first, taken(rows | {"recorded_at": recorded}, places))
