"""Baselines: the simple ones by hand, the boosting against the frozen reference."""

import numpy as np
import pytest

from benchmarks import reference
from core.block import Block
from models.arithmetic.economy import Economy, cut_points
from tests.reference import reference_backtest
from tests.support.training_market import dataset, service_standard
from training.backtest import baselines
from training.dataset.daily_counts import Daily
from training.dataset.slices import masks

STANDARD = service_standard()
COLUMNS = (
    "late_60",
    "ordered_60",
    "market_late_60",
    "market_ordered_60",
    "peer_late_60",
    "peer_ordered_60",
    "tenure_days",
)


def block(*rows: tuple[float, ...]) -> Block:
    """Rows of COLUMNS."""
    return Block(COLUMNS, np.array(rows, dtype=float))


def test_simple_scores_by_hand() -> None:
    rows = block((3, 30, 100, 1000, 4, 20, 200), (0, 0, 100, 1000, 0, 0, 5))
    assert baselines.current_metric(STANDARD, rows).tolist() == [0.1, 0.0]
    assert baselines.shrunk_rate(STANDARD, rows).tolist() == pytest.approx([5 / 50, 0.1])
    assert baselines.peer_only(STANDARD, rows).tolist() == [0.2, 0.0]


def test_slices_by_what_is_known_at_as_of() -> None:
    # limit 15%, minimum 20: in breach; within the limit; past it with too few orders; few orders; new
    rows = block(
        (10, 50, 0, 1, 0, 1, 200),
        (5, 50, 0, 1, 0, 1, 200),
        (3, 10, 0, 1, 0, 1, 200),
        (1, 39, 0, 1, 0, 1, 200),
        (0, 40, 0, 1, 0, 1, 89),
    )
    found = {name: mask.tolist() for name, mask in masks(STANDARD, rows).items()}
    assert found == {
        "all": [True] * 5,
        "not_yet_in_breach": [False, True, False, True, True],
        "past_limit_low_volume": [False, False, True, False, False],
        "low_volume": [False, False, True, True, False],
        "new_sellers": [False, False, False, False, True],
    }


def test_the_logistic_regression_learns_through_missing_values_and_outliers() -> None:
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(2000, 3))
    label = (matrix[:, 0] + rng.normal(size=2000) > 0).astype(float)
    matrix[::7, 1], matrix[:, 2], matrix[0, 0] = np.nan, np.nan, 1e12
    p = baselines.logistic(matrix, label, matrix)
    assert p[label == 1].mean() > p[label == 0].mean() + 0.1
    assert np.isfinite(p).all()


def test_bands_start_where_a_review_pays_and_where_capacity_ends() -> None:
    plenty = np.linspace(0, 1, 1001)
    assert cut_points(plenty, Economy(capacity=0.1)) == pytest.approx((0.1, 0.9))
    assert cut_points(plenty / 100, Economy(capacity=0.1)) == (
        0.1,
        0.1,
    )  # nobody is worth it: capacity is not filled up
    assert cut_points(np.empty(0), Economy()) == (0.1, 0.1)


@pytest.mark.slow
def test_the_boosting_is_the_frozen_reference_s(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    orders = rng.poisson(rng.uniform(0.3, 1.5, (60, 1)), (60, 220)).astype(float)
    failures = rng.binomial(orders.astype(int), rng.beta(2, 10, (60, 1))).astype(float)
    groups = {"carrier": np.arange(60) % 4}
    protocol = reference_backtest.Protocol(limit=0.15, first=90, test_from=170)
    rows = reference_backtest.rows(orders, failures, groups, protocol)
    train, test = rows[rows.day + 28 <= 170], rows[rows.day >= 170]
    monkeypatch.setattr(reference, "SEEDS", 1)
    expected = reference_backtest.boosting(train, test, 0)
    daily = Daily(np.arange(60).astype(object), 0, failures, orders, np.empty((0, 5), dtype=np.int64))
    as_of = np.arange(90, 220 - 28, 7)
    found = reference.boosting(daily, STANDARD, groups, reference.AsOfDays(as_of, 170, 28))
    np.testing.assert_allclose(found[np.searchsorted(as_of, test.day), test.seller], expected, atol=1e-9)


def test_market_figures_are_the_same_for_all_rows_of_a_day() -> None:
    table = dataset().whole
    rates = baselines.group_rate(STANDARD, table.block, "market")
    assert all(len(set(rates[table.as_of == day].tolist())) == 1 for day in np.unique(table.as_of)[:5])
