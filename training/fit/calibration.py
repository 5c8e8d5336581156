"""Fits the calibration line on few weeks: slope and shift are shrunk by how much blocks of time differ.

A market's level changes from month to month (on the flight record by more than 1 in log-odds, up and down). All rows
of one block, one horizon long, share this block effect. So the sample size is the number of blocks, not of rows; a line
fitted on pooled rows would apply the block effects of past months to the next.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize
from scipy.special import expit

from models.arithmetic.calibration import SHIFT, SLOPE, Calibration

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
LEAST = 20  # rows of the rarer class
LASTING = 0.15  # prior standard deviation of a lasting shift (log-odds) and of a lasting slope; our assumption
SLOPE_DEVIATION = 0.25  # standard deviation of the slope between blocks; our assumption
SHIFT_DEVIATION, ASSUMED_BLOCKS = 0.7, 2  # the same of the shift, which counts as much as so many observed blocks
BLOCK_PENALTY = 0.01  # keeps the intercept of a block with one class finite
WIDEST = 20.0  # the shift that keeps the mean is searched for between -WIDEST and WIDEST (log-odds)


def fit_line(raw: Array, label: Array, as_of: Ints, horizon: int) -> Calibration:
    """Served log-odds = a x raw + c from out-of-time raw log-odds; without rows a = 1, c = 0.

    raw: finite log-odds, label: 0 or 1, as_of: day numbers, each of shape (rows,); horizon in days. a, within SLOPE:
    the slope common to blocks of one horizon, each with its own intercept, shrunk towards 1. c, within SHIFT: the shift
    that keeps the mean probability of raw, plus the blocks' mean shift, shrunk towards 0. Both are shrunk as in an
    empirical Bayes estimate, by LASTING^2 / (LASTING^2 + variance between blocks / blocks).

    >>> raw, label = np.tile([-1.0, 1.0], 500), np.tile([0.0, 1.0, 1.0, 0.0], 250)  # raw log-odds without information
    >>> one_block = fit_line(raw, label, np.zeros(1000, np.int64), 28)
    >>> ten_blocks = fit_line(raw, label, 28 * np.repeat(np.arange(10), 100), 28)
    >>> round(one_block.a, 2), round(ten_blocks.a, 2)  # ten equal blocks move the slope further than one
    (0.79, 0.37)
    """
    if len(raw) == 0:
        return Calibration()
    names, block = np.unique((as_of - as_of.min()) // horizon, return_inverse=True)
    common, _ = _blockwise(raw, label, block, len(names), SLOPE)
    slope = float(np.clip(1 + _lasting_share(SLOPE_DEVIATION**2, len(names)) * (common - 1), *SLOPE))
    level = _level(raw, slope)
    shifts = _blockwise(slope * raw, label, block, len(names), (1.0, 1.0))[1] - level
    spread = ((shifts - shifts.mean()) ** 2).sum() + ASSUMED_BLOCKS * SHIFT_DEVIATION**2
    lasting = shifts.mean() * _lasting_share(spread / (ASSUMED_BLOCKS + len(shifts) - 1), len(shifts))
    return Calibration(slope, float(np.clip(level + lasting, *SHIFT)))


def calibration_rows(at_risk: Mask, label: Array) -> Mask:
    """The rows that a line is fitted on, a mask of shape (rows,): those at risk, which the line is meant for.

    at_risk: sellers with the minimum volume and not in breach. Sellers in breach need another slope (will they stay in
    breach?); one line for both would be too flat for those at risk. All rows, if those at risk have fewer than LEAST
    labels 0 or 1.
    """
    ones = label[at_risk].sum()
    return at_risk if min(ones, at_risk.sum() - ones) >= LEAST else np.ones_like(at_risk)


def _lasting_share(variance: float, blocks: int) -> float:
    """The share of the blocks' mean effect that is expected to last; variance: of the effect between blocks."""
    return LASTING**2 / (LASTING**2 + variance / blocks)


def _blockwise(raw: Array, label: Array, block: Ints, blocks: int, slopes: tuple[float, float]) -> tuple[float, Array]:
    """A common slope within bounds and each block's intercept, by penalised maximum likelihood."""

    def loss(beta: Array) -> tuple[float, Array]:
        served = beta[0] * raw + beta[1:][block]
        gap = expit(served) - label
        steps = np.concatenate([[gap @ raw], np.bincount(block, gap, blocks) + BLOCK_PENALTY * beta[1:]])
        value = (np.logaddexp(0, served) - label * served).sum() + BLOCK_PENALTY * (beta[1:] @ beta[1:]) / 2
        return float(value) / len(raw), steps / len(raw)

    start = np.concatenate([[1.0], np.zeros(blocks)])
    fitted = minimize(loss, start, jac=True, bounds=[slopes] + [SHIFT] * blocks, method="L-BFGS-B")
    return float(fitted.x[0]), fitted.x[1:]


def _level(raw: Array, slope: float) -> float:
    """The shift under which the mean probability equals that of raw."""
    mean = expit(raw).mean()
    return float(brentq(lambda c: expit(slope * raw + c).mean() - mean, -WIDEST, WIDEST))
