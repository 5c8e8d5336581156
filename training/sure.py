"""Whether the 90% interval of a probability holds the true one, on a simulated marketplace. Read by reports only."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.risk_model import intervals_90
from training.material import Material, Target
from training.metrics import log_odds
from training.outcomes import at_rows
from training.scoring import Tested
from training.spread import BANDS, bands

Array = NDArray[np.float64]
DIGITS = 2  # as people are shown a probability: in whole percent


def probability_figures(material: Material, goal: Target, tested: Tested) -> dict[str, Any]:
    """Share of test rows with the minimum volume whose true probability lies in the first seed's interval, as shown.

    bands: by volume in the window. {} where the truth does not speak of the standard.
    """
    if "truth" not in tested.scores:
        return {}
    now = at_rows(goal.projection, tested.rows)
    held = inside(goal, tested)
    band = bands(now.now_n, goal.standard.minimum_volume)
    seller = material.active.seller_id[tested.rows].astype(str)
    by_band = [_of_band(held, seller, band == number, edge) for number, edge in enumerate(BANDS, 1)]
    minimum = goal.standard.minimum_volume
    return {
        "interval_90_coverage": _mean(held[band > 0]),
        "bands": [{**found, "from_volume": found["from_volume"] * minimum} for found in by_band],
    }


def inside(goal: Target, tested: Tested) -> NDArray[np.bool_]:
    """Whether each test row's true probability lies in the interval, both in whole percent, shape (rows,)."""
    slope = np.array([fitted.line.a for fitted in tested.fitted])[tested.fold]
    low, high = intervals_90(slope, at_rows(goal.projection, tested.rows), log_odds(tested.scores["model"][0]))
    truth, low, high = (np.round(column, DIGITS) for column in (tested.scores["truth"][0], low, high))
    return np.asarray((low <= truth) & (truth <= high))


def _of_band(held: NDArray[np.bool_], seller: NDArray[np.str_], mine: NDArray[np.bool_], edge: int) -> dict[str, Any]:
    sellers = len(np.unique(seller[mine]))
    return {"from_volume": edge, "rows": int(mine.sum()), "sellers": sellers, "coverage": _mean(held[mine])}


def _mean(values: NDArray[np.bool_]) -> float | None:
    return float(values.mean()) if len(values) else None
