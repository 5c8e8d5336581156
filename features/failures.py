"""What goes wrong, and how it is said: each kind of failure, its ledger quantity and the volume it is held against."""

from dataclasses import dataclass

WORDS = {  # what a volume counts: how it is said, and in a title
    "ordered": ("{%s|no order was/1 order was/# orders were} placed", "order"),
    "delivered": ("{%s|no order was/1 order was/# orders were} delivered", "delivery"),
    "matured_delivered": (
        "{%s|no order/1 order/# orders} passed the 30th day after delivery",
        "delivery past its 30 days",
    ),
}


@dataclass(frozen=True)
class Failure:
    """Something that goes wrong, counted against a volume. one, many: it said of one and of several, after the number.

    unless: the quantity that tells the same better, where the source has it.
    """

    family: str
    bad: str
    volume: str
    one: str
    many: str
    unless: str = ""

    def counted(self, span: int, group: str = "", others: bool = False) -> str:
        """How often it happened in a window, and to how much; others: in the group, the seller left out."""
        bad, volume = (f"{group}{quantity}_{span}" for quantity in (self.bad, self.volume))
        if others:
            bad, volume = f"{bad}-{self.bad}_{span}", f"{volume}-{self.volume}_{span}"
        happened = f"{{{bad}|no {self.one}/1 {self.one}/# {self.many}}}"
        return f"{happened} in the last {span} days, in which {WORDS[self.volume][0] % volume}"

    @property
    def title(self) -> str:
        """What the rate is a share of."""
        return f"{self.many[:1].upper()}{self.many[1:]}, per {WORDS[self.volume][1]}"


SERVICE = Failure("service_record", "service_failure", "ordered", "order failed", "orders failed")
OWN = Failure(
    "service_record",
    "service_failure_seller_fault",
    "ordered",
    "order failed by the seller's fault",
    "orders failed by the seller's fault",
)
LATE = Failure("late_delivery", "late", "ordered", "order was late", "orders were late", unless="late_seller_fault")
LATE_OWN = Failure(
    "handling",
    "late_seller_fault",
    "ordered",
    "order was late by the seller's fault",
    "orders were late by the seller's fault",
)
OVERDUE = Failure(
    "handling",
    "overdue_to_ship",
    "ordered",
    "order passed its ship-by time",
    "orders passed their ship-by time",
    unless="overdue_cancelled",
)
# What passes its ship-by time ends in one of two ways: shipped late by a slow seller, or given up for want of stock.
SHIPPED_LATE = Failure(
    "handling",
    "overdue_shipped",
    "ordered",
    "order was shipped after its ship-by time",
    "orders were shipped after their ship-by time",
)
GIVEN_UP = Failure(
    "cancellation",
    "overdue_cancelled",
    "ordered",
    "order past its ship-by time was cancelled by the seller",
    "orders past their ship-by time were cancelled by the seller",
)
LATE_CARRIER = Failure(
    "carrier", "late_carrier_fault", "ordered", "order shipped in time was late", "orders shipped in time were late"
)
LATE_PLATFORM = Failure(
    "carrier",
    "late_platform_fault",
    "ordered",
    "order that the platform ships was late",
    "orders that the platform ships were late",
)
CANCELLED = Failure(
    "cancellation",
    "cancelled_by_seller",
    "ordered",
    "order was cancelled by the seller",
    "orders were cancelled by the seller",
)
RETURNED = Failure("returns_record", "returned", "delivered", "order came back", "orders came back")
MATURED = Failure(
    "returns_record", "matured_returned", "matured_delivered", "order had come back", "orders had come back"
)
RETURNED_OWN = Failure(
    "returns_record",
    "returned_seller_fault",
    "delivered",
    "order was refunded by the seller's fault",
    "orders were refunded by the seller's fault",
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
INQUIRY = Failure("contacts", "inquiry", "ordered", "inquiry came", "inquiries came")
UNANSWERED = Failure(
    "contacts",
    "unanswered_48h",
    "ordered",
    "inquiry was unanswered after 48 hours",
    "inquiries were unanswered after 48 hours",
)
LOW_RATING = Failure("ratings", "low_rating", "ordered", "rating of 1 or 2 came", "ratings of 1 or 2 came")
