"""How far what comes may lie from what a seller's own orders say: the spread of the expected rate, from past rows.

Three things widen it. Sellers change within a horizon, however many orders they have (drift, by maximum likelihood).
Some change far more than others, so that the ends of a beta distribution hold too little (tail, by the coverage of past
rows). And few months show little of how a market's level can move (weather, an assumption that the record outvotes).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize
from scipy.special import logit

from models import beta_binomial
from models.expected_rate import Spread, inside, steps
from training.line import SHIFT_WEATHER, WEATHER_BLOCKS

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
LEVEL = 0.9  # share of outcomes that the interval should hold
BANDS = (1, 2, 4, 8)  # volume bands begin at so many times the minimum volume; under it is one of its own
PER_BAND = 1_000  # rows of each band that a spread is fitted on, spread evenly over time
BOUNDS = ((np.log(0.01), np.log(10.0)), (np.log(1e-4), np.log(0.5)))  # of log concentration and log drift
STARTS = ((0.0, -5.0), (-1.0, -3.0))
TAILS = (1e-3, 0.2)
LEAST = {"rows": 500, "sellers": 100}  # of a band under which its coverage is counted and not judged


@dataclass(frozen=True)
class Came:
    """What came after past rows, arrays of shape (rows,), oldest first: events of volume orders, volume > 0.

    a, b: the seller's own share was Beta(a, b); band: of its volume in the window; block: of one horizon in time.
    """

    events: Array
    volume: Array
    a: Array
    b: Array
    band: Ints
    block: Ints

    def take(self, rows: Ints) -> "Came":
        """Some of the rows, by number."""
        return Came(*(column[rows] for column in vars(self).values()))


def bands(volume: Array, minimum: int) -> Ints:
    """The volume band of each row, 0 (under the minimum volume) to len(BANDS)."""
    return np.digitize(volume, np.array(BANDS) * minimum).astype(np.int64)


def measured(band: Mapping[str, Any]) -> bool:
    """Whether a band of a report has readings enough to judge its coverage by."""
    return all(band[what] >= least for what, least in LEAST.items())


def fit_spread(came: Came) -> Spread:
    """The spread under which what came was most likely, and of which 90% of it lay inside; bands count alike."""
    if not len(came.events):
        return Spread()
    few = came.take(_evenly(came.band))
    weight = 1 / np.bincount(few.band)[few.band]
    drifted = _most_likely(few, weight)
    return replace(drifted, tail=_tail(few, drifted, weight), weather=weather(came))


def weather(came: Came) -> float:
    """Variance of the market's shift from block to block (log-odds) that the blocks seen are too few to rule out."""
    blocks = np.unique(came.block)
    shifts = np.array([_shift(came.take(np.flatnonzero(came.block == block))) for block in blocks])
    seen = float((shifts**2).sum())
    expected = (seen + WEATHER_BLOCKS * SHIFT_WEATHER**2) / (len(blocks) + WEATHER_BLOCKS)
    return max(expected - seen / len(blocks), 0.0)


def _shift(came: Came) -> float:
    """Log-odds of the share that came less those of the share expected; half an event on either side."""
    said = came.volume @ (came.a / (came.a + came.b)) / came.volume.sum()
    return float(logit((came.events.sum() + 0.5) / (came.volume.sum() + 1)) - logit(said))


def _evenly(band: Ints) -> Ints:
    """PER_BAND rows of each band, evenly over its rows, in their order."""
    found = [np.flatnonzero(band == number) for number in np.unique(band)]
    return np.sort(np.concatenate([rows[:: -(-len(rows) // PER_BAND)] for rows in found]))


def _most_likely(came: Came, weight: Array) -> Spread:
    def loss(logs: Array) -> float:
        a, b = Spread(*np.exp(logs)).shape(came.a, came.b)
        return -float(weight @ beta_binomial.log_pmf(came.events, came.volume, a, b)) / float(weight.sum())

    tried = [minimize(loss, start, method="L-BFGS-B", bounds=BOUNDS) for start in STARTS]
    return Spread(*np.exp(min(tried, key=lambda one: float(one.fun)).x).tolist())


def _tail(came: Came, spread: Spread, weight: Array) -> float:
    below, upto = steps(came.events, came.volume, *spread.shape(came.a, came.b))

    def over(tail: float) -> float:
        return float(weight @ inside(below, upto, tail)) / float(weight.sum()) - LEVEL

    ends = [over(tail) for tail in TAILS]
    return float(brentq(over, *TAILS)) if ends[0] > 0 > ends[1] else TAILS[int(ends[0] > 0)]
