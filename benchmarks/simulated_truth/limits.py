"""Figures of forecasters who know true rates of a simulated marketplace, and the share that the model reaches."""

from collections.abc import Mapping
from typing import Literal

import numpy as np

from training.backtest.scores import TestPeriodScores
from training.dataset.dataset import Dataset, LabelledTask
from training.dataset.slices import HEADLINE, masks
from training.measures.metrics import measure
from training.report_schema import LimitFigures, MetricFigures, ScoreFigures, SliceFigures
from training.reports.summary import measured_scores

LIMITS = ("truth_begun", "truth_today")
FIGURES: tuple[Literal["average_precision", "brier", "log_loss"], ...] = ("average_precision", "brier", "log_loss")


def limit_figures(
    dataset: Dataset, task: LabelledTask, test_period: TestPeriodScores, part: SliceFigures
) -> dict[str, LimitFigures]:
    """Headline figures of forecasters who know all rates except episodes to come, or only those of the day.

    part: the report's figures of that slice. reached: share of the way to each from the roll-forward that the model
    makes.
    """
    scores = measured_scores(part)
    if not scores:
        return {}
    label = task.rows.label[test_period.rows]
    rows = masks(task.standard, dataset.active.take(test_period.rows).block)[HEADLINE] & np.isfinite(label)
    columns = {name: test_period.rankings[name][0][rows] for name in LIMITS if name in test_period.rankings}
    found = {name: measure(label[rows], column).as_json() for name, column in columns.items()}
    return {name: {**figures, "reached": _reached(scores, figures)} for name, figures in found.items()}


def gap_closed(part: SliceFigures) -> dict[str, float]:
    """By figure, the share of the distance from the roll-forward to the true rates' score that the model covers."""
    scores = measured_scores(part)
    return _reached(scores, scores["truth"]) if "truth" in scores else {}


def _reached(scores: Mapping[str, ScoreFigures], limit: MetricFigures) -> dict[str, float]:
    low, mid = scores["roll_forward"], scores["model"]
    return {key: (mid[key] - low[key]) / (limit[key] - low[key]) for key in FIGURES}
