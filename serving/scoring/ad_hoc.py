"""The second form of a request: the history of a seller that the store does not know.

It goes through the same intake, ledger and features as every other seller's, with the peers' figures that the store
published; what the model needs and the history lacks is asked for, never taken for zero.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.block import Block
from core.errors import ForesellError
from features.columns.by_day import SellerDays, days_of, days_rows
from features.ingest.contract import TABLES
from features.ingest.intake import hold_back, open_frames
from features.ledger.build import Ledger, build_ledger
from features.table import FeatureTable, build_table
from models.bundle.bundle import Bundle
from serving.problems import ProblemError, refuse
from serving.store.evidence import items_of, orders_of
from serving.store.online_store import Store
from serving.store.rows import Rows

UNNAMED = "unnamed"
TABLE_NAMES = ("orders", "returns", "cases", "feedback")
Cell = str | float | int | bool | None
TableRow = Mapping[str, Cell]
Tables = Mapping[str, Sequence[TableRow]]  # by name; one that is left out is unknown, an empty one is known to be so


@dataclass(frozen=True)
class RowWithDays:
    """A seller's row to score, and the ledger by day that it was made from."""

    rows: Rows
    days: SellerDays


def rows_of(tables: Tables, seller: TableRow, store: Store, bundle: Bundle) -> Rows:
    """The seller's row at the store's as_of; ProblemError says what is wrong with the history."""
    seller_id = _seller_id(seller)
    return _rows(_ledger(_frames(tables, seller, seller_id, store), store), seller_id, store, bundle)


def row_with_days(tables: Tables, seller: TableRow, store: Store, bundle: Bundle) -> RowWithDays:
    """The same, with the ledger by day."""
    seller_id = _seller_id(seller)
    ledger = _ledger(_frames(tables, seller, seller_id, store), store)
    days = days_rows(ledger, store.as_of).to_arrow_table().drop_columns(["seller_id"])
    return RowWithDays(_rows(ledger, seller_id, store, bundle), days_of(days, store.as_of))


def _seller_id(seller: TableRow) -> str:
    seller_id = str(seller.get("seller_id") or UNNAMED)
    if "\0" in seller_id:
        raise _refuse("/seller/seller_id", "A text must not contain the character NUL.")
    return seller_id


def _rows(ledger: Ledger, seller_id: str, store: Store, bundle: Bundle) -> Rows:
    figures = pq.read_table(store.folder / "figures.parquet")
    table = build_table(ledger, [store.as_of], [m.standard for m in bundle.models], figures)
    if len(table) != 1:
        raise _refuse("/history/orders", f"No row became known in the 400 days to {store.day}.")
    orders, items = orders_of(ledger, table, store.as_of), items_of(ledger, table, store.as_of)
    return Rows(_as_stored(table, store), [orders.get(seller_id, {})], [items.get(seller_id, [])])


def _as_stored(table: FeatureTable, store: Store) -> FeatureTable:
    """The row in the store's columns, under which it is logged; those that no model reads may be unknown."""
    values = np.full((len(table), len(store.names)), np.nan)
    known = [name in table.block for name in store.names]
    values[:, known] = table.block.matrix(name for name in store.names if name in table.block)
    return replace(table, block=Block(store.names, values))


def _frames(tables: Tables, seller: TableRow, seller_id: str, store: Store) -> dict[str, pa.Table]:
    available = frozenset(store.facts["available"])
    _check_tables(tables, available)
    known = {name: rows for name, rows in tables.items() if name in available} | {"sellers": [seller]}
    return {name: _frame(name, rows, seller_id, available) for name, rows in known.items()}


def _ledger(frames: Mapping[str, pa.Table], store: Store) -> Ledger:
    try:
        market = open_frames(frames, store.facts["zone"], quarantine_share=0)
    except ForesellError as error:
        raise _refuse("/history", f"It breaks the data contract: {error.found}.") from error
    try:
        return build_ledger(hold_back(market, store.as_of))
    except ForesellError as error:
        raise _refuse("/history/orders", f"No order was known by {store.day}.") from error


def _frame(name: str, rows: Sequence[TableRow], seller_id: str, available: Collection[str]) -> pa.Table:
    """The columns that the store's source has, as text; what a row leaves out is null."""
    names = [column.name for column in TABLES[name].columns]
    for number, row in enumerate(rows):
        _check_row(f"/history/{name}/{number}" if name != "sellers" else "/seller", row, names, seller_id)
    kept = [c for c in names if f"{name}.{c}" in available]
    columns = {c: [_text(row.get(c, seller_id if c == "seller_id" else None)) for row in rows] for c in kept}
    return pa.table({c: pa.array(values, pa.string()) for c, values in columns.items()})


def _check_row(place: str, row: TableRow, names: Sequence[str], seller_id: str) -> None:
    strange = sorted(row.keys() - set(names))
    if strange:
        raise _refuse(f"{place}/{strange[0]}", f"The data contract has no such column; it has {', '.join(names)}.")
    if row.get("seller_id", seller_id) != seller_id:
        raise _refuse(f"{place}/seller_id", "All rows must be of the seller in /seller/seller_id.")


def _text(value: Cell) -> str | None:
    """A value as a CSV file would have it."""
    if value is None or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _check_tables(tables: Collection[str], available: Collection[str]) -> None:
    missing = [name for name in TABLE_NAMES if name in available and name not in tables]
    if missing:
        raise _refuse("/history", f"The model also needs {', '.join(missing)}; send an empty list if there were none.")


def _refuse(pointer: str, detail: str) -> ProblemError:
    return refuse("invalid-request", detail, errors=[{"pointer": pointer, "detail": detail}])
