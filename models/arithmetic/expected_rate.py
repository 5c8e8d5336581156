"""The rate expected at as_of + horizon, its 90% interval, and the coverage of such intervals.

Events and volumes are counts; rates are shares, 0..1. The events to come are beta-binomial: n is the volume to come,
and the share to come is Beta(a', b'). `Spread` makes Beta(a', b') wider than the seller's own Beta(a, b).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields

import numpy as np
from numpy.typing import NDArray

from features.standards.standard import Standard
from models.arithmetic import beta_binomial, roll_forward
from models.arithmetic.roll_forward import Projection

Array = NDArray[np.float64]
IN_JSON = {"block_variance": "weather"}  # fields that have another name in bundles and reports


@dataclass(frozen=True)
class Spread:
    """How far the share of bad events to come may lie from the seller's own share. A field is a number, or one per row.

    Even a very large number of past orders does not determine the share to come. So its beta distribution has the
    weight of 1 / (1 / (concentration x (a + b)) + drift + block_variance x share x (1 - share)) orders, where share is
    a / (a + b).

    >>> Spread().shape(np.array([2.0]), np.array([38.0]))  # nothing widens it
    (array([2.]), array([38.]))
    >>> Spread(drift=0.025).shape(np.array([2.0]), np.array([38.0]))  # 1 / (1/40 + 0.025) = 20 orders
    (array([1.]), array([19.]))
    """

    concentration: float | Array = 1.0  # > 0; under 1 if an order is weaker evidence than an independent draw
    drift: float | Array = 0.0  # >= 0, in 1 / orders; how much the seller's own rate moves
    block_variance: float | Array = 0.0  # >= 0; of the market's level between blocks of time (log-odds), beyond drift
    tail: float | Array = 0.05  # in (0, 0.5); share of the distribution below the interval, and above it

    def shape(self, a: Array, b: Array) -> tuple[Array, Array]:
        """Parameters of the share to come, each of shape (rows,), from those of the seller's own share, Beta(a, b)."""
        share = a / (a + b)
        orders = 1 / (1 / (self.concentration * (a + b)) + self.drift + self.block_variance * share * (1 - share))
        return np.asarray(share * orders), np.asarray((1 - share) * orders)

    def as_json(self) -> dict[str, float]:
        """Plain values of one spread; `from_json` reads them back to the bit."""
        return {IN_JSON.get(name, name): float(value) for name, value in asdict(self).items()}


def from_json(plain: Mapping[str, float]) -> Spread:
    """A spread from its plain values."""
    return Spread(**{f.name: float(plain[IN_JSON.get(f.name, f.name)]) for f in fields(Spread)})


def repeated(spreads: Sequence[Spread], rows: int) -> Spread:
    """Each of the spreads for this many rows, one spread after the other."""
    return Spread(*(np.repeat([getattr(s, f.name) for s in spreads], rows) for f in fields(Spread)))


@dataclass(frozen=True)
class ExpectedRate:
    """The expected rate and its 90% interval, as the standard states the rate; shape (rows,), nan without volume."""

    rate: Array
    low: Array
    high: Array


def expected_rate(standard: Standard, projection: Projection, spread: Spread | None = None) -> ExpectedRate:
    """(events that stay + events expected) / (volume that stays + volume to come), and the beta-binomial interval.

    With rare events the mean may lie outside the interval; then the interval is widened to contain it.
    """
    complement = np.full(len(projection.coming), standard.complement)
    return expected_rates(complement, projection, spread or Spread())


def expected_rates(complement: NDArray[np.bool_], projection: Projection, spread: Spread) -> ExpectedRate:
    """`expected_rate` for rows of several standards; complement: of each row's standard; spread: one for each row."""
    p = projection
    fewest, most = beta_binomial.quantiles((spread.tail, 1 - spread.tail), p.coming, *spread.shape(p.a, p.b))
    volume = p.stay_n + p.coming
    first, last = (roll_forward.rates(complement, p.stay_x + events, volume) for events in (fewest, most))
    low, high = np.where(complement, last, first), np.where(complement, first, last)
    return ExpectedRate(p.expected_rate, np.minimum(low, p.expected_rate), np.maximum(high, p.expected_rate))


def covered(events: Array, volume: Array, a: Array, b: Array, tail: float = 0.05) -> Array:
    """The share of each row's step of the distribution function that lies in the interval, shape (rows,), 0..1.

    events, volume: observed counts; a, b: > 0, the share's Beta(a, b); tail: in (0, 0.5). The mean over rows is the
    randomised mid-p coverage. It is 1 - 2 x tail if the distribution is right, also for small counts, where a plain
    interval of counts covers too much. Compare Czado, Gneiting and Held (2009).

    >>> one = np.ones(1)  # of one order, P(0 events) = P(1 event) = 0.5: of the step 0..0.5, 0.45 lies in 0.05..0.95
    >>> covered(0 * one, one, one, one)
    array([0.9])
    """
    return inside(*steps(events, volume, a, b), tail)


def steps(events: Array, volume: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """P(fewer events) and P(this number of events or fewer), each of shape (rows,)."""
    return 1 - beta_binomial.sf(events - 1, volume, a, b), 1 - beta_binomial.sf(events, volume, a, b)


def inside(below: Array, upto: Array, tail: float) -> Array:
    """The share of the step from below to upto that lies in tail..1 - tail, shape (rows,), 0..1."""
    height = upto - below
    flat = (upto >= tail) & (upto <= 1 - tail)  # a step of height 0 lies either inside or outside
    part = np.maximum(np.minimum(upto, 1 - tail) - np.maximum(below, tail), 0)
    return np.asarray(np.divide(part, height, out=flat.astype(np.float64), where=height > 0))
