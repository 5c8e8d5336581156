"""From feature rows to scores: probability, interval, band, standing under the standard, expected rate, reasons."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.block import Block
from core.errors import ForesellError
from features.standards.standard import Standard
from features.table import FeatureTable
from models.arithmetic import roll_forward
from models.arithmetic.expected_rate import ExpectedRate, expected_rates, repeated
from models.boosting.joint_predict import JointPrediction, predict_one_model
from models.boosting.risk_model import RiskModel, RiskPrediction, contributions, intervals_90
from models.bundle.bundle import Bundle
from models.explain.reasons import ScoreExplanation, explain, split_log_odds

Array = NDArray[np.float64]
LOW_EVIDENCE = 2  # a volume below this many times the minimum volume is low evidence


@dataclass(frozen=True)
class Standing:
    """A seller under a standard at as_of; current_rate is None without volume."""

    name: str
    version: str
    limit: float
    current_rate: float | None
    volume: int
    minimum_volume: int


@dataclass(frozen=True)
class Score:
    """The score of one seller and risk. parts: probabilities by part; log_odds and offset are for the audit log."""

    probability: float
    interval_90: tuple[float, float]
    band: str
    in_breach: bool
    low_evidence: bool
    standard: Standing
    expected_rate: float | None
    expected_rate_interval_90: tuple[float, float] | None
    explanation: ScoreExplanation | None
    log_odds: float
    offset: float
    parts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Assessment:
    """A model's predictions for many rows, without reasons; every array and list has one entry per row."""

    model: RiskModel
    prediction: RiskPrediction
    low: Array
    high: Array
    bands: list[str]
    in_breach: NDArray[np.bool_]
    low_evidence: NDArray[np.bool_]
    current_rate: Array
    expected: ExpectedRate


def score(bundle: Bundle, table: FeatureTable, horizon: int = 28, reasons: bool = True) -> list[dict[str, Score]]:
    """The scores of each row of the table, by risk. ForesellError if the bundle has no model for the horizon."""
    heads = headline_models(bundle, horizon)
    joint = bundle.joint_predictor(horizon, table.block.names).predict(table.block)
    rows = [row_of(table, i) for i in range(len(table))] if reasons else []
    probabilities = _part_probabilities(joint)
    scores: list[dict[str, Score]] = [{} for _ in range(len(table))]
    for assessment in _assessments(joint, len(heads)):
        explanations = _explanations(bundle, assessment, rows) if reasons else [None] * len(scores)
        risk = assessment.model.key.risk
        by_part = probabilities.get(risk, {})
        for i, by_risk in enumerate(scores):
            of_parts = {part: column[i] for part, column in by_part.items()}
            by_risk[risk] = _score(assessment, i, explanations[i], of_parts)
    return scores


def assess(model: RiskModel, block: Block) -> Assessment:
    """A model's predictions for the rows, without reasons."""
    return _assessments(predict_one_model(model, block), 1)[0]


def _assessments(joint: JointPrediction, many: int) -> list[Assessment]:
    """The assessments of the first `many` models, computed in one pass."""
    first = slice(many * joint.rows)
    projection, models = roll_forward.rows_of(joint.projection, first), joint.models[:many]
    ends = intervals_90(joint.slope[first], projection, joint.served[first])
    spread = repeated([model.spread for model in models], joint.rows)
    expected = expected_rates(joint.rule.complement[first], projection, spread)
    columns = [v.reshape(many, joint.rows) for v in (*ends, expected.rate, expected.low, expected.high)]
    return [_assessment(models[i], joint.of_model(i), *(column[i] for column in columns)) for i in range(many)]


def _assessment(
    model: RiskModel,
    prediction: RiskPrediction,
    low: Array,
    high: Array,
    rate: Array,
    rate_low: Array,
    rate_high: Array,
) -> Assessment:
    standard, now = model.standard, prediction.projection
    return Assessment(
        model=model,
        prediction=prediction,
        low=low,
        high=high,
        bands=model.bands.names(prediction.probability),
        in_breach=standard.breach(now.now_x, now.now_n),
        low_evidence=low_evidence(standard, now.now_n),
        current_rate=standard.rate(now.now_x, now.now_n),
        expected=ExpectedRate(rate, rate_low, rate_high),
    )


def low_evidence(standard: Standard, volume: Array) -> NDArray[np.bool_]:
    """Whether the volume in the window is under twice the standard's minimum, shape (rows,)."""
    return np.asarray(volume < LOW_EVIDENCE * standard.minimum_volume)


def headline_models(bundle: Bundle, horizon: int) -> list[RiskModel]:
    """The bundle's model of each risk for a horizon in days."""
    found = [m for m in bundle.models if m.key.horizon == horizon and not m.key.part]
    if not found:
        known = ", ".join(str(h) for h in sorted({m.key.horizon for m in bundle.models}))
        raise ForesellError("The horizon must be one that was trained.", f"{horizon} days", f"use one of {known}")
    return found


def row_of(table: FeatureTable, number: int) -> dict[str, float | str]:
    """The columns and attributes of one row, for sentences."""
    return {**table.block.row(number), **{name: str(column[number]) for name, column in table.text.items()}}


def _explanations(
    bundle: Bundle, assessment: Assessment, rows: list[dict[str, float | str]]
) -> list[ScoreExplanation | None]:
    model, prediction = assessment.model, assessment.prediction
    terms = split_log_odds(model, prediction, contributions(model, prediction))
    known = bundle.families(model)
    return [explain(known, terms, i, row) for i, row in enumerate(rows)]


def _part_probabilities(joint: JointPrediction) -> dict[str, dict[str, list[float]]]:
    """The probabilities of the rows, by risk and part."""
    by_risk: dict[str, dict[str, list[float]]] = {}
    for model, probabilities in zip(joint.models, joint.probabilities(), strict=True):
        if model.key.part:
            by_risk.setdefault(model.key.risk, {})[model.key.part] = probabilities
    return by_risk


def _score(assessment: Assessment, i: int, explanation: ScoreExplanation | None, of_parts: dict[str, float]) -> Score:
    prediction, expected = assessment.prediction, assessment.expected
    rate = _number(expected.rate, i)
    return Score(
        probability=prediction.probability.item(i),
        interval_90=(assessment.low.item(i), assessment.high.item(i)),
        band=assessment.bands[i],
        in_breach=assessment.in_breach.item(i),
        low_evidence=assessment.low_evidence.item(i),
        standard=_standing(assessment, i),
        expected_rate=rate,
        expected_rate_interval_90=None if rate is None else (expected.low.item(i), expected.high.item(i)),
        explanation=explanation,
        log_odds=prediction.served.item(i),
        offset=prediction.offset.item(i),
        parts=of_parts,
    )


def _standing(assessment: Assessment, i: int) -> Standing:
    s = assessment.model.standard
    volume = int(assessment.prediction.projection.now_n.item(i))
    return Standing(s.name, s.version, float(s.limit), _number(assessment.current_rate, i), volume, s.minimum_volume)


def _number(column: Array, i: int) -> float | None:
    """A number of a column; None for nan, which JSON does not have."""
    value: float = column.item(i)
    return None if math.isnan(value) else value
