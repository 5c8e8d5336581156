"""Bootstrap intervals: whole sellers, or whole blocks of time, are drawn again, and every score sees the same draws."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.metrics import average_precisions, squared_error

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
REPLICATES = 200
FIGURES = ("average_precision", "brier")


@dataclass(frozen=True)
class Draws:
    """counts: shape (replicates, groups), how often each was drawn; group: shape (rows,), the group of each row."""

    counts: Ints
    group: Ints


def draw(group: NDArray[np.generic], seed: int = 0, replicates: int = REPLICATES) -> Draws:
    """Draws of as many groups as there are, with replacement."""
    names, code = np.unique(group, return_inverse=True)
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=replicates)
    return Draws(counts.astype(np.int64), code.astype(np.int64))


def draw_sellers(seller_id: NDArray[np.object_]) -> Draws:
    """Draws of sellers: rows of one seller stand and fall together."""
    return draw(seller_id.astype(str))


def draw_blocks(as_of: Ints, horizon: int) -> Draws:
    """Draws of blocks of one horizon in time: rows whose outcomes overlap stand and fall together."""
    return draw((as_of - as_of.min()) // horizon)


def replicate(label: Array, scores: Sequence[Array], draws: Draws) -> dict[str, Array]:
    """Average precision and Brier of each draw, shape (replicates,); means over the scores given (a model's seeds)."""
    ranked = [average_precisions(label, score, draws.counts, draws.group) for score in scores]
    error = np.mean([squared_error(label, score) for score in scores], axis=0)
    rows, errors = np.bincount(draws.group), np.bincount(draws.group, error)
    brier = (draws.counts @ errors) / (draws.counts @ rows)
    return {"average_precision": np.mean(ranked, axis=0), "brier": brier}


def ci95(own: dict[str, Array], reference: dict[str, Array], against: str) -> dict[str, list[float] | None]:
    """Percentile intervals of a score's replicates and of its paired differences from the reference's."""
    plain = {figure: _interval(own[figure]) for figure in FIGURES}
    paired = {f"{figure}_minus_{against}": _interval(own[figure] - reference[figure]) for figure in FIGURES}
    return plain | paired


def _interval(values: Array) -> list[float] | None:
    known = values[np.isfinite(values)]
    return [float(q) for q in np.quantile(known, [0.025, 0.975])] if len(known) else None
