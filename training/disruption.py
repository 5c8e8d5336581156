"""Whether a slow carrier makes sellers look bad: alerts on those it hits, beside the same marketplace without it.

The twin is simulated with the same draws and no disruption; the same fitted models score both.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.alerts import entries, queue
from training.detection import episodes_of
from training.material import Material, Target
from training.scoring import Tested, test_rows

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
Said = Callable[[Material, Target, Ints, Ints], Array]  # probabilities of test rows (by number), with their folds
CARRIER = "carrier_disruption"


@dataclass(frozen=True)
class Beside:
    """Alerts of sellers while a carrier was slow for them, and of the same sellers on the same days without it."""

    alerts: int
    without: int

    @property
    def ratio(self) -> float:
        """1 is no difference; one more on both sides keeps it finite."""
        return (self.alerts + 1) / (self.without + 1)


def beside(
    material: Material, goal: Target, twin: Material, twin_goal: Target, said: Said, capacity: float, causes: Path
) -> Beside:
    """The alerts of both. twin: the rows of the marketplace without disruptions, of the same days and features."""
    found = [_alerts(m, g, said, capacity, causes) for m, g in ((material, goal), (twin, twin_goal))]
    return Beside(*found)


def _alerts(material: Material, goal: Target, said: Said, capacity: float, causes: Path) -> int:
    """Alerts while the seller is in one of the disruptions."""
    rows, fold, _ = test_rows(material, goal.horizon)
    probability = said(material, goal, rows, fold)
    free = ~goal.standard.breach(goal.projection.now_x[rows], goal.projection.now_n[rows])
    rows, probability = rows[free], probability[free]
    seller, as_of = material.active.seller_id[rows].astype(str), material.active.as_of[rows]
    chosen = entries(queue(probability, as_of, capacity), np.unique(seller, return_inverse=True)[1], as_of)
    return int((chosen & hit(causes, seller, as_of)).sum())


def fitted_say(tested: Tested, _: Material, goal: Target, rows: Ints, fold: Ints) -> Array:
    """What each fold's fit says of its rows."""
    known, out = goal.rows.only(tested.names), np.empty(len(rows))
    for number, fitted in enumerate(tested.fitted):
        inside = fold == number
        out[inside] = fitted.probability(known.take(rows[inside]))
    return out


def hit(causes: Path, seller: NDArray[np.str_], as_of: NDArray[np.int64]) -> Mask:
    """Whether a disruption hits each seller on its day, shape (rows,)."""
    episodes = episodes_of(causes)
    slow = episodes[episodes["cause"] == CARRIER]
    out = np.zeros(len(seller), dtype=bool)
    for name, start, end in zip(slow["seller_id"], slow["start_day"], slow["end_day"], strict=True):
        out |= (seller == name) & (as_of >= start) & (as_of <= end)
    return out
