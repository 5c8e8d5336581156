"""Why a probability is what it is: base, arithmetic and reasons that add up to the served log-odds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.errors import ForesellError
from features.feature import Feature
from models.risk_model import ARITHMETIC, Prediction, RiskModel

Array = NDArray[np.float64]
Row = Mapping[str, float | str]
TOLERANCE = 1e-6  # largest gap between the served log-odds and the sum of its parts


class Evidence(NamedTuple):  # as Reason
    """The orders behind a reason: how many, of which ledger quantity ("" for none), over how many days (0: all).

    Serving adds their ids.
    """

    orders: int
    quantity: str
    span: int
    order_ids: tuple[str, ...] = ()


class Reason(NamedTuple):  # an answer has some twenty, and a tuple is made in a third of the time
    """What one family of features adds to the served log-odds, in a sentence with counts."""

    code: str
    contribution: float
    direction: str  # raises or lowers
    text: str
    evidence: Evidence
    feature: str  # the feature whose sentence it is


@dataclass(frozen=True)
class Explanation:
    """base + arithmetic + the reasons' contributions = the served log-odds."""

    base: float
    arithmetic: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Parts:
    """Contributions to the served log-odds: base and arithmetic of shape (rows,), of_feature (rows, features)."""

    base: Array
    arithmetic: Array
    of_feature: Array  # 0 in the columns of ARITHMETIC, which count as arithmetic


def parts(model: RiskModel, prediction: Prediction, shap: Array, tolerance: float = TOLERANCE) -> Parts:
    """Split the served log-odds; shap of shape (rows, features + 1) is the Booster's, unscaled.

    base = a base + c; arithmetic = a (offset + contributions of the roll-forward's features); the rest is a times its
    contribution. ForesellError when the parts miss the served log-odds by more than tolerance.
    """
    line = model.calibration
    of_feature = line.a * shap[:, :-1]
    derived = _derived(model.features)
    arithmetic = line.a * prediction.offset + of_feature[:, derived].sum(axis=1)
    of_feature[:, derived] = 0
    found = Parts(line.a * shap[:, -1] + line.c, arithmetic, of_feature)
    _check(found, prediction.served, tolerance)
    return found


@cache
def _derived(features: tuple[str, ...]) -> NDArray[np.bool_]:
    """Which of a model's columns are worked out from the roll-forward; lists of features are few."""
    return np.array([name in ARITHMETIC for name in features])


class Family(NamedTuple):
    """Features of a model that are told as one reason. numbers: theirs among the model's."""

    code: str
    features: tuple[Feature, ...]
    numbers: tuple[int, ...]


def families(model: RiskModel, features: Mapping[str, Feature]) -> list[Family]:
    """The families of a model's features, each with its features in the model's order."""
    members: dict[str, list[tuple[Feature, int]]] = {}
    for number, name in enumerate(model.features):
        if name not in ARITHMETIC:
            members.setdefault(features[name].family, []).append((features[name], number))
    return [Family(code, *zip(*mine, strict=True)) for code, mine in members.items()]


def explain(model: RiskModel, features: Mapping[str, Feature], split: Parts, number: int, row: Row) -> Explanation:
    """The explanation of row `number`; `row` holds its columns for the sentences. Every family that adds is there."""
    return explained(families(model, features), split, number, row)


def explained(known: Iterable[Family], split: Parts, number: int, row: Row) -> Explanation:
    """The same with the model's families, which are the same for all rows."""
    values, found = split.of_feature[number].tolist(), []
    for family in known:
        added = [values[i] for i in family.numbers]
        if total := sum(added):
            found.append((-abs(total), family.code, total, added, family.features))
    reasons = tuple([_reason(code, total, added, mine, row) for _, code, total, added, mine in sorted(found)])
    return Explanation(float(split.base[number]), float(split.arithmetic[number]), reasons)


def _reason(code: str, total: float, added: Sequence[float], features: Sequence[Feature], row: Row) -> Reason:
    """The sentence is that of the family's feature which adds most in the family's own direction."""
    chosen = features[added.index(max(added) if total > 0 else min(added))]
    evidence = Evidence(chosen.count(row), chosen.evidence_quantity, chosen.span)
    return Reason(code, total, "raises" if total > 0 else "lowers", chosen.say(row), evidence, chosen.name)


def _check(found: Parts, served: Array, tolerance: float) -> None:
    gap = np.abs(found.base + found.arithmetic + found.of_feature.sum(axis=1) - served).max(initial=0.0)
    if not gap <= tolerance:
        raise ForesellError(
            rule=f"Base, arithmetic and reasons must add up to the served log-odds within {tolerance:g}.",
            found=f"a gap of {gap:.3g}",
            next_step="do not serve this model: its Booster and its contributions disagree; train again, or roll back",
        )
