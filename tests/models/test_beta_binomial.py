"""The beta-binomial: equal to scipy's, to the bit the same whatever the other rows, and small in memory."""

import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import betabinom

from models.arithmetic import beta_binomial

Floats = NDArray[np.float64]


def random_rows(rows: int = 2000, largest: int = 400, extreme: int = 50_000) -> tuple[Floats, Floats, Floats, Floats]:
    rng = np.random.default_rng(1)
    n = np.concatenate([rng.integers(0, largest, rows), [0, 1, extreme]]).astype(float)
    rate = rng.uniform(1e-4, 0.6, len(n))
    orders = np.where(rng.random(len(n)) < 0.5, n + 20, rng.uniform(0.1, 30, len(n)))
    k = np.floor(n * rng.uniform(-0.1, 1.1, len(n)))
    return k, n, rate * orders, (1 - rate) * orders


@pytest.mark.parametrize(("k", "expected"), [(-1, 1.0), (0, 2 / 3), (0.9, 2 / 3), (1, 1 / 3), (2, 0.0), (7, 0.0)])
def test_two_orders_at_a_uniform_rate_fail_0_1_or_2_times_alike(k: float, expected: float) -> None:
    assert beta_binomial.sf(k, 2, 1, 1)[0] == pytest.approx(expected, abs=1e-15)


def test_sf_equals_scipy() -> None:
    k, n, a, b = random_rows()
    expected = np.where(n > 0, betabinom.sf(k, n.astype(int), a, b), k < 0)
    assert np.abs(beta_binomial.sf(k, n, a, b) - expected).max() < 1e-9


def test_quantiles_equal_scipy() -> None:
    _, n, a, b = random_rows(rows=500, extreme=2000)
    expected = [betabinom.ppf(share, n.astype(int), a, b) for share in (0.05, 0.5, 0.95)]
    assert np.array_equal(beta_binomial.quantiles((0.05, 0.5, 0.95), n, a, b), expected)


def test_log_pmf_equals_scipy() -> None:
    k, n, a, b = random_rows()
    x = np.clip(k, 0, n)
    assert np.allclose(beta_binomial.log_pmf(x, n, a, b), betabinom.logpmf(x, n.astype(int), a, b), atol=1e-8)


def test_a_row_alone_is_the_row_among_others_to_the_bit() -> None:
    rows = random_rows(rows=300)
    together = beta_binomial.sf(*rows)
    alone = [beta_binomial.sf(*(column[i] for column in rows))[0] for i in range(len(together))]
    assert np.array_equal(together, alone)


def test_memory_does_not_grow_with_rows_times_n() -> None:
    rows, n = 300, 50_000  # 120 MB for one array of all terms
    tracemalloc.start()
    beta_binomial.sf(np.full(rows, n // 2), n, 2.0, 3.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16e6


def test_mean_is_n_times_the_share() -> None:
    assert beta_binomial.mean(10, 1, 4) == pytest.approx(2.0)


def test_no_rows_give_no_answers() -> None:
    empty = np.empty(0)
    assert beta_binomial.sf(empty, empty, empty, empty).shape == (0,)
    assert beta_binomial.quantiles((0.05,), empty, empty, empty).shape == (1, 0)
