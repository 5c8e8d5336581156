"""The rate to expect at as_of + horizon, with a 90% interval, and whether such intervals hold what they promise."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields

import numpy as np
from numpy.typing import NDArray

from features.standards import Standard
from models import beta_binomial, roll_forward
from models.roll_forward import Projection

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Spread:
    """How far the share of bad events to come may lie from the seller's own; each a number, or one a row.

    A seller's orders say how bad it was; what comes differs from that however many they are. So the beta distribution
    of the share to come has 1 / (1 / (concentration x (a + b)) + drift + weather x share x (1 - share)) orders' worth
    of evidence.
    """

    concentration: float | Array = 1.0  # > 0; under 1 where counts tell less than as many draws would
    drift: float | Array = 0.0  # >= 0; what the seller's own rate moves, in 1 / orders
    weather: float | Array = 0.0  # >= 0; variance of the market's level in log-odds, beyond what the drift has seen
    tail: float | Array = 0.05  # in (0, 0.5); the share of the distribution that the interval leaves out on either side

    def shape(self, a: Array, b: Array) -> tuple[Array, Array]:
        """The parameters of the share to come, from those of the seller's own, Beta(a, b)."""
        share = a / (a + b)
        orders = 1 / (1 / (self.concentration * (a + b)) + self.drift + self.weather * share * (1 - share))
        return np.asarray(share * orders), np.asarray((1 - share) * orders)

    def as_json(self) -> dict[str, float]:
        """Plain values of one spread; `from_json` reads them back to the bit."""
        return {name: float(value) for name, value in asdict(self).items()}


def from_json(plain: Mapping[str, float]) -> Spread:
    """A spread from its plain values."""
    return Spread(**{f.name: float(plain[f.name]) for f in fields(Spread)})


def repeated(spreads: Sequence[Spread], rows: int) -> Spread:
    """Each of the spreads for so many rows, one after the other."""
    return Spread(*(np.repeat([getattr(s, f.name) for s in spreads], rows) for f in fields(Spread)))


@dataclass(frozen=True)
class ExpectedRate:
    """The rate to expect and its 90% interval, as people state the rate; shape (rows,), nan without volume."""

    rate: Array
    low: Array
    high: Array


def expected_rate(standard: Standard, projection: Projection, spread: Spread | None = None) -> ExpectedRate:
    """(events that stay + events expected) / (volume that stays + volume to come), and the beta-binomial interval.

    A mean beyond the end of the interval (rare events) widens it, so that it always holds the expected rate.
    """
    complement = np.full(len(projection.coming), standard.complement)
    return expected_rates(complement, projection, spread or Spread())


def expected_rates(complement: NDArray[np.bool_], projection: Projection, spread: Spread) -> ExpectedRate:
    """The same for rows of several standards: whether each row's is a complement, and its spread."""
    p = projection
    fewest, most = beta_binomial.quantiles((spread.tail, 1 - spread.tail), p.coming, *spread.shape(p.a, p.b))
    volume = p.stay_n + p.coming
    first, last = (roll_forward.rates(complement, p.stay_x + events, volume) for events in (fewest, most))
    low, high = np.where(complement, last, first), np.where(complement, first, last)
    return ExpectedRate(p.expected_rate, np.minimum(low, p.expected_rate), np.maximum(high, p.expected_rate))


def covered(events: Array, volume: Array, a: Array, b: Array, tail: float = 0.05) -> Array:
    """Share of each row's step of the distribution that lies in the interval, shape (rows,), 0..1.

    The mean over rows is the randomised mid-p coverage: 1 - 2 x tail where the distribution is right, however small the
    counts (a plain interval of counts covers too much). Compare Czado, Gneiting and Held (2009).
    """
    return inside(*steps(events, volume, a, b), tail)


def steps(events: Array, volume: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """P(fewer events) and P(so many or fewer), each of shape (rows,)."""
    return 1 - beta_binomial.sf(events - 1, volume, a, b), 1 - beta_binomial.sf(events, volume, a, b)


def inside(below: Array, upto: Array, tail: float) -> Array:
    """Share of the step from below to upto that lies in tail..1 - tail, shape (rows,), 0..1."""
    height = upto - below
    flat = (upto >= tail) & (upto <= 1 - tail)  # an outcome of no probability lies in or out as a whole
    part = np.maximum(np.minimum(upto, 1 - tail) - np.maximum(below, tail), 0)
    return np.asarray(np.divide(part, height, out=flat.astype(np.float64), where=height > 0))
