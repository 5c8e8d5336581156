"""The better roll-forward: rows worked by hand, what each parameter does, and bits that do not move."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import betabinom, nbinom

from core.block import Block
from core.errors import ForesellError
from models.arithmetic import roll_forward
from tests.support.late_rate_standard import STANDARD
from training.fit import roll_forward_v2
from training.fit.roll_forward_v2 import DEFAULT_PARAMS, RollForwardParams

COLUMNS = ("60", "32", "28")


def rows(*literal: str, peers: str = "30/100", market: str = "40/200") -> Block:
    """One row per line of `now stays last-horizon`, each as bad/volume; the peer group's and the market's beside it."""
    names = [f"{q}_{span}" for span in COLUMNS for q in ("late", "ordered")]
    names += [f"{group}_{q}_60" for group in ("peer", "market") for q in ("late", "ordered")]
    names += ["market_late_14", "market_ordered_14"]
    counts = [
        [float(n) for pair in f"{line} {peers} {market} {market}".split() for n in pair.split("/")] for line in literal
    ]
    return Block(tuple(names), np.array(counts))


def overdue(block: Block, *waiting: float) -> Block:
    """The rows with orders past their ship-by time: all that there ever were, and those since sent."""
    sent = np.full(len(block), 7.0)
    columns = np.column_stack([block.values, sent + np.array(waiting), sent])
    return Block((*block.names, roll_forward_v2.OVERDUE, roll_forward_v2.CLEARED), columns)


def believed(block: Block, params: RollForwardParams = DEFAULT_PARAMS) -> tuple[np.ndarray, np.ndarray]:
    """The rate to come, and the evidence for it."""
    return roll_forward_v2.belief(
        STANDARD, roll_forward.counts(STANDARD, block, 28), roll_forward_v2.past(STANDARD, block), params
    )


def test_one_row_worked_by_hand() -> None:
    # Peer group: (30 + 50 x 0.2) / (100 + 50). Own: 3 of 10 in 28 days, 1 of 15 in the 32 before. Decay over 23
    # days those count exp(-14/23) and exp(-44/23).
    params, block = (
        RollForwardParams(strength=30, peers=50, decay_days=23, process_noise=0.02, overdispersion=0.5),
        rows("4/25 2/12 3/10"),
    )
    lately, before = np.exp(-14 / 23), np.exp(-44 / 23)
    known = 30 + lately * 10 + before * 15
    rate, sure = (30 * 40 / 150 + lately * 3 + before * 1) / known, 1 / (1 / known + 0.02)
    assert [column[0] for column in believed(block, params)] == pytest.approx([rate, sure])
    # Volumes to come: log-normal about 10 by three points; the variance of the logarithm is log(1 + 0.5 + 1/10).
    spread = np.sqrt(np.log(1.6))
    coming = [round(10 * np.exp(spread * z - spread**2 / 2)) for z in (-np.sqrt(3), 0, np.sqrt(3))]
    past = [betabinom.sf((12 + n) // 4 - 2, n, rate * sure, (1 - rate) * sure) for n in coming]
    met = nbinom.sf(20 - 12 - 1, 2, 2 / (2 + 10))
    found = roll_forward_v2.probability(STANDARD, block, 28, params)[0]
    assert found == pytest.approx(np.dot([1 / 6, 2 / 3, 1 / 6], past) * met)


def test_a_rate_that_changed_lately_is_seen_by_a_short_memory() -> None:
    block = rows("8/60 0/30 8/30", "8/60 8/32 0/28")  # the same window: bad lately, bad before
    short, long = (believed(block, replace(DEFAULT_PARAMS, decay_days=m))[0] for m in (10.0, 1000.0))
    assert short[0] - short[1] > 3 * abs(long[0] - long[1])


@pytest.mark.parametrize(("name", "more"), [("overdispersion", 2.0), ("process_noise", 0.2)])
def test_what_is_less_sure_is_less_extreme(name: str, more: float) -> None:
    block = rows("2/60 1/30 1/30", "30/60 14/30 16/30")
    usual, unsure = (
        roll_forward_v2.probability(STANDARD, block, 28, one)
        for one in (DEFAULT_PARAMS, replace(DEFAULT_PARAMS, **{name: more}))
    )
    assert unsure[0] > usual[0]
    assert unsure[1] < usual[1]


def test_a_seller_without_a_past_has_its_peers_rate_and_peers_without_orders_the_markets() -> None:
    params = replace(DEFAULT_PARAMS, peers=1e-9)
    assert believed(rows("0/0 0/0 0/0"), params)[0] == pytest.approx(0.3)
    assert believed(rows("0/0 0/0 0/0", peers="0/0"), params)[0] == pytest.approx(0.2)


@pytest.mark.parametrize("lacking", [-3, 0, 1, 7, 40])
@pytest.mark.parametrize(("coming", "overdispersion"), [(0.0, 0.1), (3.0, 0.002), (30.0, 0.7), (400.0, 4.0)])
def test_the_minimum_volume_is_met_as_a_negative_binomial_says(
    lacking: int, coming: float, overdispersion: float
) -> None:
    mean, size = max(coming, roll_forward_v2.LEAST_COMING), 1 / overdispersion
    found = roll_forward_v2.volume_met(np.array([lacking]), np.array([coming]), overdispersion)[0]
    assert found == pytest.approx(nbinom.sf(lacking - 1, size, size / (size + mean)), abs=1e-10)


@pytest.mark.parametrize("window", [14, 28, 30, 60, 90])
def test_fading_gives_each_band_its_weight(window: int) -> None:
    standard = replace(STANDARD, window_days=window)
    edges, fading = (0, *roll_forward_v2.looks(standard)), np.array(roll_forward_v2.fades(standard, 20.0))
    assert len(fading) == len(edges) - 1
    for band in range(1, len(edges)):  # an order of the band is in its window and every longer one
        assert fading[band - 1 :].sum() == pytest.approx(np.exp(-(edges[band - 1] + edges[band]) / 2 / 20))


def test_a_row_is_the_same_to_the_bit_alone_or_among_others() -> None:
    draws = np.random.default_rng(3)
    volume = draws.integers(0, 400, (500, 2)).cumsum(axis=1)[:, ::-1]
    bad = draws.binomial(volume.min(axis=1), 0.2)
    lines = [f"{b}/{now} {b // 2}/{stay} {b // 3}/{now - stay}" for b, (now, stay) in zip(bad, volume, strict=True)]
    whole = roll_forward_v2.probability(STANDARD, block := rows(*lines), 28, DEFAULT_PARAMS)
    for number in (0, 1, 250, 499):
        assert (
            roll_forward_v2.probability(STANDARD, block.take(np.array([number])), 28, DEFAULT_PARAMS)[0]
            == whole[number]
        )
    assert np.isfinite(whole).all()
    assert ((whole >= 0) & (whole <= 1)).all()


def test_overdue_orders_bring_failures_of_their_own() -> None:
    params, block = replace(DEFAULT_PARAMS, hazard=0.6), rows("4/25 2/12 3/10", "4/25 2/12 3/10", "0/0 0/0 0/0")
    plain, (rate, evidence) = believed(block, params), believed(overdue(block, 0, 5, 3), params)
    assert rate[0] == plain[0][0]
    assert rate[1] == pytest.approx(plain[0][1] + 0.6 * 5 / 10)  # 5 overdue, beside 10 orders to come
    assert rate[2] == 1 - roll_forward.LEAST_RATE  # no other orders are to come
    assert np.array_equal(evidence, plain[1])


def test_overdue_orders_say_nothing_of_standards_that_they_cannot_break() -> None:
    returns = replace(STANDARD, numerator=("returned",))
    names = tuple(name.replace("late", "returned") for name in rows("4/25 2/12 3/10").names)
    block = overdue(Block(names, rows("4/25 2/12 3/10").values), 5)
    assert roll_forward_v2.past(returns, block).overdue.tolist() == [0]


def test_without_the_peers_columns_it_says_which_are_missing() -> None:
    block = rows("8/60 3/30 5/30")
    rest = tuple(name for name in block.names if name != "peer_late_60")
    with pytest.raises(ForesellError, match="peer_late_60"):
        roll_forward_v2.probability(STANDARD, Block(rest, block.matrix(rest)), 28, DEFAULT_PARAMS)
