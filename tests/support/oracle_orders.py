"""The oracle's rules for one order, return, case or feedback: quantity -> (the day it falls on, value)."""

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import Any

Row = dict[str, Any]
Day = Callable[[date], int]
Entries = dict[str, tuple[int, int]]

LATE_FAULTS = "late_fault_after_appeal"
PARTS = ("late", "cancelled_by_seller", "item_not_received", "not_as_described", "case_unresolved", "low_rating")
SELLERS_OWN = (None, "unknown", "seller")


def earliest(moments: Iterable[Any]) -> Any:
    return min((moment for moment in moments if moment is not None), default=None)


def order_entries(
    lines: list[Row],
    returns: list[Row],
    cases: list[Row],
    feedback: list[Row],
    platform: Callable[[int], str | None],
    wanted: frozenset[str],
    day_of: Day,
) -> Entries:
    """Everything that falls once per seller order."""
    entries = ordering(lines, day_of)
    entries |= travel(lines, day_of)
    entries |= overdue(lines, day_of)
    entries |= lateness(lines, platform, day_of)
    entries |= cancelling(lines, day_of)
    entries |= ending(entries)
    entries |= returning(returns, lines, entries, day_of)
    entries |= failing(entries, cases, feedback, wanted, day_of)
    return entries


def once(name: str, moment: date | None, day_of: Day) -> Entries:
    return {} if moment is None else {name: (day_of(moment), 1)}


def ordering(lines: list[Row], day_of: Day) -> Entries:
    day = day_of(earliest(line["ordered_at"] for line in lines))
    cents = sum(round(line["price"] * 100) for line in lines if line.get("price") is not None)
    return {"ordered": (day, 1), "units": (day, len(lines)), "gross_cents": (day, cents)}


def settled(lines: list[Row], what: str) -> datetime | None:
    """The moment by which every line is shipped (delivered) or cancelled."""
    ends = [earliest([line.get(what), line.get("cancelled_at")]) for line in lines]
    return None if not ends or None in ends else max(ends)


def complete(lines: list[Row], what: str) -> datetime | None:
    """The same, with at least one line shipped (delivered)."""
    every, first = settled(lines, what), earliest(line.get(what) for line in lines)
    return None if every is None or first is None else max(every, first)


def travel(lines: list[Row], day_of: Day) -> Entries:
    ordered = earliest(line["ordered_at"] for line in lines)
    # A line that never left (cancelled first) says nothing about tracking.
    shipped, delivered = complete(lines, "shipped_at"), complete(lines, "delivered_at")
    entries = once("shipped", shipped, day_of) | once("delivered", delivered, day_of)
    entries |= once("closed", settled(lines, "delivered_at"), day_of)
    if shipped is not None:
        entries["handling_minutes"] = (day_of(shipped), minutes(ordered, shipped))
        if any(line.get("tracking_valid") is False and by(shipped, line.get("shipped_at")) for line in lines):
            entries["tracking_missing"] = (day_of(shipped), 1)
    if delivered is not None:
        entries["delivery_minutes"] = (day_of(delivered), minutes(ordered, delivered))
        entries["matured_delivered"] = (day_of(delivered) + 30, 1)
    return entries


def minutes(start: datetime, end: datetime) -> int:
    return max(0, (end - start) // timedelta(minutes=1))


def overdue(lines: list[Row], day_of: Day) -> Entries:
    missed = [line for line in lines if line.get("ship_by") is not None and not handed_over(line, line["ship_by"])]
    if not missed:
        return {}
    first = min(max(day_of(line["ship_by"]), begun(line, day_of)) for line in missed)
    entries: Entries = {"overdue_to_ship": (first, 1)}
    return entries | once("overdue_cleared", settled(lines, "shipped_at"), day_of)


def begun(line: Row, day_of: Day) -> int:
    """The day of a line's first sign of life, where rows are versioned: no deadline passes before it there."""
    moments = (line.get(f"{what}_at") for what in ("ordered", "shipped", "delivered", "cancelled"))
    return day_of(earliest(moments)) if "recorded_at" in line else 0


def handed_over(line: Row, deadline: datetime) -> bool:
    return by(deadline, earliest([line.get("shipped_at"), line.get("cancelled_at")]))


def by(deadline: datetime, moment: datetime | None) -> bool:
    return moment is not None and moment <= deadline


def lateness(lines: list[Row], platform: Callable[[int], str | None], day_of: Day) -> Entries:
    late = [(day, line) for line in lines if (day := late_day(line, day_of)) is not None]
    if not late:
        return {}
    first = min(day for day, _ in late)
    faults = {late_fault(line, platform(first), day_of) for day, line in late if day == first}
    entries: Entries = {"late": (first, 1)}
    for fault in ("seller", "platform", "carrier"):
        if fault in faults:
            return entries | {f"late_{fault}_fault": (first, 1)}
    return entries


def late_day(line: Row, day_of: Day) -> int | None:
    """The day on which a promise passed with the line neither delivered nor cancelled."""
    promise = line.get("promised_at")
    end = earliest([line.get("delivered_at"), line.get("cancelled_at")])
    if promise is None or (end is not None and in_time(end, promise, day_of)):
        return None
    broken = day_of(promise) if isinstance(promise, datetime) else day_of(promise) + 1
    return max(broken, begun(line, day_of))


def in_time(moment: datetime, promise: date, day_of: Day) -> bool:
    return moment <= promise if isinstance(promise, datetime) else day_of(moment) <= day_of(promise)


def late_fault(line: Row, fulfilment: str | None, day_of: Day) -> str | None:
    if LATE_FAULTS in line:
        fault: str | None = line[LATE_FAULTS]
        return fault
    if fulfilment == "platform":
        return "platform"
    ship_by, shipped = line.get("ship_by"), line.get("shipped_at")
    if ship_by is None:
        return None
    in_hand = shipped is not None and shipped <= ship_by and in_time(shipped, line["promised_at"], day_of)
    return "carrier" if in_hand else "seller"


def cancelling(lines: list[Row], day_of: Day) -> Entries:
    cancelled = [line for line in lines if line.get("cancelled_at") is not None]
    sellers = [line for line in cancelled if line.get("cancelled_by") == "seller"]
    entries = once("cancelled", earliest(line["cancelled_at"] for line in cancelled), day_of)
    return entries | once("cancelled_by_seller", earliest(line["cancelled_at"] for line in sellers), day_of)


def ending(entries: Entries) -> Entries:
    """What became of an order that was overdue by the time: shipped after all, or cancelled by the seller."""
    missed = entries.get("overdue_to_ship")
    if missed is None:
        return {}
    ends = {"overdue_shipped": "shipped", "overdue_cancelled": "cancelled_by_seller"}
    found = {name: entries[end][0] for name, end in ends.items() if end in entries}
    return {name: (day, 1) for name, day in found.items() if missed[0] <= day}


def to_origin(row: Row, line: Row, day_of: Day) -> bool:
    """Whether the line had not been delivered when its return was opened; unknown in a source without deliveries."""
    delivered = line.get("delivered_at")
    return "delivered_at" in line and (delivered is None or day_of(delivered) > day_of(row["opened_at"]))


def returning(returns: list[Row], lines: list[Row], entries: Entries, day_of: Day) -> Entries:
    named = {(line["order_id"], line["line_id"]): line for line in lines}
    back = [row for row in returns if to_origin(row, named[row["order_id"], row["line_id"]], day_of)]
    customers = [row for row in returns if row not in back]
    opened = earliest(row["opened_at"] for row in customers)
    refunds = [row.get("refunded_at") for row in customers if row.get("fault") == "seller"]
    found = once("returned", opened, day_of) | once("returned_seller_fault", earliest(refunds), day_of)
    found |= once("returned_to_origin", earliest(row["opened_at"] for row in back), day_of)
    matured = entries.get("matured_delivered")
    if opened is not None and matured is not None and day_of(opened) <= matured[0]:
        found["matured_returned"] = matured
    return found


def return_entries(row: Row, day_of: Day) -> Entries:
    if row.get("refunded_at") is None or row.get("refund_amount") is None:
        return {}
    return {"refund_cents": (day_of(row["refunded_at"]), round(row["refund_amount"] * 100))}


def case_entries(row: Row, day_of: Day) -> Entries:
    entries = once(row["kind"], row["opened_at"], day_of)
    answer = row.get("first_response_at")
    deadline = row["opened_at"] + timedelta(hours=48)
    if row["kind"] == "inquiry" and (answer is None or answer > deadline):
        entries |= once("unanswered_48h", deadline, day_of)
    return entries | once("case_unresolved", unresolved(row), day_of)


def unresolved(row: Row) -> datetime | None:
    closed: datetime | None = row.get("closed_at")
    deadline: datetime = row["opened_at"] + timedelta(days=14)
    if closed is None or closed > deadline:
        return deadline
    return closed if row.get("resolution") not in (None, "seller") else None


def feedback_entries(row: Row, day_of: Day) -> Entries:
    entries = once("feedback", row["created_at"], day_of)
    return entries | (once("low_rating", row["created_at"], day_of) if row["rating"] <= 2 else {})


def failing(entries: Entries, cases: list[Row], feedback: list[Row], wanted: frozenset[str], day_of: Day) -> Entries:
    """The first failure of the order, and the first by the seller's fault, over the parts the source has."""
    own = [case_entries(row, day_of) for row in cases if row.get("fault") in SELLERS_OWN]
    cases_all = [case_entries(row, day_of) for row in cases]
    ratings = [feedback_entries(row, day_of) for row in feedback]
    result = first_of({*PARTS} & wanted, [entries, *cases_all, *ratings], "service_failure")
    blamed = {"late_seller_fault" if part == "late" else part for part in PARTS} & wanted
    return result | first_of(blamed, [entries, *own, *ratings], "service_failure_seller_fault")


def first_of(parts: set[str], found: list[Entries], name: str) -> Entries:
    days = [entries[part][0] for entries in found for part in parts if part in entries]
    return {name: (min(days), 1)} if days else {}
