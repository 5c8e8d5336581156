"""The explanation of a probability: base, arithmetic and reasons, which add up to the served log-odds.

`explain` makes the reasons of one row, with sentences. `family_sums` and `strongest` make the reasons of many rows as
columns.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from core.errors import ForesellError
from features.catalogue.feature import Feature
from models.boosting.risk_model import ARITHMETIC, RiskModel, RiskPrediction

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
Number = TypeVar("Number", np.float64, np.int64)
Row = Mapping[str, float | str]
TOLERANCE = 1e-6  # the largest difference between the served log-odds and the sum of its terms
REASONS = 5  # reasons of a row of batch scores


class OrderEvidence(NamedTuple):
    """The orders behind a reason: their number, ledger quantity ("" for none), and the number of days (0: all)."""

    orders: int
    quantity: str
    span: int


class ScoreReason(NamedTuple):  # an answer has about twenty, and a dataclass takes three times as long to make
    """The contribution of one feature family to the served log-odds, with a sentence with counts."""

    code: str
    contribution: float
    direction: str  # raises or lowers
    text: str
    evidence: OrderEvidence
    feature: str  # the feature of the sentence


@dataclass(frozen=True)
class ScoreExplanation:
    """base + arithmetic + the reasons' contributions = the served log-odds."""

    base: float
    arithmetic: float
    reasons: tuple[ScoreReason, ...]


@dataclass(frozen=True)
class LogOddsTerms:
    """Contributions to the served log-odds: base and arithmetic of shape (rows,), of_feature (rows, features)."""

    base: Array
    arithmetic: Array
    of_feature: Array  # 0 in the columns of ARITHMETIC, which are part of arithmetic


@dataclass(frozen=True)
class FamilySums:
    """Contributions of many rows by family. codes: the families, sorted; added, feature: shape (rows, families).

    added: a family's contribution; feature: the number, among the model's features, of the one whose sentence is used.
    """

    codes: tuple[str, ...]
    added: Array
    feature: Whole


@dataclass(frozen=True)
class StrongestFamilies:
    """The strongest families of each row, shape (rows, REASONS); rest, shape (rows,): the sum of all others.

    family: numbers of codes; added: contributions, 0 if there are fewer families; feature: as in FamilySums.
    """

    codes: tuple[str, ...]
    family: Whole
    added: Array
    feature: Whole
    rest: Array


def split_log_odds(model: RiskModel, prediction: RiskPrediction, shap: Array) -> LogOddsTerms:
    """Split the served log-odds into terms. shap: the Booster's own contributions, shape (rows, features + 1).

    base = a x base + c; arithmetic = a x (offset + contributions of the roll-forward's features); of_feature = a x
    contribution. ForesellError if the terms of a row differ from its served log-odds by more than TOLERANCE.
    """
    calibration = model.calibration
    of_feature = calibration.a * shap[:, :-1]
    derived = _derived(model.features)
    arithmetic = calibration.a * prediction.offset + of_feature[:, derived].sum(axis=1)
    of_feature[:, derived] = 0
    terms = LogOddsTerms(calibration.a * shap[:, -1] + calibration.c, arithmetic, of_feature)
    _check(terms, prediction.served)
    return terms


@cache
def _derived(features: tuple[str, ...]) -> NDArray[np.bool_]:
    """Whether each of a model's columns is computed from the roll-forward; there are few lists of features to cache."""
    return np.array([name in ARITHMETIC for name in features])


class ReasonFamily(NamedTuple):
    """The features of a model that together make one reason. numbers: their numbers among the model's features."""

    code: str
    features: tuple[Feature, ...]
    numbers: tuple[int, ...]


def families(model: RiskModel, features: Mapping[str, Feature]) -> list[ReasonFamily]:
    """The families of a model's features, each with its features in the model's order."""
    members: dict[str, list[tuple[Feature, int]]] = {}
    for number, name in enumerate(model.features):
        if name not in ARITHMETIC:
            members.setdefault(features[name].family, []).append((features[name], number))
    return [ReasonFamily(code, *zip(*mine, strict=True)) for code, mine in members.items()]


def explain(known: Iterable[ReasonFamily], terms: LogOddsTerms, number: int, row: Row) -> ScoreExplanation:
    """The explanation of row `number`, with every family whose sum is not 0; row: its columns, for the sentences."""
    values, found = terms.of_feature[number].tolist(), []
    for family in known:
        added = [values[i] for i in family.numbers]
        if total := sum(added):
            found.append((-abs(total), family.code, total, added, family.features))
    reasons = tuple([_reason(code, total, added, mine, row) for _, code, total, added, mine in sorted(found)])
    return ScoreExplanation(float(terms.base[number]), float(terms.arithmetic[number]), reasons)


def family_sums(model: RiskModel, features: Mapping[str, Feature], of_feature: Array) -> FamilySums:
    """The sums of each family's contributions; of_feature: as in LogOddsTerms."""
    members: dict[str, list[int]] = {}
    for number, name in enumerate(model.features):
        if name not in ARITHMETIC:
            members.setdefault(features[name].family, []).append(number)
    codes = tuple(sorted(members))
    added, chosen = np.zeros((len(of_feature), len(codes))), np.zeros((len(of_feature), len(codes)), dtype=np.int64)
    for place, code in enumerate(codes):
        numbers = np.array(members[code])
        own = of_feature[:, numbers]
        for column in own.T:  # added from left to right, as for one row, so that both are equal to the bit
            added[:, place] += column
        chosen[:, place] = numbers[np.argmax(np.where(added[:, [place]] > 0, own, -own), axis=1)]
    return FamilySums(codes, added, chosen)


def strongest(found: FamilySums) -> StrongestFamilies:
    """The REASONS families with the largest contributions, of either sign (ties: by code), and the sum of the rest."""
    order = np.argsort(-np.abs(found.added), axis=1, kind="stable")
    first, others = order[:, :REASONS], order[:, REASONS:]
    added = _filled(np.take_along_axis(found.added, first, axis=1))
    feature = _filled(np.take_along_axis(found.feature, first, axis=1))
    rest = np.take_along_axis(found.added, others, axis=1).sum(axis=1)
    return StrongestFamilies(found.codes, _filled(first), added, feature, rest)


def _reason(code: str, total: float, added: Sequence[float], features: Sequence[Feature], row: Row) -> ScoreReason:
    """The reason of a family, with the sentence of its feature with the largest contribution in the same direction."""
    chosen = features[added.index(max(added) if total > 0 else min(added))]
    evidence = OrderEvidence(chosen.count(row), chosen.evidence_quantity, chosen.span)
    return ScoreReason(code, total, "raises" if total > 0 else "lowers", chosen.sentence_of(row), evidence, chosen.name)


def _check(terms: LogOddsTerms, served: Array) -> None:
    gap = np.abs(terms.base + terms.arithmetic + terms.of_feature.sum(axis=1) - served).max(initial=0.0)
    if not gap <= TOLERANCE:
        raise ForesellError(
            rule=f"Base, arithmetic and reasons must add up to the served log-odds within {TOLERANCE:g}.",
            found=f"a difference of {gap:.3g}",
            next_step="do not serve this model: its Booster and its contributions disagree; train again, or roll back",
        )


def _filled(values: NDArray[Number]) -> NDArray[Number]:
    """The values with columns of 0 if there are fewer families than REASONS."""
    return np.pad(values, ((0, 0), (0, REASONS - values.shape[1])))
