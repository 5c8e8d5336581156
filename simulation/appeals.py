"""Granted appeals: a late order becomes the carrier's fault, a low rating is excluded."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.random import Generator

from simulation.aftermath import Columns
from simulation.arrow import MICROS, TIME, Names
from simulation.draws import Bools, Ints, between, generator
from simulation.orders import seconds
from simulation.parameters import Parameters

CORRECTIONS = pa.schema(
    [
        *((name, pa.string()) for name in ("correction_id", "seller_id", "table", "row_key")),
        *(("decided_at", TIME), ("effect", pa.string()), ("new_fault", pa.string()), ("reason", pa.string())),
    ]
)
LOW = 2


def appeals(p: Parameters, seed: int, block: int, rows: Mapping[str, Columns], names: Names, end: int) -> pa.Table:
    """The corrections of a block known before `end` (seconds), from its rows as they happened."""
    draws, orders, feedback = generator(seed, block, "appeals"), rows["orders"], rows["feedback"]
    late = (orders["shipped_at"] > orders["ship_by"]) & (orders["delivered_at"] > orders["promised_at"])
    line, line_at = _granted(p, draws, late, p.records.appealed_order, orders["delivered_at"], end)
    low, low_at = _granted(p, draws, feedback["rating"] <= LOW, p.records.appealed_rating, feedback["created_at"], end)
    lines = zip(orders["order_id"][line].tolist(), orders["line_id"][line].tolist(), strict=True)
    keys = [
        *(f"o{order}/{names['line_id'][n]}" for order, n in lines),
        *(f"f{f}" for f in feedback["feedback_id"][low]),
    ]
    sellers = np.concatenate([orders["seller_id"][line], feedback["seller_id"][low]])
    of_orders = np.arange(len(keys)) < len(line)
    return pa.table(
        {
            "correction_id": [f"a{block:05d}-{number}" for number in range(len(keys))],
            "seller_id": [names["seller_id"][s] for s in sellers],
            "table": _either(of_orders, "orders", "feedback"),
            "row_key": keys,
            "decided_at": pa.array(np.concatenate([line_at, low_at]) * MICROS).view(TIME),
            "effect": _either(of_orders, "fault_changed", "excluded"),
            "new_fault": _either(of_orders, "carrier", None),
            "reason": _either(of_orders, "handed over in time, scanned late", "not about the seller"),
        },
        CORRECTIONS,
    )


def _granted(p: Parameters, draws: Generator, able: Bools, rate: float, since: Ints, end: int) -> tuple[Ints, Ints]:
    """Places of the rows whose appeal is granted before the end, and when."""
    chosen = np.flatnonzero(able & (draws.random(len(able)) < rate))
    decided = since[chosen] + seconds(between(draws, p.records.appealing_days, len(chosen)))
    return chosen[decided < end], decided[decided < end]


def _either(of_orders: Bools, yes: str | None, no: str | None) -> Sequence[str | None]:
    return [yes if one else no for one in of_orders]
