"""Features of how long fulfilment takes, against the seller's own usual time and its peer group's."""

from collections.abc import Iterator
from dataclasses import dataclass

from features.catalogue.feature import Feature


@dataclass(frozen=True)
class FulfilmentStage:
    """A stage of fulfilment. ends, begins: ledger minutes since ordering, and the orders that they are summed over.

    unless: a more precise quantity; a source that has it does not get the features of this stage.
    """

    title: str
    done: str
    ends: tuple[str, str]
    begins: tuple[str, str] | None = None
    unless: str = ""

    def means(self, column: str) -> Iterator[tuple[str, str]]:
        """Columns of minutes and orders: of the stage's end, and of its beginning unless that is the order itself."""
        for minutes, orders in (self.ends, *([self.begins] if self.begins else [])):
            yield column.format(minutes), column.format(orders)

    def minutes(self, column: str) -> str:
        """SQL for the stage's mean minutes."""
        return " - ".join(f"{m} / nullif(cast({orders} as double), 0)" for m, orders in self.means(column))

    def words(self, column: str) -> str:
        """The stage's mean time in a sentence."""
        ends, *begins = (f"{{{minutes}/{orders}|hours}}" for minutes, orders in self.means(column))
        return ends + (f", {begins[0]} of it until shipment" if begins else "")


HANDLING = FulfilmentStage("until an order is shipped", "orders shipped", ("handling_minutes", "shipped"))
TRANSIT = FulfilmentStage(
    "from shipping to delivery", "orders delivered", ("delivery_minutes", "delivered"), ("handling_minutes", "shipped")
)
DELIVERY = FulfilmentStage(
    "until an order is delivered", "orders delivered", ("delivery_minutes", "delivered"), unless="shipped"
)


def slowdown(name: str, family: str, stage: FulfilmentStage) -> Feature:
    """The mean time of the last 28 days over that of 90; absolute hours would only identify the seller."""
    return _against(name, family, stage, "{}_90", "the last 90", "over 90 days it was")


def against_peers(name: str, family: str, stage: FulfilmentStage) -> Feature:
    """The mean time of the last 28 days over that of the peer group."""
    return _against(name, family, stage, "peer_{}_60", "the peer group's last 60", "for similar sellers it is")


def _against(name: str, family: str, stage: FulfilmentStage, usual: str, title: str, compared: str) -> Feature:
    return Feature(
        name=name,
        title=f"Time {stage.title}: last 28 days against {title}",
        family=family,
        unit="ratio",
        direction="up",
        formula=f"({stage.minutes('{}_28')}) / nullif({stage.minutes(usual)}, 0)",
        sentence=f"[{stage.done} in the last 28 days took {stage.words('{}_28')}; ]{compared} {stage.words(usual)}.",
        unless=stage.unless,
    )
