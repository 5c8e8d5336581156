"""The feature catalogue: each feature once, with its formula over window columns, unit, family, direction and sentence.

A formula is SQL over window columns (`late_28`: the seller's own; `market_late_28`, `peer_late_28`, `category_…`,
`item_…`, `region_…`: published figures). Adding a feature is adding one entry here.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from features import sentences
from features.peers import GROUPS
from features.windows import quantity_of, span_of, split

PRIOR = 20  # orders' worth of the market's rate in a shrunk rate (as in the reference backtest)
GROUP_PRIOR = 5  # orders' worth of the market's rate in a group's rate
IDENTIFIER = re.compile(r"[a-z][a-z_0-9]*")


@dataclass(frozen=True)
class Feature:
    """One number about a seller at an as-of day. direction: the side that is bad ("up", "down"), or "none"."""

    name: str
    title: str
    family: str
    unit: str
    direction: str
    formula: str
    sentence: str
    evidence: str = ""  # window column whose orders are the evidence

    @property
    def span(self) -> int:
        """Days that the evidence looks back over; 0 without evidence."""
        return int(span_of(self.evidence)) if self.evidence and span_of(self.evidence) != "all" else 0

    @property
    def evidence_quantity(self) -> str:
        """The ledger quantity whose orders are the evidence; empty without."""
        return quantity_of(self.evidence) if self.evidence else ""

    def say(self, row: Mapping[str, float | str]) -> str:
        """The reviewer's sentence with this row's counts."""
        return sentences.say(self.sentence, row)

    def count(self, row: Mapping[str, float | str]) -> int:
        """How many orders the evidence holds in this row."""
        return int(float(row[self.evidence])) if self.evidence else 0

    def columns(self) -> tuple[str, ...]:
        """Every window column and published figure that the formula, the sentence or the evidence needs."""
        named = [*IDENTIFIER.findall(self.formula), *sentences.columns_of(self.sentence), self.evidence]
        return tuple(n for n in dict.fromkeys(named) if n and (split(n) or figure(n)))

    def quantities(self) -> set[str]:
        """The ledger quantities behind the feature."""
        return {quantity_of((figure(c) or ("", c))[1]) for c in self.columns()}


def figure(name: str) -> tuple[str, str] | None:
    """Group and window column of a published figure's name (`peer_late_28`), or None."""
    group, _, column = name.partition("_")
    return (group, column) if group in ("peer", *GROUPS) and split(column) else None


def available_features(quantities: Iterable[str]) -> tuple[Feature, ...]:
    """The features that a source with these ledger quantities can fill."""
    has = set(quantities)
    return tuple(f for f in CATALOGUE if f.quantities() <= has)


def shrunk(bad: str, volume: str, span: int) -> str:
    """A rate over a window, shrunk to the market's rate over 60 days as by PRIOR more orders at that rate."""
    prior = f"{PRIOR}.0 * coalesce(market_{bad}_60 / nullif(market_{volume}_60, 0), 0)"
    return f"({bad}_{span} + {prior}) / ({volume}_{span} + {PRIOR}.0)"


def group_rate(group: str, bad: str, volume: str, span: int) -> str:
    """A group's rate over a window, shrunk a little to the market's over 60 days."""
    prior = f"{GROUP_PRIOR}.0 * coalesce(market_{bad}_60 / nullif(market_{volume}_60, 0), 0)"
    return f"({group}_{bad}_{span} + {prior}) / ({group}_{volume}_{span} + {GROUP_PRIOR}.0)"


def own_rates(family: str, bad: str, volume: str, what: str, verb: str, spans: Collection[int]) -> list[Feature]:
    """A seller's rate over several windows, each against its peer group."""
    return [
        Feature(
            name=f"{bad}_rate_{span}",
            title=f"Share of {what} that {verb}, last {span} days",
            family=family,
            unit="share",
            direction="up",
            formula=shrunk(bad, volume, span),
            sentence=f"{{{bad}_{span}}} of the last {{{volume}_{span}}} {what} ({span} days) {verb}; "
            f"sellers like this one: {{peer_{bad}_60*{volume}_{span}/peer_{volume}_60}} of {{{volume}_{span}}}.",
            evidence=f"{bad}_{span}",
        )
        for span in spans
    ]


def group_rates(bad: str, volume: str, what: str, verb: str, spans: Collection[int]) -> list[Feature]:
    """The rates of the market and of the seller's category, item and region over several windows."""
    where = {
        "market": "Across the market",
        "category": "In the category {category}",
        "item": "For the item {item}",
        "region": "In the region {region}",
    }
    return [
        Feature(
            name=f"{group}_{bad}_rate_{span}",
            title=f"{where[group].split(' {')[0]}: share of {what} that {verb}, last {span} days",
            family="market" if group == "market" else f"{group}_level",
            unit="share",
            direction="up",
            formula=group_rate(group, bad, volume, span),
            sentence=f"{where[group]}, {{{group}_{bad}_{span}}} of {{{group}_{volume}_{span}}} {what} {verb} "
            f"in the last {span} days ({{{group}_{bad}_{span}/{group}_{volume}_{span}|share}}).",
        )
        for group in where
        for span in spans
    ]


def trend(family: str, bad: str, volume: str, what: str, verb: str) -> Feature:
    """How the last 14 days differ from the last 60."""
    return Feature(
        name=f"{bad}_trend",
        title=f"Change in the share of {what} that {verb}: last 14 days against 60",
        family=family,
        unit="share",
        direction="up",
        formula=f"{shrunk(bad, volume, 14)} - {shrunk(bad, volume, 60)}",
        sentence=f"{{{bad}_14}} of {{{volume}_14}} {what} {verb} in the last 14 days, "
        f"against {{{bad}_60}} of {{{volume}_60}} in 60.",
        evidence=f"{bad}_14",
    )


def slowdown(family: str, minutes: str, volume: str, what: str, doing: str) -> Feature:
    """How much longer a step takes in the last 28 days than in 90; absolute hours would only tell sellers apart."""
    return Feature(
        name=f"{minutes.removesuffix('_minutes')}_slowdown",
        title=f"Time {doing}: last 28 days against the last 90",
        family=family,
        unit="ratio",
        direction="up",
        formula=f"({minutes}_28 / nullif({volume}_28, 0)) / nullif({minutes}_90 / nullif({volume}_90, 0), 0)",
        sentence=f"{what} in the last 28 days took {{{minutes}_28/{volume}_28|hours}} {doing}; "
        f"over 90 days it was {{{minutes}_90/{volume}_90|hours}}.",
    )


def volume(span: int) -> Feature:
    """Orders over a window."""
    return Feature(
        name=f"orders_{span}",
        title=f"Orders, last {span} days",
        family="volume",
        unit="orders",
        direction="none",
        formula=f"cast(ordered_{span} as double)",
        sentence=f"{{ordered_{span}}} orders came in the last {span} days.",
    )


ORDERS = ("ordered", "orders")
CATALOGUE: tuple[Feature, ...] = (
    *(volume(span) for span in (7, 14, 28, 60, 90)),
    Feature(
        name="order_growth",
        title="Orders of the last 28 days against the pace of the last 90",
        family="volume",
        unit="ratio",
        direction="none",
        formula="(ordered_28 + 5.0) / (ordered_90 * 28.0 / 90.0 + 5.0)",
        sentence="{ordered_28} orders came in the last 28 days; the pace of the last 90 would be {ordered_90*28/90}.",
    ),
    Feature(
        name="tenure",
        title="Days since the first order, at most 90",
        family="tenure",
        unit="days",
        direction="none",
        formula="cast(least(tenure_days, 90) as double)",
        sentence="The first order came {tenure_days} days ago.",
    ),
    *own_rates("service_record", "service_failure", *ORDERS, "failed", (7, 14, 28, 60, 90)),
    trend("service_trend", "service_failure", *ORDERS, "failed"),
    *group_rates("service_failure", *ORDERS, "failed", (7, 14, 28, 60, 90)),
    *own_rates("own_fault", "service_failure_seller_fault", *ORDERS, "failed by the seller's fault", (14, 28, 60)),
    *own_rates("late_delivery", "late", *ORDERS, "were late", (14, 28, 60)),
    *own_rates("cancellation", "cancelled_by_seller", *ORDERS, "were cancelled by the seller", (28, 60)),
    *own_rates("ratings", "low_rating", *ORDERS, "were rated 1 or 2", (28, 60)),
    *own_rates("item_not_received", "item_not_received", *ORDERS, "were reported as not received", (28, 60)),
    *own_rates("not_as_described", "not_as_described", *ORDERS, "were reported as not as described", (28, 60)),
    *own_rates("unresolved_cases", "case_unresolved", *ORDERS, "left a case that the seller did not resolve", (60,)),
    *own_rates("inquiries", "inquiry", *ORDERS, "led to an inquiry", (14, 28)),
    *own_rates("returns_record", "returned", "delivered", "delivered orders", "came back", (14, 28, 60, 90)),
    *own_rates(
        "returns_matured", "matured_returned", "matured_delivered", "deliveries past their 30 days", "came back", (60,)
    ),
    trend("returns_trend", "returned", "delivered", "delivered orders", "came back"),
    *group_rates("returned", "delivered", "delivered orders", "came back", (28, 60)),
    slowdown("handling", "handling_minutes", "shipped", "Orders shipped", "to hand over"),
    slowdown("delivery_time", "delivery_minutes", "delivered", "Orders delivered", "to arrive"),
    Feature(
        name="backlog",
        title="Open orders against the pace of the last 28 days",
        family="backlog",
        unit="ratio",
        direction="up",
        formula="(ordered_all - closed_all) / (ordered_28 + 5.0)",
        sentence="{ordered_all-closed_all} orders are open; {ordered_28} came in the last 28 days.",
    ),
    Feature(
        name="overdue",
        title="Orders past their ship-by time and not yet shipped, against the pace of the last 28 days",
        family="overdue",
        unit="ratio",
        direction="up",
        formula="(overdue_to_ship_all - overdue_cleared_all) / (ordered_28 + 5.0)",
        sentence="{overdue_to_ship_all-overdue_cleared_all} orders are past their ship-by time and not yet shipped.",
        evidence="overdue_to_ship_28",
    ),
)
