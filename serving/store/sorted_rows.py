"""Rows sorted by seller in one Arrow file: the few blocks that hold a seller are found by bisection and read alone.

Parquet would have its whole footer read at every look-up, which for many sellers is most of the work.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import pyarrow as pa
import pyarrow.compute as pc

BLOCK_ROWS = 4_096
KEY = "seller_id"


@dataclass(frozen=True)
class SortedRows:
    """An open file. firsts: the first seller_id of each block."""

    reader: pa.RecordBatchFileReader
    firsts: Sequence[str]
    lock: Lock = field(default_factory=Lock)

    def of(self, seller_id: str) -> pa.Table:
        """The seller's rows, in their order, without the key."""
        found = pa.Table.from_batches(self._blocks(seller_id), self.reader.schema)
        return found.filter(pc.equal(found[KEY], seller_id)).drop_columns([KEY])

    def _blocks(self, seller_id: str) -> list[pa.RecordBatch]:
        first = max(bisect_left(self.firsts, seller_id) - 1, 0)
        with self.lock:
            return [self.reader.get_batch(i) for i in range(first, bisect_right(self.firsts, seller_id))]


def open_rows(path: Path, firsts: Sequence[str]) -> SortedRows:
    """The file, memory-mapped."""
    return SortedRows(pa.ipc.open_file(pa.memory_map(str(path))), firsts)


def write_rows(batches: Iterable[pa.RecordBatch], schema: pa.Schema, path: Path) -> list[str]:
    """Write batches of rows in the order of their sellers, none longer than BLOCK_ROWS; the first seller of each."""
    firsts: list[str] = []
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_file(str(path), schema, options=options) as out:
        for batch in batches:
            for start in range(0, len(batch), BLOCK_ROWS):
                block = batch.slice(start, BLOCK_ROWS)
                firsts.append(block.column(KEY)[0].as_py())
                out.write_batch(block)
    return firsts
