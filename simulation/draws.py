"""Random numbers by seed, block of sellers and purpose, and the distributions that numpy lacks."""

from collections.abc import Sequence
from zlib import crc32

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
MARKET = -1 + 2**32  # the block number of draws that are made once for all sellers


def generator(seed: int, block: int, purpose: str) -> Generator:
    """A random stream for each purpose, so that one more draw here changes no draw elsewhere."""
    return Generator(PCG64(SeedSequence((seed, block, crc32(purpose.encode())))))


def log_logistic(u: Floats, median: Floats, shape: float) -> Floats:
    """Quantiles at u in [0, 1) of the log-logistic distribution: median (u / (1 - u))^(1 / shape); any one shape."""
    out: Floats = median * (u / (1 - u)) ** (1 / shape)
    return out


def log_logistic_above(x: Floats, median: Floats, shape: float) -> Floats:
    """P(X > x) = 1 / (1 + (x / median)^shape) of the same distribution; 1 where x <= 0."""
    out: Floats = 1 / (1 + (np.maximum(x, 0) / median) ** shape)
    return out


def between(draws: Generator, limits: Sequence[float], size: int) -> Floats:
    """Uniform draws in [lowest, highest), shape (size,)."""
    lowest, highest = limits
    return lowest + (highest - lowest) * draws.random(size)


def log_normal(draws: Generator, spread: float, size: int | tuple[int, int], most: float = 4.0) -> Floats:
    """Factors with mean 1 (before the cut), log standard deviation `spread`, cut at `most`."""
    out: Floats = np.minimum(np.exp(spread * draws.standard_normal(size) - spread**2 / 2), most)
    return out


def choice(draws: Generator, weights: Sequence[float], size: int) -> Ints:
    """Numbers 0 .. len(weights) - 1 in these proportions, shape (size,)."""
    steps = np.cumsum(np.asarray(weights) / np.sum(weights))
    return np.minimum(np.searchsorted(steps, draws.random(size), side="right"), len(weights) - 1).astype(np.int64)


def drift(draws: Generator, sellers: int, days: int, step: int, memory: float) -> Floats:
    """Slowly changing standard normal values, shape (sellers, days).

    They are drawn every `step` days, each draw correlated with the one before, and interpolated in between.
    """
    knots = draws.standard_normal((sellers, days // step + 2))
    for k in range(1, knots.shape[1]):
        knots[:, k] = memory * knots[:, k - 1] + np.sqrt(1 - memory**2) * knots[:, k]
    at = np.arange(days)
    whole, part = at // step, (at % step) / step
    out: Floats = knots[:, whole] * (1 - part) + knots[:, whole + 1] * part
    return out


def where(condition: ArrayLike, yes: ArrayLike, no: ArrayLike) -> Floats:
    """np.where with floats as its type."""
    return np.asarray(np.where(condition, yes, no), dtype=np.float64)
