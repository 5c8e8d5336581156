"""Marketplaces of many small seller histories, drawn by hypothesis, as literal rows and as the engine reads them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
from hypothesis import strategies as st

from tests.support.random_rows import OPTIONAL, Draw, Row, Tables, seller_rows, versions_of

CONTRACT = """
orders order_id line_id seller_id item_id category price ordered_at ship_by shipped_at tracking_valid promised_at \
delivered_at cancelled_at cancelled_by
returns return_id order_id line_id opened_at reason fault refunded_at refund_amount
cases case_id seller_id kind opened_at order_id first_response_at closed_at resolution fault
feedback feedback_id order_id seller_id rating created_at
sellers seller_id left_at region fulfilment
interventions intervention_id seller_id kind started_at
corrections correction_id seller_id table row_key decided_at effect new_fault
"""
COLUMNS = {table: columns for table, *columns in map(str.split, CONTRACT.strip().splitlines())}
TYPES = {"rating": pa.int64(), "tracking_valid": pa.bool_()}
TYPES |= dict.fromkeys(("price", "refund_amount"), pa.decimal128(12, 2))
VERSIONED = ("orders", "returns", "cases", "feedback", "sellers")
LACKED = [f"{table}.{column}" for table in ("orders", "returns", "cases", "sellers") for column in OPTIONAL[table]]
# New York changes its clocks a week after each.
STARTS = (datetime(2026, 3, 1, tzinfo=UTC), datetime(2025, 10, 27, tzinfo=UTC))
ZONES = ("UTC", "America/New_York", "Asia/Kolkata", "Pacific/Auckland")


@dataclass(frozen=True)
class History:
    """Literal rows of the contract's tables, the marketplace's zone, and what the source lacks."""

    tables: Tables
    zone: str
    start: datetime
    versioned: frozenset[str]
    missing: frozenset[str]  # "returns" or "orders.ship_by"
    dates_only: bool

    def _repr_pretty_(self, printer: Any, _: bool) -> None:
        """Short words for hypothesis, which would print every row."""
        rows = ", ".join(f"{len(rows)} {table}" for table, rows in self.tables.items())
        versions, missing = sorted(self.versioned), sorted(self.missing)
        printer.text(f"History({rows}; zone {self.zone}, versions of {versions}, without {missing})")

    def columns(self, table: str) -> list[str]:
        found = [column for column in COLUMNS[table] if f"{table}.{column}" not in self.missing]
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
        columns = self.columns(table)
        schema = pa.schema([(column, arrow_type(column, self.dates_only)) for column in columns])
        return pa.Table.from_pylist([only(row, columns) for row in rows], schema=schema)


def arrow_type(column: str, dates_only: bool) -> pa.DataType:
    if column == "promised_at" and dates_only:
        return pa.date32()
    return (
        pa.timestamp("us", "UTC") if column.endswith("_at") or column == "ship_by" else TYPES.get(column, pa.string())
    )


def marketplaces(sellers: int, **fixed: Any) -> st.SearchStrategy[History]:
    """Marketplaces of so many sellers (a seller may have no rows); `fixed` pins parts of the marketplace's plan."""
    seller = st.tuples(st.integers(0, 8), st.integers(1, 3), st.integers(0, 2**32 - 1))
    plan = {
        "zone": st.sampled_from(ZONES),
        "start": st.sampled_from(STARTS),
        "versioned": st.frozensets(st.sampled_from(VERSIONED))
        | st.just(frozenset())
        | st.just(frozenset())
        | st.just(frozenset(VERSIONED)),
        "missing": st.just(frozenset())
        | st.frozensets(st.sampled_from(["returns", "cases", "feedback", *LACKED]), max_size=3),
        "dates_only": st.booleans(),
        "appeals": st.booleans(),
        "alike": st.booleans(),
        "plain": st.booleans(),
    }
    plan |= {name: value if isinstance(value, st.SearchStrategy) else st.just(value) for name, value in fixed.items()}
    return st.builds(history, st.lists(seller, min_size=sellers, max_size=sellers), st.fixed_dictionaries(plan))


def history(sellers: list[tuple[int, int, int]], plan: Mapping[str, Any]) -> History:
    """The rows that a drawn plan stands for: (orders, most lines of an order, seed) per seller.

    In a plain one every order has one state: no versions, all lines of an order at once, no fault that closes a case.
    """
    plain = plan["plain"] and not plan["versioned"]
    missing = plan["missing"] | ({"cases.fault"} if plain else frozenset())
    tables: Tables = {table: [] for table in COLUMNS if table not in missing}
    for number, (orders, lines, seed) in enumerate(sellers):
        draw = Draw(Random(seed), plan["start"], plan["zone"], plan["dates_only"], plan["alike"], plain)
        rows = seller_rows(draw, f"s{number:02d}", max(orders, number == 0), lines, plan["appeals"])
        for table in tables:
            versions = table in plan["versioned"]
            tables[table] += [
                new for row in rows[table] for new in (versions_of(draw, table, row) if versions else [row])
            ]
    versioned = plan["versioned"] & frozenset(tables)
    drawn = History(tables, plan["zone"], plan["start"], versioned, missing, plan["dates_only"])
    return drawn.with_tables({table: [only(row, drawn.columns(table)) for row in tables[table]] for table in tables})


def an_example(**plan: Any) -> History:
    """One marketplace with something of everything, for tests that need no more than one."""
    usual = {"zone": "America/New_York", "start": STARTS[0], "versioned": frozenset(), "missing": frozenset()}
    usual |= {"dates_only": False, "appeals": False, "alike": True, "plain": False}
    return history([(6, 2, seed) for seed in range(40)], {**usual, **plan})


def only(row: Row, columns: list[str]) -> Row:
    return {column: row.get(column) for column in columns}
