"""One seller scored again from its own rows, with what appeals have corrected; peers' figures stay as published.

The row is the one that a full build with the same corrections makes: the same readers, ledger and features, narrowed
to one seller (a test compares the two).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isnan
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from core.errors import ForesellError
from features.ingest.contract import CORRECTED, TABLES
from features.ingest.intake import Marketplace, hold_back, open_folder
from features.ledger.appeals import known_by
from features.ledger.build import Ledger, build_ledger
from features.standards.standard import Standard
from features.table import build_table
from models.arithmetic.economy import Economy
from serving.audit_log.predictions import record_layout
from serving.casework.cases.rules import MissingError
from serving.casework.objections.objections import CORRECTION_SCHEMA, RowKey
from serving.casework.snapshots import logged_answers
from serving.casework.snapshots.seller_snapshot import SellerSnapshot, take_snapshots
from serving.casework.snapshots.standings import SellerStanding, standings
from serving.scoring.model_watcher import ModelAndStore
from serving.store.evidence import items_of, orders_of
from serving.store.online_store import Store
from serving.store.pointer import read, swap
from serving.store.rows import Rows


@dataclass(frozen=True)
class SourceFolder:
    """The folder that the online store was written from."""

    folder: Path
    zone: str | None = None


@dataclass(frozen=True)
class FigureChange:
    """One figure before and after; None where it is not known."""

    before: float | None
    after: float | None


@dataclass(frozen=True)
class StandardChange:
    """A standard before and after a correction."""

    title: str
    bad: tuple[int, int]
    volume: tuple[int, int]
    rate: FigureChange
    expected_rate: FigureChange
    in_breach: tuple[bool, bool]


@dataclass(frozen=True)
class RiskChange:
    """A risk before and after; loss: what a review is expected to avoid, by which the queue is ranked."""

    probability: FigureChange
    band: tuple[str, str]
    loss: FigureChange


@dataclass(frozen=True)
class SellerChange:
    """A seller before and after: its standards, its risks, and every feature that changed."""

    as_of: str
    standards: tuple[StandardChange, ...]
    risks: Mapping[str, RiskChange]
    features: Mapping[str, FigureChange]


def open_seller(source: SourceFolder, seller_id: str, corrections: pa.Table, as_of: int) -> Marketplace:
    """A seller's typed tables as known by the close of as_of, with the corrections beside the folder's own."""
    added = {"corrections": corrections}
    market = open_folder(source.folder, source.zone, quarantine_share=1.0, added=added, seller_id=seller_id)
    known_by(market.con, as_of)
    return hold_back(market, as_of)


def rows_of(ledger: Ledger, seller_id: str, store: Store, standards: Sequence[Standard]) -> Rows:
    """The seller's row at the store's day, from its own ledger and the store's published figures."""
    figures = pq.read_table(store.folder / "figures.parquet")
    table = build_table(ledger, [store.as_of], standards, figures)
    if table.seller_id.tolist() != [seller_id]:
        found = f"{len(table)} rows of {seller_id} at {store.day}"
        raise ForesellError(
            "The recomputed table must have one row of the seller.", found, "write the online store again"
        )
    orders, items = orders_of(ledger, table, store.as_of), items_of(ledger, table, store.as_of)
    return Rows(table, [orders.get(seller_id, {})], [items.get(seller_id, [])])


def rescore(
    source: SourceFolder,
    loaded: ModelAndStore,
    economy: Economy,
    shown: Sequence[Standard],
    seller_id: str,
    corrections: pa.Table,
    engine: sa.Engine,
) -> SellerSnapshot:
    """Score the seller again with the corrections, with the columns of the standards shown.

    The row's column names are written to the log of `engine`.
    """
    store, serving_model = loaded.store, loaded.model
    ledger = build_ledger(open_seller(source, seller_id, corrections, store.as_of))
    rows = rows_of(ledger, seller_id, store, [*(m.standard for m in serving_model.bundle.models), *shown])
    [found] = take_snapshots(serving_model, rows, economy, store.day, record_layout(engine, rows.table.block.names))
    return found


def compare(before: SellerSnapshot, after: SellerSnapshot, standards: Sequence[Standard]) -> SellerChange:
    """What differs between two snapshots of a seller, on the given standards."""
    then, now = (logged_answers.of(one.prediction, one.names) for one in (before, after))
    pairs = zip(*(standings(standards, r.block, r.as_of, r.horizon_days) for r in (then, now)), strict=True)
    was, became = ({n: _number_or_none(v) for n, v in r.block.row(0).items()} for r in (then, now))
    return SellerChange(
        as_of=now.as_of,
        standards=tuple(_standard_change(*pair) for pair in pairs),
        risks={risk: _risk_change(risk, before, after) for risk in now.result["risks"]},
        features={name: FigureChange(was[name], became[name]) for name in sorted(became) if was[name] != became[name]},
    )


def as_json(found: SellerChange) -> dict[str, object]:
    """Plain values, for keeping."""
    return asdict(found)


def _standard_change(before: SellerStanding, after: SellerStanding) -> StandardChange:
    return StandardChange(
        title=after.standard.title,
        bad=(before.bad, after.bad),
        volume=(before.volume, after.volume),
        rate=FigureChange(before.rate, after.rate),
        expected_rate=FigureChange(before.expected_rate, after.expected_rate),
        in_breach=(before.in_breach, after.in_breach),
    )


def _risk_change(risk: str, before: SellerSnapshot, after: SellerSnapshot) -> RiskChange:
    then, now = before.result["risks"][risk], after.result["risks"][risk]
    return RiskChange(
        FigureChange(then["probability"], now["probability"]),
        (then["band"], now["band"]),
        FigureChange(before.worth[risk][1], after.worth[risk][1]),
    )


def _number_or_none(value: float) -> float | None:
    return None if isnan(value) else float(value)


SOURCE_FILE = "source.json"


def remember_source(home: Path, source: SourceFolder) -> None:
    """Write down the folder that the online store's rows came from."""
    (home / "store").mkdir(parents=True, exist_ok=True)
    swap(home / "store" / SOURCE_FILE, {"folder": str(source.folder.resolve()), "zone": source.zone})


def recall_source(home: Path) -> SourceFolder:
    """The folder that was written down; MissingError when there is none, or it no longer exists."""
    kept = read(home / "store" / SOURCE_FILE)
    if kept is None or not Path(str(kept["folder"])).is_dir():
        found = "no folder is stored" if kept is None else str(kept["folder"])
        step = "run foresell review --data DATA again"
        raise MissingError("An objection needs the data folder from which the store was written.", found, step)
    return SourceFolder(Path(str(kept["folder"])), kept["zone"])


# What a form shows of a row: its day, and its most informative column.
SHOWN_COLUMNS = {
    "orders": ("ordered_at_day", "coalesce(item_id, '')"),
    "returns": ("opened_at_day", "coalesce(reason, '')"),
    "cases": ("opened_at_day", "kind"),
    "feedback": ("created_at_day", "cast(rating as varchar)"),
}


@dataclass(frozen=True)
class OrderEntry:
    """One row about an order. day: day number of what happened; text: item, reason, kind of case, or rating."""

    table: str
    key: str
    day: int
    text: str

    @property
    def row(self) -> RowKey:
        """Table and key."""
        return self.table, self.key


def order_entries(source: SourceFolder, seller_id: str, order_id: str, as_of: int) -> list[OrderEntry]:
    """The newest version of every row about the order that was known by as_of; none for another seller's order."""
    market = open_seller(source, seller_id, pa.table([[] for _ in CORRECTION_SCHEMA], schema=CORRECTION_SCHEMA), as_of)
    return [OrderEntry(table, *row) for table in CORRECTED for row in _rows(market, table, order_id)]


def _rows(market: Marketplace, table: str, order_id: str) -> list[tuple[str, int, str]]:
    key = f"concat_ws('/', {', '.join(TABLES[table].key)})"
    day, text = SHOWN_COLUMNS[table]
    newest = f"row_number() over (partition by {key} order by coalesce(recorded_at, 0) desc)"
    keyed = f"select {key} as key, {day} as day, {text} as text, {newest} as place from {table} where order_id = ?"
    query = f"select key, day, text from ({keyed}) where place = 1 order by day, key"
    return market.con.execute(query, [order_id]).fetchall()
