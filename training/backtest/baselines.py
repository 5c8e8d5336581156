"""Baselines: simple scores that a marketplace could use today. Each is a column of shape (rows,)."""

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from core.block import Block
from features.standards.standard import Standard

Array = NDArray[np.float64]
PRIOR_ORDERS = 20  # prior strength of the market's rate in the shrunk rate, as in the frozen reference
TAIL = 0.01  # values outside these quantiles of the training values are clipped: amounts and counts have heavy tails
PENALTY = 0.1
SIZES = {  # boosting without the roll-forward as offset: few small trees, and many large trees
    "small_boosting": ({"num_leaves": 4, "max_depth": 2, "learning_rate": 0.1, "min_data_in_leaf": 100}, 50),
    "large_boosting": ({"num_leaves": 63, "learning_rate": 0.05, "min_data_in_leaf": 20, "feature_fraction": 0.5}, 500),
}
COMMON = {
    "objective": "binary",
    "seed": 0,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}


def current_metric(standard: Standard, block: Block) -> Array:
    """Bad events over volume in the window, 0 without volume."""
    bad, volume = standard.counts(block)
    return np.asarray(bad / np.maximum(volume, 1))


def shrunk_rate(standard: Standard, block: Block) -> Array:
    """The current rate shrunk to the market's by PRIOR_ORDERS orders."""
    bad, volume = standard.counts(block)
    return np.asarray((bad + PRIOR_ORDERS * group_rate(standard, block, "market")) / (volume + PRIOR_ORDERS))


def peer_only(standard: Standard, block: Block) -> Array:
    """The rate of the seller's peer group at as_of."""
    return group_rate(standard, block, "peer")


def group_rate(standard: Standard, block: Block, group: str) -> Array:
    """Bad events over volume in the window of a published group (market, peer), 0 without volume."""
    days = standard.window_days
    bad = sum(block[f"{group}_{q}_{days}"] for q in standard.numerator)
    volume = sum(block[f"{group}_{q}_{days}"] for q in standard.denominator)
    return np.asarray(bad / np.maximum(volume, 1))


def logistic(train: Array, label: Array, test: Array) -> Array:
    """Probabilities of a ridge-penalised logistic regression on standardised features; missing values become the mean.

    train: shape (train rows, features); test: shape (test rows, features); label: 0 or 1, both present.
    """
    known = np.isfinite(train).any(axis=0)
    low, high = np.nanquantile(train[:, known], [TAIL, 1 - TAIL], axis=0)
    train, test = (np.clip(matrix[:, known], low, high) for matrix in (train, test))
    middle, spread = np.nanmean(train, axis=0), np.nanstd(train, axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    model = LogisticRegression(C=PENALTY, solver="newton-cholesky")
    model.fit(np.nan_to_num((train - middle) / scale), label)
    return np.asarray(model.predict_proba(np.nan_to_num((test - middle) / scale))[:, 1])


def boosting(size: str, train: Array, label: Array, test: Array) -> Array:
    """Probabilities of boosting with the settings of one of SIZES, shape (test rows,); arrays as for `logistic`."""
    settings, rounds = SIZES[size]
    trees = lgb.train(settings | COMMON, lgb.Dataset(train, label), rounds)
    return np.asarray(trees.predict(test, num_threads=1))
