"""The frozen reference's boosting (`boosting` in reports on public records), on a standard's plain daily counts.

Its features, its tree settings and its five seeds stay as they are: figures printed once are measured against it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from core.block import Block
from features.standards.standard import Standard
from models.arithmetic.roll_forward import log_odds, roll_forward
from training.backtest.observed_outcomes import CandidateRankings
from training.backtest.scores import ExtraScores, TestPeriodScores, daily_of
from training.dataset.daily_counts import Daily, trailing
from training.dataset.dataset import Dataset, LabelledTask
from training.fit.boosting import side_by_side
from training.report_schema import ExtraFigures, SliceFigures

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
PRIOR, PEER_PRIOR = 20, 5  # orders' worth of market rate in a seller's and in a group's shrunk rate
SPANS = (7, 14, 28, 60, 90)
ROUNDS, SEEDS = 150, 5
TREES = {
    "objective": "binary",
    "num_leaves": 15,
    "max_depth": 5,
    "learning_rate": 0.03,
    "min_data_in_leaf": 100,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "feature_fraction": 0.5,
    "lambda_l2": 10,
    "verbose": -1,
    "num_threads": 1,
    "force_row_wise": True,
}


@dataclass(frozen=True)
class PublicReference:
    """The extension of reports on the public records. groups: text columns that the reference groups sellers by."""

    groups: Sequence[str]

    def scores(self, dataset: Dataset, task: LabelledTask, rows: Ints) -> ExtraScores:
        """`boosting` among the scores; it fits once, on all rows known when the test period opens."""
        daily, calendar, table = daily_of(dataset, task), dataset.calendar, dataset.active
        column = np.array(calendar.as_of(calendar.data_end - task.horizon)) - daily.first_day
        days = AsOfDays(column, calendar.test_from - daily.first_day, task.horizon)
        codes = {name: _first_value(dataset, daily, name) for name in self.groups}
        scores = boosting(daily, task.standard, codes, days)
        day = np.searchsorted(column, table.as_of[rows] - daily.first_day)
        return ExtraScores({"boosting": np.asarray(scores[day, daily.rows_of(table.seller_id[rows])])})

    def figures(
        self,
        dataset: Dataset,
        task: LabelledTask,
        test_period: TestPeriodScores,
        queue: CandidateRankings,
        slices: Mapping[str, SliceFigures],
        capacity: float,
    ) -> ExtraFigures:
        """None: every score has its own in the report."""
        return {}


def _first_value(dataset: Dataset, daily: Daily, name: str) -> Ints:
    """A code per seller for the value of a text column in its first row."""
    table = dataset.whole
    codes = np.unique(table.text[name].astype(str), return_inverse=True)[1]
    out = np.zeros(len(daily.seller_id), dtype=np.int64)
    newest_first = np.argsort(-table.as_of, kind="stable")
    out[daily.rows_of(table.seller_id[newest_first])] = codes[newest_first]
    return out


@dataclass(frozen=True)
class AsOfDays:
    """As-of columns of the daily arrays: every seller is scored on each; train rows' labels lie before test_from."""

    as_of: Ints
    test_from: int
    horizon: int


@dataclass(frozen=True)
class ReferenceMatrix:
    """One row per as-of day and seller: matrix (rows, features); offset, label (0 or 1), eligible of shape (rows,)."""

    matrix: Array
    offset: Array
    label: Array
    eligible: NDArray[np.bool_]


def boosting(daily: Daily, standard: Standard, groups: Mapping[str, Ints], days: AsOfDays) -> Array:
    """Probabilities of the reference's boosting, mean of its five seeds, shape (as-of days, sellers).

    groups: a code per seller for each grouping the reference uses on the record (none on Olist).
    """
    rows = _rows(daily, standard, groups, days)
    day = np.repeat(days.as_of, len(daily.bad))
    train = rows.eligible & (day + days.horizon <= days.test_from)
    scores = side_by_side(partial(_probability, rows, train), range(SEEDS))
    return np.asarray(np.mean(scores, axis=0).reshape(len(days.as_of), -1))


def _probability(rows: ReferenceMatrix, train: NDArray[np.bool_], seed: int) -> Array:
    data = lgb.Dataset(rows.matrix[train], rows.label[train], init_score=rows.offset[train])
    model = lgb.train(TREES | {"seed": seed}, data, ROUNDS)
    raw = np.asarray(model.predict(rows.matrix, raw_score=True, num_threads=1))
    return np.asarray(1 / (1 + np.exp(-(raw + rows.offset))))


def _rows(daily: Daily, standard: Standard, groups: Mapping[str, Ints], days: AsOfDays) -> ReferenceMatrix:
    sums = {span: (trailing(daily.bad, span), trailing(daily.volume, span)) for span in _spans(standard, days)}
    bad, volume = sums[standard.window_days]
    breach = standard.breach(bad.ravel(), volume.ravel()).reshape(bad.shape)
    parts = [_features(sums, standard.window_days, groups, int(day)) for day in days.as_of]
    later = np.minimum(days.as_of + days.horizon, bad.shape[1] - 1)  # rows past the data are scored, never trained on
    return ReferenceMatrix(
        np.concatenate(parts),
        np.concatenate([_offset(sums, standard, days.horizon, int(day)) for day in days.as_of]),
        np.concatenate([breach[:, day] for day in later]).astype(np.float64),
        np.concatenate([volume[:, day] >= standard.minimum_volume for day in days.as_of]),
    )


def _spans(standard: Standard, days: AsOfDays) -> set[int]:
    return {*SPANS, standard.window_days, standard.window_days - days.horizon, days.horizon}  # needs horizon < window


def _features(sums: dict[int, tuple[Array, Array]], window: int, groups: Mapping[str, Ints], day: int) -> Array:
    """The reference's columns in its order: per span volume, rate, market, groups; then the trend."""
    bad, volume = (s[:, day] for s in sums[window])
    market = bad.sum() / max(volume.sum(), 1)
    columns, rates = [], {}
    for span in SPANS:
        x, n = (s[:, day] for s in sums[span])
        rates[span] = (x + PRIOR * market) / (n + PRIOR)
        columns += [n, rates[span], np.full(len(n), x.sum() / max(n.sum(), 1))]
        for code in groups.values():
            group_n, group_x = np.bincount(code, n), np.bincount(code, x)
            columns.append(((group_x + PEER_PRIOR * market) / (group_n + PEER_PRIOR))[code])
    return np.column_stack([*columns, rates[14] - rates[60]])


def _offset(sums: dict[int, tuple[Array, Array]], standard: Standard, horizon: int, day: int) -> Array:
    window = standard.window_days
    plain = replace(standard, numerator=("bad",), denominator=("volume",))
    pairs = {span: zip(("bad", "volume"), sums[span], strict=True) for span in (window, window - horizon, horizon)}
    columns = {f"{name}_{span}": counts[:, day] for span, pair in pairs.items() for name, counts in pair}
    market = {f"market_{name}": np.full(len(counts), counts.sum()) for name, counts in columns.items()}
    block = Block((*columns, *market), np.column_stack([*columns.values(), *market.values()]))
    return log_odds(roll_forward(plain, block, horizon))
