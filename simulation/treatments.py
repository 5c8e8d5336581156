"""Interventions: who is assigned one, why, with what probability it is treated, and for how long."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from features.ingest.contract import HELPING
from simulation.draws import generator
from simulation.episodes import Episode
from simulation.parameters import Parameters
from simulation.sellers import Sellers

FIRST_DAY = 60  # no assignment before this day, since the marketplace has little data on its sellers
AGAINST: Mapping[str, str] = {
    "staff_shortage": "handling_time",
    "over_promising": "handling_time",
    "bad_batch": "listing_fix",
    "category_entry": "listing_fix",
    "stock_out": "coaching",
    "abandonment": "coaching",
    "carrier_disruption": "carrier",
}


@dataclass(frozen=True)
class Treatment:
    """One assignment; `seller` counts in its block, the days from the first simulated one."""

    seller: int
    kind: str
    start: int
    end: int
    treated: bool
    propensity: float


def draw_treatments(
    p: Parameters, seed: int, block: int, sellers: Sellers, episodes: Iterable[Episode], days: int
) -> list[Treatment]:
    """At most one a seller. Sellers in an episode are treated more often, which biases a naive comparison."""
    draws, rates = generator(seed, block, "interventions"), p.interventions
    first: dict[int, Episode] = {}
    for episode in episodes:
        if FIRST_DAY <= episode.start + rates.delay_days <= episode.end:
            first.setdefault(episode.seller, episode)
    found = []
    for seller in np.flatnonzero(draws.random(len(sellers)) < rates.share).tolist():
        trouble, chance, kind, day = draws.random(), draws.random(), draws.integers(len(HELPING)), draws.random()
        episode_of = first.get(seller) if trouble < rates.in_trouble else None
        propensity = rates.propensity if episode_of is None else rates.propensity_in_trouble
        start = int(FIRST_DAY + day * max(1, days - FIRST_DAY))
        if episode_of:
            start = episode_of.start + rates.delay_days
        named = AGAINST[episode_of.cause] if episode_of else HELPING[int(kind)]
        if start < days and sellers.joined[seller] <= start < sellers.left[seller]:
            end = min(start + rates.lasting_days, days) - 1
            found.append(Treatment(seller, named, start, end, bool(chance < propensity), propensity))
    return found
