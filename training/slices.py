"""The parts of the active sellers that a report looks at apart; chosen by what is known at as_of alone."""

import numpy as np
from numpy.typing import NDArray

from features.block import Block
from features.standards import Standard

Mask = NDArray[np.bool_]
HEADLINE = "not_yet_in_breach"
SLICES = ("all", HEADLINE, "past_limit_low_volume", "low_volume", "new_sellers")
NEW_SELLER_DAYS = 90
MEANING = {
    "all": "all active sellers",
    HEADLINE: "sellers with the minimum volume, not in breach today",
    "past_limit_low_volume": "sellers past the limit, but under the minimum volume",
    "low_volume": "sellers under twice the minimum volume",
    "new_sellers": f"sellers whose first order came under {NEW_SELLER_DAYS} days ago",
}


def masks(standard: Standard, block: Block) -> dict[str, Mask]:
    """One mask of shape (rows,) a slice; block holds active sellers only."""
    bad, volume = standard.counts(block)
    met = volume >= standard.minimum_volume
    return {
        "all": np.ones(len(block), dtype=bool),
        HEADLINE: met & ~standard.breach(bad, volume),
        "past_limit_low_volume": standard.past_limit(bad, volume) & ~met,
        "low_volume": volume < 2 * standard.minimum_volume,
        "new_sellers": block["tenure_days"] < NEW_SELLER_DAYS,
    }
