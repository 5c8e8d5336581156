"""The parameters' types: one record for each section of parameters.toml."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class SellerRates:
    """Who the sellers are."""

    first_day: int
    present_share: float
    exit_per_year: float
    leaves_after_abandonment: float
    platform_share: float
    person_share: float
    regions: tuple[str, ...]
    carriers: int
    categories: tuple[str, ...]
    category_weights: tuple[float, ...]
    category_prices: tuple[float, ...]
    most_items: int
    item_skew: float


@dataclass(frozen=True)
class VolumeRates:
    """How many orders they get, and when."""

    median_per_day: float
    spread: float
    most_per_day: float
    growth_spread: float
    weekdays: tuple[float, ...]
    yearly_swing: float
    peak_first: int
    peak_last: int
    peak_height: float
    peak_strain: float
    newcomer_days: int
    second_line_share: float
    shared_order_share: float


@dataclass(frozen=True)
class FulfilmentRates:
    """What they promise, and how they ship."""

    ship_windows: tuple[float, ...]
    ship_window_weights: tuple[float, ...]
    transit_windows: tuple[float, ...]
    transit_window_weights: tuple[float, ...]
    handling_ratio: float
    handling_spread: float
    handling_drift: float
    handling_shape: float
    platform_ratio: float
    transit_ratio: float
    transit_shape: float
    cancelled_by_seller: float
    cancelled_spread: float
    cancelled_by_platform_sellers: float
    buyer_regrets: float
    given_up: tuple[float, float]
    cancelled_by_buyer: float
    tracking_invalid: float


@dataclass(frozen=True)
class QualityRates:
    """How often a line disappoints, and how that drifts."""

    disappointing: float
    disappointing_spread: float
    disappointing_drift: float
    most_disappointing: float
    item_spread: float
    drift_days: int
    drift_memory: float
    chronic_share: float
    improving_share: float
    chronic_factor: float
    chronic_pace: float
    mending_days: int


@dataclass(frozen=True)
class ReturnRates:
    """Who sends back, why and when."""

    change_of_mind: tuple[float, ...]
    after_disappointment: float
    after_late: float
    first_days: float
    last_days: float
    delay_skew: float
    refund_days: tuple[float, float]
    fault_unknown: float


@dataclass(frozen=True)
class ContactRates:
    """Who asks and who complains, and how sellers answer."""

    inquiry: float
    other: float
    presale: float
    inquiry_late: float
    inquiry_disappointed: float
    unanswered: float
    silent: float
    answer_days: tuple[float, float]
    not_received_late: float
    not_received_unshipped: float
    not_received_in_time: float
    not_received_days: tuple[float, float]
    not_described: float
    not_described_buyer: float
    not_described_days: tuple[float, float]
    unresolved: float
    closing_days: tuple[float, float]


@dataclass(frozen=True)
class FeedbackRates:
    """Who rates, and how."""

    rate: tuple[float, float]
    low: float
    low_spread: float
    low_late: float
    low_disappointed: float
    low_cancelled: float
    waiting_days: tuple[float, float]
    waiting_days_cancelled: tuple[float, float]


@dataclass(frozen=True)
class RecordRates:
    """Faults of the delivered data."""

    late_arrival: float
    late_days: tuple[float, float]
    revised_delivery: float
    revised_cancellation: float
    revised_return: float
    revised_case: float
    revised_rating: float
    revising_days: tuple[float, float]
    duplicate: float
    broken: float
    appealed_order: float
    appealed_rating: float
    appealing_days: tuple[float, float]


@dataclass(frozen=True)
class InterventionRates:
    """Who is assigned, and with what probability treated."""

    share: float
    in_trouble: float
    propensity: float
    propensity_in_trouble: float
    delay_days: int
    lasting_days: int


@dataclass(frozen=True)
class EpisodeRates:
    """What episodes do beyond their severity."""

    growing_days: int
    haste: float
    new_category_factor: float
    most_disappointing: float
    silent_customers: float
    slowing_lag: int
    fading_lag: int
    unresolved: float
    unshipped: float
    least_orders: float


@dataclass(frozen=True)
class Effects:
    """The factor by which a treatment reduces each rate."""

    listing_fix: float
    handling_time: float
    carrier: float
    coaching: float


@dataclass(frozen=True)
class Cause:
    """A kind of episode: frequency, length, severity; and for each risk it raises, the family that should name it."""

    name: str
    families: Mapping[str, str]
    per_year: float
    days: tuple[int, int]
    ramp_days: int
    severity: tuple[float, float]
    needs_own_shipping: bool
    happens: str
    measures: str
    source: str
