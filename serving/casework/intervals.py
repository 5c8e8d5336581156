"""Shares and differences with 95% intervals, by scipy; too few cases give no figure rather than a loud one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

MINIMUM_CELL = (
    10  # under so many cases a share says more about chance, or about persons, than about work; our assumption
)
DRAWS = 2000
SEED = 0


@dataclass(frozen=True)
class Share:
    """count of total; the share and its interval are None under the minimum cell, where they would mislead."""

    count: int
    total: int
    share: float | None
    low: float | None
    high: float | None


def share(values: Sequence[bool], minimum: int = MINIMUM_CELL) -> Share:
    """A share with Wilson's 95% interval."""
    count, total = sum(values), len(values)
    if total < max(minimum, 1):
        return Share(count, total, None, None, None)
    ci = stats.binomtest(count, total).proportion_ci(0.95, method="wilson")
    return Share(count, total, count / total, float(ci.low), float(ci.high))


def drawn_share(values: Sequence[bool], minimum: int = MINIMUM_CELL) -> Share:
    """A share with a percentile interval over cases drawn again."""
    count, total = sum(values), len(values)
    if total < max(minimum, 2):
        return Share(count, total, None, None, None)
    found = stats.bootstrap(
        (np.asarray(values, dtype=float),), np.mean, n_resamples=DRAWS, method="percentile", rng=SEED
    )
    low, high = found.confidence_interval
    return Share(count, total, count / total, float(low), float(high))


@dataclass(frozen=True)
class Difference:
    """A difference of two shares, and its 95% interval; None where one of the two has too few cases."""

    value: float | None
    low: float | None
    high: float | None


def difference(first: Sequence[bool], second: Sequence[bool], minimum: int = MINIMUM_CELL) -> Difference:
    """first's share less second's, over cases of each drawn again."""
    if min(len(first), len(second)) < max(minimum, 2):
        return Difference(None, None, None)
    a, b = (np.asarray(one, dtype=float) for one in (first, second))
    found = stats.bootstrap((a, b), _gap, n_resamples=DRAWS, method="percentile", vectorized=True, rng=SEED)
    low, high = found.confidence_interval
    return Difference(float(a.mean() - b.mean()), float(low), float(high))


def _gap(a: np.ndarray, b: np.ndarray, axis: int = -1) -> np.ndarray:
    return np.asarray(a.mean(axis=axis) - b.mean(axis=axis))
