"""The sigmoid calibration: one line through the raw log-odds, so that ranking and additivity stay (Platt 1999)."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

Array = NDArray[np.float64]
SLOPE = (0.2, 3.0)  # a slope past these says that the model is broken, not that it wants calibrating
SHIFT = (-6.0, 6.0)


@dataclass(frozen=True)
class Calibration:
    """Served log-odds = a x raw log-odds + c, with a > 0."""

    a: float = 1.0
    c: float = 0.0

    def apply(self, raw: Array) -> Array:
        """Served log-odds, shape as given."""
        return self.a * raw + self.c

    def as_json(self) -> dict[str, float]:
        """Plain values; `from_json` reads them back to the bit."""
        return asdict(self)


def from_json(plain: Mapping[str, float]) -> Calibration:
    """A calibration from its plain values."""
    return Calibration(float(plain["a"]), float(plain["c"]))


def fit(raw: Array, label: Array, weight: Array | None = None) -> Calibration:
    """The line of least log loss from out-of-time predictions.

    raw: log-odds, shape (rows,), finite; label: 0 or 1; weight: >= 0, default 1. Labels are drawn in as Platt does,
    to (n1 + 1) / (n1 + 2) and 1 / (n0 + 2), so that one class alone gives a finite line. Without rows: a = 1, c = 0.
    """
    if len(raw) == 0:
        return Calibration()
    share = np.ones_like(raw) if weight is None else weight
    ones, zeros = float(share @ label), float(share @ (1 - label))
    target = np.where(label > 0, (ones + 1) / (ones + 2), 1 / (zeros + 2))
    design = np.column_stack([raw, np.ones_like(raw)])

    def loss(line: Array) -> tuple[float, Array]:
        served = design @ line
        slope = (share * (expit(served) - target)) @ design
        return float(share @ (np.logaddexp(0, served) - target * served)) / len(raw), slope / len(raw)

    exact = {"ftol": 1e-14, "gtol": 1e-9}
    start = np.array([1.0, 0.0])
    found = minimize(loss, start, jac=True, bounds=[SLOPE, SHIFT], method="L-BFGS-B", options=exact)
    return Calibration(float(found.x[0]), float(found.x[1]))
