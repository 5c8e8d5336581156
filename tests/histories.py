"""Marketplaces of many small seller histories, drawn by hypothesis: few days and few instants, so that things collide."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
from hypothesis import strategies as st

Row = dict[str, Any]
Tables = dict[str, list[Row]]

TIME, TEXT = pa.timestamp("us", "UTC"), pa.string()
SCHEMA: Mapping[str, Mapping[str, pa.DataType]] = {
    "orders": {
        "order_id": TEXT,
        "line_id": TEXT,
        "seller_id": TEXT,
        "item_id": TEXT,
        "category": TEXT,
        "price": pa.decimal128(12, 2),
        "ordered_at": TIME,
        "ship_by": TIME,
        "shipped_at": TIME,
        "tracking_valid": pa.bool_(),
        "promised_at": TIME,
        "delivered_at": TIME,
        "cancelled_at": TIME,
        "cancelled_by": TEXT,
    },
    "returns": {
        "return_id": TEXT,
        "order_id": TEXT,
        "line_id": TEXT,
        "opened_at": TIME,
        "reason": TEXT,
        "fault": TEXT,
        "refunded_at": TIME,
        "refund_amount": pa.decimal128(12, 2),
    },
    "cases": {
        "case_id": TEXT,
        "seller_id": TEXT,
        "kind": TEXT,
        "opened_at": TIME,
        "order_id": TEXT,
        "first_response_at": TIME,
        "closed_at": TIME,
        "resolution": TEXT,
        "fault": TEXT,
    },
    "feedback": {"feedback_id": TEXT, "order_id": TEXT, "seller_id": TEXT, "rating": pa.int64(), "created_at": TIME},
    "sellers": {"seller_id": TEXT, "left_at": TIME, "region": TEXT, "fulfilment": TEXT},
    "interventions": {"intervention_id": TEXT, "seller_id": TEXT, "kind": TEXT, "started_at": TIME},
    "corrections": {
        "correction_id": TEXT,
        "seller_id": TEXT,
        "table": TEXT,
        "row_key": TEXT,
        "decided_at": TIME,
        "effect": TEXT,
        "new_fault": TEXT,
    },
}
VERSIONED = ("orders", "returns", "cases", "feedback", "sellers")
OPTIONAL = {
    "orders": (
        "price",
        "ship_by",
        "shipped_at",
        "tracking_valid",
        "promised_at",
        "delivered_at",
        "cancelled_at",
        "cancelled_by",
    ),
    "returns": ("fault", "refunded_at", "refund_amount"),
    "cases": ("order_id", "first_response_at", "closed_at", "resolution", "fault"),
    "feedback": (),
    "sellers": ("left_at", "region", "fulfilment"),
}
PRICES = (None, Decimal("0"), Decimal("0.01"), Decimal("19.99"), Decimal("250.00"))
RESOLUTIONS = ("seller", "platform", "buyer", None)
CANCELLERS = ("seller", "buyer", "carrier", "platform", "unknown", None)
FAULTS = (None, "seller", "seller", "buyer", "carrier", "platform", "unknown")
# Midnights of the zones below, an instant before them, and the hours around a change of clocks.
HOURS = tuple(timedelta(hours=h) for h in (0, 4, 5, 6, 7, 12, 18)) + (timedelta(hours=4) - timedelta(microseconds=1),)
NUDGES = (timedelta(0),) * 6 + (timedelta(microseconds=1), timedelta(microseconds=-1), timedelta(seconds=59))
STARTS = (
    datetime(2026, 3, 1, tzinfo=UTC),
    datetime(2025, 10, 27, tzinfo=UTC),
)  # New York changes its clocks soon after
ZONES = ("UTC", "America/New_York", "Asia/Kolkata", "Pacific/Auckland")
SPAN = 21  # days on which orders are placed


@dataclass(frozen=True)
class History:
    """Literal rows of the contract's tables, the marketplace's zone, and what the source lacks."""

    tables: Tables
    zone: str
    start: datetime
    versioned: frozenset[str]
    missing: frozenset[str]  # "returns" or "orders.ship_by"
    dates_only: bool

    @property
    def has(self) -> frozenset[str]:
        """Tables and table.columns that the source has."""
        columns = {f"{table}.{column}" for table in self.tables for column in self.columns(table)}
        return frozenset(columns | set(self.tables))

    def columns(self, table: str) -> list[str]:
        found = [column for column in SCHEMA[table] if f"{table}.{column}" not in self.missing]
        return found + ["recorded_at"] * (table in self.versioned)

    def frames(self) -> dict[str, pa.Table]:
        """The rows as the engine reads them."""
        return {table: self._frame(table, rows) for table, rows in self.tables.items()}

    def with_tables(self, tables: Tables) -> "History":
        return replace(self, tables=tables)

    def day(self, moment: date) -> int:
        local = moment.astimezone(ZoneInfo(self.zone)).date() if isinstance(moment, datetime) else moment
        return (local - date(1970, 1, 1)).days

    def _frame(self, table: str, rows: list[Row]) -> pa.Table:
        types = {**SCHEMA[table], "recorded_at": TIME}
        if self.dates_only:
            types["promised_at"] = pa.date32()
        columns = self.columns(table)
        schema = pa.schema([(column, types[column]) for column in columns])
        return pa.Table.from_pylist([only(row, columns) for row in rows], schema=schema)


@dataclass(frozen=True)
class Draw:
    """The dice of one seller, and the marketplace they are thrown in; `alike`: all of one peer group."""

    rng: Random
    start: datetime
    zone: str
    dates_only: bool
    alike: bool = False

    def moment(self, first: int = 0, last: int = SPAN) -> datetime:
        return (
            self.start
            + timedelta(days=self.rng.randint(first, last))
            + self.rng.choice(HOURS)
            + self.rng.choice(NUDGES)
        )

    def maybe(self, share: float) -> bool:
        return self.rng.random() < share

    def promise(self, moment: datetime) -> date:
        return moment.astimezone(ZoneInfo(self.zone)).date() if self.dates_only else moment


def marketplaces(sellers: int, **fixed: Any) -> st.SearchStrategy[History]:
    """Marketplaces of so many sellers (a seller may have no rows); `fixed` pins parts of the marketplace's plan."""
    seller = st.tuples(st.integers(0, 8), st.integers(1, 3), st.integers(0, 2**32 - 1))
    plan = {
        "zone": st.sampled_from(ZONES),
        "start": st.sampled_from(STARTS),
        "versioned": st.frozensets(st.sampled_from(VERSIONED)) | st.just(frozenset()) | st.just(frozenset(VERSIONED)),
        "missing": st.just(frozenset()) | st.frozensets(st.sampled_from(LACKS), max_size=3),
        "dates_only": st.booleans(),
        "appeals": st.booleans(),
        "alike": st.booleans(),
    }
    plan |= {name: value if isinstance(value, st.SearchStrategy) else st.just(value) for name, value in fixed.items()}
    return st.builds(history, st.lists(seller, min_size=sellers, max_size=sellers), st.fixed_dictionaries(plan))


LACKS = ("returns", "cases", "feedback") + tuple(
    f"{table}.{column}" for table in ("orders", "returns", "cases", "sellers") for column in OPTIONAL[table]
)


def history(sellers: list[tuple[int, int, int]], plan: Mapping[str, Any]) -> History:
    """The rows that a drawn plan stands for: (orders, most lines of an order, seed) per seller."""
    tables: Tables = {table: [] for table in SCHEMA if table not in plan["missing"]}
    for number, (orders, lines, seed) in enumerate(sellers):
        draw = Draw(Random(seed), plan["start"], plan["zone"], plan["dates_only"], plan["alike"])
        rows = seller_rows(draw, f"s{number:02d}", max(orders, number == 0), lines, plan["appeals"])
        for table in tables:
            versions = table in plan["versioned"]
            tables[table] += [
                new for row in rows[table] for new in (versions_of(draw, table, row) if versions else [row])
            ]
    versioned = plan["versioned"] & frozenset(tables)
    drawn = History(tables, plan["zone"], plan["start"], versioned, plan["missing"], plan["dates_only"])
    return drawn.with_tables({table: [only(row, drawn.columns(table)) for row in tables[table]] for table in tables})


def an_example(**plan: Any) -> History:
    """One marketplace with something of everything, for tests that need no more than one."""
    usual = {"zone": "America/New_York", "start": STARTS[0], "versioned": frozenset(), "missing": frozenset()}
    usual |= {"dates_only": False, "appeals": False, "alike": True}
    return history([(6, 2, seed) for seed in range(40)], {**usual, **plan})


def only(row: Row, columns: list[str]) -> Row:
    return {column: row.get(column) for column in columns}


def seller_rows(draw: Draw, seller: str, orders: int, most_lines: int, appeals: bool) -> Tables:
    tables: Tables = {table: [] for table in SCHEMA}
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
    first = draw.moment()
    later = [first + timedelta(days=draw.rng.randint(0, 16)) + draw.rng.choice(HOURS) for _ in range(5)]
    return [first, *later]


def order_line(draw: Draw, seller: str, order_id: str, number: int, instants: list[datetime]) -> Row:
    ordered = instants[0] if number == 0 or draw.maybe(0.8) else draw.rng.choice(instants)
    pick = picker(draw, instants, ordered)
    cancelled = pick(0.15)
    return {
        "order_id": order_id,
        "line_id": f"{seller}-{number}",
        "seller_id": seller,
        "item_id": f"i{draw.rng.randint(0, 3)}",
        "category": "home" if draw.alike else draw.rng.choice(("home", "toys", None)),
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
        "reason": "not_as_described",
        "fault": draw.rng.choice(FAULTS),
        "refunded_at": refunded,
        "refund_amount": draw.rng.choice(PRICES),
    }


def case_row(draw: Draw, seller: str, order_id: str, number: int, instants: list[datetime]) -> Row:
    opened = max(instants[0], draw.rng.choice(instants) + draw.rng.choice(NUDGES))
    waits = (
        timedelta(0),
        timedelta(hours=47),
        timedelta(hours=48),
        timedelta(hours=49),
        timedelta(days=14),
        timedelta(days=15),
    )
    closed = opened + draw.rng.choice(waits) + draw.rng.choice((timedelta(0), timedelta(0), timedelta(microseconds=1)))
    return {
        "case_id": f"c-{seller}-{order_id}-{number}",
        "seller_id": seller,
        "kind": draw.rng.choice(("inquiry", "item_not_received", "not_as_described", "other")),
        "opened_at": opened,
        "order_id": draw.rng.choice((order_id, order_id, order_id, None)),
        "first_response_at": opened + draw.rng.choice(waits) if draw.maybe(0.6) else None,
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
    return [{**edited(draw, table, row), "recorded_at": moment} for moment in earlier] + [{**row, "recorded_at": last}]


def edited(draw: Draw, table: str, row: Row) -> Row:
    """The row with some optional values blank and some values different."""
    blank = {column: None for column in OPTIONAL[table] if column != "order_id" and draw.maybe(0.3)}
    other = {column: other_value(draw, column, value) for column, value in row.items() if draw.maybe(0.15)}
    return {**row, **other, **blank}


def other_value(draw: Draw, column: str, value: Any) -> Any:
    choices = {
        "price": PRICES,
        "refund_amount": PRICES,
        "fault": FAULTS,
        "resolution": RESOLUTIONS,
        "cancelled_by": CANCELLERS,
    }
    choices |= {
        "rating": (1, 2, 3, 5),
        "fulfilment": ("seller", "platform", None),
        "tracking_valid": (True, False, None),
    }
    if isinstance(value, date):
        return value + timedelta(days=draw.rng.choice((-1, 0, 1, 2)))
    return draw.rng.choice(choices.get(column, (value,)))


def appeal_rows(draw: Draw, seller: str, tables: Tables) -> list[Row]:
    """Up to two appeals of a seller, each against one of its rows."""
    against = [(table, row) for table in APPEALED for row in tables[table] if draw.maybe(0.1)][:2]
    return [appeal(draw, f"a-{seller}-{number}", seller, table, row) for number, (table, row) in enumerate(against)]


APPEALED = {
    "orders": ("order_id", "line_id"),
    "returns": ("return_id",),
    "cases": ("case_id",),
    "feedback": ("feedback_id",),
}


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
