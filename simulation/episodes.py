"""Episodes with a known cause: their sellers, first and last day, and severity."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from simulation.draws import MARKET, Bools, Floats, between, generator
from simulation.parameters import Parameters
from simulation.rates import Cause
from simulation.sellers import Sellers

CARRIER = "carrier_disruption"
SETTLED_DAYS = 30  # no episode in a seller's first days on the marketplace
NO_ITEM = NO_REGION = -1


@dataclass(frozen=True)
class Episode:
    """One seller's episode, from day `start` to day `end`, both included; `seller` counts in its block."""

    seller: int
    cause: str
    start: int
    end: int
    ramp: int
    severity: float
    item: int = NO_ITEM
    region: int = NO_REGION

    @property
    def days(self) -> slice:
        """Its days, as columns of a seller's row."""
        return slice(self.start, self.end + 1)

    def profile(self, lag: int = 0) -> Floats:
        """Strength on each of its days, 0 to 1: after `lag` it rises over `ramp` days; it falls over the last days."""
        day = np.arange(self.end + 1 - self.start)
        up = np.clip((day + 1 - lag) / self.ramp, 0, 1)
        down = np.clip((day[::-1] + 1) / max(1, self.ramp // 2), 0, 1)
        return np.asarray(np.minimum(up, down))


@dataclass(frozen=True)
class Disruption:
    """A carrier that is slow in a region."""

    region: int
    carrier: int
    start: int
    end: int
    severity: float


def draw_disruptions(p: Parameters, seed: int, days: int) -> list[Disruption]:
    """The disruptions of the whole marketplace."""
    draws, cause = generator(seed, MARKET, CARRIER), p.cause(CARRIER)
    pairs = len(p.sellers.regions) * p.sellers.carriers
    found = []
    for pair, number in enumerate(draws.poisson(cause.per_year * days / 365, pairs)):
        for start in draws.integers(0, days, size=number):
            end = start + draws.integers(*cause.days, endpoint=True)
            severity = between(draws, cause.severity, 1)[0]
            region, carrier = divmod(pair, p.sellers.carriers)
            found.append(Disruption(region, carrier, int(start), int(min(end, days - 1)), float(severity)))
    return found


def draw_episodes(
    p: Parameters, seed: int, block: int, sellers: Sellers, days: int, disruptions: Iterable[Disruption]
) -> list[Episode]:
    """All episodes of a block, by cause and seller."""
    own = [e for cause in p.causes if cause.name != CARRIER for e in _of_cause(cause, seed, block, sellers, days)]
    return own + [e for d in disruptions for e in _hit(d, sellers, p.cause(CARRIER).ramp_days)]


def _of_cause(cause: Cause, seed: int, block: int, sellers: Sellers, days: int) -> list[Episode]:
    """A Poisson number of episodes for each seller that the cause can affect, on days that the seller is active."""
    draws = generator(seed, block, cause.name)
    first = np.where(sellers.joined < 0, 0, sellers.joined + SETTLED_DAYS)
    span = np.maximum(np.minimum(sellers.left, days) - first, 0)
    exposed = span * ~(sellers.platform & cause.needs_own_shipping)
    seller = np.repeat(np.arange(len(sellers)), draws.poisson(cause.per_year * exposed / 365))
    start = first[seller] + (draws.random(len(seller)) * span[seller]).astype(np.int64)
    end = start + draws.integers(*cause.days, size=len(seller), endpoint=True)
    end = np.minimum(end, np.minimum(sellers.left[seller], days) - 1)
    severity = between(draws, cause.severity, len(seller))
    item = draws.integers(0, 2, size=len(seller)) if cause.name == "bad_batch" else np.full(len(seller), NO_ITEM)
    rows = zip(seller.tolist(), start.tolist(), end.tolist(), severity.tolist(), item.tolist(), strict=True)
    return [Episode(s, cause.name, a, b, cause.ramp_days, v, i) for s, a, b, v, i in rows]


def _hit(disruption: Disruption, sellers: Sellers, ramp: int) -> list[Episode]:
    """An episode of the disruption for each active seller of the region that uses the carrier."""
    used = (sellers.region == disruption.region) & (sellers.carrier == disruption.carrier)
    there = (sellers.joined <= disruption.end) & (sellers.left > disruption.start)
    out = []
    for seller in np.flatnonzero(used & there).tolist():
        start, end = (
            max(disruption.start, int(sellers.joined[seller])),
            min(disruption.end, int(sellers.left[seller]) - 1),
        )
        out.append(Episode(seller, CARRIER, start, end, ramp, disruption.severity, region=disruption.region))
    return out


def abandoned(sellers: Sellers, episodes: Iterable[Episode], goes: Bools, days: int) -> Sellers:
    """The sellers; those chosen by `goes` leave at the end of the episode in which they abandon their shop."""
    left = sellers.left.copy()
    for e in episodes:
        if e.cause == "abandonment" and goes[e.seller] and e.end < days - 1:
            left[e.seller] = min(left[e.seller], e.end + 1)
    return replace(sellers, left=left)


def while_there(episodes: Iterable[Episode], sellers: Sellers) -> list[Episode]:
    """The episodes cut where their seller leaves."""
    cut = [replace(e, end=min(e.end, int(sellers.left[e.seller]) - 1)) for e in episodes]
    return [e for e in cut if e.start <= e.end]
