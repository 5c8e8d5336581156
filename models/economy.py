"""What reviews and breaches cost, in any one currency: the one definition behind bands and the order of the queue.

The figures are our assumptions; a marketplace that knows its own replaces them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.block import Block
from models.roll_forward import Projection

Array = NDArray[np.float64]
VALUE = ("gross_cents_60", "ordered_60")  # columns of the mean order's price


@dataclass(frozen=True)
class Economy:
    """The reviewers' side: the share of sellers they can review in a week, and what things cost."""

    capacity: float = 0.02
    review_cost: float = 20.0  # half an hour of a specialist; our assumption
    breach_cost: float = 400.0  # lost orders, refunds and contacts of one breach; our assumption
    averted: float = 0.5  # share of breaches that a review in time averts; our assumption
    failure_cost: float = 15.0  # contacts and good will of one failed order, beside its price; our assumption

    @property
    def worthwhile(self) -> float:
        """The probability from which a review is expected to pay for itself, at most 1."""
        return min(1.0, self.review_cost / (self.breach_cost * self.averted))

    def at_stake(self, failures: Array, order_value: Array) -> Array:
        """What the failures to expect within the horizon cost, shape (rows,), >= 0.

        failures: orders expected to fail (roll-forward: volume to come x the shrunk rate); order_value: mean price of
        an order, which is refunded; nan or 0 where prices are not known, and then failure_cost alone counts.
        """
        return np.asarray(failures * (np.nan_to_num(order_value) + self.failure_cost))

    def loss_avoided(self, probability: Array, at_stake: Array) -> Array:
        """Expected loss that a review now avoids, shape (rows,), >= 0: P(breach) x share averted x what is at stake.

        The flat breach_cost cuts the bands; in the queue a breach counts by the orders that it would spoil, so that
        of two equally likely breaches the one that touches more customers comes first. Our definition.
        """
        return np.asarray(probability * self.averted * at_stake)


def failures_ahead(ahead: Projection) -> Array:
    """Orders expected to fail within the horizon, shape (rows,): the volume to come at the shrunk rate."""
    return np.asarray(ahead.coming * ahead.a / (ahead.a + ahead.b))


def order_value(block: Block) -> Array:
    """Mean price of an order in the last 60 days, shape (rows,); nan where prices or orders are not known."""
    if VALUE[0] not in block.names:
        return np.full(len(block), np.nan)
    gross, orders = (block[name] for name in VALUE)
    return np.asarray(np.divide(gross / 100, orders, out=np.full(len(block), np.nan), where=orders > 0))
