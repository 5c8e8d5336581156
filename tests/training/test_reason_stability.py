"""Whether reasons hold: next week, retrained, deleted; against the reasons that are worked out one row at a time."""

from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from benchmarks.simulated_truth.causes import ranked_families
from tests.support.training_market import dataset
from training.backtest import reason_stability, scores
from training.backtest.scores import Options, score
from training.dataset.dataset import LabelledTask, headline_standards, labelled_task


@cache
def task() -> LabelledTask:
    """The late orders of the test marketplace."""
    return labelled_task(dataset(), headline_standards(dataset())["service"], 28)


@cache
def learned() -> scores.TestPeriodScores:
    """One seed."""
    return score(dataset(), task(), Options(seeds=(0,)))


def test_two_of_the_first_three_are_the_same_explanation() -> None:
    now = np.array([[3.0, 2.0, 1.0, 0.5, -1.0]])
    assert reason_stability.shared(now, np.array([[1.0, 3.0, 0.1, 2.0, 0.2]])).tolist() == [True]  # places 1 and 2
    assert reason_stability.shared(now, np.array([[1.0, 0.1, 0.2, 2.0, 3.0]])).tolist() == [False]
    assert reason_stability.shared(now, np.array([[1.0, -2.0, -1.0, 2.0, -3.0]])).tolist() == [False]


def test_fewer_reasons_must_all_be_there_and_none_are_always_the_same() -> None:
    one, none = np.array([[-1.0, 4.0, -2.0]]), np.array([[-1.0, -4.0, -2.0]])
    assert reason_stability.shared(one, np.array([[1.0, 2.0, 3.0]])).tolist() == [True]
    assert reason_stability.shared(one, none).tolist() == [False]
    assert reason_stability.shared(none, one).tolist() == [True]


@pytest.mark.slow
def test_the_next_week_s_reasons_are_those_of_each_row_alone() -> None:
    made, table = dataset(), dataset().active
    model_families = reason_stability.feature_families(made, learned().names)
    rows = learned().rows[::5]
    said = reason_stability.next_week(made, task(), learned(), model_families, rows)
    place = {(table.seller_id[r], int(table.as_of[r])): r for r in learned().rows.tolist()}
    same: dict[bool, list[bool]] = {True: [], False: []}
    for row in rows.tolist():
        later = place.get((table.seller_id[row], int(table.as_of[row]) + 7))
        if later is None:
            continue
        first, second = (ranked_families(made, task(), learned(), np.array([r]))[0][:3] for r in (row, later))
        quiet = table.block["late_7"][later] == 0
        same[bool(quiet)].append(len({*first} & {*second}) >= min(2, len(first)))
    assert said["pairs"] == len(same[True])
    assert said["share"] == pytest.approx(np.mean(same[True]))
    assert said["with_new_events"]["share"] == pytest.approx(np.mean(same[False]))
    assert min(len(same[True]), len(same[False])) > 20


@pytest.mark.slow
def test_deleting_the_top_reason_takes_more_than_deleting_at_random() -> None:
    model_families = reason_stability.feature_families(dataset(), learned().names)
    rows = learned().rows[::5]
    said = reason_stability.deletion(task(), learned(), model_families, rows)
    top, random, above = said["top_reason"], said["random"], said["share_above_random"]
    assert top is not None
    assert random is not None
    assert above is not None
    assert top > random
    assert above > 0.8
    usual = reason_stability._drops(task(), learned(), model_families, rows)
    assert usual.shape == (len(rows), len(model_families.families))
    assert np.abs(usual).sum() > 0


@pytest.mark.slow
def test_retrained_models_are_asked_of_the_last_fold_only() -> None:
    model_families = reason_stability.feature_families(dataset(), learned().names)
    said = reason_stability.retrained(dataset(), task(), learned(), model_families, learned().rows[-500:])
    assert said["rows"] == reason_stability.EXPLAINED_ROWS
    assert said["share"] is not None
    assert 0.3 < said["share"] <= 1


def two_folds() -> tuple[Any, Any, Any]:
    """A goal, a tested and a reader of six rows in two folds; trees are a factor, a matrix the numbers of its rows."""
    rows = np.arange(6)
    plain = SimpleNamespace(matrix=rows[:, None].astype(float), take=lambda drawn: drawn)
    task = SimpleNamespace(rows=SimpleNamespace(only=lambda _: plain), known_by=lambda day: rows < day)
    fitted = [SimpleNamespace(trees=1.0), SimpleNamespace(trees=10.0)]
    test_period = SimpleNamespace(rows=rows, fold=np.array([0, 0, 0, 1, 1, 1]), fitted=fitted, trees="found")
    return (
        task,
        test_period,
        SimpleNamespace(names=(), families=("only",), contributions=lambda trees, matrix: trees * matrix),
    )


def test_each_row_is_read_by_the_model_of_its_own_fold() -> None:
    task, test_period, model_families = two_folds()
    assert reason_stability.family_contributions(task, test_period, model_families, np.array([4, 1, 5]))[
        :, 0
    ].tolist() == [
        40,
        1,
        50,
    ]


def test_retrained_models_learn_what_the_last_fold_s_did_and_read_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    task, test_period, model_families = two_folds()
    asked: list[list[float]] = []

    def contributions(trees: float, matrix: np.ndarray) -> np.ndarray:
        asked.append(matrix[:, 0].tolist())
        return matrix

    model_families.contributions = contributions
    monkeypatch.setattr(
        reason_stability, "boost", lambda drawn, seed, trees: assert_known(drawn) if trees == "found" else None
    )
    ids = np.array(list("ababab"), dtype=object)
    made: Any = SimpleNamespace(active=SimpleNamespace(as_of=np.arange(6), seller_id=ids))
    said = reason_stability.retrained(made, task, test_period, model_families, np.array([0, 2, 3, 5]))
    assert said["rows"] == 2
    assert asked == [[3, 5]] * 3, "the served model and two others, on the last fold's"


def assert_known(drawn: np.ndarray) -> float:
    assert drawn.max() < 3, "rows known when the last fold opens"
    return 1.0


def test_sellers_are_drawn_again_with_all_their_rows() -> None:
    ids = np.repeat([f"s{n}" for n in range(40)], 3).astype(object)
    made: Any = SimpleNamespace(active=SimpleNamespace(seller_id=ids))
    drawn = reason_stability._drawn(made, np.arange(120), 1)
    times = np.bincount(drawn, minlength=120).reshape(40, 3)
    assert (times == times[:, :1]).all()
    assert times[:, 0].sum() == 40
    assert (times[:, 0] == 0).sum() > 5, "some are left out, others come twice"
