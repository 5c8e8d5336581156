"""The calibration line from few and drifting weeks: it moves only as far as blocks of time agree.

A market's level moves from month to month (on the flight record by more than a whole log-odd, up and down). All rows
of one horizon share that weather, so blocks of one horizon, not rows, are the sample from which a lasting slope or
shift can be known; a line fitted on pooled rows would carry the last months' weather into the next.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize
from scipy.special import expit

from models.calibration import SHIFT, SLOPE, Calibration

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
LEAST = 20  # rows of the rarer class
LASTING = 0.15  # standard deviation expected of a lasting shift (log-odds) and of a lasting slope; our assumption
SLOPE_WEATHER = 0.25  # standard deviation of the slope between blocks; our assumption
SHIFT_WEATHER, WEATHER_BLOCKS = 0.7, 2  # that of the shift, where blocks are too few to say, and how many it counts for
BLOCK_PENALTY = 0.01  # keeps the intercept of a block with one class finite
WIDEST = 20.0  # log-odds between which the shift that keeps the mean is looked for


def fit_line(raw: Array, label: Array, as_of: Ints, horizon: int) -> Calibration:
    """Served log-odds = a x raw + c from out-of-time raw log-odds; without rows a = 1, c = 0.

    raw, label (0 or 1), as_of (day numbers): shape (rows,). a: the slope common to blocks of one horizon, each with an
    intercept of its own, shrunk towards 1. c: what keeps the mean probability of raw, plus the blocks' mean shift,
    shrunk towards 0. Both shrink as in an empirical Bayes estimate: LASTING^2 / (LASTING^2 + weather^2 / blocks).
    """
    if len(raw) == 0:
        return Calibration()
    names, block = np.unique((as_of - as_of.min()) // horizon, return_inverse=True)
    free, _ = _blockwise(raw, label, block, len(names), SLOPE)
    slope = float(np.clip(1 + _kept(SLOPE_WEATHER**2, len(names)) * (free - 1), *SLOPE))
    level = _level(raw, slope)
    shifts = _blockwise(slope * raw, label, block, len(names), (1.0, 1.0))[1] - level
    spread = ((shifts - shifts.mean()) ** 2).sum() + WEATHER_BLOCKS * SHIFT_WEATHER**2
    lasting = shifts.mean() * _kept(spread / (WEATHER_BLOCKS + len(shifts) - 1), len(shifts))
    return Calibration(slope, float(np.clip(level + lasting, *SHIFT)))


def told(free: Mask, label: Array) -> Mask:
    """The rows that a line is fitted on: those of sellers with the minimum volume and not in breach, for whom it is.

    Whether a seller in breach stays there is another question with a slope of its own, and one line through both is too
    timid for the others. All rows, where those hold fewer than LEAST of either class.
    """
    ones = label[free].sum()
    return free if min(ones, free.sum() - ones) >= LEAST else np.ones_like(free)


def _kept(weather: float, blocks: int) -> float:
    """The share of what the blocks say together that is expected to last; weather is a variance."""
    return LASTING**2 / (LASTING**2 + weather / blocks)


def _blockwise(raw: Array, label: Array, block: Ints, blocks: int, slopes: tuple[float, float]) -> tuple[float, Array]:
    """A common slope within bounds and each block's intercept, by penalised maximum likelihood."""

    def loss(beta: Array) -> tuple[float, Array]:
        served = beta[0] * raw + beta[1:][block]
        gap = expit(served) - label
        steps = np.concatenate([[gap @ raw], np.bincount(block, gap, blocks) + BLOCK_PENALTY * beta[1:]])
        value = (np.logaddexp(0, served) - label * served).sum() + BLOCK_PENALTY * (beta[1:] @ beta[1:]) / 2
        return float(value) / len(raw), steps / len(raw)

    start = np.concatenate([[1.0], np.zeros(blocks)])
    found = minimize(loss, start, jac=True, bounds=[slopes] + [SHIFT] * blocks, method="L-BFGS-B")
    return float(found.x[0]), found.x[1:]


def _level(raw: Array, slope: float) -> float:
    """The shift under which the mean probability stays what raw says."""
    mean = expit(raw).mean()
    return float(brentq(lambda c: expit(slope * raw + c).mean() - mean, -WIDEST, WIDEST))
