"""What the seller's page shows, part by part."""

from dataclasses import dataclass

from serving.review.pages.charts import RateChart, StackedBars
from serving.review.pages.page import shown


@dataclass(frozen=True)
class SellerHead:
    """Who it is about."""

    seller_id: str = shown("the seller's id")
    name: str = shown("the seller's name; empty where the source has none")
    attributes: tuple[str, ...] = shown("category, size, fulfilment and region as far as they are known")
    tenure_days: int = shown("days since the first order")
    orders: int = shown("orders in the last 60 days")
    low_evidence: bool = shown("whether there are too few orders to say much")
    incomplete: bool = shown("whether too many of the seller's rows were lost on the way in")
    natural_person: bool | None = shown("whether the seller is a person, who has rights of its own; None: not known")


@dataclass(frozen=True)
class RiskView:
    """One risk in figures, as the API's answer says it."""

    risk: str = shown("returns or service")
    here: bool = shown("whether the page explains this one")
    probability: float | None = shown("probability of a breach at the horizon's end, 0 to 1; None: withheld")
    low: float | None = shown("lower end of its 90% interval; None: withheld")
    high: float | None = shown("upper end of its 90% interval; None: withheld")
    band: str = shown("clear, watch or review; empty: withheld")
    in_breach: bool = shown("whether the standard is in breach today")
    verdict: str = shown("the verdict in one sentence; empty: withheld")
    rate: float | None = shown("the rate today; None without volume")
    limit: float = shown("the standard's limit")


@dataclass(frozen=True)
class OrderView:
    """One order behind a count."""

    order_id: str = shown("the order")
    ordered: str = shown("ISO day it was placed; empty where it is not known here")
    item: str = shown("the item of its first line")
    category: str = shown("the category of its first line")
    price: float | None = shown("what was paid for it; None where prices are not known")
    events: tuple[str, ...] = shown("what happened to it, and through whose fault, in words")


@dataclass(frozen=True)
class ReasonView:
    """One reason: a sentence with counts, what it adds, and its orders."""

    code: str = shown("the feature family")
    family: str = shown("what the family looks at, in words")
    text: str = shown("the sentence, this seller against its peers")
    contribution: float = shown("what it adds to the log-odds; the reasons, base and arithmetic add up")
    share: float = shown("its size against the page's largest, 0 to 1, for the bar beside it")
    count: int = shown("how many orders are behind it")
    orders: tuple[OrderView, ...] = shown("the newest of them")
    href: str = shown("where all that are kept are listed, or the items that it speaks of; empty for neither")


@dataclass(frozen=True)
class ArithmeticView:
    """Which orders leave the window, which come, and what the standard still allows."""

    unit: str = shown("what the standard counts, in words")
    window_days: int = shown("days of the window")
    until: str = shown("ISO day of the horizon's end")
    bad: int = shown("events in the window today")
    volume: int = shown("volume in the window today")
    leaving_bad: int = shown("events that leave the window by then")
    leaving_volume: int = shown("volume that leaves")
    staying_bad: int = shown("events that stay")
    staying_volume: int = shown("volume that stays")
    coming: int = shown("volume to come if the last weeks' pace holds")
    room: int = shown("events among those to come that still keep the standard; negative: it cannot be kept")
    expected_events: float = shown("events to expect among those to come")
    expected_rate: float | None = shown("the rate to expect then")
    expected_low: float | None = shown("lower end of its 90% interval")
    expected_high: float | None = shown("upper end of its 90% interval")
    stack: StackedBars = shown("the same as two bars")


@dataclass(frozen=True)
class StandardView:
    """One standard: now, projected, limit, uncertainty."""

    title: str = shown("its title")
    version: str = shown("its version")
    risk: str = shown("the risk that it belongs to")
    bad: int = shown("events in the window")
    volume: int = shown("volume in the window")
    unit: str = shown("what the volume counts, in words")
    window_days: int = shown("days of the window")
    rate: float | None = shown("the rate now; None without volume")
    comparator: str = shown("how the limit is to be kept")
    limit: float = shown("the limit")
    expected: float | None = shown("the rate to expect at the horizon's end")
    low: float | None = shown("lower end of its 90% interval")
    high: float | None = shown("upper end of its 90% interval")
    probability: float | None = shown("probability of a breach then; None where no model was trained for it")
    standing: str = shown("breach, past_low_volume, low_volume or kept")
    scale: float = shown("right end of the bar's axis, in rate")


@dataclass(frozen=True)
class FaultView:
    """Late orders of a window by whose fault they were; the carrier's never count against the seller."""

    days: int = shown("days of the window")
    late: int = shown("late orders")
    seller: int = shown("of those, the seller's fault: not handed over in time")
    carrier: int = shown("the carrier's fault: handed over in time")
    platform: int = shown("the platform's fault, which fulfils")
    failures: int = shown("orders that failed for any reason, whoever's fault")
    own_failures: int = shown("of those, the seller's fault")


@dataclass(frozen=True)
class PeerView:
    """The peer group, disclosed."""

    name: str = shown("what its sellers have in common; empty: the whole market")
    sellers: int = shown("how many sellers it has")
    prior_orders: int = shown("how many orders' worth of the group's rate are mixed into this seller's")
    weight: float = shown("the group's share in the shrunk rate, 0 to 1")
    rate: float | None = shown("the rate of the group, on the standard of the risk explained")
    low: float | None = shown("a quarter of its sellers lie below this rate")
    high: float | None = shown("a quarter of its sellers lie above this rate")


@dataclass(frozen=True)
class ItemView:
    """An item that came back."""

    item_id: str = shown("the item")
    returned: int = shown("lines returned in 60 days")
    delivered: int = shown("lines delivered in 60 days")
    expected: float = shown("returns to expect at the rate of the seller's other items")
    chance: float = shown("probability of as many returns or more at that rate")
    share: float = shown("share of the seller's returns")
    href: str = shown("where its orders are listed")


@dataclass(frozen=True)
class ScoreView:
    """The scores of a day."""

    as_of: str = shown("ISO day")
    risk: str = shown("the risk")
    probability: float = shown("the probability")
    band: str = shown("the band")
    rate: float | None = shown("the rate of the standard that day")


@dataclass(frozen=True)
class HistoryEntry:
    """Something done to or by the seller: a decision, an intervention, a correction, a note."""

    at: str = shown("ISO day or time")
    kind: str = shown("decision, intervention, correction, objection or event")
    text: str = shown("what it was, in words")
    person: str = shown("who did it; empty where the source does not say")


@dataclass(frozen=True)
class ModelView:
    """What made the figures, and what it cannot know."""

    version: str = shown("version of the champion that scored")
    digest: str = shown("its digest")
    decision_id: str = shown("id of the logged answer, the same as in the API's answer")
    as_of: str = shown("ISO day that the scores speak from")
    until: str = shown("ISO day that they speak of")
    limits: tuple[str, ...] = shown("what the model does not know, in sentences")


@dataclass(frozen=True)
class RateView:
    """One standard's rate over time."""

    chart: RateChart = shown("the chart: rate by week, peer band, limit, and the rate to expect")
    main: bool = shown("whether it is the headline standard of the risk explained")
