"""Whether reasons hold: next week, retrained, deleted; against the reasons that are worked out one row at a time."""

from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
from training_market import material

from training import held, scoring
from training.causes import ranked_families
from training.material import Target, headlines, target
from training.scoring import Options, score


@cache
def goal() -> Target:
    """The late orders of the test marketplace."""
    return target(material(), headlines(material())["service"], 28)


@cache
def learned() -> scoring.Tested:
    """One seed."""
    return score(material(), goal(), Options(seeds=(0,)))


def test_two_of_the_first_three_are_the_same_explanation():
    now = np.array([[3.0, 2.0, 1.0, 0.5, -1.0]])
    assert held.shared(now, np.array([[1.0, 3.0, 0.1, 2.0, 0.2]])).tolist() == [True]  # places 1 and 2
    assert held.shared(now, np.array([[1.0, 0.1, 0.2, 2.0, 3.0]])).tolist() == [False]
    assert held.shared(now, np.array([[1.0, -2.0, -1.0, 2.0, -3.0]])).tolist() == [False]


def test_fewer_reasons_must_all_be_there_and_none_are_always_the_same():
    one, none = np.array([[-1.0, 4.0, -2.0]]), np.array([[-1.0, -4.0, -2.0]])
    assert held.shared(one, np.array([[1.0, 2.0, 3.0]])).tolist() == [True]
    assert held.shared(one, none).tolist() == [False]
    assert held.shared(none, one).tolist() == [True]


@pytest.mark.slow
def test_the_next_week_s_reasons_are_those_of_each_row_alone():
    made, table = material(), material().active
    read = held.reader(made, learned().names)
    rows = learned().rows[::5]
    said = held.next_week(made, goal(), learned(), read, rows)
    place = {(table.seller_id[r], int(table.as_of[r])): r for r in learned().rows.tolist()}
    same: dict[bool, list[bool]] = {True: [], False: []}
    for row in rows.tolist():
        later = place.get((table.seller_id[row], int(table.as_of[row]) + 7))
        if later is None:
            continue
        first, second = (ranked_families(made, goal(), learned(), np.array([r]))[0][:3] for r in (row, later))
        quiet = table.block["late_7"][later] == 0
        same[bool(quiet)].append(len({*first} & {*second}) >= min(2, len(first)))
    assert (said["pairs"], said["share"]) == (len(same[True]), pytest.approx(np.mean(same[True])))
    assert said["with_new_events"]["share"] == pytest.approx(np.mean(same[False]))
    assert min(len(same[True]), len(same[False])) > 20


@pytest.mark.slow
def test_deleting_the_top_reason_takes_more_than_deleting_at_random():
    read = held.reader(material(), learned().names)
    rows = learned().rows[::5]
    said = held.deletion(goal(), learned(), read, rows)
    assert said["top_reason"] > said["random"]
    assert said["share_above_random"] > 0.8
    usual = held._drops(goal(), learned(), read, rows)
    assert usual.shape == (len(rows), len(read.families))
    assert np.abs(usual).sum() > 0


@pytest.mark.slow
def test_retrained_models_are_asked_of_the_last_fold_only():
    read = held.reader(material(), learned().names)
    said = held.retrained(material(), goal(), learned(), read, learned().rows[-500:])
    assert said["rows"] == held.READ
    assert 0.3 < said["share"] <= 1


def two_folds() -> tuple[SimpleNamespace, SimpleNamespace, SimpleNamespace]:
    """A goal, a tested and a reader of six rows in two folds; trees are a factor, a matrix the numbers of its rows."""
    rows = np.arange(6)
    plain = SimpleNamespace(matrix=rows[:, None].astype(float), take=lambda drawn: drawn)
    goal = SimpleNamespace(rows=SimpleNamespace(only=lambda _: plain), known_by=lambda day: rows < day)
    fitted = [SimpleNamespace(trees=1.0), SimpleNamespace(trees=10.0)]
    tested = SimpleNamespace(rows=rows, fold=np.array([0, 0, 0, 1, 1, 1]), fitted=fitted, trees="found")
    return goal, tested, SimpleNamespace(names=(), families=("only",), added=lambda trees, matrix: trees * matrix)


def test_each_row_is_read_by_the_model_of_its_own_fold() -> None:
    goal, tested, read = two_folds()
    assert held.of_rows(goal, tested, read, np.array([4, 1, 5]))[:, 0].tolist() == [40, 1, 50]


def test_retrained_models_learn_what_the_last_fold_s_did_and_read_its_rows(monkeypatch) -> None:
    goal, tested, read = two_folds()
    asked: list[list[float]] = []
    read.added = lambda trees, matrix: asked.append(matrix[:, 0].tolist()) or matrix
    monkeypatch.setattr(held, "boost", lambda drawn, seed, trees: assert_known(drawn) if trees == "found" else None)
    ids = np.array(list("ababab"), dtype=object)
    made = SimpleNamespace(active=SimpleNamespace(as_of=np.arange(6), seller_id=ids))
    said = held.retrained(made, goal, tested, read, np.array([0, 2, 3, 5]))
    assert said["rows"] == 2
    assert asked == [[3, 5]] * 3, "the served model and two others, on the last fold's"


def assert_known(drawn: np.ndarray) -> float:
    assert drawn.max() < 3, "rows known when the last fold opens"
    return 1.0


def test_sellers_are_drawn_again_with_all_their_rows() -> None:
    ids = np.repeat([f"s{n}" for n in range(40)], 3).astype(object)
    made = SimpleNamespace(active=SimpleNamespace(seller_id=ids))
    drawn = held._drawn(made, np.arange(120), 1)
    times = np.bincount(drawn, minlength=120).reshape(40, 3)
    assert (times == times[:, :1]).all()
    assert times[:, 0].sum() == 40
    assert (times[:, 0] == 0).sum() > 5, "some are left out, others come twice"
