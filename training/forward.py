"""A better roll-forward (`roll_forward_v2` in reports): the window's arithmetic, with what a record teaches about it.

A seller's rate is its own events, those of longer ago counting less, drawn to its peer group's rate; how strongly, how
fast the past fades and how sure that makes the rate are estimated from each record (empirical Bayes; the fading is the
steady-state filter of Smith 1979). Orders to come are as many as lately, overdispersed around that; those that are
overdue already, unshipped past their ship-by time, fail at a hazard of their own. Which events stay, the limit and the
minimum volume are those of `roll_forward`. It is reported and not served; docs/data-scientist.md says why.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

from features.block import Block
from features.standards import Standard
from models import beta_binomial, roll_forward
from models.roll_forward import LEAST_RATE, Counts

Array = NDArray[np.float64]
LATELY_DAYS = 28
LEAST_COMING = 0.05  # orders to come are held this far from none
AT_STAKE = frozenset(
    ("late", "late_seller_fault", "cancelled_by_seller", "service_failure", "service_failure_seller_fault")
)  # what an overdue order may still become
OVERDUE, CLEARED = "overdue_to_ship_all", "overdue_cleared_all"
NODES = ((-np.sqrt(3), 1 / 6), (0.0, 2 / 3), (np.sqrt(3), 1 / 6))  # Gauss-Hermite: point and weight


@dataclass(frozen=True)
class Forward:
    """What one record teaches the arithmetic of a standard; the values here are for a record that taught nothing.

    strength: orders' worth of the peer group's rate in a seller's; peers: orders' worth of the market's rate in a peer
    group's; memory: days after which an order counts 1/e; unrest: 1 / the most orders that a rate can be known from,
    since it moves; scatter: variance of the volume to come beyond chance, as a share of its square; hazard: failures to
    come for each order that is overdue, beyond what the rate says.
    """

    strength: float = 40.0
    peers: float = 100.0
    memory: float = 60.0
    unrest: float = 0.01
    scatter: float = 0.1
    hazard: float = 0.5

    def as_json(self) -> dict[str, float]:
        """Plain values."""
        return asdict(self)


UNTAUGHT = Forward()


@dataclass(frozen=True)
class Past:
    """Bad events and volume over each of the looks, shape (looks, rows); the peer group's, shape (rows,).

    overdue: orders past their ship-by time and not yet shipped or cancelled, shape (rows,); 0 where that says nothing
    of the standard, or is not known.
    """

    bad: Array
    volume: Array
    peer_bad: Array
    peer_volume: Array
    overdue: Array


def probability(standard: Standard, block: Block, horizon: int, taught: Forward) -> Array:
    """P(breach at the close of as_of + horizon), shape (rows,), 0..1; ForesellError when block lacks a column."""
    counts = roll_forward.counts(standard, block, horizon)
    rate, evidence = belief(standard, counts, past(standard, block), taught)
    met = volume_met(standard.minimum_volume - counts.stay_n, counts.coming, taught.scatter)
    return np.asarray(past_limit(standard, counts, taught.scatter, rate * evidence, (1 - rate) * evidence) * met)


def past(standard: Standard, block: Block) -> Past:
    """What is read beyond roll_forward's counts."""
    seen = [standard.counts(block, span) for span in looks(standard)]
    bad, volume = (np.stack([counts[side] for counts in seen]) for side in (0, 1))
    peer_bad, peer_volume = (_of_peers(standard, side, block) for side in (standard.numerator, standard.denominator))
    return Past(bad, volume, peer_bad, peer_volume, _overdue(standard, block))


def belief(standard: Standard, counts: Counts, seen: Past, taught: Forward) -> tuple[Array, Array]:
    """A seller's rate in the horizon to come, and the orders' worth of evidence for it, each of shape (rows,)."""
    market = counts.market_x / np.maximum(counts.market_n, 1)
    peer = (seen.peer_bad + taught.peers * market) / (seen.peer_volume + taught.peers)
    fading = np.array([fades(standard, taught.memory)]).T
    known = taught.strength + (fading * seen.volume).sum(axis=0)
    rate = (taught.strength * peer + (fading * seen.bad).sum(axis=0)) / known
    rate = rate + taught.hazard * seen.overdue / np.maximum(counts.coming, LEAST_COMING)
    return np.clip(rate, LEAST_RATE, 1 - LEAST_RATE), 1 / (1 / known + taught.unrest)


def past_limit(standard: Standard, counts: Counts, scatter: float, a: Array, b: Array) -> Array:
    """P(past the limit), shape (rows,), averaged over volumes to come: log-normal about lately's, by three points."""
    mean = np.maximum(counts.coming, LEAST_COMING)
    spread, total = np.sqrt(np.log1p(scatter + 1 / mean)), np.zeros(len(mean))
    for point, weight in NODES:
        coming = np.round(mean * np.exp(spread * point - spread**2 / 2))
        room = roll_forward.most_kept(standard, counts.stay_n + coming) - counts.stay_x
        total += weight * beta_binomial.sf(room, coming, a, b)
    return total


def volume_met(lacking: Array, coming: Array, scatter: float) -> Array:
    """P(N >= lacking), shape (rows,); N negative binomial with mean coming and variance coming + scatter coming^2."""
    mean, size = np.maximum(coming, LEAST_COMING), 1 / scatter
    return np.asarray(np.where(lacking <= 0, 1.0, betainc(np.maximum(lacking, 1), size, mean / (mean + size))))


def looks(standard: Standard) -> tuple[int, ...]:
    """Days of the windows that the past is read from, the shortest first."""
    return tuple(sorted({LATELY_DAYS, standard.window_days}))


def fades(standard: Standard, memory: float) -> tuple[float, ...]:
    """What the count over each look is multiplied by: a band between two looks counts exp(-its middle / memory)."""
    edges = np.array((0, *looks(standard)))
    weight = np.append(np.exp(-(edges[1:] + edges[:-1]) / 2 / memory), 0.0)
    return tuple((weight[:-1] - weight[1:]).tolist())


def _overdue(standard: Standard, block: Block) -> Array:
    known = {OVERDUE, CLEARED} <= set(block.names) and not AT_STAKE.isdisjoint(standard.numerator)
    return block[OVERDUE] - block[CLEARED] if known else np.zeros(len(block))


def _of_peers(standard: Standard, quantities: Iterable[str], block: Block) -> Array:
    return np.asarray(block.matrix(f"peer_{q}_{standard.window_days}" for q in quantities).sum(axis=1))
