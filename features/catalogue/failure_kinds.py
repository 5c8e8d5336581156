"""The kinds of failure: the quantity that counts each, the volume that it is a share of, and its words in sentences."""

from dataclasses import dataclass

from features.ledger.quantities import PERIOD_DAYS, PERIODS_WITHOUT

VOLUME_WORDS = {  # a volume's words in a sentence and in a title
    "ordered": ("{%s|no order was/1 order was/# orders were} placed", "orders placed"),
    "delivered": ("{%s|no order was/1 order was/# orders were} delivered", "orders delivered"),
    "matured_delivered": (
        "{%s|no order/1 order/# orders} passed the 30th day after delivery",
        "orders past the 30 days after delivery",
    ),
}

# Families of features. A reason names one, so that a reviewer knows where to look.
FAMILIES = {
    "volume": "How many orders the seller gets, and whether the number grows",
    "tenure": "How long the seller has been selling",
    "season": "How the market changed in the same weeks a year ago",
    "market": "Failure rates of the whole market",
    "peers": "Failure rates of similar sellers: of the same peer group, category, item or region",
    "service_record": "Orders that failed the customer, and how long ago the last one failed",
    "late_delivery": "Late orders, if the source does not say whose fault they are",
    "handling": "Shipping: how long it takes, orders waiting and overdue, and late orders that are the seller's fault",
    "carrier": "Delivery: how long it takes, and late orders that are the carrier's or the platform's fault",
    "cancellation": "Orders cancelled by the seller",
    "returns_record": "Orders returned, recently and in the long run, and the money refunded",
    "items": "Items with returns or complaints, and items new to the seller",
    "category_mix": "Categories that the seller added, or added again after "
    f"{PERIODS_WITHOUT} whole periods of {PERIOD_DAYS} days without an order in them",
    "contacts": "Customers' inquiries, and whether the seller answers them",
    "claims": "Items not received or not as described, and cases that the seller did not resolve",
    "ratings": "Ratings of 1 or 2",
    "price": "The seller's recent prices against its usual prices",
}

# Families that the models of a risk do not use, so that each kind of evidence counts in one family only. The arithmetic
# covers the number of orders and the standard's own record. Reports of items not as described and low ratings predict
# returns through the features of the item, or of the new category. A return predicts service failures only through the
# claim or the rating about the same order.
EXCLUDED_FAMILIES = {
    "returns": frozenset(("volume", "claims", "ratings", "service_record", "late_delivery", "cancellation")),
    "service": frozenset(("volume", "service_record", "returns_record", "items", "price")),
}


@dataclass(frozen=True)
class Failure:
    """A kind of failure, counted against a volume. one, many: the words after a number, for one and for several.

    unless: a more precise quantity; a source that has it does not get the features of this failure.
    """

    family: str
    bad: str
    volume: str
    one: str
    many: str
    unless: str = ""

    def counted(self, span: int, group: str = "", others: bool = False) -> str:
        """The sentence with the failures and the volume of a window; others: of the group without this seller."""
        bad, volume = (f"{group}{quantity}_{span}" for quantity in (self.bad, self.volume))
        if others:
            bad, volume = f"{bad}-{self.bad}_{span}", f"{volume}-{self.volume}_{span}"
        failures = f"{{{bad}|no {self.one}/1 {self.one}/# {self.many}}}"
        return f"{failures} in the last {span} days, in which {VOLUME_WORDS[self.volume][0] % volume}"

    @property
    def title(self) -> str:
        """The title of the failure's rate."""
        return f"{self.many[:1].upper()}{self.many[1:]}, as a share of {VOLUME_WORDS[self.volume][1]}"


SERVICE = Failure("service_record", "service_failure", "ordered", "order failed", "orders failed")
SERVICE_OWN = Failure(
    "service_record",
    "service_failure_seller_fault",
    "ordered",
    "order failed through the seller's fault",
    "orders failed through the seller's fault",
)
LATE = Failure("late_delivery", "late", "ordered", "order was late", "orders were late", unless="late_seller_fault")
LATE_OWN = Failure(
    "handling",
    "late_seller_fault",
    "ordered",
    "order was late through the seller's fault",
    "orders were late through the seller's fault",
)
OVERDUE = Failure(
    "handling",
    "overdue_to_ship",
    "ordered",
    "order passed its ship-by time",
    "orders passed their ship-by time",
    unless="overdue_cancelled",
)
# An order past its ship-by time ends in one of two ways: a slow seller ships late, or a seller without stock cancels.
SHIPPED_LATE = Failure(
    "handling",
    "overdue_shipped",
    "ordered",
    "order was shipped after its ship-by time",
    "orders were shipped after their ship-by time",
)
OVERDUE_CANCELLED = Failure(
    "cancellation",
    "overdue_cancelled",
    "ordered",
    "order past its ship-by time was cancelled by the seller",
    "orders past their ship-by time were cancelled by the seller",
)
LATE_CARRIER = Failure(
    "carrier", "late_carrier_fault", "ordered", "order shipped on time was late", "orders shipped on time were late"
)
LATE_PLATFORM = Failure(
    "carrier",
    "late_platform_fault",
    "ordered",
    "order shipped by the platform was late",
    "orders shipped by the platform were late",
)
CANCELLED = Failure(
    "cancellation",
    "cancelled_by_seller",
    "ordered",
    "order was cancelled by the seller",
    "orders were cancelled by the seller",
)
RETURNED = Failure("returns_record", "returned", "delivered", "order was returned", "orders were returned")
MATURED = Failure(
    "returns_record",
    "matured_returned",
    "matured_delivered",
    "returned order reached the end of its return time",
    "returned orders reached the end of their return time",
)
RETURNED_OWN = Failure(
    "returns_record",
    "returned_seller_fault",
    "delivered",
    "order was refunded through the seller's fault",
    "orders were refunded through the seller's fault",
)
NOT_RECEIVED = Failure(
    "claims", "item_not_received", "ordered", "item was reported as not received", "items were reported as not received"
)
NOT_DESCRIBED = Failure(
    "claims",
    "not_as_described",
    "ordered",
    "item was reported as not as described",
    "items were reported as not as described",
)
UNRESOLVED = Failure(
    "claims",
    "case_unresolved",
    "ordered",
    "case was left unresolved by the seller",
    "cases were left unresolved by the seller",
)
INQUIRY = Failure("contacts", "inquiry", "ordered", "inquiry was received", "inquiries were received")
UNANSWERED = Failure(
    "contacts",
    "unanswered_48h",
    "ordered",
    "inquiry was unanswered after 48 hours",
    "inquiries were unanswered after 48 hours",
)
LOW_RATING = Failure("ratings", "low_rating", "ordered", "rating of 1 or 2 was given", "ratings of 1 or 2 were given")
