"""Searches for better tree settings on the training period alone, and tests the best found once.

The best of many settings on few weeks is partly luck. So the search uses the first half of the inner folds, and its
best is compared with the default settings once, on the second half. It is worth using if it lowers the log loss there
by more than a standard error over blocks of one horizon: the same rule that chooses features and learning rate.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from core.days import iso
from core.errors import ForesellError
from features.ingest.intake import Marketplace
from features.standards.standard import StandardsFile
from training.backtest.backtest import tasks_of, without_nan
from training.backtest.scores import Options
from training.dataset.dataset import Dataset, LabelledTask, prepare_dataset
from training.fit.boosting import (
    ENOUGH_BLOCKS,
    SEEDS,
    Fold,
    TrainingMatrix,
    blocks_predicted,
    boost,
    choose,
    choose_learning_rate,
    first_unless_better,
    loss_by_block,
    out_of_fold,
    side_by_side,
)
from training.fit.tree_settings import KEY, TreeSettings
from training.measures.metrics import average_precision
from training.tuning.search import BUDGET_MS, SEED, Trial, TrialProgress, explanation_ms, halves, study

Array = NDArray[np.float64]
HORIZON = 28  # days; the settings found are used for the other horizons too, as the chosen features are


SEEN, HELD_BACK = "seen", "held back"  # the days that the search uses, and those that only its best is tested on


@dataclass(frozen=True)
class SettingsResult:
    """Figures of settings on each part of the days: log loss of each block of one horizon, and average precision.

    explanation_ms: of trees fitted on every training row, as the served ones are.
    """

    trees: TreeSettings
    losses: Mapping[str, Array]
    precision: Mapping[str, float | None]
    explanation_ms: float

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        losses = {days: float(loss.mean()) for days, loss in self.losses.items()}
        return {
            "trees": self.trees.as_json(),
            "explanation_ms": self.explanation_ms,
            "log_loss": losses,
            "average_precision": dict(self.precision),
        }


@dataclass(frozen=True)
class SearchResult:
    """The result of a search for one risk. take: whether its best is worth using; why: the reason as a sentence."""

    names: tuple[str, ...]  # features
    trials: list[Trial]
    present: SettingsResult
    best: SettingsResult
    take: bool
    why: str

    def gains(self) -> dict[str, tuple[float, float | None]]:
        """By how much the best lowers the log loss on each part of the days, with the standard error over blocks."""
        return {days: gain(self.present.losses[days], self.best.losses[days]) for days in (SEEN, HELD_BACK)}

    def cautions(self) -> list[str]:
        """Warnings about a gain in log loss."""
        before, after = self.present.precision[HELD_BACK], self.best.precision[HELD_BACK]
        no_better = before is not None and after is not None and after <= before
        if not no_better or self.gains()[HELD_BACK][0] <= 0:
            return []
        return [
            "On the days held back it does not rank sellers better: its gain there is in calibration, not in ranking."
        ]

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        gains = {days: {"log_loss": mean, "standard_error": error} for days, (mean, error) in self.gains().items()}
        return {
            "take": self.take,
            "why": self.why,
            "cautions": self.cautions(),
            "gain": gains,
            "blocks": {days: len(losses) for days, losses in self.present.losses.items()},
            "present": self.present.as_json(),
            "best": self.best.as_json(),
            "features": list(self.names),
            "trials": [trial.as_json() for trial in self.trials],
        }


def training_dataset(market: Marketplace, standards: StandardsFile, say: Callable[[str], None]) -> Dataset:
    """Ledger and rows of the training period; nothing that became known after test_from is read."""
    return prepare_dataset(market, standards, say, training_only=True)


def training_matrix(dataset: Dataset, task: LabelledTask) -> TrainingMatrix:
    """The rows that a training may learn from before its test period, with the features that it would choose."""
    rows = task.rows.take(task.known_by(dataset.calendar.test_from))
    return rows.only(choose(rows, task.feature_lists, task.horizon))


def tasks_for(dataset: Dataset, risk: str | None) -> Mapping[str, LabelledTask]:
    """The headline task of each risk, or of one; ForesellError if there is none."""
    tasks = tasks_of(dataset, Options(horizon=HORIZON))
    if risk is not None and risk not in tasks:
        raise ForesellError("A search needs a risk with a headline standard.", risk, f"choose {' or '.join(tasks)}")
    return tasks if risk is None else {risk: tasks[risk]}


def tune(rows: TrainingMatrix, horizon: int, trials: int, tell: TrialProgress) -> SearchResult:
    """Search on the rows of the training period and test the best. ForesellError for too short a record."""
    seen, held_back = halves(rows, horizon)
    start = choose_learning_rate(rows, horizon)
    tried = study(rows, horizon, seen, start, trials, tell)
    present, best = (settings_result(rows, horizon, seen, held_back, trees) for trees in (start, best_of(tried).trees))
    take, why = verdict(present, best, blocks_predicted(rows, [*seen, *held_back], horizon))
    return SearchResult(rows.names, tried, present, best, take, why)


def best_of(trials: list[Trial]) -> Trial:
    """The trial with the lowest loss within the time budget; the first (default settings) if none is better."""
    allowed = [trial for trial in trials[1:] if not trial.refused and trial.loss < trials[0].loss]
    return min(allowed, key=lambda trial: trial.loss, default=trials[0])


def settings_result(
    rows: TrainingMatrix, horizon: int, seen: list[Fold], held_back: list[Fold], trees: TreeSettings
) -> SettingsResult:
    """Loss and precision of settings on each part of the days, and their explanation time."""
    parts = {SEEN: seen, HELD_BACK: held_back}
    raw = {days: out_of_fold(rows, folds, SEEDS[0], trees, side_by_side)[0] for days, folds in parts.items()}
    return SettingsResult(
        trees,
        {days: loss_by_block(rows, horizon, log_odds) for days, log_odds in raw.items()},
        {days: _precision(rows, log_odds) for days, log_odds in raw.items()},
        explanation_ms(boost(rows, SEEDS[0], trees), rows.matrix),
    )


def verdict(present: SettingsResult, best: SettingsResult, blocks: int) -> tuple[bool, str]:
    """Whether to use the best found, and why."""
    if best.trees == present.trees:
        return False, "No settings tried were better on the days of the search."
    if best.explanation_ms > BUDGET_MS:
        return False, f"With trees fitted on every training row, an explanation takes {best.explanation_ms:.2f} ms."
    if blocks < ENOUGH_BLOCKS:
        return (
            False,
            f"Only {blocks} blocks of one horizon can be compared. Fewer than {ENOUGH_BLOCKS} cover one season.",
        )
    if first_unless_better([present.losses[HELD_BACK], best.losses[HELD_BACK]]) == 0:
        return False, "On the days held back the gain is not larger than its standard error over blocks."
    return True, "On the days held back the gain is larger than its standard error over blocks."


def gain(present: Array, other: Array) -> tuple[float, float | None]:
    """The mean reduction of log loss over blocks, and its standard error (None for fewer than two blocks)."""
    saved = present - other
    return float(saved.mean()), float(saved.std(ddof=1) / np.sqrt(len(saved))) if len(saved) > 1 else None


def search_file(dataset: Dataset, by_risk: Mapping[str, SearchResult]) -> dict[str, Any]:
    """The file of a search, for `foresell train --trees`: under `trees`, the settings worth using, by risk."""
    content: dict[str, Any] = without_nan(
        {
            "dataset": dataset.ledger.market.name,
            "learned_before": iso(dataset.calendar.test_from),
            "horizon_days": HORIZON,
            "budget_ms": BUDGET_MS,
            "seed": SEED,
            KEY: {risk: result.best.trees.as_json() for risk, result in by_risk.items() if result.take},
            "risks": {risk: result.as_json() for risk, result in by_risk.items()},
        }
    )
    return content


def _precision(rows: TrainingMatrix, raw: Array) -> float | None:
    """Average precision of the at-risk rows in the folds, pooled; None if none of them breached."""
    predicted = np.isfinite(raw) if rows.at_risk is None else np.isfinite(raw) & rows.at_risk
    label = rows.label[predicted]
    return average_precision(label, expit(raw[predicted])) if label.any() else None
