"""Reason stability: from week to week, after retraining on resampled sellers, and when a reason's features are removed.

Measured on the rows that the model queues, since reviewers read those. Reasons are families that raise the risk.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from features.table import WEEK
from training.backtest.alerts import queue
from training.backtest.observed_outcomes import CandidateRankings
from training.backtest.scores import TestPeriodScores
from training.dataset.dataset import Dataset, LabelledTask
from training.fit.boosting import boost, side_by_side
from training.measures.metrics import mean_or_none
from training.report_schema import DeletionFigures, NextWeekReasons, ReasonStability, RetrainedReasons

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
TOP, SHARED = 3, 2  # two explanations are the same if SHARED of the first TOP reasons are in both
RETRAINED = 2  # bootstrap resamples of the sellers
EXPLAINED_ROWS = 100  # rows of the last fold on which retrained models are compared


@dataclass(frozen=True)
class FeatureFamilies:
    """The families of a model's features, without the arithmetic; members: column numbers by family."""

    names: tuple[str, ...]
    families: tuple[str, ...]
    members: Mapping[str, Ints]

    def contributions(self, trees: lgb.Booster, matrix: Array) -> Array:
        """What each family adds to the trees' log-odds, shape (rows, families)."""
        shap = np.asarray(trees.predict(matrix, pred_contrib=True, num_threads=1))
        return np.column_stack([shap[:, self.members[family]].sum(axis=1) for family in self.families])


def feature_families(dataset: Dataset, names: Sequence[str]) -> FeatureFamilies:
    """The families of a model with these features."""
    catalogue = {f.name: f.family for f in dataset.active.features}
    families = tuple(sorted({catalogue[name] for name in names if name in catalogue}))
    family_of_column = [catalogue.get(name, "") for name in names]
    return FeatureFamilies(
        tuple(names), families, {f: np.flatnonzero([other == f for other in family_of_column]) for f in families}
    )


def reason_stability_figures(
    dataset: Dataset, task: LabelledTask, test_period: TestPeriodScores, rankings: CandidateRankings, capacity: float
) -> ReasonStability:
    """The three measures, for the reasons of the first seed's model."""
    model_families = feature_families(dataset, test_period.names)
    if not model_families.families:
        return {}
    queued_rows = rankings.rows[queue(rankings.priorities["model"][0], rankings.candidates.as_of, capacity)]
    return {
        "next_week": next_week(dataset, task, test_period, model_families, queued_rows),
        "retrained": retrained(dataset, task, test_period, model_families, queued_rows),
        "deletion": deletion(task, test_period, model_families, queued_rows),
    }


def next_week(
    dataset: Dataset, task: LabelledTask, test_period: TestPeriodScores, model_families: FeatureFamilies, rows: Ints
) -> NextWeekReasons:
    """How often a seller's reasons are the same a week later, without a new bad event in between and with one."""
    first, second = _pairs(dataset, test_period, rows)
    same = shared(
        family_contributions(task, test_period, model_families, first),
        family_contributions(task, test_period, model_families, second),
    )
    quiet = quiet_week(dataset, task, second)
    return {
        "pairs": int(quiet.sum()),
        "share": mean_or_none(same[quiet]),
        "with_new_events": {"pairs": int((~quiet).sum()), "share": mean_or_none(same[~quiet])},
    }


def quiet_week(dataset: Dataset, task: LabelledTask, rows: Ints) -> NDArray[np.bool_]:
    """Rows for which no bad event of the standard became known in the week before."""
    return np.asarray(task.standard.counts(dataset.active.block.take(rows), WEEK)[0] == 0)


def shared(first: Array, second: Array) -> NDArray[np.bool_]:
    """Whether SHARED of the first TOP reasons are among the second's, or all where there are fewer, shape (rows,)."""
    one, other = _top(first), _top(second)
    asked = np.minimum(one.sum(axis=1), SHARED)
    return np.asarray((one & other).sum(axis=1) >= asked)


def retrained(
    dataset: Dataset, task: LabelledTask, test_period: TestPeriodScores, model_families: FeatureFamilies, rows: Ints
) -> RetrainedReasons:
    """How often models retrained on resampled sellers give the same reasons as the served one, on its last fold."""
    fold = test_period.fold[np.searchsorted(test_period.rows, rows)]
    last = rows[fold == fold.max()][-EXPLAINED_ROWS:] if len(rows) else rows
    if not len(last):
        return {"rows": 0, "share": None}
    data = task.rows.only(model_families.names)
    opens = int(dataset.active.as_of[test_period.rows[test_period.fold == fold.max()]].min())
    known = np.flatnonzero(task.known_by(opens))
    served = model_families.contributions(test_period.fitted[int(fold.max())].trees, data.matrix[last])
    draws = [(seed, _drawn(dataset, known, seed)) for seed in range(1, RETRAINED + 1)]
    models = side_by_side(lambda drawn: boost(data.take(drawn[1]), drawn[0], test_period.trees), draws)
    same = [shared(served, model_families.contributions(trees, data.matrix[last])) for trees in models]
    return {"rows": len(last), "models": RETRAINED, "share": float(np.mean(same))}


def deletion(
    task: LabelledTask, test_period: TestPeriodScores, model_families: FeatureFamilies, rows: Ints
) -> DeletionFigures:
    """How much the log-odds fall when the top reason's features are set to the median seller's values.

    random: the same for a family chosen at random. It is the mean over all families, so nothing is drawn.
    """
    rows = rows[_top(family_contributions(task, test_period, model_families, rows)).any(axis=1)]
    if not len(rows):
        return {"rows": 0, "top_reason": None, "random": None, "share_above_random": None}
    drops = _drops(task, test_period, model_families, rows)
    top = drops[np.arange(len(rows)), family_contributions(task, test_period, model_families, rows).argmax(axis=1)]
    random = drops.mean(axis=1)
    return {
        "rows": len(rows),
        "top_reason": float(top.mean()),
        "random": float(random.mean()),
        "share_above_random": float(np.mean(top > random)),
    }


def family_contributions(
    task: LabelledTask, test_period: TestPeriodScores, model_families: FeatureFamilies, rows: Ints
) -> Array:
    """Each family's contribution, by the model of the row's own fold, shape (rows, families)."""
    out, fold = (
        np.zeros((len(rows), len(model_families.families))),
        test_period.fold[np.searchsorted(test_period.rows, rows)],
    )
    matrix = task.rows.only(model_families.names).matrix
    for number in np.unique(fold):
        out[fold == number] = model_families.contributions(
            test_period.fitted[number].trees, matrix[rows[fold == number]]
        )
    return out


def _drops(task: LabelledTask, test_period: TestPeriodScores, model_families: FeatureFamilies, rows: Ints) -> Array:
    """The trees' log-odds minus those without the family, shape (rows, families)."""
    matrix, at = task.rows.only(model_families.names).matrix, test_period.fold[np.searchsorted(test_period.rows, rows)]
    out = np.zeros((len(rows), len(model_families.families)))
    for number in np.unique(at):
        values, trees = matrix[rows[at == number]], test_period.fitted[number].trees
        median = _median(matrix[test_period.rows[test_period.fold == number]])
        full = _raw(trees, values)
        for place, family in enumerate(model_families.families):
            without = values.copy()
            without[:, model_families.members[family]] = median[model_families.members[family]]
            out[at == number, place] = full - _raw(trees, without)
    return out


def _median(matrix: Array) -> Array:
    """The median of each column's known values, shape (columns,); nan for a column without any."""
    known = np.isfinite(matrix).any(axis=0)
    return np.where(known, np.nanmedian(np.where(known, matrix, 0.0), axis=0), np.nan)


def _raw(trees: lgb.Booster, matrix: Array) -> Array:
    return np.asarray(trees.predict(matrix, raw_score=True, num_threads=1))


def _pairs(dataset: Dataset, test_period: TestPeriodScores, rows: Ints) -> tuple[Ints, Ints]:
    """Rows whose seller also has a test row a week later, and those later rows."""
    table = dataset.active
    keys = zip(table.seller_id[test_period.rows].tolist(), table.as_of[test_period.rows].tolist(), strict=True)
    place = dict(zip(keys, test_period.rows.tolist(), strict=True))
    later = [place.get((table.seller_id[row], int(table.as_of[row]) + WEEK), -1) for row in rows.tolist()]
    both = np.array(later, dtype=np.int64) >= 0
    return rows[both], np.array(later, dtype=np.int64)[both]


def _drawn(dataset: Dataset, known: Ints, seed: int) -> Ints:
    """The rows of a bootstrap sample of the sellers."""
    ids, code = np.unique(dataset.active.seller_id[known].astype(str), return_inverse=True)
    times = np.bincount(np.random.default_rng(seed).integers(0, len(ids), len(ids)), minlength=len(ids))
    return np.repeat(known, times[code])


def _top(contributions: Array) -> NDArray[np.bool_]:
    """Whether a family is among the TOP that raise the risk most, shape (rows, families)."""
    place = np.argsort(np.argsort(-contributions, axis=1, kind="stable"), axis=1)
    return np.asarray((place < TOP) & (contributions > 0))
