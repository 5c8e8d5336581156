"""From rows to scores: probability, interval, band, standing under the standard, expected rate, reasons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from features.block import Block
from features.errors import ForesellError
from features.standards import Standard
from features.table import FeatureTable
from models import roll_forward
from models.bundle import Bundle
from models.expected_rate import ExpectedRate, expected_rates
from models.explain import Explanation, explain, parts
from models.risk_model import Key, Prediction, RiskModel, contributions, intervals_90, predict

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
    scores: list[dict[str, Score]] = [{} for _ in range(len(table))]
    rows = [row_of(table, i) for i in range(len(table))] if reasons else []
    heads, predicted = headline_models(bundle, horizon), _predictions(bundle, table.block, horizon)
    for model, found in zip(heads, _assessments(heads, [predicted[model.key] for model in heads]), strict=True):
        why = _explanations(bundle, found, rows) if reasons else [None] * len(scores)
        of_parts = _part_probabilities(model, predicted)
        for i, by_risk in enumerate(scores):
            by_risk[model.key.risk] = _score(found, i, why[i], {part: column[i] for part, column in of_parts.items()})
    return scores


def assess(model: RiskModel, block: Block) -> Assessment:
    """What a model says of the rows, in arrays."""
    return _assessments([model], [predict(model, block)])[0]


def _assessments(models: Sequence[RiskModel], said: Sequence[Prediction]) -> list[Assessment]:
    """Each model's, of the same rows; what is worked out number by number is worked out for all of them at once."""
    rows, ahead = len(said[0].served), roll_forward.stacked([p.projection for p in said])
    slope, scale = (np.repeat(v, rows) for v in zip(*((m.calibration.a, m.concentration) for m in models), strict=True))
    offset, served = (np.concatenate([getattr(p, name) for p in said]) for name in ("offset", "served"))
    ends = intervals_90(slope, ahead, offset, served)
    rule = roll_forward.stacked_rules([m.standard for m in models], rows)
    expected = expected_rates(rule, ahead, scale)
    columns = [np.split(v, len(models)) for v in (*ends, expected.rate, expected.low, expected.high)]
    return [_assessment(*each) for each in zip(models, said, *columns, strict=True)]


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
    return [explain(model, bundle.features, split, i, row) for i, row in enumerate(rows)]


def _predictions(bundle: Bundle, block: Block, horizon: int) -> dict[Key, Prediction]:
    """By key, what every model of the horizon says."""
    together = bundle.together(horizon, block.names)
    return {model.key: said for model, said in zip(together.models, together.predict(block), strict=True)}


def _part_probabilities(head: RiskModel, predicted: Mapping[Key, Prediction]) -> dict[str, list[float]]:
    mine = {key.part: said for key, said in predicted.items() if key.part and key.risk == head.key.risk}
    return {part: said.probability.tolist() for part, said in mine.items()}


def _score(found: Assessment, i: int, why: Explanation | None, of_parts: dict[str, float]) -> Score:
    said, expected = found.prediction, found.expected
    rate = _number(expected.rate[i])
    return Score(
        probability=float(said.probability[i]),
        interval_90=(float(found.low[i]), float(found.high[i])),
        band=found.bands[i],
        in_breach=bool(found.in_breach[i]),
        low_evidence=bool(found.low_evidence[i]),
        standard=_standing(found, i),
        expected_rate=rate,
        expected_rate_interval_90=None if rate is None else (float(expected.low[i]), float(expected.high[i])),
        explanation=why,
        log_odds=float(said.served[i]),
        offset=float(said.offset[i]),
        parts=of_parts,
    )


def _standing(found: Assessment, i: int) -> Standing:
    s = found.model.standard
    volume = int(found.prediction.projection.now_n[i])
    return Standing(s.name, s.version, float(s.limit), _number(found.current_rate[i]), volume, s.minimum_volume)


def _number(value: np.float64) -> float | None:
    """JSON has no nan: what is undefined is None."""
    return None if np.isnan(value) else float(value)
