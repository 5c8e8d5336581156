"""The spread of what comes: found where it is known, and wide enough where a beta distribution is not."""

from dataclasses import replace

import numpy as np
import pytest

from models.arithmetic.expected_rate import Spread, covered
from training.fit import rate_spread
from training.fit.rate_spread import ObservedOutcomes, block_variance, fit_spread

ROWS = 8_000
PLAIN = Spread()


def drawn(
    seed: int, made: Spread = PLAIN, jump: float = 0.0, most: float = 0.3, shifts: tuple[float, ...] = (0.0,) * 40
) -> ObservedOutcomes:
    """Sellers of 10 to 1,000 orders whose share to come has the given spread; a few jump, and blocks of time shift."""
    rng = np.random.default_rng(seed)
    orders, usual = np.exp(rng.uniform(np.log(10), np.log(1_000), ROWS)), rng.uniform(most / 15, most, ROWS)
    a, b = usual * orders, (1 - usual) * orders
    block = np.sort(rng.integers(0, len(shifts), ROWS))
    odds = rng.beta(*made.shape(a, b)) + 1e-12
    odds = odds / (1 - odds + 1e-12) * np.exp(np.array(shifts)[block])
    share = np.where(rng.random(ROWS) < jump, np.minimum(5 * usual, 0.9), odds / (1 + odds))
    volume = np.maximum(rng.poisson(orders / 2), 1)
    events = rng.binomial(volume, share)
    drawn_events, drawn_volume = events.astype(float), volume.astype(float)
    return ObservedOutcomes(drawn_events, drawn_volume, a, b, rate_spread.bands(orders, 20), block)


def coverage(came: ObservedOutcomes, found: Spread) -> np.ndarray:
    """By volume band."""
    inside = covered(came.events, came.volume, *found.shape(came.a, came.b), tail=float(found.tail))
    return np.bincount(came.band, inside) / np.bincount(came.band)


def test_concentration_and_drift_that_made_the_counts_are_found() -> None:
    found = fit_spread(drawn(0, Spread(concentration=0.5, drift=0.02)))
    assert found.concentration == pytest.approx(0.5, rel=0.15)
    assert found.drift == pytest.approx(0.02, rel=0.15)
    assert found.tail == pytest.approx(0.05, abs=0.005)


@pytest.mark.parametrize(("jump", "most"), [(0.0, 0.3), (0.05, 0.04)])
def test_nine_in_ten_fall_inside_in_every_band_of_rows_that_the_fit_has_not_seen(jump: float, most: float) -> None:
    made = Spread(drift=0.005)
    found, later = fit_spread(drawn(1, made, jump, most)), drawn(2, made, jump, most)
    assert np.abs(coverage(later, replace(found, block_variance=0.0)) - 0.9).max() < 0.03
    assert found.tail != Spread().tail, "decided by what came"


@pytest.mark.parametrize("wrong", [0.4, 3.0])
def test_where_the_ends_of_the_distribution_are_wrong_the_tail_makes_up_for_them(wrong: float) -> None:
    came = drawn(8)
    said = Spread(concentration=wrong)
    tail = rate_spread._tail(came, said, np.ones(ROWS))
    assert covered(came.events, came.volume, *said.shape(came.a, came.b), tail).mean() == pytest.approx(0.9, abs=1e-6)
    assert (tail < 0.04) == (wrong > 1)


def test_one_scale_alone_would_leave_out_too_much_of_those_with_many_orders() -> None:
    came = drawn(3, Spread(drift=0.01))
    assert coverage(came, Spread())[-1] < 0.75
    assert coverage(came, fit_spread(came))[-1] > 0.87


def test_few_blocks_leave_a_variance_that_many_equal_blocks_do_not() -> None:
    few, many = (block_variance(drawn(4, shifts=(0.0,) * blocks)) for blocks in (3, 40))
    assert few == pytest.approx(2 * 0.7**2 / 5, abs=0.01)
    assert many == pytest.approx(2 * 0.7**2 / 42, abs=0.01)


def test_a_variance_that_the_blocks_have_shown_is_in_the_drift_already() -> None:
    shown = tuple(np.tile([0.9, -0.9], 10))
    assert block_variance(drawn(5, shifts=shown)) == 0
    assert fit_spread(drawn(5, shifts=shown)).drift > 3 * fit_spread(drawn(5)).drift


def test_without_rows_it_is_the_plain_distribution() -> None:
    nothing = drawn(6).take(np.array([], dtype=np.int64))
    assert fit_spread(nothing) == Spread()


def test_a_band_with_few_rows_weighs_as_much_as_one_with_many() -> None:
    came = drawn(7)
    kept = rate_spread._evenly(came.band)
    assert np.bincount(came.band[kept]).max() <= rate_spread.PER_BAND
    assert (np.diff(kept) > 0).all()
