"""Every score of the test period, each computed from what was known when its fold began."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.arithmetic.roll_forward import roll_forward
from training.backtest import alerts, baselines
from training.backtest.observed_outcomes import CandidateRankings
from training.dataset.daily_counts import Daily, daily_counts
from training.dataset.dataset import Dataset, LabelledTask, labelled_task
from training.fit import roll_forward_v2
from training.fit.boosting import (
    SEEDS,
    CalibratedTrees,
    TrainingMatrix,
    choose,
    choose_learning_rate,
    fit,
    out_of_time,
    side_by_side,
)
from training.fit.fit_roll_forward import fit_roll_forward
from training.fit.roll_forward_v2 import RollForwardParams
from training.fit.tree_settings import PRESENT, TreeSettings
from training.report_schema import ExtraFigures, SliceFigures

SOON = 14  # days; the shortest horizon that is trained
Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class ExtraScores:
    """Columns for the test period, each of shape (rows,).

    scores: probabilities of the label, compared with the others on every slice; rankings: priorities of the queue,
    compared with the others by their alerts.
    """

    scores: Mapping[str, Array] = field(default_factory=dict)
    rankings: Mapping[str, Array] = field(default_factory=dict)


class ReportExtension(Protocol):
    """Extra scores and figures of a report, for records with known truth or a frozen reference.

    No training needs it, and no model reads it (docs/adr/0004-measurement-apart.md).
    """

    def scores(self, dataset: Dataset, task: LabelledTask, rows: Ints) -> ExtraScores:
        """Scores of the test period's rows (numbers into the active rows)."""

    def figures(
        self,
        dataset: Dataset,
        task: LabelledTask,
        test_period: "TestPeriodScores",
        queue: CandidateRankings,
        slices: Mapping[str, SliceFigures],
        capacity: float,
    ) -> ExtraFigures:
        """Figures of one risk, by their names in the report."""


@dataclass(frozen=True)
class Options:
    """Options of a backtest. extension: extra scores and figures for the report.

    trees: settings by risk. Other risks get the default settings, with the learning rate that inner folds choose.
    """

    horizon: int = 28
    capacity: float = alerts.CAPACITY
    seeds: Sequence[int] = SEEDS
    extension: ReportExtension | None = None
    trees: Mapping[str, TreeSettings] = field(default_factory=dict)


@dataclass(frozen=True)
class TestPeriodScores:
    """The rows of the test period (numbers into the active rows), the fold of each, and every score's columns.

    A score is a list of columns of shape (rows,): one, or one a seed. names: the features the model reads. rankings:
    priorities of the queue that are no probabilities, in the same form. sizes: boosting of other sizes, by name.
    """

    rows: Ints
    fold: Ints
    names: tuple[str, ...]
    scores: Mapping[str, Sequence[Array]] = field(default_factory=dict)
    fitted: Sequence[CalibratedTrees] = ()  # of the first seed, one for each fold
    rankings: Mapping[str, Sequence[Array]] = field(default_factory=dict)
    trees: TreeSettings = PRESENT
    sizes: Mapping[str, Array] = field(default_factory=dict)
    roll_forward_v2: RollForwardParams = roll_forward_v2.DEFAULT_PARAMS


def score(dataset: Dataset, task: LabelledTask, options: Options) -> TestPeriodScores:
    """All scores of the test rows with a known outcome. Features and settings are chosen before the test period."""
    calendar = dataset.calendar
    rows, fold, opens = test_rows(dataset, task.horizon)
    known = task.known_by(calendar.test_from)
    names, trees = chosen(task, known, options.trees)
    test_period = TestPeriodScores(rows, fold, names, trees=trees)
    fitted_scores, fitted = _learned(task, test_period, opens, options)
    v2_params = _roll_forward_v2(dataset, task, known)
    scores = _simple(dataset, task, rows, v2_params) | fitted_scores
    extra = options.extension.scores(dataset, task, rows) if options.extension else ExtraScores()
    scores |= {name: [column] for name, column in extra.scores.items()}
    rankings = _early(dataset, task, test_period, opens, scores, options)
    rankings |= {name: [column] for name, column in extra.rankings.items()}
    return TestPeriodScores(rows, fold, names, scores, fitted, rankings, trees, _of_sizes(task, known, rows), v2_params)


def chosen(task: LabelledTask, known: Mask, given: Mapping[str, TreeSettings]) -> tuple[tuple[str, ...], TreeSettings]:
    """Features and tree settings of a model, chosen on the inner folds of the known rows, unless settings are given.

    Features are always chosen with the default settings, as `foresell tune` does before it searches.
    """
    rows = task.rows.take(known)
    names = choose(rows, task.feature_lists, task.horizon)
    return names, given.get(task.standard.risk) or choose_learning_rate(rows.only(names), task.horizon)


def _roll_forward_v2(dataset: Dataset, task: LabelledTask, known: Mask) -> RollForwardParams:
    """The parameters of roll_forward_v2, fitted on the known rows."""
    return fit_roll_forward(dataset.ledger, dataset.active, task.standard, task.horizon, np.flatnonzero(known))


def _early(
    dataset: Dataset,
    task: LabelledTask,
    test_period: TestPeriodScores,
    opens: Ints,
    scores: Mapping[str, Sequence[Array]],
    options: Options,
) -> dict[str, list[Array]]:
    """The ranking for long notice: the probability of a breach at the horizon, but not yet after SOON days."""
    soon = labelled_task(dataset, task.standard, SOON)
    sooner, _ = _refitted(soon, test_period, opens, options.seeds[0])
    return {"early": [scores["model"][0] * (1 - sooner)]}


def test_rows(dataset: Dataset, horizon: int) -> tuple[Ints, Ints, Ints]:
    """The rows of the test period (numbers into the active rows), the fold of each, and the first day of each fold."""
    as_of, calendar = dataset.active.as_of, dataset.calendar
    last = calendar.data_end - horizon
    rows = np.flatnonzero((as_of >= calendar.test_from) & (as_of <= last))
    opens = np.array(calendar.folds(last))
    fold = np.searchsorted(opens, as_of[rows], side="right") - 1
    used, fold = np.unique(fold, return_inverse=True)  # the last fold may begin after the last as-of day
    return rows, fold, opens[used]


def daily_of(dataset: Dataset, task: LabelledTask) -> Daily:
    """The standard's daily counts from the first entry to the data's end."""
    return daily_counts(dataset.ledger.con, task.standard, dataset.ledger.first_day, dataset.calendar.data_end)


def _simple(dataset: Dataset, task: LabelledTask, rows: Ints, params: RollForwardParams) -> dict[str, list[Array]]:
    block = dataset.active.block.take(rows)
    return {
        "current_metric": [baselines.current_metric(task.standard, block)],
        "peer_only": [baselines.peer_only(task.standard, block)],
        "shrunk_rate": [baselines.shrunk_rate(task.standard, block)],
        "roll_forward": [roll_forward(task.standard, block, task.horizon)],
        "roll_forward_v2": [roll_forward_v2.probability(task.standard, block, task.horizon, params)],
    }


def _learned(
    task: LabelledTask, test_period: TestPeriodScores, opens: Ints, options: Options
) -> tuple[dict[str, list[Array]], list[CalibratedTrees]]:
    """Scores of the model (one column a seed) and of the logistic regression; and the first seed's fit of each fold."""
    by_seed = side_by_side(partial(_refitted, task, test_period, opens), options.seeds)
    scores = {"model": [column for column, _ in by_seed], "logistic": [_straight(task, test_period, opens)]}
    return scores, by_seed[0][1]


def _refitted(
    task: LabelledTask, test_period: TestPeriodScores, opens: Ints, seed: int
) -> tuple[Array, list[CalibratedTrees]]:
    """One seed's probabilities of the test rows; each fold has its own fit, on labels known when the fold began.

    The calibration line is fitted on inner folds, and on test weeks of earlier folds.
    """
    rows, raw, column = (
        task.rows.only(test_period.names),
        np.full(len(task.rows), np.nan),
        np.empty(len(test_period.rows)),
    )
    fits: list[CalibratedTrees] = []
    for number, day in enumerate(opens.tolist()):
        known, inside = task.known_by(day), test_period.fold == number
        if number == 0:
            raw[known] = out_of_time(rows.take(known), task.horizon, seed, test_period.trees)
        fitted = fit(rows.take(known), task.horizon, seed, raw[known], test_period.trees)
        test = rows.take(test_period.rows[inside])
        raw[test_period.rows[inside]] = fitted.log_odds(test)
        column[inside] = fitted.probability(test)
        fits.append(fitted)
    return column, fits


def _straight(task: LabelledTask, test_period: TestPeriodScores, opens: Ints) -> Array:
    """Probabilities of the logistic regression, fold by fold."""
    out = np.empty(len(test_period.rows))
    for number, day in enumerate(opens.tolist()):
        inside = test_period.fold == number
        train, test = task.rows.take(task.known_by(day)), task.rows.take(test_period.rows[inside])
        out[inside] = baselines.logistic(_with_offset(train), train.label, _with_offset(test))
    return out


def _of_sizes(task: LabelledTask, known: Mask, rows: Ints) -> dict[str, Array]:
    """Probabilities of small and large boosting, fitted once, on labels known when the test period began."""
    train, test, sizes = task.rows.take(known), task.rows.take(rows), list(baselines.SIZES)
    both = _with_offset(train), train.label, _with_offset(test)
    return dict(zip(sizes, side_by_side(lambda size: baselines.boosting(size, *both), sizes), strict=True))


def _with_offset(rows: TrainingMatrix) -> Array:
    """The baselines' inputs: every feature, and the roll-forward's log-odds."""
    return np.column_stack([rows.matrix, rows.offset])
