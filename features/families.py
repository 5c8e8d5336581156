"""Families of features: a reason names one, so that a reviewer knows where to look."""

from features.quantities import PERIOD_DAYS, PERIODS_WITHOUT

FAMILIES = {
    "volume": "How many orders come, and whether that grows",
    "tenure": "How long the seller has been selling",
    "season": "What the time of year did to the market before",
    "market": "The level of the whole market",
    "peers": "The level of sellers like this one: its peer group, category, item and region",
    "service_record": "Orders that failed the customer, and when one last did",
    "late_delivery": "Late orders, where the source does not tell whose fault they are",
    "handling": "Handing over: time taken, orders waiting and overdue, and orders late by the seller's fault",
    "carrier": "On the way: time taken, and orders late by the carrier's or the platform's fault",
    "cancellation": "Orders cancelled by the seller",
    "returns_record": "Orders that came back, recently and in the long run, and the money refunded",
    "items": "Which items come back or disappoint, and items new to the seller",
    "category_mix": "Categories that the seller took on, or came back to after "
    f"{PERIODS_WITHOUT} whole periods of {PERIOD_DAYS} days without an order there",
    "contacts": "Customers' inquiries, and whether they are answered",
    "claims": "Items not received or not as described, and cases that the seller did not resolve",
    "ratings": "Ratings of 1 or 2",
    "price": "Prices against the seller's usual ones",
}

# What a model of a risk does without, so that each kind of evidence has one family to speak for it. How many orders
# come, and the standard's own record, are arithmetic's to say. That orders were not as described, or rated low, tells
# of returns to come through the item, or the new category, that they are about; a return tells of service only what
# the claim or the rating has told.
BESIDE_THE_POINT = {
    "returns": frozenset(("volume", "claims", "ratings", "service_record", "late_delivery", "cancellation")),
    "service": frozenset(("volume", "service_record", "returns_record", "items", "price")),
}
