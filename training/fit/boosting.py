"""Fits one risk model: chooses its features, fits trees on the roll-forward's offset, and a calibration line."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeVar

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from models.arithmetic.calibration import Calibration
from training.fit.calibration import calibration_rows, fit_line
from training.fit.tree_settings import LEARNING_RATES, PRESENT, TreeSettings
from training.measures.metrics import log_loss

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
T = TypeVar("T")
R = TypeVar("R")
Fold = tuple[Mask, Mask]  # rows to learn from, and rows to predict
MapFolds = Callable[
    [Callable[[Fold], lgb.Booster], Sequence[Fold]], Iterable[lgb.Booster]
]  # in sequence or in parallel
SEEDS = (0, 1, 2, 3, 4)  # seed 0 is the model served
ENOUGH_BLOCKS = 6  # of 28 days are about half a year; fewer cover one season only
INNER_FOLDS = 4


@dataclass(frozen=True)
class TrainingMatrix:
    """The input of a fit: matrix (rows, features) with the features' names; the rest of shape (rows,).

    offset: the roll-forward's clipped log-odds; label: 0 or 1, nan where unknown (such rows are not fitted). at_risk:
    the seller has the minimum volume and is not in breach, so may be queued; None: all rows.
    """

    names: tuple[str, ...]
    matrix: Array
    offset: Array
    label: Array
    as_of: Ints
    at_risk: Mask | None = None

    def __len__(self) -> int:
        return len(self.as_of)

    def take(self, rows: Mask | Ints) -> "TrainingMatrix":
        """The rows of a mask, or by number."""
        at_risk = None if self.at_risk is None else self.at_risk[rows]
        return TrainingMatrix(
            self.names, self.matrix[rows], self.offset[rows], self.label[rows], self.as_of[rows], at_risk
        )

    def only(self, names: Sequence[str]) -> "TrainingMatrix":
        """The same rows with these features."""
        return replace(self, names=tuple(names), matrix=self.matrix[:, [self.names.index(name) for name in names]])


@dataclass(frozen=True)
class CalibratedTrees:
    """Trees, calibration line, and the out-of-time raw log-odds that it was fitted on (shape (rows,); nan: none)."""

    trees: lgb.Booster
    line: Calibration
    raw: Array

    def probability(self, rows: TrainingMatrix) -> Array:
        """Probabilities of rows that have its features, shape (rows,)."""
        return np.asarray(expit(self.line.apply(self.log_odds(rows))))

    def log_odds(self, rows: TrainingMatrix) -> Array:
        """Offset and trees, before the line, shape (rows,)."""
        return rows.offset + tree_sum(self.trees, rows)


def fit(
    rows: TrainingMatrix, horizon: int, seed: int, raw: Array | None = None, trees: TreeSettings = PRESENT
) -> CalibratedTrees:
    """Fit the line on out-of-time predictions of inner folds, and the trees on every row (docs/contract.md section 5).

    raw: those predictions if already computed: shape (rows,), nan for rows without one.
    """
    raw = out_of_time(rows, horizon, seed, trees) if raw is None else raw
    predicted = np.flatnonzero(np.isfinite(raw))
    if rows.at_risk is not None:
        predicted = predicted[calibration_rows(rows.at_risk[predicted], rows.label[predicted])]
    return CalibratedTrees(
        boost(rows, seed, trees), fit_line(raw[predicted], rows.label[predicted], rows.as_of[predicted], horizon), raw
    )


def choose(rows: TrainingMatrix, feature_lists: Sequence[tuple[str, ...]], horizon: int) -> tuple[str, ...]:
    """The first list of features, unless a later one lowers the out-of-time log loss by more than a standard error.

    The standard error is that of the mean difference over as-of days. A smaller gain would be noise.
    """
    losses = side_by_side(lambda names: daily_loss(rows.only(names), horizon), feature_lists)
    return feature_lists[first_unless_better(losses)]


def choose_learning_rate(rows: TrainingMatrix, horizon: int) -> TreeSettings:
    """The default settings with one of LEARNING_RATES, by the same rule over blocks of one horizon.

    With fewer than ENOUGH_BLOCKS in the inner folds it is the first rate: one season does not show which is best.
    """
    if blocks_predicted(rows, usable_folds(rows, horizon), horizon) < ENOUGH_BLOCKS:
        return PRESENT
    candidates = [replace(PRESENT, learning_rate=rate, rounds=rounds) for rate, rounds in LEARNING_RATES]
    return candidates[first_unless_better(side_by_side(lambda trees: block_loss(rows, horizon, trees), candidates))]


def blocks_predicted(rows: TrainingMatrix, folds: Sequence[Fold], horizon: int) -> int:
    """The number of blocks of one horizon that the folds' predicted rows at risk cover."""
    predicted = np.any([inside for _, inside in folds], axis=0) if folds else np.zeros(len(rows), bool)
    counted = predicted if rows.at_risk is None else predicted & rows.at_risk
    return len(np.unique(blocks_of(rows.as_of[counted], horizon))) if counted.any() else 0


def blocks_of(days: Ints, horizon: int) -> Ints:
    """The number of the block of one horizon that each day lies in."""
    return np.asarray((days - days.min()) // horizon)


def first_unless_better(losses: Sequence[Array]) -> int:
    """The index of the first candidate, unless a later one lowers the mean loss by more than a standard error."""
    best = 0
    for other in range(1, len(losses)):
        gain = losses[best] - losses[other]
        if len(gain) > 1 and gain.mean() > gain.std(ddof=1) / np.sqrt(len(gain)):
            best = other
    return best


def daily_loss(rows: TrainingMatrix, horizon: int) -> Array:
    """The out-of-time log loss of each as-of day that an inner fold predicts, in date order."""
    return _loss_by_day(rows, out_of_time(rows, horizon, SEEDS[0]))[1]


def block_loss(rows: TrainingMatrix, horizon: int, trees: TreeSettings) -> Array:
    """The mean daily out-of-time log loss of each block of one horizon, over rows at risk."""
    return loss_by_block(rows, horizon, out_of_time(rows, horizon, SEEDS[0], trees))


def loss_by_block(rows: TrainingMatrix, horizon: int, raw: Array) -> Array:
    """The mean daily log loss of raw log-odds (nan: none) in each block, over rows at risk, shape (blocks,)."""
    days, losses = _loss_by_day(rows, raw if rows.at_risk is None else np.where(rows.at_risk, raw, np.nan))
    block = np.unique(blocks_of(days, horizon), return_inverse=True)[1]
    return np.asarray(np.bincount(block, losses) / np.bincount(block))


def _loss_by_day(rows: TrainingMatrix, raw: Array) -> tuple[Ints, Array]:
    days = np.unique(rows.as_of[np.isfinite(raw)])
    of_day = [(rows.as_of == day) & np.isfinite(raw) for day in days]
    return days, np.array([log_loss(rows.label[day], expit(raw[day])) for day in of_day])


def boost(rows: TrainingMatrix, seed: int, trees: TreeSettings = PRESENT) -> lgb.Booster:
    """Trees boosted from the rows' offset; the same rows and seed give the same bytes."""
    data = lgb.Dataset(rows.matrix, rows.label, init_score=rows.offset, feature_name=list(rows.names))
    parameters = trees.parameters() | {"seed": seed, "learning_rate": trees.learning_rate}
    return lgb.train(parameters, data, trees.rounds)


def tree_sum(trees: lgb.Booster, rows: TrainingMatrix) -> Array:
    """What the trees add to the offset, in log-odds, shape (rows,)."""
    # Without num_threads, predict would set LightGBM's global thread count while other threads are fitting.
    return np.asarray(trees.predict(rows.matrix, raw_score=True, num_threads=1)) if len(rows) else np.empty(0)


def out_of_time(rows: TrainingMatrix, horizon: int, seed: int, trees: TreeSettings = PRESENT) -> Array:
    """Raw log-odds of each row from trees fitted on labels known before its fold, shape (rows,); nan outside folds."""
    return out_of_fold(rows, usable_folds(rows, horizon), seed, trees)[0]


def out_of_fold(
    rows: TrainingMatrix, folds: Sequence[Fold], seed: int, trees: TreeSettings, map_folds: MapFolds = map
) -> tuple[Array, list[lgb.Booster]]:
    """Raw log-odds of the rows inside the folds, shape (rows,), nan elsewhere; and the trees of each fold."""
    boosters = list(map_folds(lambda fold: boost(rows.take(fold[0]), seed, trees), folds))
    raw = np.full(len(rows), np.nan)
    for (_, inside), booster in zip(folds, boosters, strict=True):
        raw[inside] = rows.offset[inside] + tree_sum(booster, rows.take(inside))
    return raw, boosters


def usable_folds(rows: TrainingMatrix, horizon: int) -> list[Fold]:
    """The inner folds before which labels of both classes were known."""
    folds = inner_folds(rows.as_of, horizon) if len(rows) else ()
    return [(before, inside) for before, inside in folds if before.any() and 0 < rows.label[before].mean() < 1]


def side_by_side(task: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """The task's result for every item, in the order of the items; runs one thread per processor."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(task, items))


def inner_folds(as_of: Ints, horizon: int) -> Iterator[Fold]:
    """Forward-chained folds: the rows whose labels were known when the fold begins, and the rows of the fold.

    The first horizon and a third of the remaining days are for learning only; INNER_FOLDS folds share the rest.
    """
    first, last = int(as_of.min()), int(as_of.max())
    opens = first + horizon + (last - first - horizon) // 3
    edges = np.linspace(opens, last + 1, INNER_FOLDS + 1).astype(np.int64).tolist()
    for start, end in pairwise(edges):
        inside = (as_of >= start) & (as_of < end)
        if inside.any():
            yield as_of + horizon <= start, inside
