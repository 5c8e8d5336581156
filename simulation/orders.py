"""Orders drawn from the hidden rates: when each was placed, promised, handed over, delivered or cancelled; lines."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from features.ingest.contract import FAULTS
from simulation.conditions import Conditions
from simulation.draws import Bools, Floats, Ints, between, generator, log_logistic
from simulation.parameters import Parameters

DAY = 86_400
NULL = np.iinfo(np.int64).min  # no value, in any column
ITEMS = 64  # numbers kept for a seller's items; those of a new category begin at NEW_ITEMS
NEW_ITEMS, NEW_ITEM_COUNT = 48, 6
SELLER, BUYER, PLATFORM, UNKNOWN = (FAULTS.index(name) for name in ("seller", "buyer", "platform", "unknown"))
LONGEST = 60.0  # days that handling or transit may take


@dataclass(frozen=True)
class Orders:
    """Seller orders of a block, sorted by seller and day; arrays of shape (orders,), times in seconds since 1970."""

    seller: Ints
    day: Ints
    number: Ints
    ordered: Ints
    ship_by: Ints
    promised: Ints
    shipped: Ints
    delivered: Ints
    cancelled: Ints
    cancelled_by: Ints
    tracking: Ints
    disappointing: Bools

    def __len__(self) -> int:
        return len(self.seller)

    @property
    def unshipped(self) -> Bools:
        """Whether the order was never handed over, so that the platform closed it."""
        return np.asarray(self.cancelled_by == PLATFORM)

    @property
    def late(self) -> Bools:
        """Delivered after the promise, or never shipped."""
        return np.asarray((self.delivered > self.promised) | self.unshipped)


@dataclass(frozen=True)
class OrderLines:
    """Order lines; arrays of shape (lines,). `order` is the place in Orders, `item` a number within the seller."""

    order: Ints
    number: Ints
    item: Ints
    category: Ints
    price_cents: Ints
    disappointing: Bools


def draw_orders(p: Parameters, seed: int, block: int, c: Conditions) -> tuple[Orders, OrderLines]:
    """The block's orders with everything that will happen to them, and their lines."""
    draws = generator(seed, block, "orders")
    counts = draws.poisson(c.orders)
    seller, day = (place.astype(np.int64) for place in np.nonzero(counts))
    seller, day = (np.repeat(place, counts[counts > 0]) for place in (seller, day))
    lines = draw_lines(p, generator(seed, block, "lines"), c, seller, day)
    second = ((draws.random(len(seller)) + draws.random(len(seller))) / 2 * DAY).astype(np.int64)
    ordered = (p.sellers.first_day + day) * DAY + second
    number, ordered = shared(p, generator(seed, block, "shared"), seller, day, ordered)
    fate = draw_fate(p, generator(seed, block, "fate"), c, seller, day, ordered)
    tracking = np.where(fate["shipped"] == NULL, NULL, draws.random(len(seller)) >= p.fulfilment.tracking_invalid)
    first = lines.disappointing[: len(seller)]
    return Orders(seller, day, number, ordered, tracking=tracking, disappointing=first, **fate), lines


def shared(p: Parameters, draws: Generator, seller: Ints, day: Ints, ordered: Ints) -> tuple[Ints, Ints]:
    """Order numbers and times, with some pairs of two sellers on the same day made one order."""
    number, ordered = np.arange(len(seller)), ordered.copy()
    mixed = draws.permutation(len(seller))
    mixed = mixed[np.argsort(day[mixed], kind="stable")]
    one, other = mixed[: len(mixed) // 2 * 2 : 2], mixed[1::2]
    joined = (day[one] == day[other]) & (seller[one] != seller[other])
    joined &= draws.random(len(one)) < p.volume.shared_order_share
    number[other[joined]], ordered[other[joined]] = number[one[joined]], ordered[one[joined]]
    return number, ordered


def draw_fate(
    p: Parameters, draws: Generator, c: Conditions, seller: Ints, day: Ints, ordered: Ints
) -> dict[str, Ints]:
    """Promises, and one of: cancelled by the seller, by the buyer, never shipped, shipped and delivered."""
    n, rates = len(seller), p.fulfilment
    window, transit = c.ship_window[seller, day], c.sellers.transit_window[seller]
    handled = np.minimum(log_logistic(draws.random(n), c.handling[seller, day], rates.handling_shape), LONGEST)
    moved = np.minimum(log_logistic(draws.random(n), c.transit[seller, day], rates.transit_shape), LONGEST)
    steps = (c.cancelled[seller, day], np.full(n, rates.cancelled_by_buyer), c.unshipped[seller, day])
    by = _first_of(draws.random(n), steps, (SELLER, BUYER, PLATFORM))
    wait, (first, last) = draws.random(n), rates.given_up
    after = np.select(
        [by == SELLER, by == BUYER],
        [0.3 * window + wait * (0.7 * window + 0.9 * transit), wait * np.minimum(rates.buyer_regrets, handled)],
        window + transit + first + wait * (last - first),
    )
    ship_by, promised, shipped = (ordered + seconds(t) for t in (window, window + transit, handled))
    gone = by != NULL
    return {
        "ship_by": ship_by,
        "promised": promised,
        "shipped": np.where(gone, NULL, shipped),
        "delivered": np.where(gone, NULL, shipped + seconds(moved)),
        "cancelled": np.where(gone, ordered + seconds(after), NULL),
        "cancelled_by": by,
    }


def draw_lines(p: Parameters, draws: Generator, c: Conditions, seller: Ints, day: Ints) -> OrderLines:
    """The first line of every order in their order, then the second lines."""
    second = np.flatnonzero(draws.random(len(seller)) < p.volume.second_line_share)
    order = np.concatenate([np.arange(len(seller)), second])
    number = np.repeat([1, 2], [len(seller), len(second)])
    who, when, n = seller[order], day[order], len(order)
    new = draws.random(n) < c.new_category[who, when]
    own = (c.sellers.items[who] * draws.random(n) ** c.sellers.item_skew).astype(np.int64)
    item = np.where(new, NEW_ITEMS + (draws.random(n) * NEW_ITEM_COUNT).astype(np.int64), own)
    category = np.where(new, c.sellers.new_category[who], c.sellers.category[who])
    disappoints = draws.random(n) < _disappoints(c, who, when, item, new)
    return OrderLines(order, number, item, category, _prices(p, draws, who, item, category), disappoints)


def _disappoints(c: Conditions, seller: Ints, day: Ints, item: Ints, new: Bools) -> Floats:
    """The probability for each line."""
    factor = c.sellers.item_factor[seller, np.where(new, 0, item)]
    bad = c.bad_item[seller, day] == item
    own = c.disappointing[seller, day] * factor + bad * c.bad_item_added[seller, day]
    return np.asarray(np.where(new, c.disappointing_new[seller, day], own))


def _prices(p: Parameters, draws: Generator, seller: Ints, item: Ints, category: Ints) -> Ints:
    """An item's price stays near a level of its own, which a hash of its number spreads around its category's."""
    spread = ((seller * ITEMS + item) * 2_654_435_761 % 2**32) / 2**32 - 0.5
    level = np.asarray(p.sellers.category_prices)[category] * np.exp(2 * spread)
    return np.maximum(np.rint(100 * level * between(draws, (0.9, 1.1), len(item))), 50).astype(np.int64)


def _first_of(u: Floats, shares: tuple[Floats, ...], codes: tuple[int, ...]) -> Ints:
    """The number of the choice in whose share of [0, 1) u lies; NULL if it lies in none."""
    edges = np.cumsum(shares, axis=0)
    return np.select([u < edge for edge in edges], codes, NULL).astype(np.int64)


def seconds(days: Floats) -> Ints:
    """Whole seconds in so many days."""
    return np.floor(days * DAY).astype(np.int64)
