"""Predict the same rows with several models in one pass; for few rows, numpy's cost per call is the largest part.

The results are equal, to the bit, to those of `risk_model.predict` for each model.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from core.block import Block
from features.standards.standard import Standard
from models.arithmetic import roll_forward
from models.arithmetic.roll_forward import BreachRule, Projection, WindowCounts
from models.boosting.risk_model import ARITHMETIC, RiskModel, RiskPrediction, arithmetic, predict, raw_scores

Array = NDArray[np.float64]
Places = NDArray[np.int64]
ZEROS = -1  # the place of a column of zeros


@dataclass(frozen=True)
class JointPredictor:
    """The models of one horizon for blocks with these columns; the places of the columns are computed once."""

    models: tuple[RiskModel, ...]
    names: tuple[str, ...]

    def predict(self, block: Block) -> "JointPrediction":
        """The predictions of all models for rows with the columns `names`."""
        rows = len(block)
        shape = (len(ARITHMETIC) * len(self.models), rows)
        rule = roll_forward.repeated(self._rules, rows)
        projection = roll_forward.project_counts(self._counts(block), rule)
        offset = roll_forward.log_odds(projection.probability)
        derived = np.concatenate(list(arithmetic(projection).values())).reshape(shape)  # by name, then by model
        wide = np.concatenate([block.values, derived.T], axis=1)
        matrices = [wide.take(places, axis=1) for places in self._places]
        scored = zip(self.models, matrices, strict=True)
        raw = np.concatenate([raw_scores(model, matrix) for model, matrix in scored])
        slope, shift = (np.repeat(v, rows) for v in self._lines)
        served = slope * (offset + raw) + shift
        return JointPrediction(self.models, rows, rule, slope, projection, matrices, offset, raw, served, expit(served))

    def _counts(self, block: Block) -> WindowCounts:
        """The counts of every model, one model's rows after the other's."""
        used, places = self._count_columns
        values = np.zeros((len(block), len(used) + 1))
        values[:, :-1] = block.values[:, used]
        # Shape (rows, fields of WindowCounts, models); whole numbers, so the order of adding does not matter.
        sums = values[:, places].sum(axis=-1)
        return WindowCounts(*np.ascontiguousarray(sums.transpose(1, 2, 0)).reshape(sums.shape[1], -1))

    @cached_property
    def _rules(self) -> BreachRule:
        """The breach rules, one entry per model."""
        return roll_forward.stacked_rules([model.standard for model in self.models], 1)

    @cached_property
    def _count_columns(self) -> tuple[Places, Places]:
        """The block's columns that some count needs; and, by WindowCounts field and model, the columns of its sum."""
        index = {name: i for i, name in enumerate(self.names)}
        wanted = [_columns(model.standard, model.key.horizon) for model in self.models]
        used = sorted({name for kinds in wanted for names in kinds for name in names})
        place = {name: i for i, name in enumerate(used)}
        width = max(len(names) for kinds in wanted for names in kinds)
        places = np.full((len(fields(WindowCounts)), len(self.models), width), ZEROS, dtype=np.int64)
        for m, kinds in enumerate(wanted):
            for k, names in enumerate(kinds):
                places[k, m, : len(names)] = [place[name] for name in names]
        return np.array([index[name] for name in used], dtype=np.int64), places

    @cached_property
    def _lines(self) -> tuple[Array, Array]:
        """The slope and the shift of each model's calibration."""
        lines = [model.calibration for model in self.models]
        return np.array([line.a for line in lines]), np.array([line.c for line in lines])

    @cached_property
    def _places(self) -> list[Places]:
        """The place of each model's columns: first the block's columns, then those computed from the roll-forward."""
        index, many = {name: i for i, name in enumerate(self.names)}, len(self.models)
        places = []
        for m, model in enumerate(self.models):
            derived = {name: len(self.names) + i * many + m for i, name in enumerate(ARITHMETIC)}
            places.append(np.array([(derived if name in derived else index)[name] for name in model.features]))
        return places


@dataclass(frozen=True)
class JointPrediction:
    """Predictions of several models for the same rows, one model's rows after the other's; one matrix per model."""

    models: tuple[RiskModel, ...]
    rows: int
    rule: BreachRule
    slope: Array  # of the calibration
    projection: Projection
    matrices: Sequence[Array]
    offset: Array
    raw: Array
    served: Array
    probability: Array

    def of_model(self, number: int) -> RiskPrediction:
        """The prediction of one model."""
        mine = slice(number * self.rows, (number + 1) * self.rows)
        columns = (column[mine] for column in (self.offset, self.raw, self.served, self.probability))
        return RiskPrediction(roll_forward.rows_of(self.projection, mine), self.matrices[number], *columns)

    def probabilities(self) -> list[list[float]]:
        """The probabilities by model and row."""
        by_model: list[list[float]] = self.probability.reshape(len(self.models), self.rows).tolist()
        return by_model


def predict_one_model(model: RiskModel, block: Block) -> JointPrediction:
    """The prediction of one model as a JointPrediction; ForesellError if the block lacks a column."""
    p = predict(model, block)
    rule, slope = roll_forward.breach_rule(model.standard, len(block)), np.full(len(block), model.calibration.a)
    return JointPrediction(
        (model,), len(block), rule, slope, p.projection, [p.matrix], p.offset, p.raw, p.served, p.probability
    )


def _columns(standard: Standard, horizon: int) -> list[list[str]]:
    """The columns that add up to each field of WindowCounts, in the order of the fields."""
    days = standard.window_days
    staying_days, coming_days = days - horizon, min(horizon, days)
    bad, volume = standard.numerator, standard.denominator
    stay = [[f"{q}_{staying_days}" for q in side] if staying_days > 0 else [] for side in (bad, volume)]
    market = [[f"market_{q}_{d}" for q in side] for d in (days, standard.recent_days) for side in (bad, volume)]
    now = [[f"{q}_{days}" for q in side] for side in (bad, volume)]
    return [*now, *stay, [f"{q}_{coming_days}" for q in volume], *market]
