"""What a record teaches the better roll-forward: known numbers are found again, and few rows teach little."""

from dataclasses import replace

import numpy as np
import pytest

from core.block import Block
from models.arithmetic import beta_binomial, roll_forward
from tests.support.late_rate_standard import STANDARD
from training.fit import fit_roll_forward, roll_forward_v2
from training.fit.roll_forward_v2 import DEFAULT_PARAMS

ROWS = 4000


def drawn(strength: float, kept: float) -> tuple[Block, np.ndarray, np.ndarray]:
    """Sellers whose rates are Beta about 0.2, `strength` orders' worth alike; a share `kept` have the same rate lately.

    Their rows, and the bad events and volume that came.
    """
    draws = np.random.default_rng(5)
    rate, other = draws.beta(0.2 * strength, 0.8 * strength, (2, ROWS))
    lately = np.where(draws.random(ROWS) < kept, rate, other)
    volume = draws.integers(20, 200, (3, ROWS))
    bad = [draws.binomial(n, p) for n, p in zip(volume, (rate, lately, lately), strict=True)]
    columns = {
        "late_60": bad[0] + bad[1],
        "ordered_60": volume[0] + volume[1],
        "late_32": bad[1],
        "ordered_32": volume[1],
        "late_28": bad[1],
        "ordered_28": volume[1],
    }
    for figure in ("peer_{}_60", "market_{}_60", "market_{}_14"):
        columns |= {figure.format("late"): np.full(ROWS, 2000), figure.format("ordered"): np.full(ROWS, 10000)}
    block = Block(tuple(columns), np.column_stack([*columns.values()]).astype(float))
    return block, bad[2].astype(float), volume[2].astype(float)


@pytest.mark.parametrize("strength", [15.0, 150.0])
def test_the_strength_of_likeness_is_found(strength: float) -> None:
    block, bad, volume = drawn(strength, 1.0)
    found = fit_roll_forward.most_likely_params(
        fit_roll_forward.OF_RATE, fit_roll_forward.rate_likelihood(STANDARD, block, 28, bad, volume)
    )
    fades = np.exp(-14 / found.decay_days)  # what is left of an order of lately: strength counts against that
    assert found.strength / fades == pytest.approx(strength, rel=0.35)
    assert found.decay_days > 150


def test_sellers_who_change_shorten_the_memory() -> None:
    steady, restless = (
        fit_roll_forward.most_likely_params(
            fit_roll_forward.OF_RATE, fit_roll_forward.rate_likelihood(STANDARD, block, 28, bad, volume)
        )
        for block, bad, volume in (drawn(30.0, 1.0), drawn(30.0, 0.3))
    )
    assert restless.decay_days < steady.decay_days / 3


@pytest.mark.parametrize("hazard", [0.2, 1.5])
def test_what_overdue_orders_bring_is_found(hazard: float) -> None:
    block, bad, volume = drawn(15.0, 1.0)
    draws = np.random.default_rng(11)
    waiting = np.where(draws.random(ROWS) < 0.2, draws.integers(1, 6, ROWS), 0)
    bad = np.minimum(bad + draws.poisson(hazard * waiting * volume / block["ordered_28"]), volume)
    names = (*block.names, roll_forward_v2.OVERDUE, roll_forward_v2.CLEARED)
    block = Block(names, np.column_stack([block.values, waiting, np.zeros(ROWS)]))
    found = fit_roll_forward.most_likely_params(
        fit_roll_forward.OF_RATE, fit_roll_forward.rate_likelihood(STANDARD, block, 28, bad, volume)
    )
    assert found.hazard == pytest.approx(hazard, rel=0.25)


@pytest.mark.parametrize("overdispersion", [0.02, 0.6])
def test_the_scatter_of_volumes_is_found(overdispersion: float) -> None:
    draws = np.random.default_rng(7)
    lately = draws.integers(5, 200, ROWS).astype(float)
    volume = draws.poisson(lately * draws.gamma(1 / overdispersion, overdispersion, ROWS)).astype(float)
    found = fit_roll_forward.most_likely_params(
        ("overdispersion",), lambda one: fit_roll_forward.volume_likelihood(volume, lately, one.overdispersion)
    )
    assert found.overdispersion == pytest.approx(overdispersion, rel=0.15)


def test_few_rows_teach_little() -> None:
    block, bad, volume = drawn(15.0, 1.0)
    few = np.arange(3)
    likelihood = fit_roll_forward.rate_likelihood(STANDARD, block.take(few), 28, bad[few], volume[few])
    found = fit_roll_forward.most_likely_params(fit_roll_forward.OF_RATE, likelihood)
    assert found.strength == pytest.approx(DEFAULT_PARAMS.strength, rel=0.3)


def test_the_likelihood_is_that_of_the_belief() -> None:
    block, bad, volume = drawn(15.0, 1.0)
    one = replace(DEFAULT_PARAMS, strength=12.0)
    said = fit_roll_forward.rate_likelihood(STANDARD, block, 28, bad, volume)(one)
    counts = roll_forward.counts(STANDARD, block, 28)
    rate, evidence = roll_forward_v2.belief(STANDARD, counts, roll_forward_v2.past(STANDARD, block), one)
    assert np.allclose(said, beta_binomial.log_pmf(bad, volume, rate * evidence, (1 - rate) * evidence))
