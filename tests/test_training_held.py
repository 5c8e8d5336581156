"""Whether reasons hold: next week, retrained, deleted; against the reasons that are worked out one row at a time."""

from functools import cache

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
