"""Several models over the same rows in one pass: for a few rows, what numpy does per call costs more than the numbers.

The answers are, to the bit, those of `risk_model.predict` for each model alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from features.block import Block
from features.standards import Standard
from models import roll_forward
from models.risk_model import ARITHMETIC, Prediction, RiskModel, arithmetic, predict, raw_scores
from models.roll_forward import Counts, Projection, Rule

Array = NDArray[np.float64]
Places = NDArray[np.int64]
NOTHING = -1  # the place of a column of zeros


@dataclass(frozen=True)
class Together:
    """The models of one horizon, over blocks with these columns; which column goes where is worked out once."""

    models: tuple[RiskModel, ...]
    names: tuple[str, ...]

    def predict(self, block: Block) -> "Said":
        """What the models say of rows with the columns `names`."""
        rows = len(block)
        shape = (len(ARITHMETIC) * len(self.models), rows)
        rule = roll_forward.repeated(self._rules, rows)
        ahead = roll_forward.carried(self._counts(block), rule)
        offset = roll_forward.log_odds(ahead.probability)
        derived = np.concatenate(list(arithmetic(ahead).values())).reshape(shape)  # by name, then by model
        wide = np.concatenate([block.values, derived.T], axis=1)
        matrices = [wide.take(places, axis=1) for places in self._places]
        scored = zip(self.models, matrices, strict=True)
        raw = np.concatenate([raw_scores(model, matrix) for model, matrix in scored])
        slope, shift = (np.repeat(v, rows) for v in self._lines)
        served = slope * (offset + raw) + shift
        return Said(self.models, rows, rule, slope, ahead, matrices, offset, raw, served, expit(served))

    def _counts(self, block: Block) -> Counts:
        """Those of every model, one model's rows after the other's."""
        used, places = self._gathered
        values = np.zeros((len(block), len(used) + 1))
        values[:, :-1] = block.values[:, used]
        sums = values[:, places].sum(axis=-1)  # (rows, kinds of Counts, models); whole numbers, so the order is nothing
        return Counts(*np.ascontiguousarray(sums.transpose(1, 2, 0)).reshape(sums.shape[1], -1))

    @cached_property
    def _rules(self) -> Rule:
        """One entry per model."""
        return roll_forward.stacked_rules([model.standard for model in self.models], 1)

    @cached_property
    def _gathered(self) -> tuple[Places, Places]:
        """The block's columns that any count needs, and for each kind and model those that add up to it."""
        index = {name: i for i, name in enumerate(self.names)}
        wanted = [_columns(model.standard, model.key.horizon) for model in self.models]
        used = sorted({name for kinds in wanted for names in kinds for name in names})
        place = {name: i for i, name in enumerate(used)}
        width = max(len(names) for kinds in wanted for names in kinds)
        places = np.full((len(fields(Counts)), len(self.models), width), NOTHING, dtype=np.int64)
        for m, kinds in enumerate(wanted):
            for k, names in enumerate(kinds):
                places[k, m, : len(names)] = [place[name] for name in names]
        return np.array([index[name] for name in used], dtype=np.int64), places

    @cached_property
    def _lines(self) -> tuple[Array, Array]:
        """Slope and shift of each model's calibration."""
        lines = [model.calibration for model in self.models]
        return np.array([line.a for line in lines]), np.array([line.c for line in lines])

    @cached_property
    def _places(self) -> list[Places]:
        """Where each model's columns are: among the block's, or among those worked out from the roll-forward."""
        index, many = {name: i for i, name in enumerate(self.names)}, len(self.models)
        found = []
        for m, model in enumerate(self.models):
            derived = {name: len(self.names) + i * many + m for i, name in enumerate(ARITHMETIC)}
            found.append(np.array([(derived if name in derived else index)[name] for name in model.features]))
        return found


@dataclass(frozen=True)
class Said:
    """What several models say of the same rows: one model's rows after the other's, a matrix for each model."""

    models: tuple[RiskModel, ...]
    rows: int
    rule: Rule
    slope: Array  # of the calibration
    ahead: Projection
    matrices: Sequence[Array]
    offset: Array
    raw: Array
    served: Array
    probability: Array

    def of(self, number: int) -> Prediction:
        """One model's own."""
        mine = slice(number * self.rows, (number + 1) * self.rows)
        columns = (column[mine] for column in (self.offset, self.raw, self.served, self.probability))
        return Prediction(roll_forward.rows_of(self.ahead, mine), self.matrices[number], *columns)

    def probabilities(self) -> list[list[float]]:
        """By model and row."""
        found: list[list[float]] = self.probability.reshape(len(self.models), self.rows).tolist()
        return found


def alone(model: RiskModel, block: Block) -> Said:
    """What one model says; ForesellError when the block lacks a column."""
    p = predict(model, block)
    rule, slope = roll_forward.rule(model.standard, len(block)), np.full(len(block), model.calibration.a)
    return Said((model,), len(block), rule, slope, p.projection, [p.matrix], p.offset, p.raw, p.served, p.probability)


def _columns(standard: Standard, horizon: int) -> list[list[str]]:
    """The columns behind each of Counts, in its order."""
    days = standard.window_days
    stays, comes = days - horizon, min(horizon, days)
    bad, volume = standard.numerator, standard.denominator
    stay = [[f"{q}_{stays}" for q in side] if stays > 0 else [] for side in (bad, volume)]
    market = [[f"market_{q}_{d}" for q in side] for d in (days, standard.lately_days) for side in (bad, volume)]
    now = [[f"{q}_{days}" for q in side] for side in (bad, volume)]
    return [*now, *stay, [f"{q}_{comes}" for q in volume], *market]
