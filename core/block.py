"""Numeric columns of many rows in one matrix; models read it without a copy, even for one row."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from core.errors import ForesellError


@dataclass(frozen=True)
class Block:
    """Named float64 columns; values has shape (rows, len(names)). Counts are exact below 2**53."""

    names: tuple[str, ...]
    values: NDArray[np.float64]

    @cached_property
    def index(self) -> dict[str, int]:
        """Column number by name."""
        return {name: i for i, name in enumerate(self.names)}

    def __len__(self) -> int:
        return int(self.values.shape[0])

    def __contains__(self, name: str) -> bool:
        return name in self.index

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        """One column, shape (rows,); a view."""
        return self.values[:, self._number(name)]

    def matrix(self, names: Iterable[str]) -> NDArray[np.float64]:
        """The columns in the given order, shape (rows, len(names)); a copy."""
        return self.values[:, [self._number(name) for name in names]]

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> "Block":
        """The given rows, by number or mask."""
        return Block(self.names, self.values[rows])

    def row(self, number: int) -> dict[str, float]:
        """One row as a mapping, for sentences."""
        return dict(zip(self.names, self.values[number].tolist(), strict=True))

    def _number(self, name: str) -> int:
        if name not in self.index:
            raise ForesellError(
                rule=f"The rows must have the column {name!r}.",
                found=f"{len(self.names)} columns without it",
                next_step="build the rows with the standards and features that the model was trained with",
            )
        return self.index[name]
