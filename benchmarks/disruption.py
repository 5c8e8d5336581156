"""Whether a slow carrier raises sellers' risks: their alerts, compared with the same marketplace without it.

The twin is simulated with the same draws and no disruption; the same fitted models score both.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.simulated_truth.detection import episodes_of
from training.backtest.alerts import entries, queue
from training.backtest.scores import TestPeriodScores, test_rows
from training.dataset.dataset import Dataset, LabelledTask

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
Scorer = Callable[
    [Dataset, LabelledTask, Ints, Ints], Array
]  # probabilities of test rows (by number), with their folds
CARRIER = "carrier_disruption"


@dataclass(frozen=True)
class DisruptionAlerts:
    """Alerts of sellers while a carrier was slow for them, and of the same sellers on the same days without it."""

    alerts: int
    without: int

    @property
    def ratio(self) -> float:
        """The ratio of both; 1 is no difference. Adding one to both keeps it finite."""
        return (self.alerts + 1) / (self.without + 1)


def beside(
    dataset: Dataset,
    task: LabelledTask,
    twin: Dataset,
    twin_task: LabelledTask,
    said: Scorer,
    capacity: float,
    causes: Path,
) -> DisruptionAlerts:
    """The alerts of both. twin: the rows of the marketplace without disruptions, of the same days and features."""
    found = [_alerts(m, g, said, capacity, causes) for m, g in ((dataset, task), (twin, twin_task))]
    return DisruptionAlerts(*found)


def _alerts(dataset: Dataset, task: LabelledTask, said: Scorer, capacity: float, causes: Path) -> int:
    """Alerts while the seller is in one of the disruptions."""
    rows, fold, _ = test_rows(dataset, task.horizon)
    probability = said(dataset, task, rows, fold)
    outside = task.not_in_breach(rows)
    rows, probability = rows[outside], probability[outside]
    seller, as_of = dataset.active.seller_id[rows].astype(str), dataset.active.as_of[rows]
    chosen = entries(queue(probability, as_of, capacity), np.unique(seller, return_inverse=True)[1], as_of)
    return int((chosen & hit(causes, seller, as_of)).sum())


def score_by_fold(test_period: TestPeriodScores, _: Dataset, task: LabelledTask, rows: Ints, fold: Ints) -> Array:
    """The probabilities of each fold's rows, by its own fit."""
    known, out = task.rows.only(test_period.names), np.empty(len(rows))
    for number, fitted in enumerate(test_period.fitted):
        inside = fold == number
        out[inside] = fitted.probability(known.take(rows[inside]))
    return out


def hit(causes: Path, seller: NDArray[np.str_], as_of: NDArray[np.int64]) -> Mask:
    """Whether a disruption hits each seller on its day, shape (rows,)."""
    episodes = episodes_of(causes)
    slow = episodes[episodes["cause"] == CARRIER]
    out = np.zeros(len(seller), dtype=bool)
    for name, start, end in zip(slow["seller_id"], slow["start_day"], slow["end_day"], strict=True):
        out |= (seller == name) & (as_of >= start) & (as_of <= end)
    return out
