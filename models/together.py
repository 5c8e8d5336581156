"""Several models over the same rows in one pass: for a few rows, what numpy does per call costs more than the numbers.

The answers are, to the bit, those of `risk_model.predict` for each model alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from features.block import Block
from features.standards import Standard
from models import roll_forward
from models.risk_model import ARITHMETIC, Prediction, RiskModel, arithmetic, finished
from models.roll_forward import Counts, Projection, Rule

Array = NDArray[np.float64]
Places = NDArray[np.int64]
NOTHING = -1  # the place of a column of zeros


@dataclass(frozen=True)
class Together:
    """The models of one horizon, over blocks with these columns; which column goes where is worked out once."""

    models: tuple[RiskModel, ...]
    names: tuple[str, ...]

    def predict(self, block: Block) -> list[Prediction]:
        """One prediction per model; block has the columns `names`."""
        rows, many = len(block), len(self.models)
        ahead = roll_forward.carried(self._counts(block), self._rule(rows))
        offset = roll_forward.log_odds(ahead.probability).reshape(many, rows)
        derived = np.stack(list(arithmetic(ahead).values())).reshape(len(ARITHMETIC), many, rows)
        apart = _apart(ahead, many)
        return [
            finished(model, self._matrix(i, block, derived[:, i]), apart[i], offset[i])
            for i, model in enumerate(self.models)
        ]

    def _counts(self, block: Block) -> Counts:
        """Those of every model, one model's rows after the other's."""
        used, places = self._gathered
        values = np.zeros((len(block), len(used) + 1))
        values[:, :-1] = block.values[:, used]
        sums = values[:, places].sum(axis=-1)  # (rows, kinds of Counts, models); whole numbers, so the order is nothing
        return Counts(*np.ascontiguousarray(sums.transpose(1, 2, 0)).reshape(sums.shape[1], -1))

    def _rule(self, rows: int) -> Rule:
        return Rule(*(np.repeat(getattr(self._rules, f.name), rows) for f in fields(Rule)))

    def _matrix(self, number: int, block: Block, derived: Array) -> Array:
        """A model's rows: its columns of the block, and those worked out from the roll-forward."""
        own, columns, others, which = self._layouts[number]
        out = np.empty((len(block), len(own) + len(others)))
        out[:, own] = block.values[:, columns]
        out[:, others] = derived[which].T
        return out

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
    def _layouts(self) -> list[tuple[Places, Places, Places, Places]]:
        index = {name: i for i, name in enumerate(self.names)}
        return [_layout(model.features, index) for model in self.models]


def _layout(names: Sequence[str], index: dict[str, int]) -> tuple[Places, Places, Places, Places]:
    """Where a model's columns go: own places and block columns, derived places and their numbers in ARITHMETIC."""
    own = [i for i, name in enumerate(names) if name not in ARITHMETIC]
    others = [i for i, name in enumerate(names) if name in ARITHMETIC]
    columns, which = [index[names[i]] for i in own], [ARITHMETIC.index(names[i]) for i in others]
    found = [np.array(numbers, dtype=np.int64) for numbers in (own, columns, others, which)]
    return found[0], found[1], found[2], found[3]


def _columns(standard: Standard, horizon: int) -> list[list[str]]:
    """The columns behind each of Counts, in its order."""
    days = standard.window_days
    stays, comes = days - horizon, min(horizon, days)
    bad, volume = standard.numerator, standard.denominator
    stay = [[f"{q}_{stays}" for q in side] if stays > 0 else [] for side in (bad, volume)]
    market = [[f"market_{q}_{days}" for q in side] for side in (bad, volume)]
    now = [[f"{q}_{days}" for q in side] for side in (bad, volume)]
    return [*now, *stay, [f"{q}_{comes}" for q in volume], *market]


def _apart(ahead: Projection, many: int) -> list[Projection]:
    """The projections of each model, views of the whole."""
    columns = [getattr(ahead, f.name).reshape(many, -1) for f in fields(Projection)]
    return [Projection(*(column[i] for column in columns)) for i in range(many)]
