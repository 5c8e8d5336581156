"""The sigmoid calibration: one line through the raw log-odds, which preserves ranking and additivity (Platt 1999).

Served log-odds = a x raw log-odds + c; log-odds are natural logarithms of p / (1 - p), of any sign.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

Array = NDArray[np.float64]
SLOPE = (0.2, 3.0)  # range of a: beyond it the model is broken, not badly calibrated
SHIFT = (-6.0, 6.0)  # range of c


@dataclass(frozen=True)
class Calibration:
    """Served log-odds = a x raw log-odds + c, with a > 0.

    >>> Calibration(a=0.5, c=-1.0).apply(np.array([-2.0, 4.0]))
    array([-2.,  1.])
    """

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
    """The line with the smallest log loss on out-of-time predictions.

    raw: log-odds, shape (rows,), finite; label: 0 or 1; weight: >= 0, default 1. As in Platt (1999) the labels become
    (n1 + 1) / (n1 + 2) and 1 / (n0 + 2), so that one class alone gives a finite line. Without rows: a = 1, c = 0.

    >>> raw = np.repeat([-1.0, 1.0], 1000)  # 20% of the first have label 1, and 80% of the second
    >>> label = np.concatenate([np.resize([1.0, 0, 0, 0, 0], 1000), np.resize([1.0, 1, 1, 1, 0], 1000)])
    >>> round(fit(raw, label).a, 2)  # log(0.8 / 0.2) = 1.39
    1.38
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
