"""The roll-forward: the events that stay in the window for one horizon, the orders to come, and P(breach).

Events x and volumes n are counts, arrays of shape (rows,); probabilities and rates are 0..1.

    share to come ~ Beta(a, b): a + b = now_n + PRIOR, mean = (now_x + PRIOR x market) / (now_n + PRIOR) x level
    events to come X ~ beta-binomial(coming, a, b); orders to come N ~ Poisson(coming)
    P(breach) = P(stay_x + X is past the limit) x P(stay_n + N reaches the minimum volume)

It is the frozen reference of the backtest protocol for any standard, times the market's recent level: if the last two
weeks were worse in the whole market, the coming days are expected to be worse too. `roll_forward` is the reference
without the level, a fixed baseline for scores. Unlike the reference, both decide the limit in whole numbers, as for a
breach.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaincinv, pdtrc

from core.block import Block
from features.standards.standard import MILLIONTHS, Standard
from models.arithmetic import beta_binomial

Array = NDArray[np.float64]
PRIOR = 20.0  # prior strength of every shrunk rate, in orders at the market's rate
LEAST_RATE = 1e-4  # a shrunk rate stays at least this far from 0 and 1
LOG_ODDS_BOUND = 5.0
LEVELS = (1 / 3, 3.0)  # range of the market's recent rate over its rate in the window


@dataclass(frozen=True)
class Projection:
    """A standard projected to as_of + horizon; every array has shape (rows,), events and orders are counts."""

    now_x: Array  # bad events in the window at as_of
    now_n: Array  # volume in the window at as_of
    stay_x: Array  # of those, still in the window one horizon later
    stay_n: Array
    coming: Array  # volume to come: the same as in the last horizon
    market: Array  # the market's bad share over the window
    a: Array  # the bad share to come is Beta(a, b), from the seller's counts, PRIOR and the market's rate and level
    b: Array
    room: Array  # most bad events among the orders to come without a breach; may be negative
    volume_met: Array  # P(minimum volume met at as_of + horizon)
    probability: Array  # P(breach at as_of + horizon)
    expected_rate: Array  # the rate expected at as_of + horizon, as the standard states it; nan without volume


def roll_forward(standard: Standard, block: Block, horizon: int) -> Array:
    """P(breach at the close of as_of + horizon), shape (rows,), 0..1, by the reference, without the market's level.

    ForesellError if the block lacks a window column.
    """
    own, market = _own(standard, block, horizon), market_counts(standard, block, standard.window_days)
    return project_counts(WindowCounts(*own, *market, *market), breach_rule(standard, len(block))).probability


def project(standard: Standard, block: Block, horizon: int) -> Projection:
    """The roll-forward with all its parts; horizon in days. ForesellError if the block lacks a window column.

    Orders to come fail at the seller's shrunk rate, times the market's level: X ~ beta-binomial(coming, a, b). For X,
    their number is that of the last horizon; for the minimum volume, it is Poisson with this mean.
    """
    return project_counts(counts(standard, block, horizon), breach_rule(standard, len(block)))


@dataclass(frozen=True)
class WindowCounts:
    """The counts that a projection starts from; every array has shape (rows,).

    The market's counts are those of the whole window, and of its last days (Standard.recent_days).
    """

    now_x: Array
    now_n: Array
    stay_x: Array
    stay_n: Array
    coming: Array
    market_x: Array
    market_n: Array
    recent_x: Array
    recent_n: Array


@dataclass(frozen=True)
class BreachRule:
    """The rule of a breach, by row, so that rows of several standards can be projected together."""

    tolerance: NDArray[np.int64]  # in millionths
    limit_keeps: NDArray[np.bool_]
    complement: NDArray[np.bool_]
    minimum_volume: NDArray[np.int64]
    minimum_events: NDArray[np.int64]


def counts(standard: Standard, block: Block, horizon: int) -> WindowCounts:
    """The events and volumes of a standard that a projection needs; ForesellError if the block lacks a column."""
    own = _own(standard, block, horizon)
    whole, recent = (market_counts(standard, block, days) for days in (standard.window_days, standard.recent_days))
    return WindowCounts(*own, *whole, *recent)


def _own(standard: Standard, block: Block, horizon: int) -> tuple[Array, Array, Array, Array, Array]:
    """The first five fields of WindowCounts."""
    now, stay = standard.counts(block), _staying(standard, block, horizon)
    return (*now, *stay, standard.counts(block, min(horizon, standard.window_days))[1])


def breach_rule(standard: Standard, rows: int) -> BreachRule:
    """A standard's rule, the same for this many rows."""
    s, tolerance = standard, round(standard.tolerance * MILLIONTHS)
    values = (tolerance, s.limit_keeps, s.complement, s.minimum_volume, s.minimum_events)
    return BreachRule(*(np.full(rows, value) for value in values))


def project_counts(c: WindowCounts, r: BreachRule) -> Projection:
    """The counts projected one horizon ahead; other rows do not change a row's result, to the bit."""
    market = c.market_x / np.maximum(c.market_n, 1)
    shrunk = (c.now_x + PRIOR * market) / (c.now_n + PRIOR) * level(c)
    rate = np.minimum(np.maximum(shrunk, LEAST_RATE), 1 - LEAST_RATE)
    a, b = rate * (c.now_n + PRIOR), (1 - rate) * (c.now_n + PRIOR)
    room = _most_bad_events(r, c.stay_n + c.coming) - c.stay_x
    met = _poisson_sf(r.minimum_volume - c.stay_n - 1, c.coming)
    past = beta_binomial.sf(room, c.coming, a, b)
    expected = rates(r.complement, c.stay_x + beta_binomial.mean(c.coming, a, b), c.stay_n + c.coming)
    own = (c.now_x, c.now_n, c.stay_x, c.stay_n, c.coming)
    return Projection(*own, market, a, b, room, met, past * met, expected)


def level(c: WindowCounts) -> Array:
    """The market's level, shape (rows,), by which a rate is multiplied; within the square roots of LEVELS.

    It is the square root of the market's recent bad share (shrunk by PRIOR orders) over its share in the window: about
    half of a change within two weeks is expected to last (docs/research/2026-11-25-market-level.md).

    >>> none, market = np.zeros(1), (np.array([50.0]), np.array([1000.0]))  # 5% over the window, 12.2% recently
    >>> level(WindowCounts(none, none, none, none, none, *market, np.array([121.0]), np.array([980.0]))).round(4)
    array([1.562])
    """
    market = np.maximum(c.market_x / np.maximum(c.market_n, 1), LEAST_RATE)
    recent = (c.recent_x + PRIOR * market) / (c.recent_n + PRIOR)
    return np.sqrt(np.minimum(np.maximum(recent / market, LEVELS[0]), LEVELS[1]))


def given_quantile(projection: Projection, share: float | Array) -> Array:
    """P(breach) if the seller's true rate were the quantile `share` (0..1) of Beta(a, b).

    share: one number for all rows, or of shape (shares, 1). Result: shape (rows,), or (shares, rows).
    """
    rate = betaincinv(projection.a, projection.b, share)
    room, coming = projection.room, projection.coming
    inside = (room >= 0) & (room < coming)
    k, n = np.where(inside, room, 0), np.where(inside, coming, 1)
    return np.asarray(np.where(inside, betainc(k + 1, n - k, rate), room < 0) * projection.volume_met)


def log_odds(probability: Array, eps: float = 1e-6, bound: float = LOG_ODDS_BOUND) -> Array:
    """log((p + eps) / (1 - p + eps)) clipped to +-bound, shape as given: the offset of the boosting.

    >>> log_odds(np.array([0.0, 0.5, 0.9])).round(3)
    array([-5.   ,  0.   ,  2.197])
    """
    return np.asarray(np.minimum(np.maximum(np.log((probability + eps) / (1 - probability + eps)), -bound), bound))


def most_bad_events(standard: Standard, volume: Array) -> Array:
    """Most bad events among `volume` without a breach, shape (rows,), whole; -1 if even 0 bad events are a breach."""
    return _most_bad_events(breach_rule(standard, len(volume)), volume)


def _most_bad_events(r: BreachRule, volume: Array) -> Array:
    scaled = volume.astype(np.int64) * r.tolerance
    most = np.where(r.limit_keeps, scaled // MILLIONTHS, -(-scaled // MILLIONTHS) - 1)
    return np.maximum(most, r.minimum_events - 1).astype(np.float64)


def rows_of(projection: Projection, rows: slice) -> Projection:
    """A projection of some of the rows, as views."""
    return Projection(*[column[rows] for column in vars(projection).values()])


def repeated(r: BreachRule, rows: int) -> BreachRule:
    """Each rule for this many rows."""
    return r if rows == 1 else BreachRule(*(np.repeat(column, rows) for column in vars(r).values()))


def stacked_rules(standards: Iterable[Standard], rows: int) -> BreachRule:
    """The rule of each standard for this many rows, one standard after the other."""
    rules = [breach_rule(standard, rows) for standard in standards]
    return BreachRule(*(np.concatenate([getattr(r, f.name) for r in rules]) for f in fields(BreachRule)))


def rates(complement: NDArray[np.bool_], bad: Array, volume: Array) -> Array:
    """`Standard.rate` of rows with standards of their own; complement: of each row's standard."""
    share: Array = np.divide(bad, volume, out=np.full(len(bad), np.nan), where=volume > 0)
    return np.where(complement, 1 - share, share)


def market_counts(standard: Standard, block: Block, days: int) -> tuple[Array, Array]:
    """The market's bad events and volume over this many days, as published with each row, shape (rows,)."""
    return _market(block, standard.numerator, days), _market(block, standard.denominator, days)


def columns(standard: Standard, horizon: int) -> tuple[str, ...]:
    """The block's columns that the roll-forward of a standard reads, sorted."""
    days = standard.window_days
    spans = [span for span in (days, days - horizon, min(horizon, days)) if span > 0]
    own = {f"{quantity}_{span}" for quantity in standard.quantities() for span in spans}
    market = {f"market_{q}_{span}" for q in standard.quantities() for span in (days, standard.recent_days)}
    return tuple(sorted(own | market))


def _staying(standard: Standard, block: Block, horizon: int) -> tuple[Array, Array]:
    if horizon >= standard.window_days:  # the whole window is new by then
        return np.zeros(len(block)), np.zeros(len(block))
    return standard.counts(block, standard.window_days - horizon)


def _market(block: Block, quantities: Iterable[str], days: int) -> Array:
    return np.asarray(block.matrix(f"market_{quantity}_{days}" for quantity in quantities).sum(axis=1))


def _poisson_sf(k: Array, mean: Array) -> Array:
    """P(N > k) for N Poisson with this mean; 1 for negative k."""
    return np.asarray(np.where(k < 0, 1.0, pdtrc(np.maximum(k, 0), mean)))
