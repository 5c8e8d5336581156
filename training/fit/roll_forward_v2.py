"""The fitted roll-forward (`roll_forward_v2` in reports): the same arithmetic, with parameters fitted to each record.

A seller's rate comes from its own events, older ones with less weight, shrunk to its peer group's rate. The strength of
the shrinkage, the decay and the certainty of the rate are fitted to each record (empirical Bayes; the decay is the
steady-state filter of Smith 1979). The number of orders to come is overdispersed about the recent number. Orders
already overdue (unshipped past their ship-by time) fail at a hazard of their own. The events that stay in the window,
the limit and the minimum volume are as in `roll_forward`. It is reported and not served:
docs/research/2026-11-25-fitted-roll-forward.md says why.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

from core.block import Block
from features.standards.standard import Standard
from models.arithmetic import beta_binomial, roll_forward
from models.arithmetic.roll_forward import LEAST_RATE, WindowCounts

Array = NDArray[np.float64]
LATELY_DAYS = 28
LEAST_COMING = 0.05  # the smallest number of orders to come that is assumed
AT_STAKE = frozenset(
    ("late", "late_seller_fault", "cancelled_by_seller", "service_failure", "service_failure_seller_fault")
)  # failures that an overdue order may still become
OVERDUE, CLEARED = "overdue_to_ship_all", "overdue_cleared_all"
IN_JSON = {"decay_days": "memory", "process_noise": "unrest", "overdispersion": "scatter"}
NODES = ((-np.sqrt(3), 1 / 6), (0.0, 2 / 3), (np.sqrt(3), 1 / 6))  # Gauss-Hermite: point and weight


@dataclass(frozen=True)
class RollForwardParams:
    """Parameters of the fitted roll-forward for one standard; the values here are the defaults.

    strength: prior strength of the peer group's rate in a seller's rate, in orders; peers: prior strength of the
    market's rate in a peer group's, in orders; decay_days: days after which an order has weight 1/e; process_noise:
    1 / the largest number of orders that a rate can rest on, since rates move; overdispersion: variance of the volume
    to come beyond Poisson, as a share of the squared mean; hazard: expected failures per overdue order, beyond the
    rate.
    """

    strength: float = 40.0
    peers: float = 100.0
    decay_days: float = 60.0
    process_noise: float = 0.01
    overdispersion: float = 0.1
    hazard: float = 0.5

    def as_json(self) -> dict[str, float]:
        """Plain values, by the names in reports (some are older than the fields' names)."""
        return {IN_JSON.get(name, name): value for name, value in asdict(self).items()}


DEFAULT_PARAMS = RollForwardParams()


@dataclass(frozen=True)
class Past:
    """Bad events and volume over each look-back window, shape (windows, rows); the peer group's, shape (rows,).

    overdue: orders past their ship-by time and not yet shipped or cancelled, shape (rows,); 0 where the standard does
    not count such failures, or the source does not have them.
    """

    bad: Array
    volume: Array
    peer_bad: Array
    peer_volume: Array
    overdue: Array


def probability(standard: Standard, block: Block, horizon: int, params: RollForwardParams) -> Array:
    """P(breach at the close of as_of + horizon), shape (rows,), 0..1; ForesellError when block lacks a column."""
    counts = roll_forward.counts(standard, block, horizon)
    rate, evidence = belief(standard, counts, past(standard, block), params)
    met = volume_met(standard.minimum_volume - counts.stay_n, counts.coming, params.overdispersion)
    return np.asarray(past_limit(standard, counts, params.overdispersion, rate * evidence, (1 - rate) * evidence) * met)


def past(standard: Standard, block: Block) -> Past:
    """The counts that are read in addition to those of roll_forward."""
    seen = [standard.counts(block, span) for span in looks(standard)]
    bad, volume = (np.stack([counts[side] for counts in seen]) for side in (0, 1))
    peer_bad, peer_volume = (_of_peers(standard, side, block) for side in (standard.numerator, standard.denominator))
    return Past(bad, volume, peer_bad, peer_volume, _overdue(standard, block))


def belief(standard: Standard, counts: WindowCounts, seen: Past, params: RollForwardParams) -> tuple[Array, Array]:
    """A seller's expected rate over the horizon, and the number of orders it rests on, each of shape (rows,)."""
    market = counts.market_x / np.maximum(counts.market_n, 1)
    peer = (seen.peer_bad + params.peers * market) / (seen.peer_volume + params.peers)
    weights = np.array([fades(standard, params.decay_days)]).T
    known = params.strength + (weights * seen.volume).sum(axis=0)
    rate = (params.strength * peer + (weights * seen.bad).sum(axis=0)) / known
    rate = rate + params.hazard * seen.overdue / np.maximum(counts.coming, LEAST_COMING)
    return np.clip(rate, LEAST_RATE, 1 - LEAST_RATE), 1 / (1 / known + params.process_noise)


def past_limit(standard: Standard, counts: WindowCounts, overdispersion: float, a: Array, b: Array) -> Array:
    """P(past the limit), shape (rows,), averaged over the volume to come: log-normal, three nodes."""
    mean = np.maximum(counts.coming, LEAST_COMING)
    spread, total = np.sqrt(np.log1p(overdispersion + 1 / mean)), np.zeros(len(mean))
    for point, weight in NODES:
        coming = np.round(mean * np.exp(spread * point - spread**2 / 2))
        remaining_allowance = roll_forward.most_bad_events(standard, counts.stay_n + coming) - counts.stay_x
        total += weight * beta_binomial.sf(remaining_allowance, coming, a, b)
    return total


def volume_met(lacking: Array, coming: Array, overdispersion: float) -> Array:
    """P(N >= lacking), shape (rows,); N negative binomial.

    Its mean is coming, its variance coming + overdispersion x coming^2.
    """
    mean, size = np.maximum(coming, LEAST_COMING), 1 / overdispersion
    return np.asarray(np.where(lacking <= 0, 1.0, betainc(np.maximum(lacking, 1), size, mean / (mean + size))))


def looks(standard: Standard) -> tuple[int, ...]:
    """Days of the look-back windows, the shortest first."""
    return tuple(sorted({LATELY_DAYS, standard.window_days}))


def fades(standard: Standard, decay_days: float) -> tuple[float, ...]:
    """The weight of each window's count, so that the days between two windows weigh exp(-their middle / decay_days)."""
    edges = np.array((0, *looks(standard)))
    weight = np.append(np.exp(-(edges[1:] + edges[:-1]) / 2 / decay_days), 0.0)
    return tuple((weight[:-1] - weight[1:]).tolist())


def _overdue(standard: Standard, block: Block) -> Array:
    known = {OVERDUE, CLEARED} <= set(block.names) and not AT_STAKE.isdisjoint(standard.numerator)
    return block[OVERDUE] - block[CLEARED] if known else np.zeros(len(block))


def _of_peers(standard: Standard, quantities: Iterable[str], block: Block) -> Array:
    return np.asarray(block.matrix(f"peer_{q}_{standard.window_days}" for q in quantities).sum(axis=1))
