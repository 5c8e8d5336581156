"""The rate to expect: its interval holds it, and covers what it says it covers."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import betabinom

from features.standards.standard import Standard
from models.arithmetic import expected_rate, roll_forward
from models.arithmetic.expected_rate import Spread
from tests.support.small_bundle import HORIZON, LATE, SERVICE, table

Floats = NDArray[np.float64]
DrawnCounts = tuple[Floats, Floats, Floats, Floats]  # events, volume, and a and b of the distribution


@pytest.fixture(scope="module")
def counts() -> DrawnCounts:
    """Events of orders to come, drawn from the distribution that the test then asks about."""
    rng = np.random.default_rng(0)
    volume = rng.integers(0, 60, 6000).astype(float)
    share, orders = rng.uniform(0.01, 0.3, 6000), rng.uniform(10, 80, 6000)
    a, b = share * orders, (1 - share) * orders
    return rng.binomial(volume.astype(int), rng.beta(a, b)).astype(float), volume, a, b


@pytest.mark.parametrize("standard", [SERVICE, LATE])
def test_the_interval_holds_the_expected_rate(standard: Standard) -> None:
    projection = roll_forward.project(standard, table().block, HORIZON)
    found = expected_rate.expected_rate(standard, projection)
    known = ~np.isnan(found.rate)
    assert known.any()
    assert (found.low <= found.rate)[known].all()
    assert (found.rate <= found.high)[known].all()
    assert (found.low < found.high)[known & (projection.coming > 5)].all()


def test_a_complement_states_the_good_share() -> None:
    good = replace(SERVICE, complement=True, comparator=">=", limit=Decimal("0.92"))
    projection = roll_forward.project(SERVICE, table().block, HORIZON)
    bad, turned = (
        expected_rate.expected_rate(s, roll_forward.project(s, table().block, HORIZON)) for s in (SERVICE, good)
    )
    known = projection.coming > 0
    assert np.allclose(turned.rate[known], 1 - bad.rate[known])
    assert np.allclose(turned.low[known], 1 - bad.high[known])
    assert np.allclose(turned.high[known], 1 - bad.low[known])


@pytest.mark.parametrize(
    "wider", [Spread(concentration=0.1), Spread(drift=0.2), Spread(block_variance=3), Spread(tail=0.02)]
)
def test_what_a_spread_knows_of_widens_the_interval(wider: Spread) -> None:
    projection = roll_forward.project(SERVICE, table().block, HORIZON)
    wide, usual = (expected_rate.expected_rate(SERVICE, projection, spread) for spread in (wider, Spread()))
    assert np.nansum(wide.high - wide.low) > 1.05 * np.nansum(usual.high - usual.low)


def test_drift_counts_however_many_orders_a_seller_has() -> None:
    few, many = np.array([2.0]), np.array([2e6])
    a, b = Spread(drift=0.01).shape(many, 9 * many)
    assert (a + b)[0] == pytest.approx(100, rel=1e-3), "two million orders tell no more of what comes than a hundred"
    a, b = Spread(drift=0.01).shape(few, 9 * few)
    assert (a / (a + b))[0] == pytest.approx(0.1), "and what is expected stays"
    assert (a + b)[0] == pytest.approx(1 / (1 / 20 + 0.01))


def test_rows_of_several_models_have_the_intervals_of_each_alone() -> None:
    projection = roll_forward.project(SERVICE, table().block, HORIZON)
    spreads = (Spread(0.3, 0.01, 0.1, 0.04), Spread())
    twice = roll_forward.Projection(*[np.concatenate([column, column]) for column in vars(projection).values()])
    both = expected_rate.expected_rates(
        np.zeros(len(twice.a), dtype=bool), twice, expected_rate.repeated(spreads, len(projection.a))
    )
    alone = [expected_rate.expected_rate(SERVICE, projection, spread) for spread in spreads]
    assert np.array_equal(both.high, np.concatenate([found.high for found in alone]), equal_nan=True)
    assert np.array_equal(both.low, np.concatenate([found.low for found in alone]), equal_nan=True)


def test_coverage_is_90_percent_where_the_distribution_is_right(counts: DrawnCounts) -> None:
    assert expected_rate.covered(*counts).mean() == pytest.approx(0.9, abs=0.015)


@pytest.mark.parametrize("scale", [0.1, 8.0])
def test_coverage_shows_a_wrong_concentration(counts: DrawnCounts, scale: float) -> None:
    events, volume, a, b = counts
    assert abs(expected_rate.covered(events, volume, a * scale, b * scale).mean() - 0.9) > 0.03


def test_a_spread_reads_back_to_the_bit() -> None:
    said = Spread(0.1 + 0.2, 1e-3, 0.05, 0.0391)
    assert expected_rate.from_json(said.as_json()) == said


def test_an_outcome_at_the_end_of_the_interval_is_covered_by_its_share() -> None:
    one = np.ones(1)
    below, upto = betabinom.cdf([4, 5], 9, 1.5, 6)
    assert below < 0.95 < upto
    assert expected_rate.covered(5 * one, 9 * one, 1.5 * one, 6 * one) == pytest.approx((0.95 - below) / (upto - below))


@pytest.mark.parametrize("events", [-1.0, 10.0])
def test_an_outcome_beyond_the_distribution_is_not_covered(events: float) -> None:
    one = np.ones(1)
    assert expected_rate.covered(events * one, 9 * one, 1.5 * one, 6 * one) == 0
