"""The roll-forward: which events stay in the window one horizon ahead, how many orders will come, and what follows.

It is the frozen reference of the backtest protocol for any standard, with the market's recent level: where the last two
weeks were worse for all, what is to come is worse too. `roll_forward` is the reference itself, so that scores have a
fixed thing to beat. Only how a limit is met differs: whole numbers decide it here, as they do for a breach.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaincinv, pdtrc

from features.block import Block
from features.standards import MILLIONTHS, Standard
from models import beta_binomial

Array = NDArray[np.float64]
PRIOR = 20.0  # orders' worth of the market's rate in every shrunk rate
LEAST_RATE = 1e-4  # a shrunk rate is held this far from 0 and 1
LOG_ODDS_BOUND = 5.0
LEVELS = (1 / 3, 3.0)  # how far the market's recent level may lie from that of the window


@dataclass(frozen=True)
class Projection:
    """A standard carried to as_of + horizon; every array has shape (rows,), events and orders are counts."""

    now_x: Array  # bad events in the window at as_of
    now_n: Array  # volume in the window at as_of
    stay_x: Array  # of those, still in the window one horizon later
    stay_n: Array
    coming: Array  # volume to come: as much as came in the last horizon
    market: Array  # the market's bad share over the window
    a: Array  # the bad share to come is Beta(a, b): the seller's counts, PRIOR orders at the market's, and its level
    b: Array
    room: Array  # most bad events among those to come that still keep the standard; may be negative
    volume_met: Array  # P(minimum volume met at as_of + horizon)
    probability: Array  # P(breach at as_of + horizon)
    expected_rate: Array  # the rate to expect then, as people state it; nan without volume


def roll_forward(standard: Standard, block: Block, horizon: int) -> Array:
    """P(breach at the close of as_of + horizon), shape (rows,), 0..1, by the reference: the market's level stays.

    ForesellError when block lacks a window column.
    """
    own, market = _own(standard, block, horizon), market_counts(standard, block, standard.window_days)
    return carried(Counts(*own, *market, *market), rule(standard, len(block))).probability


def project(standard: Standard, block: Block, horizon: int) -> Projection:
    """The roll-forward and its pieces; horizon in days. ForesellError when block lacks a window column.

    Orders to come fail like the seller's shrunk rate, moved as the market's level has lately: X ~ beta-binomial(coming,
    a, b). Their number is as large as lately for X, and Poisson around that for the minimum volume.
    """
    return carried(counts(standard, block, horizon), rule(standard, len(block)))


@dataclass(frozen=True)
class Counts:
    """What a projection starts from; every array has shape (rows,).

    The market's are those of the whole window, and of its last days (Standard.lately_days).
    """

    now_x: Array
    now_n: Array
    stay_x: Array
    stay_n: Array
    coming: Array
    market_x: Array
    market_n: Array
    lately_x: Array
    lately_n: Array


@dataclass(frozen=True)
class Rule:
    """What of its standard decides a row's breach, so that rows of several standards are carried on together."""

    tolerance: NDArray[np.int64]  # in millionths
    limit_keeps: NDArray[np.bool_]
    complement: NDArray[np.bool_]
    minimum_volume: NDArray[np.int64]
    minimum_events: NDArray[np.int64]


def counts(standard: Standard, block: Block, horizon: int) -> Counts:
    """The events and volumes of a standard that a projection needs; ForesellError when block lacks a column."""
    own = _own(standard, block, horizon)
    whole, lately = (market_counts(standard, block, days) for days in (standard.window_days, standard.lately_days))
    return Counts(*own, *whole, *lately)


def _own(standard: Standard, block: Block, horizon: int) -> tuple[Array, Array, Array, Array, Array]:
    """The first five of Counts."""
    now, stay = standard.counts(block), _staying(standard, block, horizon)
    return (*now, *stay, standard.counts(block, min(horizon, standard.window_days))[1])


def rule(standard: Standard, rows: int) -> Rule:
    """A standard's rule, the same for so many rows."""
    s, tolerance = standard, round(standard.tolerance * MILLIONTHS)
    said = (tolerance, s.limit_keeps, s.complement, s.minimum_volume, s.minimum_events)
    return Rule(*(np.full(rows, value) for value in said))


def carried(c: Counts, r: Rule) -> Projection:
    """The counts one horizon on; a row's answer does not depend, to the bit, on the rows beside it."""
    market = c.market_x / np.maximum(c.market_n, 1)
    shrunk = (c.now_x + PRIOR * market) / (c.now_n + PRIOR) * level(c)
    rate = np.minimum(np.maximum(shrunk, LEAST_RATE), 1 - LEAST_RATE)
    a, b = rate * (c.now_n + PRIOR), (1 - rate) * (c.now_n + PRIOR)
    room = _most_kept(r, c.stay_n + c.coming) - c.stay_x
    met = _poisson_sf(r.minimum_volume - c.stay_n - 1, c.coming)
    past = beta_binomial.sf(room, c.coming, a, b)
    expected = rates(r.complement, c.stay_x + beta_binomial.mean(c.coming, a, b), c.stay_n + c.coming)
    own = (c.now_x, c.now_n, c.stay_x, c.stay_n, c.coming)
    return Projection(*own, market, a, b, room, met, past * met, expected)


def level(c: Counts) -> Array:
    """What a rate is multiplied by, shape (rows,): the root of the market's bad share lately over that of the window.

    The root: about half of a move within two weeks is expected to last (docs/data-scientist.md, "What was tried").
    """
    market = np.maximum(c.market_x / np.maximum(c.market_n, 1), LEAST_RATE)
    lately = (c.lately_x + PRIOR * market) / (c.lately_n + PRIOR)
    return np.sqrt(np.minimum(np.maximum(lately / market, LEVELS[0]), LEVELS[1]))


def given_quantile(projection: Projection, share: float | Array) -> Array:
    """P(breach), were the seller's true rate the posterior quantile `share` (0..1) of Beta(a, b).

    share: one for all rows, or of shape (shares, 1). Shape (rows,), or (shares, rows).
    """
    rate = betaincinv(projection.a, projection.b, share)
    room, coming = projection.room, projection.coming
    inside = (room >= 0) & (room < coming)
    k, n = np.where(inside, room, 0), np.where(inside, coming, 1)
    return np.asarray(np.where(inside, betainc(k + 1, n - k, rate), room < 0) * projection.volume_met)


def log_odds(probability: Array, eps: float = 1e-6, bound: float = LOG_ODDS_BOUND) -> Array:
    """log((p + eps) / (1 - p + eps)) clipped to +-bound, shape as given: the offset of the boosting."""
    return np.asarray(np.minimum(np.maximum(np.log((probability + eps) / (1 - probability + eps)), -bound), bound))


def most_kept(standard: Standard, volume: Array) -> Array:
    """Most bad events among `volume` that are no breach, shape (rows,), in whole numbers; -1 where even none is one."""
    return _most_kept(rule(standard, len(volume)), volume)


def _most_kept(r: Rule, volume: Array) -> Array:
    scaled = volume.astype(np.int64) * r.tolerance
    most = np.where(r.limit_keeps, scaled // MILLIONTHS, -(-scaled // MILLIONTHS) - 1)
    return np.maximum(most, r.minimum_events - 1).astype(np.float64)


def rows_of(projection: Projection, rows: slice) -> Projection:
    """Some rows, as views."""
    return Projection(*[column[rows] for column in vars(projection).values()])


def repeated(r: Rule, rows: int) -> Rule:
    """Each rule for so many rows."""
    return r if rows == 1 else Rule(*(np.repeat(column, rows) for column in vars(r).values()))


def stacked_rules(standards: Iterable[Standard], rows: int) -> Rule:
    """The rule of each standard for so many rows, one after the other."""
    alone = [rule(standard, rows) for standard in standards]
    return Rule(*(np.concatenate([getattr(r, f.name) for r in alone]) for f in fields(Rule)))


def rates(complement: NDArray[np.bool_], bad: Array, volume: Array) -> Array:
    """As Standard.rate, each row by its own standard's complement."""
    share: Array = np.divide(bad, volume, out=np.full(len(bad), np.nan), where=volume > 0)
    return np.where(complement, 1 - share, share)


def market_counts(standard: Standard, block: Block, days: int) -> tuple[Array, Array]:
    """The market's bad events and volume over so many days, as published with each row, shape (rows,)."""
    return _market(block, standard.numerator, days), _market(block, standard.denominator, days)


def columns(standard: Standard, horizon: int) -> tuple[str, ...]:
    """The block's columns that the roll-forward of a standard reads, sorted."""
    days = standard.window_days
    spans = [span for span in (days, days - horizon, min(horizon, days)) if span > 0]
    own = {f"{quantity}_{span}" for quantity in standard.quantities() for span in spans}
    market = {f"market_{q}_{span}" for q in standard.quantities() for span in (days, standard.lately_days)}
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
