"""What is at stake with each seller, and the week's queue: those where a review is expected to save most.

The loss is defined once, in `models.economy.Economy.loss_avoided`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.block import Block
from models.economy import Economy, failures_ahead, order_value
from models.score import Assessment

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Worth:
    """Per row: what is at stake in the horizon, and the loss that a review is expected to avoid; shape (rows,)."""

    at_stake: Array
    loss_avoided: Array


def worth(found: Assessment, block: Block, economy: Economy) -> Worth:
    """The worth of reviewing each row for one risk."""
    ahead = found.prediction.projection
    stake = economy.at_stake(failures_ahead(ahead), order_value(block))
    return Worth(stake, economy.loss_avoided(found.prediction.probability, stake))


def chosen(loss_avoided: Array, eligible: NDArray[np.bool_], capacity: float) -> NDArray[np.int64]:
    """Row numbers of the week's queue, the largest loss first: as many as the share of eligible rows allows.

    eligible: active and not in breach, shape (rows,); capacity: 0..1, at least one row where any is eligible.
    """
    rows = np.flatnonzero(eligible)
    order = rows[np.argsort(-loss_avoided[rows], kind="stable")]
    return order[: int(np.ceil(capacity * len(rows)))].astype(np.int64)
