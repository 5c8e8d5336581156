"""The costs of reviews and breaches, in one currency; they decide the bands and the order of the queue.

The figures are our assumptions. A marketplace that knows its own costs replaces them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.block import Block
from models.arithmetic.roll_forward import Projection

Array = NDArray[np.float64]
AHEAD_DAYS = 28  # an alert is right if the seller is in breach at the close of any of this many days
VALUE = ("gross_cents_60", "ordered_60")  # columns of the mean order's price


@dataclass(frozen=True)
class Economy:
    """The reviewers' capacity, as a share of sellers in a week, and the costs of reviews and breaches."""

    capacity: float = 0.02
    review_cost: float = 20.0  # half an hour of a specialist; our assumption
    breach_cost: float = 400.0  # lost orders, refunds and contacts of one breach; our assumption
    averted: float = 0.5  # share of breaches that a timely review averts; our assumption
    failure_cost: float = 15.0  # contacts and good will of one failed order, besides its price; our assumption

    @property
    def worthwhile(self) -> float:
        """The probability from which a review is expected to save at least its cost, at most 1."""
        return min(1.0, self.review_cost / (self.breach_cost * self.averted))

    def at_stake(self, failures: Array, order_value: Array) -> Array:
        """The cost of the failures expected within the horizon, shape (rows,), >= 0.

        failures: orders expected to fail (roll-forward: volume to come x the shrunk rate); order_value: mean price of
        an order, which is refunded; if it is nan or 0 (prices unknown), only failure_cost counts.
        """
        return np.asarray(failures * (np.nan_to_num(order_value) + self.failure_cost))

    def loss_avoided(self, probability: Array, at_stake: Array) -> Array:
        """Expected loss that a review now avoids, shape (rows,), >= 0: P(breach) x share averted x what is at stake.

        The fixed breach_cost decides the bands. In the queue, the cost of a breach depends on the failures expected, so
        that of two equally likely breaches the one with more failed orders is listed first. Our definition.
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


def cut_points(probability: Array, economy: Economy) -> tuple[float, float]:
    """Probabilities from which a score is `watch` and `review`; watch <= review.

    probability: out-of-time probabilities of sellers not in breach, shape (rows,). `watch` starts at
    economy.worthwhile. `review` starts where the reviewers' capacity is used up, but not below `watch`.
    """
    used_up = float(np.quantile(probability, 1 - economy.capacity)) if len(probability) else economy.worthwhile
    return economy.worthwhile, max(used_up, economy.worthwhile)
