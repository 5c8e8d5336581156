"""One seller scored again from its own rows, with what appeals have corrected; peers' figures stay as published.

The row is the one that a full build with the same corrections makes: the same readers, ledger and features, narrowed
to one seller (a test holds them together).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isnan
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from features.appeals import known_by
from features.errors import ForesellError
from features.intake import Marketplace, hold_back, open_folder
from features.ledger import Ledger, build_ledger
from features.standards import Standard
from features.table import build_table
from models.economy import Economy
from serving.answers import Rows
from serving.casework import records
from serving.casework.looks import Look, look
from serving.casework.standings import Standing, standings
from serving.evidence import items_of, orders_of
from serving.loaded import Loaded
from serving.records.predictions import know
from serving.store import Store


@dataclass(frozen=True)
class Source:
    """The folder that the online store was written from."""

    folder: Path
    zone: str | None = None


@dataclass(frozen=True)
class Figure:
    """One figure before and after; None where it is not known."""

    before: float | None
    after: float | None


@dataclass(frozen=True)
class StandardChange:
    """A standard before and after a correction."""

    title: str
    bad: tuple[int, int]
    volume: tuple[int, int]
    rate: Figure
    expected_rate: Figure
    in_breach: tuple[bool, bool]


@dataclass(frozen=True)
class RiskChange:
    """A risk before and after; loss: what a review is expected to avoid, by which the queue is ranked."""

    probability: Figure
    band: tuple[str, str]
    loss: Figure


@dataclass(frozen=True)
class Change:
    """A seller before and after: its standards, its risks, and every feature that changed."""

    as_of: str
    standards: tuple[StandardChange, ...]
    risks: Mapping[str, RiskChange]
    features: Mapping[str, Figure]


def open_seller(source: Source, seller_id: str, corrections: pa.Table, as_of: int) -> Marketplace:
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
        raise ForesellError("A seller is scored from its own orders.", found, "write the online store again")
    orders, items = orders_of(ledger, table, store.as_of), items_of(ledger, table, store.as_of)
    return Rows(table, [orders.get(seller_id, {})], [items.get(seller_id, [])])


def again(
    source: Source,
    loaded: Loaded,
    economy: Economy,
    shown: Sequence[Standard],
    seller_id: str,
    corrections: pa.Table,
    engine: sa.Engine,
) -> Look:
    """The seller scored again with the corrections, with the columns of the standards shown.

    The engine's log gets to know the columns of its row.
    """
    store, held = loaded.store, loaded.held
    ledger = build_ledger(open_seller(source, seller_id, corrections, store.as_of))
    rows = rows_of(ledger, seller_id, store, [*(m.standard for m in held.bundle.models), *shown])
    [found] = look(held, rows, economy, store.day, know(engine, rows.table.block.names))
    return found


def change(before: Look, after: Look, known: Sequence[Standard]) -> Change:
    """What differs between two scorings of a seller, on the standards known."""
    then, now = (records.of(one.prediction, one.names) for one in (before, after))
    pairs = zip(*(standings(known, r.block, r.as_of, r.horizon_days) for r in (then, now)), strict=True)
    was, became = ({n: _known(v) for n, v in r.block.row(0).items()} for r in (then, now))
    return Change(
        as_of=now.as_of,
        standards=tuple(_standard(*pair) for pair in pairs),
        risks={risk: _risk(risk, before, after) for risk in now.said["risks"]},
        features={name: Figure(was[name], became[name]) for name in sorted(became) if was[name] != became[name]},
    )


def as_json(found: Change) -> dict[str, object]:
    """Plain values, for keeping."""
    return asdict(found)


def _standard(before: Standing, after: Standing) -> StandardChange:
    return StandardChange(
        title=after.standard.title,
        bad=(before.bad, after.bad),
        volume=(before.volume, after.volume),
        rate=Figure(before.rate, after.rate),
        expected_rate=Figure(before.expected_rate, after.expected_rate),
        in_breach=(before.in_breach, after.in_breach),
    )


def _risk(risk: str, before: Look, after: Look) -> RiskChange:
    then, now = before.said["risks"][risk], after.said["risks"][risk]
    return RiskChange(
        Figure(then["probability"], now["probability"]),
        (then["band"], now["band"]),
        Figure(before.worth[risk][1], after.worth[risk][1]),
    )


def _known(value: float) -> float | None:
    return None if isnan(value) else float(value)
