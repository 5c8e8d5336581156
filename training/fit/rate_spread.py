"""Fits the spread of the expected rate: how far the observed rate may lie from a seller's own past rate.

Three parameters widen the interval. drift: sellers change within a horizon, however many orders they have (maximum
likelihood). tail: some change far more than others, so the tails of a beta distribution are too thin (set by the
coverage on past rows). block_variance: a few months do not show how far the market's level can move (an assumption with
less weight the longer the record is).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize
from scipy.special import logit

from models.arithmetic import beta_binomial
from models.arithmetic.expected_rate import Spread, inside, steps
from training.fit.calibration import ASSUMED_BLOCKS, SHIFT_DEVIATION

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
LEVEL = 0.9  # share of outcomes that the interval should contain
BANDS = (1, 2, 4, 8)  # volume bands begin at these multiples of the minimum volume; band 0 lies below it
PER_BAND = 1_000  # rows of each band that a spread is fitted on, spread evenly over time
BOUNDS = ((np.log(0.01), np.log(10.0)), (np.log(1e-4), np.log(0.5)))  # of log concentration and log drift
STARTS = ((0.0, -5.0), (-1.0, -3.0))
TAILS = (1e-3, 0.2)
LEAST = {"rows": 500, "sellers": 100}  # a smaller band's coverage is reported and not judged


@dataclass(frozen=True)
class ObservedOutcomes:
    """Observed counts after past rows, arrays of shape (rows,), oldest first: events among volume orders, volume > 0.

    a, b: the seller's own share was Beta(a, b); band: of its volume in the window; block: number of the block of time.
    """

    events: Array
    volume: Array
    a: Array
    b: Array
    band: Ints
    block: Ints

    def take(self, rows: Ints) -> "ObservedOutcomes":
        """Some of the rows, by number."""
        return ObservedOutcomes(*(column[rows] for column in vars(self).values()))


def bands(volume: Array, minimum: int) -> Ints:
    """The volume band of each row, 0 (under the minimum volume) to len(BANDS)."""
    return np.digitize(volume, np.array(BANDS) * minimum).astype(np.int64)


def measured(band: Mapping[str, Any]) -> bool:
    """Whether a band of a report has enough rows and sellers to judge its coverage."""
    return all(band[what] >= least for what, least in LEAST.items())


def fit_spread(outcomes: ObservedOutcomes) -> Spread:
    """The Spread that makes the outcomes most likely and whose intervals contain the share LEVEL of them.

    Every volume band has the same weight. Without outcomes: the beta-binomial distribution without spread.
    """
    if not len(outcomes.events):
        return Spread()
    sample = outcomes.take(_evenly(outcomes.band))
    weight = 1 / np.bincount(sample.band)[sample.band]
    drifted = _most_likely(sample, weight)
    return replace(drifted, tail=_tail(sample, drifted, weight), block_variance=block_variance(outcomes))


def block_variance(outcomes: ObservedOutcomes) -> float:
    """Variance of the market's shift between blocks (log-odds), >= 0, beyond the variance observed between blocks.

    = max((sum of shift^2 + ASSUMED_BLOCKS x SHIFT_DEVIATION^2) / (blocks + ASSUMED_BLOCKS) - mean of shift^2, 0).

    >>> ones, block = np.ones(3), np.arange(3)  # 100 orders in each block, as many bad events as expected
    >>> expected = ObservedOutcomes(10 * ones, 100 * ones, 1 * ones, 9 * ones, 0 * block, block)
    >>> round(block_variance(expected), 2)  # 2 x 0.7^2 / 5
    0.2
    """
    blocks = np.unique(outcomes.block)
    shifts = np.array([_shift(outcomes.take(np.flatnonzero(outcomes.block == block))) for block in blocks])
    observed = float((shifts**2).sum())
    expected = (observed + ASSUMED_BLOCKS * SHIFT_DEVIATION**2) / (len(blocks) + ASSUMED_BLOCKS)
    return max(expected - observed / len(blocks), 0.0)


def _shift(outcomes: ObservedOutcomes) -> float:
    """Log-odds of the observed share minus those of the expected share; half an event is added to both counts."""
    expected = outcomes.volume @ (outcomes.a / (outcomes.a + outcomes.b)) / outcomes.volume.sum()
    return float(logit((outcomes.events.sum() + 0.5) / (outcomes.volume.sum() + 1)) - logit(expected))


def _evenly(band: Ints) -> Ints:
    """At most PER_BAND rows of each band, evenly spaced, in the order of the rows."""
    of_band = [np.flatnonzero(band == number) for number in np.unique(band)]
    return np.sort(np.concatenate([rows[:: -(-len(rows) // PER_BAND)] for rows in of_band]))


def _most_likely(outcomes: ObservedOutcomes, weight: Array) -> Spread:
    def loss(logs: Array) -> float:
        a, b = Spread(*np.exp(logs)).shape(outcomes.a, outcomes.b)
        return -float(weight @ beta_binomial.log_pmf(outcomes.events, outcomes.volume, a, b)) / float(weight.sum())

    tried = [minimize(loss, start, method="L-BFGS-B", bounds=BOUNDS) for start in STARTS]
    return Spread(*np.exp(min(tried, key=lambda one: float(one.fun)).x).tolist())


def _tail(outcomes: ObservedOutcomes, spread: Spread, weight: Array) -> float:
    below, upto = steps(outcomes.events, outcomes.volume, *spread.shape(outcomes.a, outcomes.b))

    def excess_coverage(tail: float) -> float:
        return float(weight @ inside(below, upto, tail)) / float(weight.sum()) - LEVEL

    ends = [excess_coverage(tail) for tail in TAILS]
    return float(brentq(excess_coverage, *TAILS)) if ends[0] > 0 > ends[1] else TAILS[int(ends[0] > 0)]
