"""The feature catalogue: each feature once, with its formula over window columns, unit, family, direction and sentence.

A formula is SQL over the columns of a row: `late_28` is the seller's own window sum; `market_late_28`, `peer_late_28`,
`category_…`, `item_…`, `region_…` are published figures; `since_late` is the number of days since the last late order.
To add a feature, add one entry here; a new kind of failure goes into `failure_kinds`.
"""

from collections.abc import Iterable

from features.catalogue import overdue
from features.catalogue.failure_kinds import (
    CANCELLED,
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
    OVERDUE_CANCELLED,
    RETURNED,
    RETURNED_OWN,
    SERVICE,
    SERVICE_OWN,
    SHIPPED_LATE,
    UNANSWERED,
    UNRESOLVED,
)
from features.catalogue.feature import Feature
from features.catalogue.formulas import (
    ORDERS_WERE,
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
from features.catalogue.fulfilment_stages import DELIVERY, HANDLING, TRANSIT, against_peers, slowdown
from features.ledger.quantities import NEW_CATEGORY_DAYS

PROBLEM_ORDERS = (
    "{order_troubles|no order was/1 order was/# orders were} returned, reported as not as described, or rated 1 or 2 "
    "in the last 28 days[; the item {troubled_item} was in {worst_item_troubles} of them]."
)
GOODS_PROBLEM = (
    "{disappointing_orders|no order/1 order/# orders} of the last 28 days had a problem with the goods: not as "
    "described, returned because of the goods, or both returned and rated 1 or 2"
)
IN_NEW_CATEGORY = f"in a category that the seller had added, or added again, in the {NEW_CATEGORY_DAYS} days before"
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
        sentence="The seller's first order: {tenure_days|today/1 day ago/# days ago/none so far}.",
    ),
    *rates(SERVICE),
    trend(SERVICE),
    *(level(SERVICE, "market", span) for span in (7, 14, 28, 60, 90)),
    level(RETURNED, "market", 60),
    *(level(SERVICE, group, span) for group in ("category", "region") for span in (7, 14, 28, 60, 90)),
    *(level(SERVICE, "item", span) for span in (28, 60)),
    *(level(failure, "peer", 60) for failure in (SERVICE, RETURNED)),
    growth("market_growth", "season", 28, 90, "market_", "In the whole market, "),
    Feature(
        name="market_growth_ahead",
        title="Orders of the market a year ago: the following 28 days against the 28 days before",
        family="season",
        unit="ratio",
        direction="none",
        formula="(market_ordered_364 - market_ordered_336) / "
        "nullif(cast(market_ordered_392 - market_ordered_364 as double), 0)",
        sentence="[A year ago, the market had {market_ordered_364-market_ordered_336} orders in the following 28 days, "
        "after {market_ordered_392-market_ordered_364} in the 28 days before.]",
    ),
    a_year_ago(SERVICE, "market_failures_ahead"),
    a_year_ago(RETURNED, "market_returns_ahead"),
    since(SERVICE),
    *rates(SERVICE_OWN),
    trend(SERVICE_OWN),
    since(SERVICE_OWN),
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
    *rates(OVERDUE_CANCELLED, (28,)),
    overdue.TO_BE_CANCELLED,
    *rates(RETURNED),
    trend(RETURNED),
    since(RETURNED),
    *rates(MATURED, (60,)),
    *rates(RETURNED_OWN, (60,)),
    Feature(
        name="refunded_share",
        title="Money refunded, as a share of the value of orders, last 60 days",
        family="returns_record",
        unit="share",
        direction="up",
        formula="refund_cents_60 / nullif(cast(gross_cents_60 as double), 0)",
        sentence="{refund_cents_60|money} was refunded in the last 60 days[, in which orders worth "
        "{gross_cents_60|money} were placed ({refund_cents_60/gross_cents_60|share})].",
    ),
    Feature(
        name="worst_item_share",
        title="Share of the most returned item in the returns of the last 60 days",
        family="items",
        unit="share",
        direction="up",
        formula="worst_item_returns / nullif(cast(item_returns as double), 0)",
        sentence="{item_returns|nothing was/1 item was/# items were} returned in the last 60 days"
        "[; of the item {worst_item} alone: {worst_item_returns}].",
        evidence="returned_60",
    ),
    Feature(
        name="worst_item_excess",
        title="Return rate of the most returned item, minus the rate of the seller's other items, last 60 days",
        family="items",
        unit="share",
        direction="up",
        formula="worst_item_returns / (worst_item_deliveries + 5.0) - (item_returns - worst_item_returns) / "
        "(item_deliveries - worst_item_deliveries + 5.0)",
        sentence="{item_returns|no item was/1 item was/# items were} returned in the last 60 days"
        "[: {worst_item_returns} of {worst_item}, of which {worst_item_deliveries|none was/1 was/# were} delivered; "
        "{item_returns-worst_item_returns|none/1/#} of the {item_deliveries-worst_item_deliveries} others delivered].",
        evidence="returned_60",
    ),
    Feature(
        name="order_troubles_share",
        title="Problem orders (returned, not as described, or rated 1 or 2) against all orders, last 28 days",
        family="items",
        unit="share",
        direction="up",
        formula="cast(order_troubles as double) / (ordered_28 + 10.0)",
        sentence=PROBLEM_ORDERS,
    ),
    Feature(
        name="item_troubles",
        title="Problem orders of the item with most of them (returned, not as described, or rated 1 or 2) against all "
        "orders, last 28 days",
        family="items",
        unit="share",
        direction="up",
        formula="worst_item_troubles / (ordered_28 + 10.0)",
        sentence=PROBLEM_ORDERS,
    ),
    Feature(
        name="item_troubles_excess",
        title="Problem orders of the item with most of them, minus those expected by its share of lines, against all",
        family="items",
        unit="share",
        direction="up",
        formula="(worst_item_troubles - order_troubles * least(worst_item_units / nullif(units_60, 0), 1)) "
        "/ (ordered_28 + 10.0)",
        sentence=PROBLEM_ORDERS,
    ),
    Feature(
        name="disappointing_share",
        title="Orders not as described, returned because of the goods, or returned and rated 1 or 2, against all, "
        "last 28 days",
        family="items",
        unit="share",
        direction="up",
        formula="cast(disappointing_orders as double) / (ordered_28 + 10.0)",
        sentence=GOODS_PROBLEM + "[; orders placed: {ordered_28}].",
    ),
    share_of_orders("new_item_orders", "items", "of an item that the seller had added in the 30 days before"),
    share_of_orders("new_category_orders", "category_mix", IN_NEW_CATEGORY),
    Feature(
        name="new_category_troubles_share",
        title="Problem orders in categories new to the seller (returned, not as described, or rated 1 or 2) against "
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
        title="Orders with a problem with the goods in categories new to the seller, against all orders, last 28 days",
        family="category_mix",
        unit="share",
        direction="up",
        formula="cast(new_category_disappointing as double) / (ordered_28 + 10.0)",
        sentence=f"{GOODS_PROBLEM}[; {{new_category_disappointing}} of them {IN_NEW_CATEGORY}].",
    ),
    Feature(
        name="new_category_growth",
        title="Orders in categories new to the seller: the last 28 days against the average of the last 90",
        family="category_mix",
        unit="ratio",
        direction="up",
        formula="(new_category_orders_28 + 5.0) / (new_category_orders_90 * 28.0 / 90.0 + 5.0)",
        sentence=f"{{new_category_orders_28|{ORDERS_WERE}}} placed in the last 28 days {IN_NEW_CATEGORY}; "
        "at the average rate of the last 90 days it would be {new_category_orders_90*28/90}.",
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
        sentence="[In the last 28 days, an order line cost {gross_cents_28/units_28|money} on average; ]"
        "over 180 days it was {gross_cents_180/units_180|money}.",
    ),
)


def available_features(quantities: Iterable[str]) -> tuple[Feature, ...]:
    """The features that can be computed from these ledger quantities."""
    available = set(quantities)
    return tuple(f for f in CATALOGUE if f.quantities() <= available and f.unless not in available)
