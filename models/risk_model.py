"""A risk model: arithmetic first (the offset), trees on top, one sigmoid line, and the parts of what it serves."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from features.block import Block
from features.standards import Standard
from models import roll_forward
from models.calibration import Calibration
from models.expected_rate import Spread
from models.one_row import OneRow
from models.roll_forward import Projection
from models.tree_shap import ShapTables, tables, unfit

Array = NDArray[np.float64]
ARITHMETIC = (
    "roll_forward_log_odds",  # unclipped, where the offset is clipped
    "roll_forward_margin",  # standard deviations between the events to come and the most that keep the standard
    "roll_forward_room",  # share of the orders to come that may fail
    "roll_forward_leaving",  # bad share of the part of the window that leaves
    "roll_forward_staying",  # bad share of the part that stays
    "roll_forward_volume",  # log(1 + volume at as_of + horizon)
)
ENDS = np.array([[0.05], [0.95]])  # of a 90% interval
ONE_BY_ONE = 8  # up to so many rows, LightGBM's call for one row is the faster
FEW_ROWS = 64  # up to so many, one thread
BANDS = ("clear", "watch", "review")


@dataclass(frozen=True, order=True)
class Key:
    """What a model speaks of: a risk, one of its parts (or "" for the headline), and a horizon in days."""

    risk: str
    part: str
    horizon: int

    def __str__(self) -> str:
        return f"{self.risk}.{self.part}-{self.horizon}" if self.part else f"{self.risk}-{self.horizon}"


@dataclass(frozen=True)
class Bands:
    """Probabilities from which a score is in the band watch, and in review; derived by training."""

    watch: float
    review: float

    def names(self, probability: Array) -> list[str]:
        """The band of each probability."""
        reached = (probability >= self.watch).astype(int) + (probability >= self.review)
        return [BANDS[i] for i in reached.tolist()]


@dataclass(frozen=True)
class RiskModel:
    """One risk, part and horizon. features: the Booster's columns in order, of the catalogue or of ARITHMETIC."""

    key: Key
    standard: Standard
    text: str  # the Booster as LightGBM writes it; what is digested is what scores
    features: tuple[str, ...]
    calibration: Calibration
    bands: Bands
    spread: Spread = field(default_factory=Spread)  # of the share of bad events to come

    @cached_property
    def booster(self) -> lgb.Booster:
        """The trees. Corrupt text ends the process here: only text whose digest was checked may come this far."""
        return lgb.Booster(model_str=self.text)

    @cached_property
    def score_of_one(self) -> OneRow:
        """The raw score of one row."""
        return OneRow(self.booster)

    @cached_property
    def shap_tables(self) -> ShapTables | None:
        """What works out contributions; None where the trees are of a kind that it does not know."""
        return None if unfit(self.text) else tables(self.text, len(self.features))

    def columns(self) -> tuple[str, ...]:
        """The block's columns the model reads, sorted: enough to score a row again to the digit."""
        catalogue = {name for name in self.features if name not in ARITHMETIC}
        return tuple(sorted(catalogue | set(roll_forward.columns(self.standard, self.key.horizon))))


@dataclass(frozen=True)
class Prediction:
    """What a model says of rows; arrays of shape (rows,), matrix (rows, features). served = a (offset + raw) + c."""

    projection: Projection
    matrix: Array
    offset: Array
    raw: Array
    served: Array
    probability: Array


def predict(model: RiskModel, block: Block) -> Prediction:
    """Served log-odds and probabilities. nan features are what the trees have learned to do with them."""
    projection = roll_forward.project(model.standard, block, model.key.horizon)
    offset = roll_forward.log_odds(projection.probability)
    rows = matrix(model.features, block, projection)
    raw = raw_scores(model, rows)
    served = model.calibration.apply(offset + raw)
    return Prediction(projection, rows, offset, raw, served, expit(served))


def raw_scores(model: RiskModel, rows: Array) -> Array:
    """What the trees add to the offset, shape (rows,)."""
    if len(rows) <= ONE_BY_ONE:
        return np.array([model.score_of_one(row) for row in rows], dtype=np.float64)
    return np.asarray(model.booster.predict(rows, num_threads=_threads(rows), raw_score=True), dtype=np.float64)


def contributions(model: RiskModel, prediction: Prediction) -> Array:
    """Exact TreeSHAP of the raw log-odds, shape (rows, features + 1); the last column is the base."""
    fast = model.shap_tables
    return fast(prediction.matrix) if fast else contributions_by_lightgbm(model, prediction.matrix)


def contributions_by_lightgbm(model: RiskModel, rows: Array) -> Array:
    """The same by LightGBM, which the tables are compared with, and which knows trees of every kind."""
    if not len(rows):
        return np.empty((0, len(model.features) + 1))
    return np.asarray(model.booster.predict(rows, num_threads=_threads(rows), pred_contrib=True), dtype=np.float64)


def interval_90(model: RiskModel, prediction: Prediction) -> tuple[Array, Array]:
    """Ends of the probability's 90% interval, shape (rows,): the risk at the 5% and 95% points of the true rate.

    What the roll-forward says at those points, in log-odds, shifts the served ones as the offset does, but not clipped
    as that is: a low risk may well be none. A shift to the wrong side counts as none, so the interval holds the
    probability.
    """
    slope = np.full(len(prediction.served), model.calibration.a)
    return intervals_90(slope, prediction.projection, prediction.served)


def intervals_90(slope: Array, projection: Projection, served: Array) -> tuple[Array, Array]:
    """The same for rows of several models: the calibration's slope for each row, shape (rows,)."""
    said = (roll_forward.given_quantile(projection, ENDS), projection.probability)
    ends, middle = (roll_forward.log_odds(probability, bound=np.inf) for probability in said)
    low, high = slope * (ends - middle)
    return expit(served + np.minimum(low, 0)), expit(served + np.maximum(high, 0))


def matrix(features: Iterable[str], block: Block, projection: Projection) -> Array:
    """The Booster's rows, shape (rows, features), C order: each column from the block or the roll-forward."""
    names = tuple(features)
    derived = arithmetic(projection)
    out = np.empty((len(block), len(names)))
    own = [i for i, name in enumerate(names) if name not in derived]
    out[:, own] = block.matrix(names[i] for i in own)
    for i in set(range(len(names))).difference(own):
        out[:, i] = derived[names[i]]
    return out


def arithmetic(projection: Projection) -> dict[str, Array]:
    """The features of the roll-forward, by the names of ARITHMETIC, each of shape (rows,); nan where undefined."""
    p = projection
    share = p.a / (p.a + p.b)
    spread = np.sqrt(p.coming * share * (1 - share) * (1 + (p.coming - 1) / (p.a + p.b + 1)))
    columns = (
        roll_forward.log_odds(p.probability, bound=np.inf),
        _ratio(p.coming * share - p.room - 0.5, spread),
        _ratio(p.room, p.coming),
        _ratio(p.now_x - p.stay_x, p.now_n - p.stay_n),
        _ratio(p.stay_x, p.stay_n),
        np.log1p(p.stay_n + p.coming),
    )
    return dict(zip(ARITHMETIC, columns, strict=True))


def _threads(rows: Array) -> int:
    """Few rows stay on one: threads that wait for a busy core cost milliseconds. 0: as many as there are cores."""
    return 1 if len(rows) <= FEW_ROWS else 0


def _ratio(top: Array, bottom: Array) -> Array:
    return np.asarray(np.divide(top, bottom, out=np.full(len(top), np.nan), where=bottom > 0))
