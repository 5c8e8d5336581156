"""Exact TreeSHAP of very many rows: the batch algorithm WOODELF, where it is faster and agrees with LightGBM's own.

It works a tree out for all rows at once, in 32-bit numbers (Wettenstein and others). Each run compares it with
`pred_contrib` on a sample; every row's sum is compared with what the trees say, and a row that misses it is worked
out again by `pred_contrib`.
"""

import re
from dataclasses import dataclass, field, replace
from threading import Lock

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from woodelf import WoodelfExplainer
from woodelf.core.cube_metric import ShapleyValues
from woodelf.core.path_to_s_vectors.woodelf_p2s import HighDepthWoodelfPathToSVectors

from models.risk_model import Key, Prediction, RiskModel, contributions

Array = NDArray[np.float64]
PAYS_FROM = 5_000  # rows; the batch algorithm costs a second before its first row
DEEPEST = 12  # decisions on a way through a tree; each doubles the patterns that are worked out
SAMPLE = 1_000  # rows on which both are compared
TOLERANCE = 2e-5  # largest difference in log-odds; 32-bit sums are off by up to 5e-6
CATEGORICAL, ZERO_IS_MISSING, MISSING = 1, 4, 12  # bits of a split's type in LightGBM's text


class LeafVectors(HighDepthWoodelfPathToSVectors):  # type: ignore[misc]
    """The library's vectors of a leaf's path: they follow from the trees alone, so each is worked out once in a run."""

    def __init__(self, depth: int) -> None:
        super().__init__(ShapleyValues(), depth)
        self._known: dict[tuple[object, ...], dict[str, Array]] = {}

    def get_path_dependent_s_matrix(
        self,
        features_in_path: list[str],
        consumer_patterns: NDArray[np.int64],
        covers: Array,
        w: float,
        w_neighbor: float | None = None,
    ) -> dict[str, Array]:
        """By feature, what each pattern of the path's decisions adds."""
        key = (*features_in_path, covers.tobytes(), w, w_neighbor)
        if key not in self._known:
            made = super().get_path_dependent_s_matrix(features_in_path, consumer_patterns, covers, w, w_neighbor)
            self._known[key] = {feature: np.ascontiguousarray(vector) for feature, vector in made.items()}
        return self._known[key]


@dataclass(frozen=True)
class Fast:
    """What works out a model's contributions: the explainer, its leaves' vectors, and the trees' base."""

    explainer: WoodelfExplainer
    vectors: LeafVectors
    base: float


@dataclass
class ManyContributions:
    """Contributions of one run's rows, block by block; rows: how many there will be in all.

    trouble: by model, why all its rows are worked out by `pred_contrib`; again: rows that were worked out twice.
    """

    rows: int
    trouble: dict[Key, str] = field(default_factory=dict)
    again: int = 0
    _fast: dict[Key, Fast] = field(default_factory=dict)
    _comparing: Lock = field(default_factory=Lock)

    def __call__(self, model: RiskModel, prediction: Prediction) -> Array:
        """Shape (rows, features + 1), as `contributions` gives them."""
        if self.rows < PAYS_FROM or not len(prediction.matrix):
            return contributions(model, prediction)
        with self._comparing:  # blocks may be worked out beside each other
            if model.key not in self._fast and model.key not in self.trouble:
                self._compare(model, prediction)
        if model.key in self.trouble:
            return contributions(model, prediction)
        return self._checked(model, prediction, batched(self._fast[model.key], model, prediction.matrix))

    def _compare(self, model: RiskModel, prediction: Prediction) -> None:
        if reason := unfit(model.text) or too_deep(model):
            self.trouble[model.key] = reason
            return
        rows = _only(prediction, np.linspace(0, len(prediction.matrix) - 1, SAMPLE).astype(np.int64))
        exact = contributions(model, rows)
        fast = Fast(WoodelfExplainer(model.booster), LeafVectors(depth(model)), float(exact[0, -1]))
        gap = np.abs(batched(fast, model, rows.matrix) - exact).max()
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


def depth(model: RiskModel) -> int:
    """Decisions on the longest way through a model's trees."""
    return int(model.booster.trees_to_dataframe()["node_depth"].max()) - 1


def too_deep(model: RiskModel) -> str:
    """Why a model's trees would take the batch algorithm too much memory; empty when they would not."""
    found = depth(model)
    return "" if found <= DEEPEST else f"trees of {found} decisions are too deep for the batch algorithm"


def batched(fast: Fast, model: RiskModel, matrix: Array) -> Array:
    """The batch algorithm's contributions, shape (rows, features + 1); the last column is the base."""
    rows = pd.DataFrame(np.asfortranarray(matrix), columns=list(model.features), copy=False)
    found = np.full((len(matrix), matrix.shape[1] + 1), fast.base)
    found[:, :-1] = fast.explainer.shap_values(rows, path_to_matrices_calculator=fast.vectors, verbose=False)
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
