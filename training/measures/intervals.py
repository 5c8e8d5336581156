"""Bootstrap intervals: whole sellers, or whole blocks of time, are resampled; every score uses the same draws.

Rows of one group depend on each other, so groups are drawn and not rows (cluster bootstrap; Efron and Tibshirani 1993).
The interval of a figure, or of a difference of figures, reaches from its replicates' 2.5% to their 97.5% quantile.
Fewer than LEAST_GROUPS groups are not drawn: they cannot show how much a figure varies, so it has no interval.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from training.measures.metrics import average_precisions, squared_error
from training.report_schema import Interval

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
REPLICATES = 200
LEAST_GROUPS = 3  # sellers or blocks of time; of two, half of the draws hold one group alone
FIGURES: tuple[Literal["average_precision", "brier"], ...] = ("average_precision", "brier")


@dataclass(frozen=True)
class Draws:
    """Bootstrap draws. counts: how often each group was drawn, (replicates, groups); group: of each row, (rows,)."""

    counts: Ints
    group: Ints


def draw(group: NDArray[np.generic], seed: int = 0, replicates: int = REPLICATES) -> Draws:
    """Draws of groups with replacement, as many as there are. group: of each row, shape (rows,); fixed by the seed.

    No draws, counts of shape (0, groups), where there are fewer than LEAST_GROUPS.

    >>> found = draw(np.array(["a", "a", "b", "c"]), replicates=5)
    >>> found.counts.shape, found.counts.sum(axis=1).tolist(), found.group.tolist()
    ((5, 3), [3, 3, 3, 3, 3], [0, 0, 1, 2])
    >>> draw(np.array(["a", "a", "b"])).counts.shape
    (0, 2)
    """
    names, code = np.unique(group, return_inverse=True)
    rng = np.random.default_rng(seed)
    if len(names) < LEAST_GROUPS:
        return Draws(np.empty((0, len(names)), np.int64), code.astype(np.int64))
    counts = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=replicates)
    return Draws(counts.astype(np.int64), code.astype(np.int64))


def draw_sellers(seller_id: NDArray[np.object_]) -> Draws:
    """Draws of sellers: all rows of a seller are drawn together. seller_id: shape (rows,)."""
    return draw(seller_id.astype(str))


def draw_blocks(as_of: Ints, horizon: int) -> Draws:
    """Draws of blocks of time, one horizon (days) long, since outcomes within a horizon overlap."""
    return draw((as_of - as_of.min(initial=0 if not len(as_of) else as_of[0])) // horizon)


def replicate(label: Array, scores: Sequence[Array], draws: Draws) -> dict[str, Array]:
    """Average precision and Brier score of each draw, both of shape (replicates,) and within 0..1.

    label: 0 or 1, shape (rows,); scores: each of shape (rows,), for example one a seed; figures are means over them.
    Average precision is nan in a draw without a row of label 1.
    """
    if not len(draws.counts):
        return {figure: np.empty(0) for figure in FIGURES}
    ranked = [average_precisions(label, score, draws.counts, draws.group) for score in scores]
    error = np.mean([squared_error(label, score) for score in scores], axis=0)
    rows, errors = np.bincount(draws.group), np.bincount(draws.group, error)
    brier = (draws.counts @ errors) / (draws.counts @ rows)
    return {"average_precision": np.mean(ranked, axis=0), "brier": brier}


def ci95(own: dict[str, Array], reference: dict[str, Array], against: str) -> dict[str, Interval]:
    """95% intervals of a score's figures, and of the paired differences: the score's minus the reference's."""
    plain = {figure: interval_95(own[figure]) for figure in FIGURES}
    paired = {f"{figure}_minus_{against}": interval_95(own[figure] - reference[figure]) for figure in FIGURES}
    return plain | paired


def interval_95(values: Array) -> Interval:
    """The 2.5% and 97.5% quantiles of the replicates that have a value (shape (replicates,)); None where none has."""
    known = values[np.isfinite(values)]
    return [float(q) for q in np.quantile(known, [0.025, 0.975])] if len(known) else None
