"""The files of an online store as they are written: rows as they come, then put in the order of their keys.

Nothing is mapped into memory here, and one row at a time is moved, so a store of any size takes the memory of a block.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import numpy as np
from numpy.typing import NDArray

from core.errors import ForesellError


@contextmanager
def writing(folder: Path) -> Iterator["StoreWriter"]:
    """keys.npy, values.npy, offsets.npy and records.bin of a folder; there once the context has ended without error."""
    with TemporaryFile(dir=folder) as values, TemporaryFile(dir=folder) as records:
        files = StoreWriter(folder, values, records)
        yield files
        files.sort()


@dataclass
class StoreWriter:
    """Rows on their way into a store, in files without a name."""

    folder: Path
    values: IO[bytes]
    records: IO[bytes]
    rows: int = 0
    names: tuple[str, ...] = ()
    _keys: list[NDArray[np.uint64]] = field(default_factory=list)
    _lengths: list[NDArray[np.int64]] = field(default_factory=list)

    def add(
        self, keys: NDArray[np.uint64], names: tuple[str, ...], values: NDArray[np.float64], records: Iterable[bytes]
    ) -> None:
        """Rows of some sellers: a key and a record each, values of shape (rows, columns)."""
        if self.rows and names != self.names:
            raise ForesellError(
                "All rows of a store have the same columns.", "other columns", "write blocks of one table"
            )
        self.names = names
        self.values.write(np.ascontiguousarray(values).data)
        self._lengths.append(np.array([self.records.write(record) for record in records], dtype=np.int64))
        self._keys.append(keys)
        self.rows += len(keys)

    def sort(self) -> None:
        """Write the rows in the order of their keys."""
        keys = np.concatenate(self._keys) if self._keys else np.empty(0, dtype=np.uint64)
        order = np.argsort(keys, kind="stable")
        np.save(self.folder / "keys.npy", keys[order])
        lengths = np.concatenate(self._lengths) if self._lengths else np.empty(0, dtype=np.int64)
        starts = np.cumsum(lengths) - lengths
        np.save(self.folder / "offsets.npy", np.concatenate([[0], np.cumsum(lengths[order])]).astype(np.int64))
        with (self.folder / "records.bin").open("wb") as out:
            _move(self.records, out, starts[order], lengths[order])
        width = 8 * len(self.names)
        with (self.folder / "values.npy").open("wb") as out:
            header = {"descr": "<f8", "fortran_order": False, "shape": (self.rows, len(self.names))}
            np.lib.format.write_array_header_1_0(out, header)
            _move(self.values, out, order * width, np.full(self.rows, width))


def _move(source: IO[bytes], out: IO[bytes], starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> None:
    source.flush()
    for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
        out.write(os.pread(source.fileno(), length, start))
