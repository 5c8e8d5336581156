"""What a record teaches the better roll-forward: the six numbers of training.forward, by maximum likelihood.

They are read from what came in the horizon after each row, counts and not breaches: a count says far more than the one
bit of a label, and six numbers cannot learn a season by heart.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import gammaln

from features.block import Block
from features.labels import counts_at
from features.ledger import Ledger
from features.standards import Standard
from features.table import FeatureTable
from models import beta_binomial, roll_forward
from training import forward
from training.forward import UNTAUGHT, Forward

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
ENOUGH_ROWS = 8000  # of more rows, evenly spaced ones: weekly rows overlap, and six numbers need no more
RANGES = {
    "strength": (1.0, 500.0),
    "peers": (1.0, 3000.0),
    "memory": (5.0, 1000.0),
    "unrest": (1e-5, 1.0),
    "scatter": (0.002, 4.0),
    "hazard": (0.001, 10.0),
}
OF_RATE = ("strength", "peers", "memory", "unrest", "hazard")
PULL = 10.0  # rows that the untaught values count for, a factor e from them being one standard deviation


def learned(ledger: Ledger, table: FeatureTable, standard: Standard, horizon: int, rows: Ints) -> Forward:
    """The Forward under which what came after the rows (numbers into the table) is most likely; untaught without any.

    Rows whose volume to come is nothing, or less than its bad events, say nothing of the rate.
    """
    some = rows[:: max(-(-len(rows) // ENOUGH_ROWS), 1)]
    bad, volume = came(ledger, table, standard, horizon, some)
    block, sure = table.block.take(some), (volume > 0) & (bad <= volume)
    if not sure.any():
        return UNTAUGHT
    lately = standard.counts(block, min(horizon, standard.window_days))[1]
    scatter = fitted(("scatter",), lambda one: volume_likelihood(volume, lately, one.scatter)).scatter
    rates = fitted(OF_RATE, rate_likelihood(standard, block.take(sure), horizon, bad[sure], volume[sure]))
    return replace(rates, scatter=scatter)


def came(ledger: Ledger, table: FeatureTable, standard: Standard, horizon: int, rows: Ints) -> tuple[Array, Array]:
    """Bad events and volume that came in the horizon after each row (at most a window's worth), shapes (rows,)."""
    arrived = replace(standard, window_days=min(horizon, standard.window_days))
    return counts_at(ledger, arrived, table.seller_id[rows], table.as_of[rows] + horizon)


def rate_likelihood(
    standard: Standard, block: Block, horizon: int, bad: Array, volume: Array
) -> Callable[[Forward], Array]:
    """log P of the bad events that came, given the volume and a Forward, shape (rows,)."""
    counts, seen = roll_forward.counts(standard, block, horizon), forward.past(standard, block)

    def likelihood(one: Forward) -> Array:
        rate, evidence = forward.belief(standard, counts, seen, one)
        return beta_binomial.log_pmf(bad, volume, rate * evidence, (1 - rate) * evidence)

    return likelihood


def volume_likelihood(volume: Array, lately: Array, scatter: float) -> Array:
    """log P of the volumes that came, negative binomial about what came lately, shape (rows,)."""
    mean, size = np.maximum(lately, forward.LEAST_COMING), 1 / scatter
    ways = gammaln(volume + size) - gammaln(size) - gammaln(volume + 1)
    return np.asarray(ways + size * np.log(size / (mean + size)) + volume * np.log(mean / (mean + size)))


def fitted(names: tuple[str, ...], likelihood: Callable[[Forward], Array]) -> Forward:
    """The untaught values with the named ones (looked for on a log scale) where the mean log likelihood is highest."""
    start = np.log([getattr(UNTAUGHT, name) for name in names])

    def loss(logs: Array) -> float:
        found = likelihood(_with(names, logs))
        return float(PULL * ((logs - start) ** 2).sum() / 2 - found.sum()) / len(found)

    bounds = [tuple(np.log(RANGES[name])) for name in names]
    return _with(names, minimize(loss, start, method="L-BFGS-B", bounds=bounds).x)


def _with(names: tuple[str, ...], logs: Array) -> Forward:
    return replace(UNTAUGHT, **dict(zip(names, np.exp(logs).tolist(), strict=True)))
