"""Every score of the test period, each made by what was known when its fold opened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from models.roll_forward import roll_forward
from training import alerts, baselines, forward, reference
from training.daily import Daily, daily_counts
from training.fit import SEEDS, Fitted, Rows, choose, choose_pace, fit, out_of_time, side_by_side
from training.forward import Forward
from training.learned import learned
from training.material import Material, Target, target
from training.trees import PRESENT, TreeSettings
from training.truth import Known, true_score, true_scores

SOON = 14  # days; the shortest horizon that is trained
Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Options:
    """How a backtest is run. reference_groups: text columns that the frozen reference groups by; None leaves it out.

    trees: settings by risk; a risk without any has the present ones, at the rate that its inner folds choose.
    """

    horizon: int = 28
    capacity: float = alerts.CAPACITY
    seeds: Sequence[int] = SEEDS
    reference_groups: Sequence[str] | None = None
    known: Known | None = None  # of a simulated marketplace
    trees: Mapping[str, TreeSettings] = field(default_factory=dict)


@dataclass(frozen=True)
class Tested:
    """The rows of the test period (numbers into the active rows), the fold of each, and every score's columns.

    A score is a list of columns of shape (rows,): one, or one a seed. names: the features the model reads. rankings:
    orders of the queue that are no probability of the label, in the same form. sizes: boosting of other sizes, by name.
    """

    rows: Ints
    fold: Ints
    names: tuple[str, ...]
    scores: Mapping[str, Sequence[Array]] = field(default_factory=dict)
    fitted: Sequence[Fitted] = ()  # the first seed's, one a fold
    rankings: Mapping[str, Sequence[Array]] = field(default_factory=dict)
    trees: TreeSettings = PRESENT
    sizes: Mapping[str, Array] = field(default_factory=dict)
    taught: Forward = forward.UNTAUGHT


def score(material: Material, goal: Target, options: Options) -> Tested:
    """All scores of the rows whose future lies in the data. What is chosen is chosen before the test period."""
    moments = material.moments
    rows, fold, opens = test_rows(material, goal.horizon)
    known = goal.known_by(moments.test_from)
    names, trees = chosen(goal, known, options.trees)
    tested = Tested(rows, fold, names, trees=trees)
    found, fitted = _learned(goal, tested, opens, options)
    taught = _taught(material, goal, known)
    scores = _simple(material, goal, rows, taught) | found
    if options.reference_groups is not None:
        scores["boosting"] = [_boosting(material, goal, tested, options.reference_groups)]
    truths = true_scores(material, goal, rows, options.known.folder) if options.known else {}
    scores |= {name: [score] for name, score in truths.items() if name == "truth"}
    limits = {name: [score] for name, score in truths.items() if name != "truth"}
    rankings = _early(material, goal, tested, opens, scores, options) | limits
    return Tested(rows, fold, names, scores, fitted, rankings, trees, _of_sizes(goal, known, rows), taught)


def chosen(goal: Target, known: Mask, given: Mapping[str, TreeSettings]) -> tuple[tuple[str, ...], TreeSettings]:
    """The features and the tree settings of a model: by the inner folds of the known rows, unless its risk's are given.

    The features are those that the present settings choose, as they were when others were searched for.
    """
    rows = goal.rows.take(known)
    names = choose(rows, goal.candidates, goal.horizon)
    return names, given.get(goal.standard.risk) or choose_pace(rows.only(names), goal.horizon)


def _taught(material: Material, goal: Target, known: Mask) -> Forward:
    """What the known rows teach the better roll-forward."""
    return learned(material.ledger, material.active, goal.standard, goal.horizon, np.flatnonzero(known))


def _early(
    material: Material,
    goal: Target,
    tested: Tested,
    opens: Ints,
    scores: Mapping[str, Sequence[Array]],
    options: Options,
) -> dict[str, list[Array]]:
    """The queue that prefers long notice: the probability of a breach at the horizon, but not at SOON days already."""
    soon = target(material, goal.standard, SOON)
    sooner, _ = _refitted(soon, tested, opens, options.seeds[0])
    found = {"early": [scores["model"][0] * (1 - sooner)]}
    if options.known and "truth" in scores:
        known = true_score(material, soon, tested.rows, options.known.folder)
        if known is not None:
            found["truth_early"] = [scores["truth"][0] * (1 - known)]
    return found


def test_rows(material: Material, horizon: int) -> tuple[Ints, Ints, Ints]:
    """The rows of the test period (numbers into the active rows), the fold of each, and the day each fold opens."""
    as_of, moments = material.active.as_of, material.moments
    last = moments.data_end - horizon
    rows = np.flatnonzero((as_of >= moments.test_from) & (as_of <= last))
    opens = np.array(moments.folds(last))
    fold = np.searchsorted(opens, as_of[rows], side="right") - 1
    used, fold = np.unique(fold, return_inverse=True)  # a fold may open after the last as-of day
    return rows, fold, opens[used]


def daily_of(material: Material, goal: Target) -> Daily:
    """The standard's daily counts from the first entry to the data's end."""
    return daily_counts(material.ledger.con, goal.standard, material.ledger.first_day, material.moments.data_end)


def _simple(material: Material, goal: Target, rows: Ints, taught: Forward) -> dict[str, list[Array]]:
    block = material.active.block.take(rows)
    return {
        "current_metric": [baselines.current_metric(goal.standard, block)],
        "peer_only": [baselines.peer_only(goal.standard, block)],
        "shrunk_rate": [baselines.shrunk_rate(goal.standard, block)],
        "roll_forward": [roll_forward(goal.standard, block, goal.horizon)],
        "roll_forward_v2": [forward.probability(goal.standard, block, goal.horizon, taught)],
    }


def _learned(
    goal: Target, tested: Tested, opens: Ints, options: Options
) -> tuple[dict[str, list[Array]], list[Fitted]]:
    """The model by seed, and the logistic regression; and the first seed's fits, one a fold."""
    found = side_by_side(partial(_refitted, goal, tested, opens), options.seeds)
    scores = {"model": [column for column, _ in found], "logistic": [_straight(goal, tested, opens)]}
    return scores, found[0][1]


def _refitted(goal: Target, tested: Tested, opens: Ints, seed: int) -> tuple[Array, list[Fitted]]:
    """One seed's probabilities of the test rows, each fold by a fit on what was known when it opened.

    The line comes from inner folds; after a refit, the test weeks before it are such folds too.
    """
    rows, raw, column = goal.rows.only(tested.names), np.full(len(goal.rows), np.nan), np.empty(len(tested.rows))
    fits: list[Fitted] = []
    for number, day in enumerate(opens.tolist()):
        known, inside = goal.known_by(day), tested.fold == number
        if number == 0:
            raw[known] = out_of_time(rows.take(known), goal.horizon, seed, tested.trees)
        fitted = fit(rows.take(known), goal.horizon, seed, raw[known], tested.trees)
        test = rows.take(tested.rows[inside])
        raw[tested.rows[inside]] = fitted.log_odds(test)
        column[inside] = fitted.probability(test)
        fits.append(fitted)
    return column, fits


def _straight(goal: Target, tested: Tested, opens: Ints) -> Array:
    """The logistic regression, fold by fold."""
    out = np.empty(len(tested.rows))
    for number, day in enumerate(opens.tolist()):
        inside = tested.fold == number
        train, test = goal.rows.take(goal.known_by(day)), goal.rows.take(tested.rows[inside])
        out[inside] = baselines.logistic(_with_offset(train), train.label, _with_offset(test))
    return out


def _of_sizes(goal: Target, known: Mask, rows: Ints) -> dict[str, Array]:
    """Small and large boosting, fitted once, on what was known when the test period opened."""
    train, test, sizes = goal.rows.take(known), goal.rows.take(rows), list(baselines.SIZES)
    both = _with_offset(train), train.label, _with_offset(test)
    return dict(zip(sizes, side_by_side(lambda size: baselines.boosting(size, *both), sizes), strict=True))


def _with_offset(rows: Rows) -> Array:
    """The baselines' columns: every feature, and the roll-forward's log-odds."""
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
