"""The file of batch scores: written block by block beside it, so that a run that was killed goes on where it stopped.

A part is named by the digest of the rows and the model it was made from: what was made from others is made again.
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
from pyarrow import parquet

from features.table import FeatureTable
from models.batch import Contributions, batch
from models.bundle import Bundle

DAY = pa.date32()
T = TypeVar("T")
R = TypeVar("R")
Tell = Callable[[int], None]  # how many blocks are done


@dataclass(frozen=True)
class Scorer:
    """What scores a block: a bundle, the version it is registered under, and how contributions are worked out."""

    bundle: Bundle
    version: str
    shap: Contributions
    horizon: int = 28

    def scores(self, rows: FeatureTable) -> pa.Table:
        """The columns of contract.md section 7, both risks of a row's seller."""
        table = batch(self.bundle, rows, self.horizon, self.shap)
        version = pa.repeat(pa.scalar(self.version), len(table))
        day = table["as_of"].cast(pa.int32()).cast(DAY)
        table = table.set_column(table.column_names.index("as_of"), "as_of", day)
        return table.add_column(table.num_columns - 1, "model_version", version)

    def digest(self, rows: FeatureTable) -> str:
        """Of everything that the scores of these rows follow from."""
        found = blake2b(f"{self.bundle.digest} {self.version} {self.horizon} {len(rows)}".encode(), digest_size=16)
        for texts in (rows.seller_id, *(rows.text[name] for name in sorted(rows.text))):
            found.update("\x1f".join(texts.tolist()).encode() + b"\x1e")
        found.update(np.ascontiguousarray(rows.as_of).tobytes())
        found.update("\x1f".join(rows.block.names).encode())
        found.update(np.ascontiguousarray(rows.block.values).tobytes())
        return found.hexdigest()


def write_scores(
    scorer: Scorer, blocks: Iterable[FeatureTable], out: Path, tell: Tell = lambda done: None, workers: int = 1
) -> int:
    """Score the sellers of the blocks into one Parquet file; how many blocks an earlier run had left.

    workers: blocks that are scored beside each other, while the next one is read. The file is complete or not there.
    """
    folder = out.with_name(f".{out.name}.parts")
    folder.mkdir(parents=True, exist_ok=True)

    def work(numbered: tuple[int, FeatureTable]) -> tuple[Path, bool]:
        number, rows = numbered
        part = folder / f"{number:06}-{scorer.digest(rows)}.parquet"
        there = part.exists()
        if not there:
            _write(part, [scorer.scores(rows)])
        return part, there

    parts, found = [], 0
    for part, there in _beside(work, enumerate(blocks), workers):
        parts.append(part)
        found += there
        tell(len(parts))
    _write(out, _tables(parts))
    shutil.rmtree(folder)
    return found


def _beside(work: Callable[[T], R], items: Iterable[T], workers: int) -> Iterator[R]:
    """What the work makes of each item, in order; so many are under way at once, and no more are held."""
    with ThreadPoolExecutor(workers) as pool:
        under_way: deque[Future[R]] = deque()
        for item in items:
            if len(under_way) == workers:
                yield under_way.popleft().result()
            under_way.append(pool.submit(work, item))
        while under_way:
            yield under_way.popleft().result()


def active(blocks: Iterable[FeatureTable]) -> Iterator[FeatureTable]:
    """The blocks' active sellers."""
    return (rows.take(rows.block["active"] > 0) for rows in blocks)


def _tables(parts: Iterable[Path]) -> Iterator[pa.Table]:
    return (parquet.read_table(part) for part in parts)


def _write(path: Path, tables: Iterable[pa.Table]) -> None:
    """One row group a table; under its own name only when it is whole."""
    draft, writer = path.with_name(f".{path.name}.part"), None
    try:
        for table in tables:
            writer = writer or parquet.ParquetWriter(draft, table.schema, compression="zstd", compression_level=1)
            writer.write_table(table)
    finally:
        if writer:
            writer.close()
    draft.replace(path)
