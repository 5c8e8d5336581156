"""Figures of every score on every slice, with paired intervals over sellers and over time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast, get_args

import numpy as np
from numpy.typing import NDArray

from training.measures.intervals import FIGURES, Draws, ci95, draw_blocks, draw_sellers, replicate
from training.measures.metrics import average_precision, measure
from training.report_schema import Gain, Interval, MetricName, Report, ScoreFigures, SliceFigures

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
REFERENCE = "roll_forward"
MODEL = "model"
DIGITS = 6  # of the figures of each draw
METRICS: tuple[MetricName, ...] = get_args(MetricName)
F = TypeVar("F", bound=Mapping[str, Any])


@dataclass(frozen=True)
class LabelledScores:
    """Labelled test rows and their scores, arrays of shape (rows,). A score: one column, or one a seed."""

    label: Array
    seller_id: NDArray[np.object_]
    as_of: Ints
    fold: Ints
    scores: Mapping[str, Sequence[Array]]

    def take(self, rows: Mask) -> "LabelledScores":
        """The rows of a mask."""
        scores = {name: [column[rows] for column in columns] for name, columns in self.scores.items()}
        return LabelledScores(self.label[rows], self.seller_id[rows], self.as_of[rows], self.fold[rows], scores)


def slice_figures(part: LabelledScores, horizon: int) -> SliceFigures:
    """The figures of one slice; every score is None where the slice holds one class only."""
    rows, sellers = len(part.label), len(np.unique(part.seller_id.astype(str)))
    base = float(part.label.mean()) if rows else None
    if base is None or not 0 < base < 1:
        return {"rows": rows, "sellers": sellers, "base_rate": base, "scores": dict.fromkeys(part.scores)}
    over_sellers, over_time = (
        _intervals(part, drawn) for drawn in (draw_sellers(part.seller_id), draw_blocks(part.as_of, horizon))
    )
    scores: dict[str, ScoreFigures | None] = {
        name: {**_figures(part, name), "ci95": over_sellers[name], "ci95_time": over_time[name]} for name in part.scores
    }
    return {"rows": rows, "sellers": sellers, "base_rate": base, "scores": scores}


def gain_over(part: LabelledScores, reference: str) -> dict[str, Gain]:
    """The model's figures minus a reference's, overall and for each draw of sellers; {} where nothing can be measured.

    With the draws, the gains of several records can be combined (docs/contract.md section 5).
    """
    if reference not in part.scores or not len(part.label) or not 0 < part.label.mean() < 1:
        return {}
    draws = draw_sellers(part.seller_id)
    own, other = (replicate(part.label, part.scores[name], draws) for name in (MODEL, reference))
    figures = [mean_of([measure(part.label, c).as_json() for c in part.scores[name]]) for name in (MODEL, reference)]
    return {
        figure: {
            "difference": figures[0][figure] - figures[1][figure],
            "draws": (own[figure] - other[figure]).round(DIGITS).tolist(),
        }
        for figure in FIGURES
    }


def _figures(part: LabelledScores, name: str) -> ScoreFigures:
    """Means over the seeds; with several seeds the figures of each; with several folds the mean precision of a fold."""
    alone = [measure(part.label, column) for column in part.scores[name]]
    figures = cast(ScoreFigures, mean_of([m.as_json() for m in alone]))
    if len(alone) > 1:
        figures["seeds"] = {key: [getattr(m, key) for m in alone] for key in ("average_precision", "brier")}
    if len(np.unique(part.fold)) > 1:
        figures["average_precision_mean_of_folds"] = _by_fold(part, part.scores[name])
    return figures


def mean_of(seeds: Sequence[F]) -> F:
    """The mean of each figure over the seeds that have it; None where none has."""
    known = {key: [v for seed in seeds if (v := seed[key]) is not None] for key in seeds[0]}
    return cast(F, {key: float(np.mean(values)) if values else None for key, values in known.items()})


def _by_fold(part: LabelledScores, columns: Sequence[Array]) -> float | None:
    """Mean over folds and seeds of the average precision within a fold (scores of different fits mix badly)."""
    rows_of_fold = [part.fold == fold for fold in np.unique(part.fold)]
    usable = [rows for rows in rows_of_fold if part.label[rows].any()]
    values = [average_precision(part.label[rows], column[rows]) for rows in usable for column in columns]
    return float(np.mean(values)) if values else None


def _intervals(part: LabelledScores, draws: Draws) -> dict[str, dict[str, Interval]]:
    drawn = {name: replicate(part.label, columns, draws) for name, columns in part.scores.items()}
    return {name: ci95(values, drawn[REFERENCE], REFERENCE) for name, values in drawn.items()}


def flat(report: Report) -> dict[str, float]:
    """A report's figures as numbers by `risk/slice/score/metric`, for a tracking server."""
    return {
        f"{risk}/{part}/{score}/{key}": float(value)
        for risk, body in report["risks"].items()
        for part, content in body["slices"].items()
        for score, figures in content["scores"].items()
        if figures
        for key in METRICS
        if (value := figures[key]) is not None and np.isfinite(value)
    }
