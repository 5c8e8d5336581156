"""Fitting one risk model: trees boosted from the roll-forward, and the calibration line from out-of-time predictions."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from models import calibration
from models.calibration import Calibration

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
Progress = Callable[[str], None]
SEEDS = (0, 1, 2, 3, 4)  # seed 0 is the model served
ROUNDS = 200
INNER_FOLDS = 4
# Slow, shallow and strongly sampled: chosen on inner time folds of the three public records before the test period.
TREES = {
    "objective": "binary",
    "num_leaves": 15,
    "max_depth": 4,
    "learning_rate": 0.02,
    "min_data_in_leaf": 100,
    "bagging_fraction": 0.5,
    "bagging_freq": 1,
    "feature_fraction": 0.3,
    "lambda_l2": 10.0,
    "num_threads": 2,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}


@dataclass(frozen=True)
class Rows:
    """What a model learns from: matrix (rows, features); offset, label (0 or 1) and as_of of shape (rows,)."""

    matrix: Array
    offset: Array
    label: Array
    as_of: Ints

    def take(self, rows: Mask) -> "Rows":
        """The rows of a mask."""
        return Rows(self.matrix[rows], self.offset[rows], self.label[rows], self.as_of[rows])


@dataclass(frozen=True)
class Fitted:
    """Trees, line, and the out-of-time raw log-odds the line comes from (shape (rows,); nan for the earliest rows)."""

    trees: lgb.Booster
    line: Calibration
    raw: Array


def fit(rows: Rows, names: Sequence[str], horizon: int, seed: int) -> Fitted:
    """The line from inner folds, then the trees on every row (contract.md section 5)."""
    raw = out_of_time(rows, names, horizon, seed)
    seen = np.isfinite(raw)
    return Fitted(boost(rows, names, seed), calibration.fit(raw[seen], rows.label[seen]), raw)


def boost(rows: Rows, names: Sequence[str], seed: int, offset: Array | None = None) -> lgb.Booster:
    """Trees on top of the offset (the rows' own by default); the same rows and seed give the same bytes."""
    start = rows.offset if offset is None else offset
    data = lgb.Dataset(rows.matrix, rows.label, init_score=start, feature_name=list(names), free_raw_data=True)
    return lgb.train(TREES | {"seed": seed}, data, ROUNDS)


def out_of_time(rows: Rows, names: Sequence[str], horizon: int, seed: int) -> Array:
    """Raw log-odds of each row from trees that saw only labels known before its fold, shape (rows,); nan: no such fold."""
    raw = np.full(len(rows.label), np.nan)
    for before, inside in inner_folds(rows.as_of, horizon):
        if _both_classes(rows.label[before]):
            trees = boost(rows.take(before), names, seed)
            raw[inside] = rows.offset[inside] + np.asarray(trees.predict(rows.matrix[inside], raw_score=True))
    return raw


def inner_folds(as_of: Ints, horizon: int) -> Iterator[tuple[Mask, Mask]]:
    """Forward-chained folds: rows whose labels were known when the fold opens, and the rows of the fold.

    The folds share out the as-of days after the first third of the time that is left once a horizon has passed.
    """
    first, last = int(as_of.min()), int(as_of.max())
    opens = first + horizon + (last - first - horizon) // 3
    edges = np.linspace(opens, last + 1, INNER_FOLDS + 1).astype(np.int64)
    for start, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        inside = (as_of >= start) & (as_of < end)
        if start < end and inside.any():
            yield as_of + horizon <= start, inside


def _both_classes(label: Array) -> bool:
    return bool(len(label)) and 0 < label.mean() < 1
