"""Fits the six parameters of training.fit.roll_forward_v2 to a record, by penalised maximum likelihood.

They are fitted to the counts in the horizon after each row, not to breaches: a count holds more information than a
label of 0 or 1, and six parameters cannot overfit a season.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import gammaln

from core.block import Block
from features.labels import counts_at
from features.ledger.build import Ledger
from features.standards.standard import Standard
from features.table import FeatureTable
from models.arithmetic import beta_binomial, roll_forward
from training.fit import roll_forward_v2
from training.fit.roll_forward_v2 import DEFAULT_PARAMS, RollForwardParams

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
ENOUGH_ROWS = 8000  # more rows are thinned evenly: weekly rows overlap, and six parameters need no more
RANGES = {
    "strength": (1.0, 500.0),
    "peers": (1.0, 3000.0),
    "decay_days": (5.0, 1000.0),
    "process_noise": (1e-5, 1.0),
    "overdispersion": (0.002, 4.0),
    "hazard": (0.001, 10.0),
}
OF_RATE = ("strength", "peers", "decay_days", "process_noise", "hazard")
PULL = 10.0  # weight of the default values, in rows; a factor e from them is one standard deviation


def fit_roll_forward(
    ledger: Ledger, table: FeatureTable, standard: Standard, horizon: int, rows: Ints
) -> RollForwardParams:
    """The parameters under which the counts after the rows (numbers into the table) are most likely.

    The defaults if there are no usable rows. The rate is fitted on rows with volume and no more bad events than volume.
    """
    sample = rows[:: max(-(-len(rows) // ENOUGH_ROWS), 1)]
    bad, volume = counts_after(ledger, table, standard, horizon, sample)
    block, usable = table.block.take(sample), (volume > 0) & (bad <= volume)
    if not usable.any():
        return DEFAULT_PARAMS
    recent_volume = standard.counts(block, min(horizon, standard.window_days))[1]
    overdispersion = most_likely_params(
        ("overdispersion",), lambda one: volume_likelihood(volume, recent_volume, one.overdispersion)
    ).overdispersion
    rates = most_likely_params(
        OF_RATE, rate_likelihood(standard, block.take(usable), horizon, bad[usable], volume[usable])
    )
    return replace(rates, overdispersion=overdispersion)


def counts_after(
    ledger: Ledger, table: FeatureTable, standard: Standard, horizon: int, rows: Ints
) -> tuple[Array, Array]:
    """Bad events and volume in the horizon after each row (at most one window long), each of shape (rows,)."""
    of_horizon = replace(standard, window_days=min(horizon, standard.window_days))
    return counts_at(ledger, of_horizon, table.seller_id[rows], table.as_of[rows] + horizon)


def rate_likelihood(
    standard: Standard, block: Block, horizon: int, bad: Array, volume: Array
) -> Callable[[RollForwardParams], Array]:
    """log P of the observed bad events, given the volume and the parameters, shape (rows,)."""
    counts, seen = roll_forward.counts(standard, block, horizon), roll_forward_v2.past(standard, block)

    def likelihood(one: RollForwardParams) -> Array:
        rate, evidence = roll_forward_v2.belief(standard, counts, seen, one)
        return beta_binomial.log_pmf(bad, volume, rate * evidence, (1 - rate) * evidence)

    return likelihood


def volume_likelihood(volume: Array, recent_volume: Array, overdispersion: float) -> Array:
    """log P of the observed volumes, negative binomial about the recent volume, shape (rows,)."""
    mean, size = np.maximum(recent_volume, roll_forward_v2.LEAST_COMING), 1 / overdispersion
    ways = gammaln(volume + size) - gammaln(size) - gammaln(volume + 1)
    return np.asarray(ways + size * np.log(size / (mean + size)) + volume * np.log(mean / (mean + size)))


def most_likely_params(names: tuple[str, ...], likelihood: Callable[[RollForwardParams], Array]) -> RollForwardParams:
    """The defaults, with the named parameters (searched on a log scale) set to maximise the mean log likelihood."""
    start = np.log([getattr(DEFAULT_PARAMS, name) for name in names])

    def loss(logs: Array) -> float:
        log_likelihoods = likelihood(_with(names, logs))
        return float(PULL * ((logs - start) ** 2).sum() / 2 - log_likelihoods.sum()) / len(log_likelihoods)

    bounds = [tuple(np.log(RANGES[name])) for name in names]
    return _with(names, minimize(loss, start, method="L-BFGS-B", bounds=bounds).x)


def _with(names: tuple[str, ...], logs: Array) -> RollForwardParams:
    return replace(DEFAULT_PARAMS, **dict(zip(names, np.exp(logs).tolist(), strict=True)))
