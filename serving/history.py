"""The second form of a request: the history of a seller that the store does not know.

It goes through the same intake, ledger and features as every other seller's, with the peers' figures that the store
published; what the model needs and the history lacks is asked for, never taken for zero.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.block import Block
from features.contract import TABLES
from features.days import Days, days_of, days_rows
from features.errors import ForesellError
from features.intake import hold_back, open_frames
from features.ledger import Ledger, build_ledger
from features.table import FeatureTable, build_table
from models.bundle import Bundle
from serving.answers import Rows
from serving.evidence import items_of, orders_of
from serving.problems import Refused, refuse
from serving.schema import History, Row, Value
from serving.store import Store

UNNAMED = "unnamed"
GIVEN = ("orders", "returns", "cases", "feedback")


@dataclass(frozen=True)
class Read:
    """A history that was read: the seller's row, and its ledger by day."""

    rows: Rows
    past: Days


def rows_of(history: History, seller: Row, store: Store, bundle: Bundle) -> Rows:
    """The seller's row at the store's as_of; Refused says what is wrong with the history."""
    seller_id = _seller_id(seller)
    return _rows(_ledger(_frames(history, seller, seller_id, store), store), seller_id, store, bundle)


def read(history: History, seller: Row, store: Store, bundle: Bundle) -> Read:
    """The same with the days behind it."""
    seller_id = _seller_id(seller)
    ledger = _ledger(_frames(history, seller, seller_id, store), store)
    days = days_rows(ledger, store.as_of).to_arrow_table().drop_columns(["seller_id"])
    return Read(_rows(ledger, seller_id, store, bundle), days_of(days, store.as_of))


def _seller_id(seller: Row) -> str:
    seller_id = str(seller.get("seller_id") or UNNAMED)
    if "\0" in seller_id:
        raise _refuse("/seller/seller_id", "No database keeps a text with NUL in it.")
    return seller_id


def _rows(ledger: Ledger, seller_id: str, store: Store, bundle: Bundle) -> Rows:
    figures = pq.read_table(store.folder / "figures.parquet")
    table = build_table(ledger, [store.as_of], [m.standard for m in bundle.models], figures)
    if len(table) != 1:
        raise _refuse("/history/orders", f"Nothing of it became known in the 400 days to {store.day}.")
    orders, items = orders_of(ledger, table, store.as_of), items_of(ledger, table, store.as_of)
    return Rows(_as_stored(table, store), [orders.get(seller_id, {})], [items.get(seller_id, [])])


def _as_stored(table: FeatureTable, store: Store) -> FeatureTable:
    """The row in the store's columns, under which it is logged; those that no model reads may be unknown."""
    values = np.full((len(table), len(store.names)), np.nan)
    known = [name in table.block for name in store.names]
    values[:, known] = table.block.matrix(name for name in store.names if name in table.block)
    return replace(table, block=Block(store.names, values))


def _frames(history: History, seller: Row, seller_id: str, store: Store) -> dict[str, pa.Table]:
    available = frozenset(store.facts["available"])
    given = {name: rows for name in GIVEN if (rows := getattr(history, name)) is not None}
    _check_tables(given, available)
    tables = {name: rows for name, rows in given.items() if name in available} | {"sellers": [seller]}
    return {name: _frame(name, rows, seller_id, available) for name, rows in tables.items()}


def _ledger(frames: Mapping[str, pa.Table], store: Store) -> Ledger:
    try:
        market = open_frames(frames, store.facts["zone"], quarantine_share=0)
    except ForesellError as error:
        raise _refuse("/history", f"It breaks the data contract: {error.found}.") from error
    try:
        return build_ledger(hold_back(market, store.as_of))
    except ForesellError as error:
        raise _refuse("/history/orders", f"None of the orders was known by {store.day}.") from error


def _frame(name: str, rows: Sequence[Row], seller_id: str, available: Collection[str]) -> pa.Table:
    """The columns that the store's source has, as text; what a row leaves out is null."""
    names = [column.name for column in TABLES[name].columns]
    for number, row in enumerate(rows):
        _check_row(f"/history/{name}/{number}" if name != "sellers" else "/seller", row, names, seller_id)
    kept = [c for c in names if f"{name}.{c}" in available]
    columns = {c: [_text(row.get(c, seller_id if c == "seller_id" else None)) for row in rows] for c in kept}
    return pa.table({c: pa.array(values, pa.string()) for c, values in columns.items()})


def _check_row(place: str, row: Row, names: Sequence[str], seller_id: str) -> None:
    strange = sorted(row.keys() - set(names))
    if strange:
        raise _refuse(f"{place}/{strange[0]}", f"The data contract has no such column; it has {', '.join(names)}.")
    if row.get("seller_id", seller_id) != seller_id:
        raise _refuse(f"{place}/seller_id", "A history is of one seller, the one in /seller/seller_id.")


def _text(value: Value) -> str | None:
    """A value as a CSV file would have it."""
    if value is None or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _check_tables(tables: Collection[str], available: Collection[str]) -> None:
    missing = [name for name in GIVEN if name in available and name not in tables]
    if missing:
        raise _refuse("/history", f"The model needs {', '.join(missing)} too; an empty list says that there were none.")


def _refuse(pointer: str, detail: str) -> Refused:
    return refuse("invalid-request", detail, errors=[{"pointer": pointer, "detail": detail}])
