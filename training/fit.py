"""Fitting one risk model: which features, the trees on top of the roll-forward, and the line through what they say."""

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

from models.calibration import Calibration
from training.line import fit_line, told
from training.metrics import log_loss
from training.trees import PACES, PRESENT, TreeSettings

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
T = TypeVar("T")
R = TypeVar("R")
Fold = tuple[Mask, Mask]  # rows to learn from, and rows to tell of
Each = Callable[[Callable[[Fold], lgb.Booster], Sequence[Fold]], Iterable[lgb.Booster]]  # one after the other, or not
SEEDS = (0, 1, 2, 3, 4)  # seed 0 is the model served
ENOUGH_BLOCKS = 6  # half a year of blocks of 28 days; fewer tell of one season
INNER_FOLDS = 4


@dataclass(frozen=True)
class Rows:
    """What a model learns from: matrix (rows, features) with the features' names; the rest of shape (rows,).

    offset: the roll-forward's clipped log-odds; label: 0 or 1, nan where unknown (never learned from). free: with the
    minimum volume and not in breach, those whom the queue is for; None: all.
    """

    names: tuple[str, ...]
    matrix: Array
    offset: Array
    label: Array
    as_of: Ints
    free: Mask | None = None

    def __len__(self) -> int:
        return len(self.as_of)

    def take(self, rows: Mask | Ints) -> "Rows":
        """The rows of a mask, or by number."""
        free = None if self.free is None else self.free[rows]
        return Rows(self.names, self.matrix[rows], self.offset[rows], self.label[rows], self.as_of[rows], free)

    def only(self, names: Sequence[str]) -> "Rows":
        """The same rows with these features."""
        return replace(self, names=tuple(names), matrix=self.matrix[:, [self.names.index(name) for name in names]])


@dataclass(frozen=True)
class Fitted:
    """Trees, line, and the out-of-time raw log-odds the line comes from (shape (rows,); nan for the earliest rows)."""

    trees: lgb.Booster
    line: Calibration
    raw: Array

    def probability(self, rows: Rows) -> Array:
        """What the model says of rows that have its features, shape (rows,)."""
        return np.asarray(expit(self.line.apply(self.log_odds(rows))))

    def log_odds(self, rows: Rows) -> Array:
        """Offset and trees, before the line, shape (rows,)."""
        return rows.offset + tree_sum(self.trees, rows)


def fit(rows: Rows, horizon: int, seed: int, raw: Array | None = None, trees: TreeSettings = PRESENT) -> Fitted:
    """The line from out-of-time predictions of inner folds, then the trees on every row (contract.md section 5).

    raw: those predictions, where they are known already: shape (rows,), nan for rows without one.
    """
    raw = out_of_time(rows, horizon, seed, trees) if raw is None else raw
    seen = np.flatnonzero(np.isfinite(raw))
    if rows.free is not None:
        seen = seen[told(rows.free[seen], rows.label[seen])]
    return Fitted(boost(rows, seed, trees), fit_line(raw[seen], rows.label[seen], rows.as_of[seen], horizon), raw)


def choose(rows: Rows, candidates: Sequence[tuple[str, ...]], horizon: int) -> tuple[str, ...]:
    """The first list of features, unless a later one's out-of-time log loss is less by more than a standard error.

    The error is that of the mean difference over as-of days. A longer list must earn its place: a gain within the
    noise of a few weeks is none in the next season.
    """
    losses = side_by_side(lambda names: daily_loss(rows.only(names), horizon), candidates)
    return candidates[first_unless_better(losses)]


def choose_pace(rows: Rows, horizon: int) -> TreeSettings:
    """The present settings at one of the PACES, by the same rule over blocks of one horizon: weeks share its weather.

    The first where the inner folds tell of fewer than ENOUGH_BLOCKS: how much to learn cannot be known from one season.
    """
    if blocks_told(rows, list(inner_folds(rows.as_of, horizon)) if len(rows) else [], horizon) < ENOUGH_BLOCKS:
        return PRESENT
    offered = [replace(PRESENT, learning_rate=rate, rounds=rounds) for rate, rounds in PACES]
    return offered[first_unless_better(side_by_side(lambda trees: block_loss(rows, horizon, trees), offered))]


def blocks_told(rows: Rows, folds: Sequence[Fold], horizon: int) -> int:
    """How many blocks of one horizon the rows of these folds lie in."""
    if not folds:
        return 0
    return len(np.unique(blocks_of(np.concatenate([rows.as_of[inside] for _, inside in folds]), horizon)))


def blocks_of(days: Ints, horizon: int) -> Ints:
    """The number of the block of one horizon that each day lies in."""
    return np.asarray((days - days.min()) // horizon)


def first_unless_better(losses: Sequence[Array]) -> int:
    """The number of the first losses, unless later ones are less by more than a standard error."""
    best = 0
    for other in range(1, len(losses)):
        gain = losses[best] - losses[other]
        if len(gain) > 1 and gain.mean() > gain.std(ddof=1) / np.sqrt(len(gain)):
            best = other
    return best


def daily_loss(rows: Rows, horizon: int) -> Array:
    """The out-of-time log loss of each as-of day that an inner fold tells of, in order of days."""
    return _loss_by_day(rows, out_of_time(rows, horizon, SEEDS[0]))[1]


def block_loss(rows: Rows, horizon: int, trees: TreeSettings) -> Array:
    """The same for each block of one horizon, of the free rows: the mean of its days."""
    return loss_by_block(rows, horizon, out_of_time(rows, horizon, SEEDS[0], trees))


def loss_by_block(rows: Rows, horizon: int, raw: Array) -> Array:
    """The log loss of raw log-odds (nan: not asked) in each block of one horizon, of the free rows, shape (blocks,)."""
    days, losses = _loss_by_day(rows, raw if rows.free is None else np.where(rows.free, raw, np.nan))
    block = np.unique(blocks_of(days, horizon), return_inverse=True)[1]
    return np.asarray(np.bincount(block, losses) / np.bincount(block))


def _loss_by_day(rows: Rows, raw: Array) -> tuple[Ints, Array]:
    days = np.unique(rows.as_of[np.isfinite(raw)])
    told = [(rows.as_of == day) & np.isfinite(raw) for day in days]
    return days, np.array([log_loss(rows.label[day], expit(raw[day])) for day in told])


def boost(rows: Rows, seed: int, trees: TreeSettings = PRESENT) -> lgb.Booster:
    """Trees on top of the rows' offset; the same rows and seed give the same bytes."""
    data = lgb.Dataset(rows.matrix, rows.label, init_score=rows.offset, feature_name=list(rows.names))
    told = trees.parameters() | {"seed": seed, "learning_rate": trees.learning_rate}
    return lgb.train(told, data, trees.rounds)


def tree_sum(trees: lgb.Booster, rows: Rows) -> Array:
    """What the trees add to the offset, in log-odds, shape (rows,)."""
    # Without a number of its own, predict would set every thread's to the machine's while others are fitting.
    return np.asarray(trees.predict(rows.matrix, raw_score=True, num_threads=1)) if len(rows) else np.empty(0)


def out_of_time(rows: Rows, horizon: int, seed: int, trees: TreeSettings = PRESENT) -> Array:
    """Raw log-odds of each row from trees that saw only labels known before its fold, shape (rows,); else nan."""
    return out_of_fold(rows, usable_folds(rows, horizon), seed, trees)[0]


def out_of_fold(
    rows: Rows, folds: Sequence[Fold], seed: int, trees: TreeSettings, each: Each = map
) -> tuple[Array, list[lgb.Booster]]:
    """Raw log-odds of the rows inside the folds, shape (rows,), nan elsewhere; and the trees of each fold."""
    grown = list(each(lambda fold: boost(rows.take(fold[0]), seed, trees), folds))
    raw = np.full(len(rows), np.nan)
    for (_, inside), booster in zip(folds, grown, strict=True):
        raw[inside] = rows.offset[inside] + tree_sum(booster, rows.take(inside))
    return raw, grown


def usable_folds(rows: Rows, horizon: int) -> list[Fold]:
    """The inner folds before which both kinds of label were known."""
    folds = inner_folds(rows.as_of, horizon) if len(rows) else ()
    return [(before, inside) for before, inside in folds if before.any() and 0 < rows.label[before].mean() < 1]


def side_by_side(task: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """The task on every item, as many at once as there are processors; results in the order of the items."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(task, items))


def inner_folds(as_of: Ints, horizon: int) -> Iterator[Fold]:
    """Forward-chained folds: rows whose labels were known when the fold opens, and the rows of the fold.

    The folds share out the days that come after one horizon and a third of what then is left.
    """
    first, last = int(as_of.min()), int(as_of.max())
    opens = first + horizon + (last - first - horizon) // 3
    edges = np.linspace(opens, last + 1, INNER_FOLDS + 1).astype(np.int64).tolist()
    for start, end in pairwise(edges):
        inside = (as_of >= start) & (as_of < end)
        if inside.any():
            yield as_of + horizon <= start, inside
