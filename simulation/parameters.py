"""The parameters of the simulated marketplace, from parameters.toml, where each has its source."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

FILE = Path(__file__).with_name("parameters.toml")
Section = TypeVar("Section")


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
    cancelled_by_buyer: float
    tracking_invalid: float


@dataclass(frozen=True)
class QualityRates:
    """How often a line disappoints, and how that drifts."""

    disappointing: float
    disappointing_spread: float
    disappointing_drift: float
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
    not_received_late: float
    not_received_unshipped: float
    not_received_in_time: float
    not_described: float
    not_described_buyer: float
    unresolved: float


@dataclass(frozen=True)
class FeedbackRates:
    """Who rates, and how."""

    rate: tuple[float, float]
    low: float
    low_spread: float
    low_late: float
    low_disappointed: float
    low_cancelled: float


@dataclass(frozen=True)
class RecordRates:
    """What goes wrong between what happened and what is handed over."""

    late_arrival: float
    revised_delivery: float
    revised_cancellation: float
    revised_return: float
    revised_case: float
    revised_rating: float
    duplicate: float
    broken: float
    appealed_order: float
    appealed_rating: float


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
    """What a treatment leaves of what it works on, as a factor."""

    listing_fix: float
    handling_time: float
    carrier: float
    coaching: float


@dataclass(frozen=True)
class Cause:
    """A kind of episode: how often, how long, how bad, and the feature family that should name it, by risk."""

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


@dataclass(frozen=True)
class Parameters:
    """All of them, with the version and the SHA-256 of the file."""

    version: str
    digest: str
    sellers: SellerRates
    volume: VolumeRates
    fulfilment: FulfilmentRates
    quality: QualityRates
    returns: ReturnRates
    contacts: ContactRates
    feedback: FeedbackRates
    records: RecordRates
    interventions: InterventionRates
    episodes: EpisodeRates
    effects: Effects
    causes: tuple[Cause, ...]

    def cause(self, name: str) -> Cause:
        """The cause of that name."""
        return next(c for c in self.causes if c.name == name)


SECTIONS: Mapping[str, type[Any]] = {
    "sellers": SellerRates,
    "volume": VolumeRates,
    "fulfilment": FulfilmentRates,
    "quality": QualityRates,
    "returns": ReturnRates,
    "contacts": ContactRates,
    "feedback": FeedbackRates,
    "records": RecordRates,
    "interventions": InterventionRates,
    "episodes": EpisodeRates,
    "effects": Effects,
}


def load() -> Parameters:
    """The parameters as shipped."""
    raw = FILE.read_bytes()
    said = tomllib.loads(raw.decode())
    sections = {name: _section(kind, said[name]) for name, kind in SECTIONS.items()}
    causes = tuple(_fitting(Cause, entry) for entry in said["cause"])
    return Parameters(version=said["version"], digest=sha256(raw).hexdigest(), causes=causes, **sections)


def sources() -> list[tuple[str, str, object, str]]:
    """Section, name, value and source of every rate, for the docs."""
    said = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return [(s, name, e["value"], e["source"]) for s in SECTIONS for name, e in said[s].items()]


def _section(kind: type[Section], entries: Mapping[str, Mapping[str, Any]]) -> Section:
    return _fitting(kind, {name: entry["value"] for name, entry in entries.items()})


def _fitting(kind: type[Section], values: Mapping[str, Any]) -> Section:
    """A record of these values; a name too many or too few is an error of ours."""
    names = {f.name for f in fields(kind)}  # type: ignore[arg-type]
    if names != set(values):
        raise KeyError(f"parameters.toml, {kind.__name__}: {', '.join(sorted(names ^ set(values)))}")
    return kind(**{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()})
