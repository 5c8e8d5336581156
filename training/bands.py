"""Where `watch` and `review` begin: from what a review costs, what a breach costs, and what reviewers can look at."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Economy:
    """The reviewers' side of a training: share of sellers they can review in a week, and costs in any one currency."""

    capacity: float = 0.02
    review_cost: float = 20.0  # half an hour of a specialist; our assumption
    breach_cost: float = 400.0  # lost orders, refunds and contacts of one breach; our assumption
    averted: float = 0.5  # share of breaches that a review in time averts; our assumption

    @property
    def worthwhile(self) -> float:
        """The probability from which a review is expected to pay for itself, at most 1."""
        return min(1.0, self.review_cost / (self.breach_cost * self.averted))


def cut_points(probability: Array, economy: Economy) -> tuple[float, float]:
    """Probabilities from which a score is `watch` and `review`; watch <= review.

    probability: out-of-time probabilities of sellers not in breach, shape (rows,). Review starts where the capacity is
    used up, but never below what pays; watch starts where a review would pay.
    """
    full = float(np.quantile(probability, 1 - economy.capacity)) if len(probability) else economy.worthwhile
    return economy.worthwhile, max(full, economy.worthwhile)
