"""Every score of the test period, each made by what was known when its fold opened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from training import alerts, baselines, reference
from training.daily import Daily, daily_counts
from training.fit import SEEDS, Rows, choose, fit, side_by_side
from training.material import Material, Target

Array = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Options:
    """How a backtest is run. reference_groups: text columns that the frozen reference groups by; None leaves it out."""

    horizon: int = 28
    capacity: float = alerts.CAPACITY
    seeds: Sequence[int] = SEEDS
    reference_groups: Sequence[str] | None = None


@dataclass(frozen=True)
class Tested:
    """The rows of the test period (numbers into the active rows), the fold of each, and every score's columns.

    A score is a list of columns of shape (rows,): one, or one a seed. names: the features the model reads.
    """

    rows: Ints
    fold: Ints
    names: tuple[str, ...]
    scores: Mapping[str, Sequence[Array]] = field(default_factory=dict)


def score(material: Material, goal: Target, options: Options) -> Tested:
    """All scores of the rows whose future lies in the data. The features are chosen once, before the test period."""
    as_of, moments = material.active.as_of, material.moments
    rows = np.flatnonzero((as_of >= moments.test_from) & (as_of <= moments.data_end - goal.horizon))
    opens = np.array(moments.folds(moments.data_end - goal.horizon))
    fold = np.searchsorted(opens, as_of[rows], side="right") - 1
    names = choose(goal.rows.take(goal.known_by(moments.test_from)), goal.candidates, goal.horizon)
    tested = Tested(rows, fold, names)
    scores = _simple(material, goal, rows) | _learned(goal, tested, opens, options)
    if options.reference_groups is not None:
        scores["boosting"] = [_boosting(material, goal, tested, options.reference_groups)]
    return Tested(rows, fold, names, scores)


def daily_of(material: Material, goal: Target) -> Daily:
    """The standard's daily counts from the first entry to the data's end."""
    return daily_counts(material.ledger.con, goal.standard, material.ledger.first_day, material.moments.data_end)


def _simple(material: Material, goal: Target, rows: Ints) -> dict[str, list[Array]]:
    block = material.active.block.take(rows)
    return {
        "current_metric": [baselines.current_metric(goal.standard, block)],
        "peer_only": [baselines.peer_only(goal.standard, block)],
        "shrunk_rate": [baselines.shrunk_rate(goal.standard, block)],
        "roll_forward": [goal.projection.probability[rows]],
    }


def _learned(goal: Target, tested: Tested, opens: Ints, options: Options) -> dict[str, list[Array]]:
    """The model by seed, and the logistic regression; each fold by a fit on what was known when it opened."""
    model = [np.empty(len(tested.rows)) for _ in options.seeds]
    straight = np.empty(len(tested.rows))
    for number, day in enumerate(opens.tolist()):
        inside = tested.fold == number
        train, test = goal.rows.take(goal.known_by(day)), goal.rows.take(tested.rows[inside])
        straight[inside] = baselines.logistic(_with_offset(train), train.label, _with_offset(test))
        train, test = train.only(tested.names), test.only(tested.names)
        for column, fitted in zip(model, side_by_side(partial(fit, train, goal.horizon), options.seeds), strict=True):
            column[inside] = fitted.probability(test)
    return {"model": model, "logistic": [straight]}


def _with_offset(rows: Rows) -> Array:
    """The logistic regression's columns: every feature, and the roll-forward's log-odds."""
    return np.column_stack([rows.matrix, rows.offset])


def _boosting(material: Material, goal: Target, tested: Tested, groups: Sequence[str]) -> Array:
    """The reference's boosting on the rows of the test period; it fits once, on all rows known when that opens."""
    daily, moments, table = daily_of(material, goal), material.moments, material.active
    column = np.array(moments.as_of(moments.data_end - goal.horizon)) - daily.first_day
    days = reference.Days(column, moments.test_from - daily.first_day, goal.horizon)
    codes = {name: _first_value(material, daily, name) for name in groups}
    scores = reference.boosting(daily, goal.standard, codes, days)
    day = np.searchsorted(column, table.as_of[tested.rows] - daily.first_day)
    return np.asarray(scores[day, daily.rows_of(table.seller_id[tested.rows])])


def _first_value(material: Material, daily: Daily, name: str) -> Ints:
    """A code per seller for the value of a text column in its first row."""
    table = material.whole
    codes = np.unique(table.text[name].astype(str), return_inverse=True)[1]
    out = np.zeros(len(daily.seller_id), dtype=np.int64)
    newest_first = np.argsort(-table.as_of, kind="stable")
    out[daily.rows_of(table.seller_id[newest_first])] = codes[newest_first]
    return out
