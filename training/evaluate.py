"""A report's figures: every score on every slice, with paired intervals over sellers and over time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.intervals import FIGURES, Draws, ci95, draw_blocks, draw_sellers, replicate
from training.metrics import Metrics, average_precision, measure

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
REFERENCE = "roll_forward"
MODEL = "model"
DIGITS = 6  # kept of each draw


@dataclass(frozen=True)
class Scored:
    """Labelled test rows and their scores, arrays of shape (rows,). A score is a list: one column, or one a seed."""

    label: Array
    seller_id: NDArray[np.object_]
    as_of: Ints
    fold: Ints
    scores: Mapping[str, Sequence[Array]]

    def take(self, rows: Mask) -> "Scored":
        """The rows of a mask."""
        scores = {name: [column[rows] for column in columns] for name, columns in self.scores.items()}
        return Scored(self.label[rows], self.seller_id[rows], self.as_of[rows], self.fold[rows], scores)


def slice_figures(part: Scored, horizon: int) -> dict[str, Any]:
    """The figures of one slice; every score is null where only one class is there."""
    rows, sellers = len(part.label), len(np.unique(part.seller_id.astype(str)))
    base = float(part.label.mean()) if rows else None
    body: dict[str, Any] = {"rows": rows, "sellers": sellers, "base_rate": base}
    if base is None or not 0 < base < 1:
        return body | {"scores": dict.fromkeys(part.scores)}
    draws = {"ci95": draw_sellers(part.seller_id), "ci95_time": draw_blocks(part.as_of, horizon)}
    intervals = {key: _intervals(part, drawn) for key, drawn in draws.items()}
    around = {name: {key: found[name] for key, found in intervals.items()} for name in part.scores}
    return body | {"scores": {name: _figures(part, name) | around[name] for name in part.scores}}


def gain_over(part: Scored, reference: str) -> dict[str, Any]:
    """The model's figures less a reference's, and the same of each draw of sellers; {} where there is none to tell.

    The draws let the gains of several records be put together (contract.md section 5).
    """
    if reference not in part.scores or not len(part.label) or not 0 < part.label.mean() < 1:
        return {}
    draws = draw_sellers(part.seller_id)
    own, other = (replicate(part.label, part.scores[name], draws) for name in (MODEL, reference))
    alone = [mean_of([measure(part.label, c).as_json() for c in part.scores[name]]) for name in (MODEL, reference)]
    return {
        figure: {
            "difference": alone[0][figure] - alone[1][figure],
            "draws": (own[figure] - other[figure]).round(DIGITS).tolist(),
        }
        for figure in FIGURES
    }


def _figures(part: Scored, name: str) -> dict[str, Any]:
    """Means over the seeds, each scored alone; the seeds' own figures beside them; per-fold precision after refits."""
    alone = [measure(part.label, column) for column in part.scores[name]]
    figures: dict[str, Any] = mean_of([m.as_json() for m in alone])
    if len(alone) > 1:
        figures["seeds"] = {key: [getattr(m, key) for m in alone] for key in ("average_precision", "brier")}
    if len(np.unique(part.fold)) > 1:
        figures["average_precision_mean_of_folds"] = _by_fold(part, part.scores[name])
    return figures


def mean_of(seeds: Sequence[Mapping[str, float | int | None]]) -> dict[str, Any]:
    """The mean of each figure over the seeds that have it; None where none has."""
    known = {key: [v for seed in seeds if (v := seed[key]) is not None] for key in seeds[0]}
    return {key: float(np.mean(values)) if values else None for key, values in known.items()}


def _by_fold(part: Scored, columns: Sequence[Array]) -> float | None:
    """Mean over folds and seeds of the average precision within each fold (pooling across refits costs ranking)."""
    inside = [part.fold == fold for fold in np.unique(part.fold)]
    usable = [rows for rows in inside if part.label[rows].any()]
    values = [average_precision(part.label[rows], column[rows]) for rows in usable for column in columns]
    return float(np.mean(values)) if values else None


def _intervals(part: Scored, draws: Draws) -> dict[str, dict[str, list[float] | None]]:
    drawn = {name: replicate(part.label, columns, draws) for name, columns in part.scores.items()}
    return {name: ci95(values, drawn[REFERENCE], REFERENCE) for name, values in drawn.items()}


def flat(report: Mapping[str, Any]) -> dict[str, float]:
    """A report's figures as `risk/slice/score/metric`, for a tracking server; nothing but numbers."""
    keys = Metrics.__dataclass_fields__
    return {
        f"{risk}/{part}/{score}/{key}": float(figures[key])
        for risk, body in report["risks"].items()
        for part, content in body["slices"].items()
        for score, figures in content["scores"].items()
        if figures
        for key in keys
        if figures[key] is not None and np.isfinite(figures[key])
    }
