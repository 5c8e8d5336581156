"""Exact TreeSHAP of very many rows: the batch algorithm WOODELF, where it is faster and agrees with LightGBM's own.

It works a tree out for all rows at once, in 32-bit numbers (Wettenstein and others). Each run compares it with
`pred_contrib` on a sample; every row's sum is compared with what the trees say, and a row that misses it is worked
out again by `pred_contrib`.
"""

import re
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from woodelf import WoodelfExplainer

from models.risk_model import Key, Prediction, RiskModel, contributions

Array = NDArray[np.float64]
PAYS_FROM = 5_000  # rows; the batch algorithm costs a second before its first row
SAMPLE = 1_000  # rows on which both are compared
TOLERANCE = 2e-5  # largest difference in log-odds; 32-bit sums are off by up to 5e-6
CATEGORICAL, ZERO_IS_MISSING, MISSING = 1, 4, 12  # bits of a split's type in LightGBM's text


@dataclass
class ManyContributions:
    """Contributions of one run's rows, block by block; rows: how many there will be in all.

    trouble: by model, why all its rows are worked out by `pred_contrib`; again: rows that were worked out twice.
    """

    rows: int
    trouble: dict[Key, str] = field(default_factory=dict)
    again: int = 0
    _fast: dict[Key, tuple[WoodelfExplainer, float]] = field(default_factory=dict)

    def __call__(self, model: RiskModel, prediction: Prediction) -> Array:
        """Shape (rows, features + 1), as `contributions` gives them."""
        if self.rows < PAYS_FROM or not len(prediction.matrix):
            return contributions(model, prediction)
        if model.key not in self._fast and model.key not in self.trouble:
            self._compare(model, prediction)
        if model.key in self.trouble:
            return contributions(model, prediction)
        return self._checked(model, prediction, batched(*self._fast[model.key], model, prediction.matrix))

    def _compare(self, model: RiskModel, prediction: Prediction) -> None:
        if reason := unfit(model.text):
            self.trouble[model.key] = reason
            return
        rows = _only(prediction, np.linspace(0, len(prediction.matrix) - 1, SAMPLE).astype(np.int64))
        exact, explainer = contributions(model, rows), WoodelfExplainer(model.booster)
        fast = explainer, float(exact[0, -1])
        gap = np.abs(batched(*fast, model, rows.matrix) - exact).max()
        if gap <= TOLERANCE:
            self._fast[model.key] = fast
        else:
            self.trouble[model.key] = f"the batch algorithm differs from pred_contrib by up to {gap:.2g} log-odds"

    def _checked(self, model: RiskModel, prediction: Prediction, found: Array) -> Array:
        """What the batch algorithm found, with the rows that miss the trees' sum worked out again."""
        missed = np.flatnonzero(~(np.abs(found.sum(axis=1) - prediction.raw) <= TOLERANCE))
        if len(missed):
            self.again += len(missed)
            found[missed] = contributions(model, _only(prediction, missed))
        return found


def batched(explainer: WoodelfExplainer, base: float, model: RiskModel, matrix: Array) -> Array:
    """The batch algorithm's contributions, shape (rows, features + 1); the last column is the base."""
    rows = pd.DataFrame(np.asfortranarray(matrix), columns=list(model.features), copy=False)
    found = np.full((len(matrix), matrix.shape[1] + 1), base)
    found[:, :-1] = explainer.shap_values(rows, verbose=False)
    return found


def unfit(text: str) -> str:
    """Why the batch algorithm cannot read a Booster's text; empty when it can."""
    kinds = [int(kind) for line in re.findall(r"^decision_type=(.*)$", text, re.MULTILINE) for kind in line.split()]
    if any(kind & CATEGORICAL for kind in kinds):
        return "the batch algorithm knows no splits by category"
    if any(kind & MISSING == ZERO_IS_MISSING for kind in kinds):
        return "the batch algorithm knows no splits that take 0 for missing"
    return ""


def _only(prediction: Prediction, rows: NDArray[np.int64]) -> Prediction:
    """The rows as far as contributions need them."""
    return replace(prediction, matrix=prediction.matrix[rows], raw=prediction.raw[rows])
