"""The file of batch scores, written in parts of one block each, so that an interrupted run resumes where it stopped.

A part's name has the digest of its rows and model, so that a part of other rows or another model is not used.
"""

import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
from pyarrow import compute as pc
from pyarrow import parquet

from features.table import FeatureTable
from models.batch.score_columns import batch
from models.bundle.bundle import Bundle

DAY = pa.date32()
T = TypeVar("T")
R = TypeVar("R")
Progress = Callable[[int], None]  # how many blocks are done


@dataclass(frozen=True)
class Scorer:
    """Scores blocks of rows with a bundle; version: the bundle's registered version.

    incomplete: the sellers of whom intake lost more rows than it may; their scores say so.
    """

    bundle: Bundle
    version: str
    incomplete: frozenset[str] = frozenset()
    horizon: int = 28

    def scores(self, rows: FeatureTable) -> pa.Table:
        """The columns of docs/contract.md section 7, with two rows for each seller, one for each risk."""
        table = batch(self.bundle, rows, self.horizon)
        version = pa.repeat(pa.scalar(self.version), len(table))
        day = table["as_of"].cast(pa.int32()).cast(DAY)
        table = table.set_column(table.column_names.index("as_of"), "as_of", day)
        lost = pc.is_in(table["seller_id"], value_set=pa.array(sorted(self.incomplete), pa.string()))
        table = table.add_column(table.column_names.index("low_evidence") + 1, "incomplete", lost)
        return table.add_column(table.num_columns - 1, "model_version", version)

    def digest(self, rows: FeatureTable) -> str:
        """A digest of everything that the scores of these rows depend on."""
        digest = blake2b(f"{self.bundle.digest} {self.version} {self.horizon} {len(rows)}".encode(), digest_size=16)
        for texts in (rows.seller_id, *(rows.text[name] for name in sorted(rows.text))):
            digest.update("\x1f".join(texts.tolist()).encode() + b"\x1e")
        lost = sorted({*rows.seller_id.tolist()} & self.incomplete)
        digest.update("\x1f".join(lost).encode() + b"\x1e")
        digest.update(np.ascontiguousarray(rows.as_of).tobytes())
        digest.update("\x1f".join(rows.block.names).encode())
        digest.update(np.ascontiguousarray(rows.block.values).tobytes())
        return digest.hexdigest()


def write_scores(
    scorer: Scorer, blocks: Iterable[FeatureTable], out: Path, tell: Progress = lambda done: None, workers: int = 1
) -> int:
    """Score the blocks into one Parquet file; returns how many blocks an earlier run had finished.

    tell: called with the number of finished blocks; workers: blocks scored in parallel while the next one is read. The
    file is complete or absent.
    """
    folder = out.with_name(f".{out.name}.parts")
    folder.mkdir(parents=True, exist_ok=True)

    def work(numbered: tuple[int, FeatureTable]) -> tuple[Path, bool]:
        number, rows = numbered
        part = folder / f"{number:06}-{scorer.digest(rows)}.parquet"
        finished = part.exists()
        if not finished:
            _write(part, [scorer.scores(rows)])
        return part, finished

    parts, reused = [], 0
    for part, finished in _in_parallel(work, enumerate(blocks), workers):
        parts.append(part)
        reused += finished
        tell(len(parts))
    _write(out, _tables(parts))
    shutil.rmtree(folder)
    return reused


def _in_parallel(work: Callable[[T], R], items: Iterable[T], workers: int) -> Iterator[R]:
    """The result of the work for each item, in order; at most `workers` items are in memory at once."""
    with ThreadPoolExecutor(workers) as pool:
        running: deque[Future[R]] = deque()
        for item in items:
            if len(running) == workers:
                yield running.popleft().result()
            running.append(pool.submit(work, item))
        while running:
            yield running.popleft().result()


def active(blocks: Iterable[FeatureTable]) -> Iterator[FeatureTable]:
    """The rows of active sellers in each block."""
    return (rows.take(rows.block["active"] > 0) for rows in blocks)


def _tables(parts: Iterable[Path]) -> Iterator[pa.Table]:
    return (parquet.read_table(part) for part in parts)


def _write(path: Path, tables: Iterable[pa.Table]) -> None:
    """Write one row group for each table; the file gets its name when it is complete."""
    draft, writer = path.with_name(f".{path.name}.part"), None
    try:
        for table in tables:
            writer = writer or parquet.ParquetWriter(draft, table.schema, compression="zstd", compression_level=1)
            writer.write_table(table)
    finally:
        if writer:
            writer.close()
    draft.replace(path)
