"""A block of sellers: who they are, what they promise, how good they are when nothing is wrong."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.random import Generator

from simulation.draws import Bools, Floats, Ints, between, choice, generator, log_normal
from simulation.parameters import Parameters

BLOCK = 1_000  # sellers simulated together; a change changes every run
NEVER = 10**6  # a day after all others
PLAIN, CHRONIC, IMPROVING = range(3)
FEWEST_ITEMS = 6
OLDEST = 1_000  # days before the first that a seller may have joined


@dataclass(frozen=True)
class Sellers:
    """Arrays of shape (sellers,), but `item_factor` (sellers, most items). Days count from the first simulated one."""

    first: int
    joined: Ints
    left: Ints
    region: Ints
    carrier: Ints
    category: Ints
    new_category: Ints
    platform: Bools
    person: Bools
    orders: Floats
    growth: Floats
    ship_window: Floats
    transit_window: Floats
    handling: Floats
    cancelled: Floats
    disappointing: Floats
    change_of_mind: Floats
    feedback: Floats
    low: Floats
    habit: Ints
    mending: Ints
    items: Ints
    item_factor: Floats
    item_skew: float

    def __len__(self) -> int:
        return len(self.joined)

    @cached_property
    def item_share(self) -> Floats:
        """The share of each item in a seller's orders, shape (sellers, most items); 0 past its last."""
        upper = np.arange(1, self.item_factor.shape[1] + 1) / self.items[:, None]
        below = np.minimum(upper, 1) ** (1 / self.item_skew)
        out: Floats = np.diff(below, axis=1, prepend=0)
        return out

    @cached_property
    def mean_factor(self) -> Floats:
        """The mean of `item_factor` over a seller's orders."""
        out: Floats = np.sum(self.item_share * self.item_factor, axis=1)
        return out


def draw_sellers(p: Parameters, seed: int, block: int, number: int, days: int) -> Sellers:
    """The sellers of a block."""
    draws = generator(seed, block, "sellers")
    rates = p.sellers
    joined, left = _stay(p, draws, number, days)
    category = choice(draws, rates.category_weights, number)
    platform = draws.random(number) < rates.platform_share
    orders = p.volume.median_per_day * np.exp(p.volume.spread * draws.standard_normal(number))
    ship_window = np.asarray(p.fulfilment.ship_windows)[choice(draws, p.fulfilment.ship_window_weights, number)]
    items = np.clip(np.rint(8 + 8 * np.log1p(orders) * draws.random(number)), FEWEST_ITEMS, rates.most_items)
    return Sellers(
        first=block * BLOCK,
        joined=joined,
        left=left,
        region=draws.integers(len(rates.regions), size=number),
        carrier=draws.integers(rates.carriers, size=number),
        category=category,
        new_category=(category + draws.integers(1, len(rates.categories), size=number)) % len(rates.categories),
        platform=platform,
        person=draws.random(number) < rates.person_share,
        orders=np.minimum(orders, p.volume.most_per_day),
        growth=p.volume.growth_spread * draws.standard_normal(number) / 365,
        ship_window=ship_window,
        transit_window=np.asarray(p.fulfilment.transit_windows)[
            choice(draws, p.fulfilment.transit_window_weights, number)
        ],
        handling=ship_window * _handling_ratio(p, draws, platform),
        cancelled=_cancelled(p, draws, platform),
        disappointing=p.quality.disappointing * log_normal(draws, p.quality.disappointing_spread, number),
        change_of_mind=np.asarray(p.returns.change_of_mind)[category],
        feedback=between(draws, p.feedback.rate, number),
        low=p.feedback.low * log_normal(draws, p.feedback.low_spread, number),
        habit=_habit(p, draws, number),
        mending=draws.integers(0, days, size=number),
        items=items.astype(np.int64),
        item_factor=log_normal(draws, p.quality.item_spread, (number, rates.most_items), most=3.0),
        item_skew=rates.item_skew,
    )


def _stay(p: Parameters, draws: Generator, number: int, days: int) -> tuple[Ints, Ints]:
    """First and last day of each seller."""
    present = draws.random(number) < p.sellers.present_share
    joined = np.where(present, -draws.integers(0, OLDEST, size=number), draws.integers(0, days, size=number))
    stays = np.rint(draws.exponential(365 / p.sellers.exit_per_year, number)).astype(np.int64)
    left = np.maximum(joined, 0) + stays
    return joined, np.where(left < days, left, NEVER)


def _handling_ratio(p: Parameters, draws: Generator, platform: Bools) -> Floats:
    ratio = p.fulfilment.handling_ratio * log_normal(draws, p.fulfilment.handling_spread, len(platform))
    return np.where(platform, p.fulfilment.platform_ratio, ratio)


def _cancelled(p: Parameters, draws: Generator, platform: Bools) -> Floats:
    rates = p.fulfilment
    cancelled = rates.cancelled_by_seller * log_normal(draws, rates.cancelled_spread, len(platform))
    return cancelled * np.where(platform, rates.cancelled_by_platform_sellers, 1.0)


def _habit(p: Parameters, draws: Generator, number: int) -> Ints:
    plain = 1 - p.quality.chronic_share - p.quality.improving_share
    return choice(draws, (plain, p.quality.chronic_share, p.quality.improving_share), number)
