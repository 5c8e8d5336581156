"""From rows to scores: probability, interval, band, standing under the standard, expected rate, reasons."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from features.block import Block
from features.errors import ForesellError
from features.standards import Standard
from features.table import FeatureTable
from models import roll_forward
from models.bundle import Bundle
from models.expected_rate import ExpectedRate, expected_rates, repeated
from models.explain import Explanation, explained, parts
from models.risk_model import Prediction, RiskModel, contributions, intervals_90
from models.together import Said, alone

Array = NDArray[np.float64]
LOW_EVIDENCE = 2  # under so many times the minimum volume, a rate says little


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
    """One risk of one seller. parts: probabilities of the risk's parts; log_odds and offset are for the log."""

    probability: float
    interval_90: tuple[float, float]
    band: str
    in_breach: bool
    low_evidence: bool
    standard: Standing
    expected_rate: float | None
    expected_rate_interval_90: tuple[float, float] | None
    explanation: Explanation | None
    log_odds: float
    offset: float
    parts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Assessment:
    """A model's answers for many rows, but for the reasons; every array and list has one entry per row."""

    model: RiskModel
    prediction: Prediction
    low: Array
    high: Array
    bands: list[str]
    in_breach: NDArray[np.bool_]
    low_evidence: NDArray[np.bool_]
    current_rate: Array
    expected: ExpectedRate


def score(bundle: Bundle, table: FeatureTable, horizon: int = 28, reasons: bool = True) -> list[dict[str, Score]]:
    """For each row of the table, its score by risk. ForesellError when the bundle has no model for the horizon."""
    heads, said = headline_models(bundle, horizon), bundle.together(horizon, table.block.names).predict(table.block)
    rows = [row_of(table, i) for i in range(len(table))] if reasons else []
    probabilities = _part_probabilities(said)
    scores: list[dict[str, Score]] = [{} for _ in range(len(table))]
    for found in _assessments(said, len(heads)):
        why = _explanations(bundle, found, rows) if reasons else [None] * len(scores)
        mine = probabilities.get(found.model.key.risk, {})
        for i, by_risk in enumerate(scores):
            of_parts = {part: column[i] for part, column in mine.items()}
            by_risk[found.model.key.risk] = _score(found, i, why[i], of_parts)
    return scores


def assess(model: RiskModel, block: Block) -> Assessment:
    """What a model says of the rows, in arrays."""
    return _assessments(alone(model, block), 1)[0]


def _assessments(said: Said, many: int) -> list[Assessment]:
    """Those of the first models; what is worked out number by number is worked out for all of them at once."""
    first = slice(many * said.rows)
    ahead, models = roll_forward.rows_of(said.ahead, first), said.models[:many]
    ends = intervals_90(said.slope[first], ahead, said.served[first])
    spread = repeated([model.spread for model in models], said.rows)
    expected = expected_rates(said.rule.complement[first], ahead, spread)
    columns = [v.reshape(many, said.rows) for v in (*ends, expected.rate, expected.low, expected.high)]
    return [_assessment(models[i], said.of(i), *(column[i] for column in columns)) for i in range(many)]


def _assessment(
    model: RiskModel, prediction: Prediction, low: Array, high: Array, rate: Array, rate_low: Array, rate_high: Array
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
    """One row's columns and attributes, for sentences."""
    return {**table.block.row(number), **{name: str(column[number]) for name, column in table.text.items()}}


def _explanations(bundle: Bundle, found: Assessment, rows: list[dict[str, float | str]]) -> list[Explanation | None]:
    model, said = found.model, found.prediction
    split = parts(model, said, contributions(model, said))
    known = bundle.families(model)
    return [explained(known, split, i, row) for i, row in enumerate(rows)]


def _part_probabilities(said: Said) -> dict[str, dict[str, list[float]]]:
    """By risk and part, one of each row."""
    found: dict[str, dict[str, list[float]]] = {}
    for model, probabilities in zip(said.models, said.probabilities(), strict=True):
        if model.key.part:
            found.setdefault(model.key.risk, {})[model.key.part] = probabilities
    return found


def _score(found: Assessment, i: int, why: Explanation | None, of_parts: dict[str, float]) -> Score:
    said, expected = found.prediction, found.expected
    rate = _number(expected.rate, i)
    return Score(
        probability=said.probability.item(i),
        interval_90=(found.low.item(i), found.high.item(i)),
        band=found.bands[i],
        in_breach=found.in_breach.item(i),
        low_evidence=found.low_evidence.item(i),
        standard=_standing(found, i),
        expected_rate=rate,
        expected_rate_interval_90=None if rate is None else (expected.low.item(i), expected.high.item(i)),
        explanation=why,
        log_odds=said.served.item(i),
        offset=said.offset.item(i),
        parts=of_parts,
    )


def _standing(found: Assessment, i: int) -> Standing:
    s = found.model.standard
    volume = int(found.prediction.projection.now_n.item(i))
    return Standing(s.name, s.version, float(s.limit), _number(found.current_rate, i), volume, s.minimum_volume)


def _number(column: Array, i: int) -> float | None:
    """JSON has no nan: what is undefined is None."""
    value: float = column.item(i)
    return None if math.isnan(value) else value
