"""Where `watch` and `review` begin: from what a review costs, what a breach costs, and what reviewers can look at."""

import numpy as np
from numpy.typing import NDArray

from models.economy import Economy

Array = NDArray[np.float64]


def cut_points(probability: Array, economy: Economy) -> tuple[float, float]:
    """Probabilities from which a score is `watch` and `review`; watch <= review.

    probability: out-of-time probabilities of sellers not in breach, shape (rows,). Review starts where the capacity is
    used up, but never below what pays; watch starts where a review would pay.
    """
    full = float(np.quantile(probability, 1 - economy.capacity)) if len(probability) else economy.worthwhile
    return economy.worthwhile, max(full, economy.worthwhile)
