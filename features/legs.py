"""Features of the time that an order's way takes, against the seller's own and its peer group's usual."""

from collections.abc import Iterator
from dataclasses import dataclass

from features.feature import Feature


@dataclass(frozen=True)
class Leg:
    """A part of an order's way. ends, begins: ledger minutes since ordering, and the orders they are summed over.

    unless: the quantity that tells it better, where the source has it.
    """

    title: str
    done: str
    ends: tuple[str, str]
    begins: tuple[str, str] | None = None
    unless: str = ""

    def means(self, column: str) -> Iterator[tuple[str, str]]:
        """Columns of minutes and orders: of its end, and of its beginning if that is not ordering."""
        for minutes, orders in (self.ends, *([self.begins] if self.begins else [])):
            yield column.format(minutes), column.format(orders)

    def minutes(self, column: str) -> str:
        """SQL for its mean minutes."""
        return " - ".join(f"{m} / nullif(cast({orders} as double), 0)" for m, orders in self.means(column))

    def said(self, column: str) -> str:
        """Its mean time, for a sentence."""
        ends, *begins = (f"{{{minutes}/{orders}|hours}}" for minutes, orders in self.means(column))
        return ends + (f", {begins[0]} of it until shipped" if begins else "")


HANDLING = Leg("until an order is shipped", "orders shipped", ("handling_minutes", "shipped"))
TRANSIT = Leg(
    "from shipping to delivery", "orders delivered", ("delivery_minutes", "delivered"), ("handling_minutes", "shipped")
)
DELIVERY = Leg("until an order is delivered", "orders delivered", ("delivery_minutes", "delivered"), unless="shipped")


def slowdown(name: str, family: str, leg: Leg) -> Feature:
    """How much longer it takes in the last 28 days than in 90; absolute hours would only tell sellers apart."""
    return _against(name, family, leg, "{}_90", "the last 90", "over 90 days it was")


def against_peers(name: str, family: str, leg: Leg) -> Feature:
    """How much longer it takes in the last 28 days than in the peer group."""
    return _against(name, family, leg, "peer_{}_60", "the peer group's 60", "for sellers like this one it is")


def _against(name: str, family: str, leg: Leg, usual: str, title: str, said: str) -> Feature:
    return Feature(
        name=name,
        title=f"Time {leg.title}: last 28 days against {title}",
        family=family,
        unit="ratio",
        direction="up",
        formula=f"({leg.minutes('{}_28')}) / nullif({leg.minutes(usual)}, 0)",
        sentence=f"[{leg.done} in the last 28 days took {leg.said('{}_28')}; ]{said} {leg.said(usual)}.",
        unless=leg.unless,
    )
