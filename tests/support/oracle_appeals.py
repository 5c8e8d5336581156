"""The oracle's rules for appeals: which rows of an order are different once one is decided."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from tests.support.oracle_orders import LATE_FAULTS, Day

Row = dict[str, Any]

KEYS = {
    "orders": ("order_id", "line_id"),
    "returns": ("return_id",),
    "cases": ("case_id",),
    "feedback": ("feedback_id",),
    "sellers": ("seller_id",),
}


def appealed(group: Mapping[str, list[Row]], day_of: Day) -> list[tuple[int, dict[str, list[Row]]]]:
    """The group's rows after each day of decided appeals, in order of the days."""
    rows = {name: [dict(row) for row in group.get(name, [])] for name in group}
    decided = defaultdict(list)
    for appeal in group.get("corrections", []):
        if any(row_key(appeal["table"], row) == appeal["row_key"] for row in rows.get(appeal["table"], [])):
            decided[day_of(appeal["decided_at"])].append(appeal)
    steps = []
    for day in sorted(decided):
        for appeal in decided[day]:
            rows[appeal["table"]] = [new for row in rows[appeal["table"]] if (new := after_appeal(row, appeal))]
        steps.append((day, dict(rows)))
    return steps


def row_key(table: str, row: Row) -> str:
    return "/".join(str(row[key]) for key in KEYS[table])


def after_appeal(row: Row, appeal: Row) -> Row | None:
    if row_key(appeal["table"], row) != appeal["row_key"]:
        return row
    if appeal["effect"] == "excluded":
        return None
    column = LATE_FAULTS if appeal["table"] == "orders" else "fault"
    return {**row, column: appeal["new_fault"]}
