"""The online store: every seller's row at the last complete day, memory-mapped, so that workers share it.

A row is found by a 64-bit hash of its seller_id in a sorted array; the numbers are one matrix, the texts and the
orders behind the reasons one JSON record a seller. Beside them lies each seller's ledger by day, from which it is
worked out what would change a risk.
"""

import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from core.block import Block
from core.errors import ForesellError
from features.columns.by_day import SellerDays, days_of, days_rows
from features.ledger.build import Ledger
from features.table import TEXT, FeatureTable
from serving.store import writer
from serving.store.evidence import items_of, orders_of
from serving.store.pointer import read, swap
from serving.store.rows import Items, Orders, Rows
from serving.store.sorted_rows import BLOCK_ROWS, SortedRows, open_rows, write_rows

FORMAT = 4
UNKNOWN = -1
POINTER = "current.json"
DAYS = "days.arrow"


@dataclass(frozen=True)
class Store:
    """One store, open. rows: sellers in the order of their keys."""

    folder: Path
    as_of: int
    facts: Mapping[str, Any]
    keys: NDArray[np.uint64]
    values: NDArray[np.float64]
    offsets: NDArray[np.int64]
    records: NDArray[np.uint8]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of the matrix."""
        return tuple(self.facts["columns"])

    @cached_property
    def day(self) -> str:
        """as_of as an ISO date."""
        return (date(1970, 1, 1) + timedelta(days=self.as_of)).isoformat()

    def find(self, seller_ids: Sequence[str]) -> NDArray[np.int64]:
        """Row numbers, UNKNOWN for sellers that the store does not hold; shape (len(seller_ids),)."""
        wanted = keys_of(seller_ids)
        first = np.searchsorted(self.keys, wanted)
        return np.array([self._match(*pair) for pair in zip(first.tolist(), wanted.tolist(), seller_ids, strict=True)])

    def rows(self, numbers: NDArray[np.int64]) -> Rows:
        """Rows to score, copied out of the map, and the orders behind them."""
        records = [self.record(number) for number in numbers.tolist()]
        ids = np.array([r["seller_id"] for r in records], dtype=object)
        text = {name: np.array([r["text"][name] for r in records], dtype=object) for name in TEXT}
        days = np.full(len(records), self.as_of, dtype=np.int64)
        table = FeatureTable(ids, days, text, Block(self.names, self.values[numbers]), ())
        return Rows(table, [r["evidence"] for r in records], [r["items"] for r in records], self.incomplete)

    @cached_property
    def incomplete(self) -> frozenset[str]:
        """The sellers of whom too many rows were lost on the way in."""
        return frozenset(seller["seller_id"] for seller in self.facts["intake"]["incomplete"])

    def record(self, row: int) -> dict[str, Any]:
        """seller_id, text (attributes), evidence (orders by quantity), items, and what is known of the seller."""
        start, end = self.offsets[row : row + 2].tolist()
        found: dict[str, Any] = json.loads(self.records[start:end].tobytes())
        return found

    def days(self, seller_id: str) -> SellerDays:
        """A seller's ledger by day, as its row is made of; nothing on any day for sellers that it does not hold."""
        return days_of(self._days.of(seller_id), self.as_of)

    @cached_property
    def _days(self) -> SortedRows:
        return open_rows(self.folder / DAYS, self.facts["days"])

    def _match(self, row: int, key: int, seller_id: str) -> int:
        begun = _beginning(seller_id)
        while row < len(self.keys) and self.keys[row] == key:
            start = int(self.offsets[row])
            if self.records[start : start + len(begun)].tobytes() == begun:
                return row
            row += 1
        return UNKNOWN


@dataclass(frozen=True)
class RowContext:
    """What lies behind the rows, by seller_id: orders, items that came back, and the sellers table's own words."""

    orders: Mapping[str, Orders]
    items: Mapping[str, Items]
    sellers: Mapping[str, Mapping[str, Any]]


def sellers_of(ledger: Ledger, as_of: int) -> dict[str, Mapping[str, Any]]:
    """By seller_id, name and natural_person as known at as_of; None where the source does not say."""
    return as_known(ledger.con.execute(sellers_sql(as_of)).fetchall())


def sellers_sql(as_of: int) -> str:
    """What the sellers table says of each seller at as_of."""
    known = f"valid_from <= {as_of} and {as_of} < valid_to"
    return f"select seller_id, name, natural_person from sellers_versions where {known}"


def as_known(rows: Iterable[Sequence[Any]]) -> dict[str, Mapping[str, Any]]:
    """What that query found, by seller_id."""
    return {row[0]: {"name": row[1], "natural_person": row[2]} for row in rows}


def keys_of(seller_ids: Sequence[str]) -> NDArray[np.uint64]:
    """64-bit hashes, shape (len(seller_ids),)."""
    joined = b"".join(blake2b(s.encode("utf-8"), digest_size=8).digest() for s in seller_ids)
    return np.frombuffer(joined, dtype="<u8").astype(np.uint64)


def write_store(ledger: Ledger, table: FeatureTable, folder: Path) -> Path:
    """Write the rows of one as-of day beside older stores, then point to them; returns the new store's folder."""
    as_of = _one_day(table)
    behind = RowContext(orders_of(ledger, table, as_of), items_of(ledger, table, as_of), sellers_of(ledger, as_of))
    return write_blocks(ledger, as_of, table.figures, [(table, behind)], folder)


def write_blocks(
    ledger: Ledger,
    as_of: int,
    figures: str,
    blocks: Iterable[tuple[FeatureTable, RowContext]],
    folder: Path,
    schema: str = "",
) -> Path:
    """The same, a block of sellers at a time; no more than one is held in memory.

    figures: the table of the published figures behind the rows; schema: that of the whole ledger.
    """
    folder.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=folder, prefix=f"{as_of}-"))
    with writer.writing(draft) as files:
        for table, behind in blocks:
            files.add(keys_of(table.seller_id.tolist()), table.block.names, table.block.values, _records(table, behind))
    pq.write_table(ledger.con.sql(f"select * from {figures}").to_arrow_table(), draft / "figures.parquet")
    days = _write_days(ledger, as_of, schema, draft)
    sizes = {path.name: path.stat().st_size for path in sorted(draft.iterdir())}
    (draft / "facts.json").write_text(json.dumps(_facts(ledger, files, as_of) | {"days": days, "sizes": sizes}))
    before = read(folder / POINTER) or {}
    swap(folder / POINTER, {"name": draft.name})
    _prune(folder, {draft.name, before.get("name")})
    return draft


def open_store(folder: Path) -> Store:
    """The store that the pointer in a folder names; ForesellError when there is none, or it is not whole."""
    named = read(folder / POINTER)
    if named is None:
        raise ForesellError(
            "There must be an online store.", f"none in {folder}", "write one: foresell serve --data DATA"
        )
    place = folder / str(named["name"])
    facts = read(place / "facts.json") or {}
    sizes = {
        name: (place / name).stat().st_size if (place / name).exists() else None for name in facts.get("sizes", {})
    }
    if facts.get("format") != FORMAT or sizes != facts["sizes"]:
        raise ForesellError(
            "The files of a store must be complete and unchanged.",
            f"{place} differs from its facts.json",
            "write it again",
        )
    arrays = {name: np.load(place / f"{name}.npy", mmap_mode="r") for name in ("keys", "values", "offsets")}
    records = np.memmap(place / "records.bin", dtype=np.uint8, mode="r")
    return Store(place, int(facts["as_of"]), facts, records=records, **arrays)


def _one_day(table: FeatureTable) -> int:
    days = np.unique(table.as_of)
    if len(days) != 1:
        raise ForesellError(
            "A store has the rows of one as-of day.", f"{len(days)} days", "build the table for one day"
        )
    return int(days[0])


def _records(table: FeatureTable, behind: RowContext) -> Iterator[bytes]:
    for i, seller_id in enumerate(table.seller_id.tolist()):
        text = {name: column[i] for name, column in table.text.items()}
        record = {"seller_id": seller_id, "text": text, "evidence": behind.orders.get(seller_id, {})}
        record |= {"items": behind.items.get(seller_id, []), "seller": behind.sellers.get(seller_id, {})}
        yield json.dumps(record).encode()


def _beginning(seller_id: str) -> bytes:
    """How a seller's record begins, up to the comma: enough to tell whose it is without reading the rest."""
    return json.dumps({"seller_id": seller_id})[:-1].encode() + b","


def _write_days(ledger: Ledger, as_of: int, schema: str, folder: Path) -> list[str]:
    """Every seller's ledger by day; the first seller of each block."""
    found = days_rows(ledger, as_of, schema).to_arrow_reader(BLOCK_ROWS)
    return write_rows(found, found.schema, folder / DAYS)


def _facts(ledger: Ledger, files: writer.StoreWriter, as_of: int) -> dict[str, Any]:
    market = ledger.market
    return {
        "format": FORMAT,
        "as_of": as_of,
        "sellers": files.rows,
        "dataset": market.name,
        "zone": market.zone,
        "available": sorted(market.available),
        "columns": list(files.names),
        "intake": market.report.as_json(),
    }


def _prune(folder: Path, kept: set[str | None]) -> None:
    """Keep the store before, which other processes may still read."""
    for place in folder.iterdir():
        if place.is_dir() and place.name not in kept:
            shutil.rmtree(place, ignore_errors=True)
