"""The weekly queue and its alerts, on rows small enough to count by hand."""

from dataclasses import replace

import numpy as np
import pytest

from tests.support.training_market import service_standard
from training.backtest.alerts import QueueCandidates, entries, foresight, outcome, queue, warn_line

STANDARD = service_standard()


def candidates(rows: list[tuple[int, int]], breaches: dict[int, list[int]], sellers: int, days: int) -> QueueCandidates:
    """Rows as (seller, as_of); breaches as the days on which each seller is in breach; the first day is day 0."""
    breach = np.zeros((sellers, days), dtype=bool)
    for seller, in_breach in breaches.items():
        breach[seller, in_breach] = True
    seller, as_of = np.array(rows).T
    return QueueCandidates(seller, as_of, breach, first_day=0)


def test_the_queue_is_filled_each_week_by_the_highest_priorities() -> None:
    as_of = np.array([7, 7, 7, 7, 14, 14])
    priority = np.array([0.1, 0.4, 0.3, 0.2, 0.05, 0.01])
    assert queue(priority, as_of, 0.5).tolist() == [False, True, True, False, True, False]
    assert queue(priority, as_of, 0.02).tolist() == [False, True, False, False, True, False]  # at least one


def test_an_alert_needs_28_days_outside_the_queue() -> None:
    as_of = np.array([0, 7, 35, 42, 77])
    one_seller = np.zeros(5, dtype=int)
    # Day 35 comes 28 days after the queue of day 7, which itself lasted a week; from day 42 to 77 it was long enough.
    assert entries(np.ones(5, dtype=bool), one_seller, as_of).tolist() == [True, False, False, False, True]


def test_sellers_do_not_share_their_time_outside() -> None:
    assert entries(np.ones(2, dtype=bool), np.array([0, 1]), np.array([0, 7])).tolist() == [True, True]


def test_an_alert_is_right_if_a_breach_closes_one_of_the_next_28_days() -> None:
    rows = [(0, 10), (1, 10), (2, 10)]
    seen = candidates(rows, {0: [38], 1: [39], 2: [10]}, sellers=3, days=60)
    assert seen.days_to_breach().tolist() == [28, np.inf, np.inf]


def test_a_new_breach_opens_after_28_days_without_one() -> None:
    seen = candidates([(0, 0)], {0: [5, 6, 34, 63]}, sellers=1, days=70)
    assert np.flatnonzero(seen.new_breaches()[0]).tolist() == [5, 63]  # 34 follows 6 by 28 days, 27 of them without


def test_precision_recall_lead_time_and_repeats() -> None:
    rows = [(0, 10), (1, 10), (0, 17), (1, 17)]
    seen = candidates(rows, {0: [30, 31], 1: [20]}, sellers=2, days=60)
    found = outcome(seen, np.array([0.9, 0.1, 0.1, 0.9]), share=0.5)
    # Seller 0 is queued on day 10 (breach 20 days later), seller 1 on day 17 (3 days later): both right, both seen.
    assert found == {
        "capacity_per_week": 1,
        "alerts": 2,
        "precision": 1.0,
        "recall": 1.0,
        "money_recall": 1.0,
        "median_lead_time_days": 11.5,
        "share_with_7_days": 0.5,
        "share_with_14_days": 0.5,
        "repeat_alert_rate": 0.0,
        "alerts_per_reviewer_day": 16.0,  # each of the two reviews was an alert
    }


def test_recall_by_money_weighs_each_new_breach_by_what_was_at_stake_last() -> None:
    rows = [(0, 10), (1, 10), (0, 17), (1, 17)]
    worth = np.array([5.0, 1000.0, 90.0, 10.0])
    seen = replace(candidates(rows, {0: [30], 1: [30]}, sellers=2, days=60), worth=worth)
    found = outcome(seen, np.array([0.9, 0.1, 0.9, 0.1]), share=0.5)
    assert found["recall"] == 0.5
    assert found["money_recall"] == pytest.approx(90 / (90 + 10))


def test_a_wrong_alert_has_no_lead_time() -> None:
    found = outcome(candidates([(0, 10)], {}, sellers=1, days=60), np.array([0.9]), share=0.5)
    assert (found["precision"], found["recall"], found["median_lead_time_days"]) == (0, None, None)


def test_foresight_is_never_wrong_where_breaches_fill_the_queue() -> None:
    rng = np.random.default_rng(0)
    rows = [(s, d) for d in (30, 37, 44) for s in range(40)]
    seen = candidates(rows, {s: rng.integers(0, 90, 2).tolist() for s in range(40)}, sellers=40, days=100)
    best = outcome(seen, foresight(seen), share=0.1)
    assert best["precision"] == 1
    other = outcome(seen, rng.random(len(rows)), share=0.1)["precision"]
    assert other is not None
    assert best["precision"] >= other


def test_foresight_queues_nobody_who_keeps_the_standard() -> None:
    seen = candidates([(s, 30) for s in range(10)], {0: [40]}, sellers=10, days=100)
    best = outcome(seen, foresight(seen), share=0.5)
    assert (best["alerts"], best["precision"], best["recall"]) == (1, 1, 1)


def test_the_warn_line_rule_puts_volume_first_and_then_the_rate() -> None:
    bad, volume = np.array([2.0, 3, 5, 0]), np.array([40.0, 40, 10, 0])
    assert np.argsort(-warn_line(STANDARD, bad, volume)).tolist() == [1, 0, 2, 3]


def test_capacity_is_shown_as_reviews_a_week() -> None:
    rows = [(s, d) for d in (10, 17) for s in range(10)]
    found = outcome(candidates(rows, {}, sellers=10, days=60), np.arange(20.0), share=0.3)
    assert found["capacity_per_week"] == pytest.approx(3)
