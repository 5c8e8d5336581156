"""Daily breaches: equal to the labels, corrections included."""

import numpy as np
import pytest

from tests.support.market_by_hand import DAY_0, ledger_of, order
from tests.support.training_market import dataset, service_standard
from training.dataset.daily_counts import breach_by_day, daily_counts, trailing
from training.dataset.dataset import headline_standards, labelled_task

STANDARD = service_standard()


def test_sums_over_the_trailing_days() -> None:
    assert trailing(np.array([[1.0, 2, 3, 4]]), 2).tolist() == [[1, 3, 5, 7]]
    assert trailing(np.array([[1.0, 2, 3, 4]]), 9).tolist() == [[1, 3, 6, 10]]


@pytest.mark.parametrize("horizon", [14, 28, 56])
def test_a_label_is_the_breach_of_that_day(horizon: int) -> None:
    made = dataset()
    task = labelled_task(made, headline_standards(made)["service"], horizon)
    daily = daily_counts(made.ledger.con, task.standard, made.ledger.first_day, made.calendar.data_end)
    known = np.isfinite(task.rows.label)
    rows = daily.rows_of(made.active.seller_id[known])
    breach = breach_by_day(daily, task.standard)[rows, made.active.as_of[known] + horizon - daily.first_day]
    np.testing.assert_array_equal(breach, task.rows.label[known] == 1)
    assert breach.any()


def test_a_later_version_counts_from_the_day_it_was_recorded() -> None:
    first = order("o1", ordered=0, promised=3) | {"recorded_at": order("x", ordered=0)["ordered_at"]}
    second = first | {
        "delivered_at": order("x", ordered=2)["ordered_at"],
        "recorded_at": order("x", ordered=6)["ordered_at"],
    }
    ledger = ledger_of([first, second])
    bad, volume = daily_counts(ledger.con, STANDARD, DAY_0, DAY_0 + 9).window(60)
    assert bad[0].tolist() == [0, 0, 0, 1, 1, 1, 0, 0, 0, 0]  # late on day 3, known on day 6 to have come in time
    assert volume[0].tolist() == [1] * 10
