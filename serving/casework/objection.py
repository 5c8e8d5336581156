"""An objection: what a seller says of an order, and what became of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from features.contract import FAULTS

WAITING, GRANTED, REFUSED = "waiting", "granted", "refused"
STATES: Mapping[str, str] = {
    WAITING: "a reviewer has to answer it",
    GRANTED: "the order was corrected, and the figures were worked out anew",
    REFUSED: "the order stands as it is, for the reason given",
}
EXCLUDED, FAULT_CHANGED = "excluded", "fault_changed"
EFFECTS = (EXCLUDED, FAULT_CHANGED)
OTHERS = tuple(fault for fault in FAULTS if fault != "seller")
Row = tuple[str, str]  # a table of the contract, and the key of a row in it


@dataclass(frozen=True)
class Objection:
    """An objection as it is kept. change: the seller before and after; empty until granted."""

    objection_id: str
    seller_id: str
    order_id: str
    rows: tuple[Row, ...]
    effect: str
    new_fault: str
    reason: str
    raised_at: str
    raised_by: str
    case_decision_id: str = ""
    state: str = WAITING
    version: int = 1
    decided_at: str = ""
    decided_by: str = ""
    answer: str = ""
    decision_stands: bool = True
    change: Mapping[str, Any] = field(default_factory=dict)


def to_row(one: Objection) -> dict[str, Any]:
    """An objection as its table keeps it."""
    change = json.dumps(one.change, ensure_ascii=False) if one.change else ""
    return {**vars(one), "rows": json.dumps(one.rows), "change": change}


def from_row(row: Any) -> Objection:
    """An objection from its row."""
    rows = tuple((table, key) for table, key in json.loads(row["rows"]))
    return Objection(**{**row, "rows": rows, "change": json.loads(row["change"] or "{}")})
