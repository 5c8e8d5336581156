"""The slices of the active sellers that a report measures separately, by what is known at as_of."""

import numpy as np
from numpy.typing import NDArray

from core.block import Block
from features.standards.standard import Standard
from features.table import NEW_SELLER_DAYS

Mask = NDArray[np.bool_]
HEADLINE = "not_yet_in_breach"
SLICES = ("all", HEADLINE, "past_limit_low_volume", "low_volume", "new_sellers")
MEANING = {
    "all": "all active sellers",
    HEADLINE: "sellers with the minimum volume, not in breach today",
    "past_limit_low_volume": "sellers past the limit, but under the minimum volume",
    "low_volume": "sellers under twice the minimum volume",
    "new_sellers": f"sellers whose first order was under {NEW_SELLER_DAYS} days ago",
}


def masks(standard: Standard, block: Block) -> dict[str, Mask]:
    """A mask of shape (rows,) for each slice; block holds active sellers only."""
    bad, volume = standard.counts(block)
    met = volume >= standard.minimum_volume
    return {
        "all": np.ones(len(block), dtype=bool),
        HEADLINE: met & ~standard.breach(bad, volume),
        "past_limit_low_volume": standard.past_limit(bad, volume) & ~met,
        "low_volume": volume < 2 * standard.minimum_volume,
        "new_sellers": block["tenure_days"] < NEW_SELLER_DAYS,
    }
