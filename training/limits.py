"""How far a forecaster could come, on a simulated marketplace, and how far of that the model is. Reports only."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.evaluate import Scored
from training.metrics import measure
from training.scoring import Tested

Mask = NDArray[np.bool_]
LIMITS = ("truth_begun", "truth_today")
FIGURES = ("average_precision", "brier", "log_loss")


def limit_figures(part: Scored, tested: Tested, rows: Mask, scores: Mapping[str, Any]) -> dict[str, Any]:
    """Figures of those who know all rates but not the troubles to begin, or only today's, on the rows of a slice.

    rows: the slice's, of the test rows. reached: share of the way to each from the roll-forward that the model makes.
    """
    if not all(scores.get(name) for name in ("model", "roll_forward")):
        return {}
    said = {name: tested.rankings[name][0][rows] for name in LIMITS if name in tested.rankings}
    found = {name: measure(part.label, score).as_json() for name, score in said.items()}
    return {name: {**figures, "reached": _reached(scores, figures)} for name, figures in found.items()}


def _reached(scores: Mapping[str, Any], limit: Mapping[str, float]) -> dict[str, float]:
    low, mid = scores["roll_forward"], scores["model"]
    return {key: (mid[key] - low[key]) / (limit[key] - low[key]) for key in FIGURES}
