"""Contributions by family of features for many rows at once, the strongest first; `explain` does it for one row."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from features.feature import Feature
from models.risk_model import ARITHMETIC, RiskModel

REASONS = 5
Array = NDArray[np.float64]
Whole = NDArray[np.int64]
Number = TypeVar("Number", np.float64, np.int64)


@dataclass(frozen=True)
class Families:
    """codes: families in the order of their codes. added, feature: shape (rows, families).

    added: a family's contribution; feature: the number, among the model's, of the one whose sentence says it.
    """

    codes: tuple[str, ...]
    added: Array
    feature: Whole


@dataclass(frozen=True)
class Ranked:
    """The strongest families of each row, shape (rows, REASONS): numbers into codes, contributions (0: none), features.

    rest, shape (rows,): what all others add.
    """

    codes: tuple[str, ...]
    family: Whole
    added: Array
    feature: Whole
    rest: Array


def by_family(model: RiskModel, features: Mapping[str, Feature], of_feature: Array) -> Families:
    """Sums of each family's contributions; of_feature of shape (rows, features) is scaled, 0 for ARITHMETIC's."""
    members: dict[str, list[int]] = {}
    for number, name in enumerate(model.features):
        if name not in ARITHMETIC:
            members.setdefault(features[name].family, []).append(number)
    codes = tuple(sorted(members))
    added, chosen = np.zeros((len(of_feature), len(codes))), np.zeros((len(of_feature), len(codes)), dtype=np.int64)
    for place, code in enumerate(codes):
        numbers = np.array(members[code])
        own = of_feature[:, numbers]
        for column in own.T:  # from left to right, as for one row
            added[:, place] += column
        chosen[:, place] = numbers[np.argmax(np.where(added[:, [place]] > 0, own, -own), axis=1)]
    return Families(codes, added, chosen)


def ranked(found: Families) -> Ranked:
    """The REASONS families that add most in either direction (ties: by code), and the sum of the rest."""
    order = np.argsort(-np.abs(found.added), axis=1, kind="stable")
    first, others = order[:, :REASONS], order[:, REASONS:]
    added = _filled(np.take_along_axis(found.added, first, axis=1))
    feature = _filled(np.take_along_axis(found.feature, first, axis=1))
    rest = np.take_along_axis(found.added, others, axis=1).sum(axis=1)
    return Ranked(found.codes, _filled(first), added, feature, rest)


def _filled(values: NDArray[Number]) -> NDArray[Number]:
    """Columns of 0 where there are fewer families than REASONS."""
    return np.pad(values, ((0, 0), (0, REASONS - values.shape[1])))
