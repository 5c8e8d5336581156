"""The rate to expect at as_of + horizon, with a 90% interval, and whether such intervals hold what they promise."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from features.standards import Standard
from models import beta_binomial, roll_forward
from models.roll_forward import Projection

Array = NDArray[np.float64]
LEVEL = (0.05, 0.95)  # the ends of a 90% interval
CONCENTRATION = (0.01, 10.0)  # range in which the scale of a + b is looked for


@dataclass(frozen=True)
class ExpectedRate:
    """The rate to expect and its 90% interval, as people state the rate; shape (rows,), nan without volume."""

    rate: Array
    low: Array
    high: Array


def expected_rate(standard: Standard, projection: Projection, concentration: float = 1.0) -> ExpectedRate:
    """(events that stay + events expected) / (volume that stays + volume to come), and the beta-binomial interval.

    concentration > 0 scales a + b: under 1 where sellers vary more between horizons than the roll-forward knows. A
    mean beyond the 5% or 95% point (rare events) widens the interval, so that it always holds the expected rate.
    """
    scale = np.full(len(projection.coming), concentration)
    return expected_rates(np.full(len(scale), standard.complement), projection, scale)


def expected_rates(complement: NDArray[np.bool_], projection: Projection, concentration: Array) -> ExpectedRate:
    """The same for rows of several standards: whether each row's is a complement, and its concentration."""
    p = projection
    fewest, most = beta_binomial.quantiles(LEVEL, p.coming, p.a * concentration, p.b * concentration)
    volume = p.stay_n + p.coming
    first, last = (roll_forward.rates(complement, p.stay_x + events, volume) for events in (fewest, most))
    low, high = np.where(complement, last, first), np.where(complement, first, last)
    return ExpectedRate(p.expected_rate, np.minimum(low, p.expected_rate), np.maximum(high, p.expected_rate))


def fit_concentration(events: Array, volume: Array, a: Array, b: Array) -> float:
    """The scale of (a, b) under which what came was most likely; events of volume orders to come, shape (rows,).

    Rows without volume, or with more events than volume, say nothing about it; without rows it is 1.
    """
    use = (volume > 0) & (events >= 0) & (events <= volume)
    if not use.any():
        return 1.0
    x, n, first, second = events[use], volume[use], a[use], b[use]

    def loss(log_scale: float) -> float:
        scale = np.exp(log_scale)
        return -float(beta_binomial.log_pmf(x, n, first * scale, second * scale).mean())

    found = minimize_scalar(loss, bounds=tuple(np.log(CONCENTRATION)), method="bounded")
    return float(np.exp(found.x))


def covered(events: Array, volume: Array, a: Array, b: Array) -> Array:
    """Share of each row's step of the distribution that lies in the 90% interval, shape (rows,), 0..1.

    The mean over rows is the randomised mid-p coverage: 0.90 where the distribution is right, however small the
    counts (a plain interval of counts covers too much). Compare Czado, Gneiting and Held (2009).
    """
    below, upto = _steps(events, volume, a, b)
    inside = np.minimum(upto, LEVEL[1]) - np.maximum(below, LEVEL[0])
    height = upto - below
    flat = (upto >= LEVEL[0]) & (upto <= LEVEL[1])  # an outcome of no probability lies in or out as a whole
    return np.asarray(np.divide(np.maximum(inside, 0), height, out=flat.astype(np.float64), where=height > 0))


def _steps(events: Array, volume: Array, a: Array, b: Array) -> tuple[Array, Array]:
    return 1 - beta_binomial.sf(events - 1, volume, a, b), 1 - beta_binomial.sf(events, volume, a, b)
