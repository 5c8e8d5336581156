"""The hidden rates of each seller and day, from which orders, returns and cases are drawn."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from simulation.draws import Floats, Ints, drift, generator
from simulation.episodes import NO_ITEM, Episode
from simulation.parameters import Parameters
from simulation.rates import EpisodeRates
from simulation.sellers import CHRONIC, IMPROVING, Sellers
from simulation.treatments import Treatment

EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Conditions:
    """Hidden rates, each of shape (sellers, days); times in days, the rest are probabilities for an order."""

    sellers: Sellers
    rates: EpisodeRates
    orders: Floats
    ship_window: Floats
    handling: Floats
    transit: Floats
    cancelled: Floats
    unshipped: Floats
    disappointing: Floats
    bad_item: Ints
    bad_item_added: Floats
    new_category: Floats
    inquiry: Floats
    presale: Floats
    unanswered: Floats
    silent: Floats
    unresolved: Floats

    @property
    def bad_item_share(self) -> Floats:
        """Share of the bad item among the orders of the seller's own categories."""
        rows = np.arange(len(self.sellers))[:, None]
        return np.asarray(np.where(self.bad_item == NO_ITEM, 0.0, self.sellers.item_share[rows, self.bad_item]))

    @property
    def disappointing_new(self) -> Floats:
        """Probability that a line of the new category disappoints."""
        return np.minimum(self.rates.new_category_factor * self.disappointing, self.rates.most_disappointing)

    @property
    def disappoints(self) -> Floats:
        """Probability that an order's line disappoints, whatever the item."""
        own = self.disappointing * self.sellers.mean_factor[:, None] + self.bad_item_share * self.bad_item_added
        return (1 - self.new_category) * own + self.new_category * self.disappointing_new


def conditions(
    p: Parameters,
    seed: int,
    block: int,
    sellers: Sellers,
    episodes: Iterable[Episode],
    treatments: Iterable[Treatment],
    days: int,
) -> Conditions:
    """The block's hidden rates: the sellers' own rates, changed by episodes, then by interventions."""
    found = quiet(p, seed, block, sellers, days)
    for episode in episodes:
        HAPPENS[episode.cause](found, episode)
    for treatment in treatments:
        treat(p, found, treatment)
    return replace(found, orders=found.orders * there(sellers, days))


def there(sellers: Sellers, days: int) -> Floats:
    """1 on the days on which a seller is on the marketplace, shape (sellers, days)."""
    day = np.arange(days)
    return np.asarray((day >= sellers.joined[:, None]) & (day < sellers.left[:, None]), dtype=np.float64)


def quiet(p: Parameters, seed: int, block: int, sellers: Sellers, days: int) -> Conditions:
    """The rates without any episode: season, growth, drift, sellers that are always bad and sellers that improve."""
    shape, draws = (len(sellers), days), generator(seed, block, "drift")
    season, peak = calendar(p, days)
    moving = [drift(draws, *shape, p.quality.drift_days, p.quality.drift_memory) for _ in range(2)]
    bad = trouble(p, sellers, days)
    strain = 1 + p.volume.peak_strain * peak
    quality = np.exp(p.quality.disappointing_drift * moving[0]) * p.quality.chronic_factor**bad
    pace = np.exp(p.fulfilment.handling_drift * moving[1]) * np.where(
        sellers.platform[:, None], 1, p.quality.chronic_pace**bad
    )

    def plain(rate: float) -> Floats:
        return np.full(shape, rate, dtype=np.float64)

    return Conditions(
        sellers=sellers,
        rates=p.episodes,
        orders=sellers.orders[:, None] * season * growth(p, sellers, days),
        ship_window=np.repeat(sellers.ship_window[:, None], days, axis=1),
        handling=sellers.handling[:, None] * pace * strain,
        transit=np.repeat(p.fulfilment.transit_ratio * sellers.transit_window[:, None], days, axis=1) * strain,
        cancelled=np.repeat(sellers.cancelled[:, None], days, axis=1),
        unshipped=plain(0),
        disappointing=np.minimum(sellers.disappointing[:, None] * quality, p.quality.most_disappointing),
        bad_item=np.full(shape, NO_ITEM),
        bad_item_added=plain(0),
        new_category=plain(0),
        inquiry=plain(p.contacts.inquiry),
        presale=plain(p.contacts.presale),
        unanswered=plain(p.contacts.unanswered),
        silent=plain(p.contacts.silent),
        unresolved=plain(p.contacts.unresolved),
    )


def calendar(p: Parameters, days: int) -> tuple[Floats, Floats]:
    """The season's factor on orders, and the height of the yearly peak (0 to 1), by day, shapes (days,)."""
    dates = [EPOCH + timedelta(p.sellers.first_day + day) for day in range(days)]
    of_year = np.array([d.timetuple().tm_yday for d in dates])
    weekday = np.asarray(p.volume.weekdays)[[d.weekday() for d in dates]]
    middle, half = (p.volume.peak_first + p.volume.peak_last) / 2, (p.volume.peak_last - p.volume.peak_first) / 2
    peak = np.clip(1 - np.abs(of_year - middle) / half, 0, 1)
    yearly = 1 + p.volume.yearly_swing * np.cos(2 * np.pi * of_year / 365.25)
    return weekday * yearly * (1 + p.volume.peak_height * peak), peak


def growth(p: Parameters, sellers: Sellers, days: int) -> Floats:
    """Factor on orders from growth and from being new, shape (sellers, days)."""
    age = np.arange(days) - sellers.joined[:, None]
    new = np.clip((age + 1) / p.volume.newcomer_days, 0.1, 1)
    return np.asarray(new * np.exp(sellers.growth[:, None] * (np.arange(days) - days / 2)))


def trouble(p: Parameters, sellers: Sellers, days: int) -> Floats:
    """0 for normal sellers, 1 for always bad ones, falling from 1 to 0 for those who improve; shape (sellers, days)."""
    mended = np.clip((np.arange(days) - sellers.mending[:, None]) / p.quality.mending_days, 0, 1)
    habit = sellers.habit[:, None]
    return np.asarray(np.where(habit == CHRONIC, 1.0, np.where(habit == IMPROVING, 1 - mended, 0.0)))


def _staff_shortage(c: Conditions, e: Episode) -> None:
    c.handling[e.seller, e.days] *= 1 + (e.severity - 1) * e.profile()


def _stock_out(c: Conditions, e: Episode) -> None:
    _raise_to(c.cancelled, e, e.severity * e.profile())


def _bad_batch(c: Conditions, e: Episode) -> None:
    c.bad_item[e.seller, e.days] = e.item
    c.bad_item_added[e.seller, e.days] = e.severity * e.profile()


def _over_promising(c: Conditions, e: Episode) -> None:
    """Growth comes first and stays; then less time is promised, and handling slows under the load."""
    begin, more = max(0, e.start - c.rates.growing_days), e.severity - 1
    c.orders[e.seller, begin : e.start] *= 1 + more * np.arange(1, e.start - begin + 1) / c.rates.growing_days
    c.orders[e.seller, e.days] *= e.severity
    c.handling[e.seller, e.days] *= 1 + more * e.profile()
    c.ship_window[e.seller, e.days] *= 1 - c.rates.haste


def _category_entry(c: Conditions, e: Episode) -> None:
    _raise_to(c.new_category, e, e.severity * e.profile())


def _abandonment(c: Conditions, e: Episode) -> None:
    """Inquiries first; cases, hand-over and orders follow weeks later."""
    now, soon, later = e.profile(), e.profile(c.rates.slowing_lag), e.profile(c.rates.fading_lag)
    _raise_to(c.unanswered, e, e.severity * now)
    _raise_to(c.silent, e, e.severity * now)
    c.inquiry[e.seller, e.days] *= 1 + (c.rates.silent_customers - 1) * now
    c.presale[e.seller, e.days] *= 1 + (c.rates.silent_customers - 1) * now
    _raise_to(c.unresolved, e, c.rates.unresolved * soon)
    c.handling[e.seller, e.days] *= 1 + e.severity * soon
    _raise_to(c.unshipped, e, c.rates.unshipped * later)
    c.orders[e.seller, e.days] *= 1 - (1 - c.rates.least_orders) * later


def _carrier_disruption(c: Conditions, e: Episode) -> None:
    c.transit[e.seller, e.days] *= 1 + (e.severity - 1) * e.profile()


def _raise_to(rate: Floats, e: Episode, level: Floats) -> None:
    rate[e.seller, e.days] = np.maximum(rate[e.seller, e.days], level)


HAPPENS: Mapping[str, Callable[[Conditions, Episode], None]] = {
    "staff_shortage": _staff_shortage,
    "stock_out": _stock_out,
    "bad_batch": _bad_batch,
    "over_promising": _over_promising,
    "category_entry": _category_entry,
    "abandonment": _abandonment,
    "carrier_disruption": _carrier_disruption,
}


def treat(p: Parameters, c: Conditions, treatment: Treatment) -> None:
    """The effect of interventions while they last, on sellers outside the control group."""
    if not treatment.treated:
        return
    effect: float = getattr(p.effects, treatment.kind)
    works_on: Mapping[str, tuple[Floats, ...]] = {
        "listing_fix": (c.disappointing, c.bad_item_added),
        "handling_time": (c.handling,),
        "carrier": (c.transit,),
        "coaching": (c.cancelled, c.unshipped, c.unanswered),
    }
    for rate in works_on[treatment.kind]:
        rate[treatment.seller, treatment.start : treatment.end + 1] *= effect
