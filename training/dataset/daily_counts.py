"""A standard's two counts (bad events, volume) as dense arrays by seller and day."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.engines.duckdb import Engine
from features.standards.standard import Standard

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Daily:
    """Bad events and volume of each day, shape (sellers, days); column 0 is first_day.

    later: corrections as (seller row, effective column, decided column, bad, volume), shape (corrections, 5).
    """

    seller_id: NDArray[np.object_]
    first_day: int
    bad: Array
    volume: Array
    later: Ints

    def rows_of(self, seller_id: NDArray[np.object_]) -> Ints:
        """Row numbers of sellers; every seller of a feature table has entries, so none is missing."""
        return np.searchsorted(self.seller_id.astype(str), seller_id.astype(str)).astype(np.int64)

    def window(self, span: int) -> tuple[Array, Array]:
        """Bad events and volume over the trailing span at the close of each day, as known then; (sellers, days)."""
        bad, volume = trailing(self.bad, span), trailing(self.volume, span)
        for row, effective, decided, more_bad, more_volume in self.later.tolist():
            seen = slice(max(effective, decided), effective + span)
            bad[row, seen] += more_bad
            volume[row, seen] += more_volume
        return bad, volume


def trailing(daily: Array, span: int) -> Array:
    """Sums over the days d-span+1 .. d for every day d; shape (sellers, days), as daily."""
    total = np.cumsum(daily, axis=1)
    total[:, span:] -= total[:, :-span].copy()
    return total


def breach_by_day(daily: Daily, standard: Standard) -> Mask:
    """Whether each seller is in breach at the close of each day, as known that day; shape (sellers, days)."""
    bad, volume = daily.window(standard.window_days)
    return standard.breach(bad.ravel(), volume.ravel()).reshape(bad.shape)


def daily_counts(con: Engine, standard: Standard, first_day: int, last_day: int) -> Daily:
    """A standard's counts from the ledger tables of a connection, days first_day..last_day (both included)."""
    bad, volume = (" + ".join(part) for part in (standard.numerator, standard.denominator))
    counts = f"{bad} as bad, {volume} as volume"
    entries = con.execute(
        f"select seller_id, day, {counts} from ledger where day between {first_day} and {last_day}"
    ).df()
    corrections = con.execute(
        f"select seller_id, effective_day, decided_day, {counts} from ledger_corrections "
        f"where effective_day between {first_day} and {last_day} and decided_day <= {last_day}"
    ).df()
    sellers = np.unique(np.asarray(entries["seller_id"], dtype=str))
    arrays = [_dense(entries, name, sellers, first_day, last_day) for name in ("bad", "volume")]
    return Daily(sellers.astype(object), first_day, arrays[0], arrays[1], _corrections(corrections, sellers, first_day))


def _dense(entries: pd.DataFrame, name: str, sellers: NDArray[np.str_], first_day: int, last_day: int) -> Array:
    out = np.zeros((len(sellers), last_day - first_day + 1))
    rows = np.searchsorted(sellers, np.asarray(entries["seller_id"], dtype=str))
    columns = np.asarray(entries["day"], dtype=np.int64) - first_day
    np.add.at(out, (rows, columns), np.asarray(entries[name], dtype=np.float64))
    return out


def _corrections(corrections: pd.DataFrame, sellers: NDArray[np.str_], first_day: int) -> Ints:
    rows = np.searchsorted(sellers, np.asarray(corrections["seller_id"], dtype=str))
    days = [np.asarray(corrections[name], dtype=np.int64) - first_day for name in ("effective_day", "decided_day")]
    counts = [np.asarray(corrections[name], dtype=np.int64) for name in ("bad", "volume")]
    return np.column_stack([rows, *days, *counts]).astype(np.int64)
