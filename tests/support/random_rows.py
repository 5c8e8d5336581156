"""The rows of one seller's history, drawn with dice: few days and few instants, so that things collide."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from features.ingest.contract import TABLES as CONTRACT

Row = dict[str, Any]
Tables = dict[str, list[Row]]

NONE, TICK = timedelta(0), timedelta(microseconds=1)


def hours(number: int) -> timedelta:
    return timedelta(hours=number)


TABLES = ("orders", "returns", "cases", "feedback", "sellers", "interventions", "corrections")
OPTIONAL: dict[str, tuple[str, ...]] = {
    "orders": (
        "item_id",
        "category",
        "price",
        "ship_by",
        "shipped_at",
        "tracking_valid",
        "promised_at",
        "delivered_at",
        "cancelled_at",
        "cancelled_by",
    ),
    "returns": ("reason", "fault", "refunded_at", "refund_amount"),
    "cases": ("order_id", "first_response_at", "closed_at", "resolution", "fault"),
    "feedback": (),
    "sellers": ("left_at", "region", "fulfilment"),
}
ITEMS = ("i0", "i1", "i2", "i3", None)
CATEGORIES = ("home", "toys", None)
PRICES = (None, Decimal("0"), Decimal("0.01"), Decimal("19.99"), Decimal("250.00"))
RESOLUTIONS = ("seller", "platform", "buyer", None)
CANCELLERS = ("seller", "buyer", "carrier", "platform", "unknown", None)
REASONS = ("not_as_described", "Wrong item sent", "changed mind", "does not fit", None)
FAULTS = (None, "seller", "seller", "buyer", "carrier", "platform", "unknown")
# Midnights of the zones in use, an instant before them, and the hours around a change of clocks.
HOURS = (*map(hours, (0, 4, 5, 6, 7, 12, 18)), hours(4) - TICK)
NUDGES = (*[NONE] * 6, TICK, -TICK, timedelta(seconds=59))
# What a case waits for its answer and its end: around the 48 hours and the 14 days of the rules.
WAITS = (NONE, hours(47), hours(48), hours(49), timedelta(days=14), timedelta(days=15))
SPAN = 21  # days on which orders are placed
PAUSES = (0, 0, 0, 0, 0, 30, 45, 110, 170)  # days by which an order comes after that: what it sells may be new again
APPEALED = {
    "orders": ("order_id", "line_id"),
    "returns": ("return_id",),
    "cases": ("case_id",),
    "feedback": ("feedback_id",),
}
OTHER_VALUES: dict[str, tuple[Any, ...]] = {
    "price": PRICES,
    "refund_amount": PRICES,
    "fault": FAULTS,
    "resolution": RESOLUTIONS,
    "cancelled_by": CANCELLERS,
    "rating": (1, 2, 3, 5),
    "fulfilment": ("seller", "platform", None),
    "tracking_valid": (True, False, None),
    "item_id": ITEMS,
    "category": CATEGORIES,
}


@dataclass(frozen=True)
class Draw:
    """The dice of one seller, and the marketplace they are thrown in.

    alike: all of one peer group; at_once: all lines of an order are ordered in the same moment.
    """

    rng: Random
    start: datetime
    zone: str
    dates_only: bool
    alike: bool = False
    at_once: bool = False

    def moment(self, first: int = 0, last: int = SPAN) -> datetime:
        whole_days = timedelta(days=self.rng.randint(first, last))
        return self.start + whole_days + self.rng.choice(HOURS) + self.rng.choice(NUDGES)

    def maybe(self, share: float) -> bool:
        return self.rng.random() < share

    def promise(self, moment: datetime) -> date:
        return moment.astimezone(ZoneInfo(self.zone)).date() if self.dates_only else moment


def seller_rows(draw: Draw, seller: str, orders: int, most_lines: int, appeals: bool) -> Tables:
    tables: Tables = {table: [] for table in TABLES}
    tables["sellers"] = [seller_row(draw, seller)]
    for number in range(orders):
        order_id = f"shared-{draw.rng.randint(0, 5)}-{number}" if draw.maybe(0.1) else f"{seller}-{number}"
        instants = order_instants(draw)
        lines = [order_line(draw, seller, order_id, line, instants) for line in range(draw.rng.randint(1, most_lines))]
        tables["orders"] += lines
        tables["returns"] += [return_row(draw, line, instants) for line in lines if draw.maybe(0.3)]
        tables["cases"] += [case_row(draw, seller, order_id, n, instants) for n in range(draw.rng.choice((0, 0, 1, 2)))]
        tables["feedback"] += [feedback_row(draw, seller, order_id, instants)] * draw.maybe(0.3)
    if orders and draw.maybe(0.2):
        tables["interventions"] = [intervention_row(draw, seller)]
    if appeals:
        tables["corrections"] = appeal_rows(draw, seller, tables)
    return tables


def seller_row(draw: Draw, seller: str) -> Row:
    left = draw.moment(SPAN, 2 * SPAN) if draw.maybe(0.2) else None
    fulfilment = "seller" if draw.alike else draw.rng.choice(("seller", "seller", "platform", None))
    return {"seller_id": seller, "left_at": left, "region": draw.rng.choice(("n", "s", None)), "fulfilment": fulfilment}


def order_instants(draw: Draw) -> list[datetime]:
    """A handful of moments from which an order takes all its times, so that many fall on the same instant."""
    first = draw.moment() + timedelta(days=draw.rng.choice(PAUSES))
    later = [first + timedelta(days=draw.rng.randint(0, 16)) + draw.rng.choice(HOURS) for _ in range(5)]
    return [first, *later]


def order_line(draw: Draw, seller: str, order_id: str, number: int, instants: list[datetime]) -> Row:
    ordered = instants[0] if number == 0 or draw.at_once or draw.maybe(0.8) else draw.rng.choice(instants)
    pick = picker(draw, instants, ordered)
    cancelled = pick(0.15)
    return {
        "order_id": order_id,
        "line_id": f"{seller}-{number}",
        "seller_id": seller,
        "item_id": draw.rng.choice(ITEMS),
        "category": "home" if draw.alike else draw.rng.choice(CATEGORIES),
        "price": draw.rng.choice(PRICES),
        "ordered_at": ordered,
        "ship_by": pick(0.8),
        "shipped_at": pick(0.8),
        "tracking_valid": draw.rng.choice((None, True, True, False)),
        "promised_at": draw.promise(promise) if (promise := pick(0.8)) else None,
        "delivered_at": pick(0.8),
        "cancelled_at": cancelled,
        "cancelled_by": draw.rng.choice(CANCELLERS) if cancelled else None,
    }


def picker(draw: Draw, instants: list[datetime], first: datetime) -> Callable[[float], datetime | None]:
    """Chooses one of the instants from `first` on, sometimes a moment beside it, with the given chance at all."""

    def pick(share: float) -> datetime | None:
        later = [moment for moment in instants if moment >= first]
        return max(first, draw.rng.choice(later) + draw.rng.choice(NUDGES)) if draw.maybe(share) else None

    return pick


def return_row(draw: Draw, line: Row, instants: list[datetime]) -> Row:
    opened = max(line["ordered_at"], draw.rng.choice(instants)) + timedelta(days=draw.rng.choice((0, 0, 1, 29, 30, 31)))
    refunded = opened + timedelta(days=draw.rng.randint(0, 5)) if draw.maybe(0.7) else None
    return {
        "return_id": f"r-{line['order_id']}-{line['line_id']}",
        "order_id": line["order_id"],
        "line_id": line["line_id"],
        "opened_at": opened,
        "reason": draw.rng.choice(REASONS),
        "fault": draw.rng.choice(FAULTS),
        "refunded_at": refunded,
        "refund_amount": draw.rng.choice(PRICES),
    }


def case_row(draw: Draw, seller: str, order_id: str, number: int, instants: list[datetime]) -> Row:
    opened = max(instants[0], draw.rng.choice(instants) + draw.rng.choice(NUDGES))
    closed = opened + draw.rng.choice(WAITS) + draw.rng.choice((NONE, NONE, TICK))
    return {
        "case_id": f"c-{seller}-{order_id}-{number}",
        "seller_id": seller,
        "kind": draw.rng.choice(("inquiry", "item_not_received", "not_as_described", "other")),
        "opened_at": opened,
        "order_id": draw.rng.choice((order_id, order_id, order_id, None)),
        "first_response_at": opened + draw.rng.choice(WAITS) if draw.maybe(0.6) else None,
        "closed_at": closed if draw.maybe(0.7) else None,
        "resolution": draw.rng.choice(RESOLUTIONS),
        "fault": draw.rng.choice(FAULTS),
    }


def feedback_row(draw: Draw, seller: str, order_id: str, instants: list[datetime]) -> Row:
    created = draw.rng.choice(instants) + timedelta(days=draw.rng.choice((0, 1, 3)))
    feedback_id = f"f-{seller}-{order_id}"
    return {
        "feedback_id": feedback_id,
        "order_id": order_id,
        "seller_id": seller,
        "rating": draw.rng.randint(1, 5),
        "created_at": created,
    }


def intervention_row(draw: Draw, seller: str) -> Row:
    kind = draw.rng.choice(("hold", "order_cap", "coaching"))
    return {"intervention_id": f"i-{seller}", "seller_id": seller, "kind": kind, "started_at": draw.moment(0, 2 * SPAN)}


def versions_of(draw: Draw, table: str, row: Row) -> list[Row]:
    """One to three versions of a row, the last of them the row itself; some on one day, some long after the fact."""
    own = [value for value in row.values() if isinstance(value, datetime)]
    moments = {draw.rng.choice([*own, draw.moment(0, SPAN + 12)]) for _ in range(draw.rng.randint(1, 3))}
    if draw.maybe(0.1):  # nothing says when this one was recorded
        return [{**row, "recorded_at": None}]
    *earlier, last = sorted(moments)
    first = [{**edited(draw, table, row), "recorded_at": moment} for moment in earlier]
    return [*first, {**row, "recorded_at": last}]


def edited(draw: Draw, table: str, row: Row) -> Row:
    """The row with some optional values blank and some values different; what all versions share stays."""
    blank = {column: None for column in OPTIONAL[table] if column != "order_id" and draw.maybe(0.3)}
    other = {column: other_value(draw, column, value) for column, value in row.items() if draw.maybe(0.15)}
    same = {column: row[column] for column in CONTRACT[table].fixed}
    new = {**row, **other, **blank, **same}
    return new if new.get("cancelled_at") else not_cancelled(new)


def not_cancelled(row: Row) -> Row:
    """Nobody cancelled what was not cancelled."""
    return {column: None if column == "cancelled_by" else value for column, value in row.items()}


def other_value(draw: Draw, column: str, value: Any) -> Any:
    if column == "left_at":
        return draw.moment(SPAN, 2 * SPAN)
    if isinstance(value, date):
        return value + timedelta(days=draw.rng.choice((-1, 0, 1, 2)))
    return draw.rng.choice(OTHER_VALUES.get(column, (value,)))


def appeal_rows(draw: Draw, seller: str, tables: Tables) -> list[Row]:
    """Up to two appeals of a seller, each against one of its rows."""
    against = [(table, row) for table in APPEALED for row in tables[table] if draw.maybe(0.1)][:2]
    return [appeal(draw, f"a-{seller}-{number}", seller, table, row) for number, (table, row) in enumerate(against)]


def appeal(draw: Draw, name: str, seller: str, table: str, row: Row) -> Row:
    excluded = table == "feedback" or draw.maybe(0.5)
    return {
        "correction_id": name,
        "seller_id": seller,
        "table": table,
        "row_key": "/".join(row[key] for key in APPEALED[table]),
        "decided_at": draw.moment(SPAN // 2, SPAN + 20),
        "effect": "excluded" if excluded else "fault_changed",
        "new_fault": None if excluded else draw.rng.choice(("seller", "carrier", "platform", "buyer")),
    }
