"""The feature catalogue: each feature once, with its formula over window columns, unit, family, direction and sentence.

A formula is SQL over the columns of a row: `late_28` is the seller's own window sum; `market_late_28`, `peer_late_28`,
`category_…`, `item_…`, `region_…` are published figures; `since_late` is the days since the last. Adding a feature is
adding one entry here, and a failure of a new kind in `failures`.
"""

from collections.abc import Iterable

from features import overdue
from features.failures import (
    CANCELLED,
    GIVEN_UP,
    INQUIRY,
    LATE,
    LATE_CARRIER,
    LATE_OWN,
    LATE_PLATFORM,
    LOW_RATING,
    MATURED,
    NOT_DESCRIBED,
    NOT_RECEIVED,
    OVERDUE,
    OWN,
    RETURNED,
    RETURNED_OWN,
    SERVICE,
    SHIPPED_LATE,
    UNANSWERED,
    UNRESOLVED,
)
from features.feature import Feature
from features.formulas import (
    SPANS,
    a_year_ago,
    growth,
    level,
    rates,
    share_of_orders,
    since,
    trend,
    volume,
)
from features.legs import DELIVERY, HANDLING, TRANSIT, against_peers, slowdown
from features.quantities import NEW_CATEGORY_DAYS

TROUBLES = (
    "{order_troubles|no order was/1 order was/# orders were} returned, reported as not as described, or rated 1 or 2 "
    "in the last 28 days[; over the item {troubled_item}: {worst_item_troubles}]."
)
DISAPPOINTING = (
    "{disappointing_orders|no order/1 order/# orders} of the last 28 days disappointed: not as described, returned for "
    "what was wrong with the goods, or both returned and rated 1 or 2"
)
IN_NEW_CATEGORY = f"in a category that the seller took on, or came back to, in the {NEW_CATEGORY_DAYS} days before"
CATALOGUE: tuple[Feature, ...] = (
    *(volume(span) for span in SPANS),
    growth("order_growth", "volume", 28, 90),
    growth("order_growth_lately", "volume", 14, 60),
    Feature(
        name="tenure",
        title="Days since the first order, at most 90",
        family="tenure",
        unit="days",
        direction="none",
        formula="cast(least(tenure_days, 90) as double)",
        sentence="The first order came {tenure_days|today/1 day ago/# days ago/on no day yet}.",
    ),
    *rates(SERVICE),
    trend(SERVICE),
    *(level(SERVICE, "market", span) for span in (7, 14, 28, 60, 90)),
    level(RETURNED, "market", 60),
    *(level(SERVICE, group, span) for group in ("category", "region") for span in (7, 14, 28, 60, 90)),
    *(level(SERVICE, "item", span) for span in (28, 60)),
    *(level(failure, "peer", 60) for failure in (SERVICE, RETURNED)),
    growth("market_growth", "season", 28, 90, "market_", "Across the market, "),
    Feature(
        name="market_growth_ahead",
        title="Orders of the market in the 28 days ahead a year ago, against the 28 before",
        family="season",
        unit="ratio",
        direction="none",
        formula="(market_ordered_364 - market_ordered_336) / "
        "nullif(cast(market_ordered_392 - market_ordered_364 as double), 0)",
        sentence="[A year ago the market took {market_ordered_364-market_ordered_336} orders in the 28 days to come, "
        "after {market_ordered_392-market_ordered_364} in the 28 before.]",
    ),
    a_year_ago(SERVICE, "market_failures_ahead"),
    a_year_ago(RETURNED, "market_returns_ahead"),
    since(SERVICE),
    *rates(OWN),
    trend(OWN),
    since(OWN),
    *rates(LATE),
    trend(LATE),
    since(LATE),
    *rates(LATE_OWN),
    trend(LATE_OWN),
    since(LATE_OWN),
    *rates(OVERDUE, (28,)),
    slowdown("handling_slowdown", "handling", HANDLING),
    against_peers("handling_against_peers", "handling", HANDLING),
    overdue.BACKLOG,
    overdue.OVERDUE,
    *rates(SHIPPED_LATE, (14, 28)),
    overdue.TO_BE_SHIPPED,
    *rates(LATE_CARRIER, (14, 28, 60)),
    *rates(LATE_PLATFORM, (60,)),
    *(level(LATE_CARRIER, "region", span, "carrier") for span in (14, 28)),
    slowdown("transit_slowdown", "carrier", TRANSIT),
    against_peers("transit_against_peers", "carrier", TRANSIT),
    slowdown("delivery_slowdown", "carrier", DELIVERY),
    *rates(CANCELLED),
    trend(CANCELLED),
    since(CANCELLED),
    *rates(GIVEN_UP, (28,)),
    overdue.TO_BE_CANCELLED,
    *rates(RETURNED),
    trend(RETURNED),
    since(RETURNED),
    *rates(MATURED, (60,)),
    *rates(RETURNED_OWN, (60,)),
    Feature(
        name="refunded_share",
        title="Money refunded, per money ordered, last 60 days",
        family="returns_record",
        unit="share",
        direction="up",
        formula="refund_cents_60 / nullif(cast(gross_cents_60 as double), 0)",
        sentence="{refund_cents_60|money} was refunded in the last 60 days[, in which orders of {gross_cents_60|money} "
        "came ({refund_cents_60/gross_cents_60|share})].",
    ),
    Feature(
        name="worst_item_share",
        title="Share of the returns of the last 60 days that are of the item with most of them",
        family="items",
        unit="share",
        direction="up",
        formula="worst_item_returns / nullif(cast(item_returns as double), 0)",
        sentence="{item_returns|nothing was/1 item was/# items were} returned in the last 60 days"
        "[; of the item {worst_item}: {worst_item_returns}].",
        evidence="returned_60",
    ),
    Feature(
        name="worst_item_excess",
        title="Return rate of the item with most returns, less that of the seller's other items, last 60 days",
        family="items",
        unit="share",
        direction="up",
        formula="worst_item_returns / (worst_item_deliveries + 5.0) - (item_returns - worst_item_returns) / "
        "(item_deliveries - worst_item_deliveries + 5.0)",
        sentence="{item_returns|no item/1 item/# items} came back in the last 60 days[: {worst_item_returns} of "
        "{worst_item}, of which {worst_item_deliveries|none was/1 was/# were} delivered, and "
        "{item_returns-worst_item_returns|none/1/#} of {item_deliveries-worst_item_deliveries} others].",
        evidence="returned_60",
    ),
    Feature(
        name="order_troubles_share",
        title="Orders in trouble (returned, not as described, or rated 1 or 2) against all orders, last 28 days",
        family="items",
        unit="share",
        direction="up",
        formula="cast(order_troubles as double) / (ordered_28 + 10.0)",
        sentence=TROUBLES,
    ),
    Feature(
        name="item_troubles",
        title="Orders in trouble over the most troubled item (returned, not as described, or rated 1 or 2) against all "
        "orders, last 28 days",
        family="items",
        unit="share",
        direction="up",
        formula="worst_item_troubles / (ordered_28 + 10.0)",
        sentence=TROUBLES,
    ),
    Feature(
        name="item_troubles_excess",
        title="The same, less what the item's share of lines would bring",
        family="items",
        unit="share",
        direction="up",
        formula="(worst_item_troubles - order_troubles * least(worst_item_units / nullif(units_60, 0), 1)) "
        "/ (ordered_28 + 10.0)",
        sentence=TROUBLES,
    ),
    Feature(
        name="disappointing_share",
        title="Orders not as described, returned for the goods, or returned and rated 1 or 2; against all, 28 days",
        family="items",
        unit="share",
        direction="up",
        formula="cast(disappointing_orders as double) / (ordered_28 + 10.0)",
        sentence=DISAPPOINTING + "[ ({ordered_28} came)].",
    ),
    share_of_orders("new_item_orders", "items", "of an item that the seller took on in the 30 days before"),
    share_of_orders("new_category_orders", "category_mix", IN_NEW_CATEGORY),
    Feature(
        name="new_category_troubles_share",
        title="Orders in trouble in categories new to the seller (returned, not as described, or rated 1 or 2) against "
        "all orders, last 28 days",
        family="category_mix",
        unit="share",
        direction="up",
        formula="cast(new_category_troubles as double) / (ordered_28 + 10.0)",
        sentence="{order_troubles|no order was/1 order was/# orders were} returned, reported as not as described, or "
        f"rated 1 or 2 in the last 28 days[; {{new_category_troubles}} of them {IN_NEW_CATEGORY}].",
    ),
    Feature(
        name="new_category_disappointing_share",
        title="The same in categories new to the seller, against all orders; 28 days",
        family="category_mix",
        unit="share",
        direction="up",
        formula="cast(new_category_disappointing as double) / (ordered_28 + 10.0)",
        sentence=f"{DISAPPOINTING}[; {{new_category_disappointing}} of them {IN_NEW_CATEGORY}].",
    ),
    Feature(
        name="new_category_growth",
        title="Orders in categories new to the seller in the last 28 days against the pace of 90",
        family="category_mix",
        unit="ratio",
        direction="up",
        formula="(new_category_orders_28 + 5.0) / (new_category_orders_90 * 28.0 / 90.0 + 5.0)",
        sentence=f"{{new_category_orders_28|no order/1 order/# orders}} came in the last 28 days {IN_NEW_CATEGORY}; "
        "at the pace of the last 90 it would be {new_category_orders_90*28/90}.",
        evidence="new_category_orders_28",
    ),
    *rates(INQUIRY, (14, 28)),
    trend(INQUIRY),
    *rates(UNANSWERED, (14, 28)),
    since(UNANSWERED),
    *rates(NOT_RECEIVED),
    since(NOT_RECEIVED),
    *rates(NOT_DESCRIBED),
    since(NOT_DESCRIBED),
    *rates(UNRESOLVED),
    since(UNRESOLVED),
    *rates(LOW_RATING),
    trend(LOW_RATING),
    since(LOW_RATING),
    Feature(
        name="price_change",
        title="Mean line price of the last 28 days against the last 180",
        family="price",
        unit="ratio",
        direction="none",
        formula="(gross_cents_28 / nullif(cast(units_28 as double), 0)) / "
        "nullif(gross_cents_180 / nullif(cast(units_180 as double), 0), 0)",
        sentence="[A line ordered in the last 28 days cost {gross_cents_28/units_28|money} on average; ]"
        "over 180 days it was {gross_cents_180/units_180|money}.",
    ),
)


def available_features(quantities: Iterable[str]) -> tuple[Feature, ...]:
    """The features that a source with these ledger quantities can fill."""
    has = set(quantities)
    return tuple(f for f in CATALOGUE if f.quantities() <= has and f.unless not in has)
