"""Shares and differences with 95% intervals, by scipy; under a minimum of cases there is no figure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

MINIMUM_CELL = (
    10  # with fewer cases a share says more about chance, or about single persons, than about the work; our assumption
)
DRAWS = 2000
SEED = 0


@dataclass(frozen=True)
class ShareEstimate:
    """count of total; the share and its interval are None under the minimum cell, where they would mislead."""

    count: int
    total: int
    share: float | None
    low: float | None
    high: float | None


def wilson_share(values: Sequence[bool], minimum: int = MINIMUM_CELL) -> ShareEstimate:
    """A share with Wilson's 95% interval."""
    count, total = sum(values), len(values)
    if total < max(minimum, 1):
        return ShareEstimate(count, total, None, None, None)
    ci = stats.binomtest(count, total).proportion_ci(0.95, method="wilson")
    return ShareEstimate(count, total, count / total, float(ci.low), float(ci.high))


def bootstrap_share(values: Sequence[bool], minimum: int = MINIMUM_CELL) -> ShareEstimate:
    """A share with a 95% percentile bootstrap interval over cases."""
    count, total = sum(values), len(values)
    if total < max(minimum, 2):
        return ShareEstimate(count, total, None, None, None)
    found = stats.bootstrap(
        (np.asarray(values, dtype=float),), np.mean, n_resamples=DRAWS, method="percentile", rng=SEED
    )
    low, high = found.confidence_interval
    return ShareEstimate(count, total, count / total, float(low), float(high))


@dataclass(frozen=True)
class DifferenceEstimate:
    """A difference of two shares, and its 95% interval; None where one of the two has too few cases."""

    value: float | None
    low: float | None
    high: float | None


def bootstrap_difference(
    first: Sequence[bool], second: Sequence[bool], minimum: int = MINIMUM_CELL
) -> DifferenceEstimate:
    """The first share minus the second, with a 95% percentile bootstrap interval."""
    if min(len(first), len(second)) < max(minimum, 2):
        return DifferenceEstimate(None, None, None)
    a, b = (np.asarray(one, dtype=float) for one in (first, second))
    found = stats.bootstrap((a, b), _gap, n_resamples=DRAWS, method="percentile", vectorized=True, rng=SEED)
    low, high = found.confidence_interval
    return DifferenceEstimate(float(a.mean() - b.mean()), float(low), float(high))


def _gap(a: np.ndarray, b: np.ndarray, axis: int = -1) -> np.ndarray:
    return np.asarray(a.mean(axis=axis) - b.mean(axis=axis))
