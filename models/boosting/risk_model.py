"""A risk model: the roll-forward as offset, boosted trees and a calibration; its predictions and contributions."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from core.block import Block
from features.standards.standard import Standard
from models.arithmetic import roll_forward
from models.arithmetic.calibration import Calibration
from models.arithmetic.expected_rate import Spread
from models.arithmetic.roll_forward import Projection
from models.boosting.one_row import OneRow
from models.boosting.tree_shap import ShapTables, tables, unfit

Array = NDArray[np.float64]
ARITHMETIC = (
    "roll_forward_log_odds",  # not clipped, unlike the offset
    "roll_forward_margin",  # standard deviations between the expected events and the most without a breach
    "roll_forward_room",  # share of the orders to come that may fail
    "roll_forward_leaving",  # bad share of the part of the window that leaves
    "roll_forward_staying",  # bad share of the part that stays
    "roll_forward_volume",  # log(1 + volume at as_of + horizon)
)
ENDS = np.array([[0.05], [0.95]])  # of a 90% interval
ONE_BY_ONE = 8  # up to this many rows, LightGBM's call for one row is faster
FEW_ROWS = 64  # up to this many rows, one thread is used
BANDS = ("clear", "watch", "review")


@dataclass(frozen=True, order=True)
class ModelKey:
    """What a model predicts: a risk, one of its parts ("" for the headline standard), and a horizon in days."""

    risk: str
    part: str
    horizon: int

    def __str__(self) -> str:
        return f"{self.risk}.{self.part}-{self.horizon}" if self.part else f"{self.risk}-{self.horizon}"


@dataclass(frozen=True)
class Bands:
    """The probabilities from which a score is in the band watch, and in the band review; training derives them."""

    watch: float
    review: float

    def names(self, probability: Array) -> list[str]:
        """The band of each probability."""
        reached = (probability >= self.watch).astype(int) + (probability >= self.review)
        return [BANDS[i] for i in reached.tolist()]


@dataclass(frozen=True)
class RiskModel:
    """The model of one risk, part and horizon. features: the Booster's columns, of the catalogue or of ARITHMETIC."""

    key: ModelKey
    standard: Standard
    text: str  # the Booster as LightGBM writes it; the bundle's digests cover this text
    features: tuple[str, ...]
    calibration: Calibration
    bands: Bands
    spread: Spread = field(default_factory=Spread)  # of the share of bad events to come

    @cached_property
    def booster(self) -> lgb.Booster:
        """The trees. A corrupt text ends the process here, so the digest of a text must be checked first."""
        return lgb.Booster(model_str=self.text)

    @cached_property
    def score_of_one(self) -> OneRow:
        """The raw score of one row."""
        return OneRow(self.booster)

    @cached_property
    def shap_tables(self) -> ShapTables | None:
        """The tables of contributions; None if the trees do not fit into tables."""
        return None if unfit(self.text) else tables(self.text, len(self.features))

    def columns(self) -> tuple[str, ...]:
        """The block's columns that the model reads, sorted; they are enough to score a row again with equal results."""
        catalogue = {name for name in self.features if name not in ARITHMETIC}
        return tuple(sorted(catalogue | set(roll_forward.columns(self.standard, self.key.horizon))))


@dataclass(frozen=True)
class RiskPrediction:
    """A prediction for rows: arrays of shape (rows,), matrix (rows, features). served = a x (offset + raw) + c."""

    projection: Projection
    matrix: Array
    offset: Array
    raw: Array
    served: Array
    probability: Array


def predict(model: RiskModel, block: Block) -> RiskPrediction:
    """Served log-odds and probabilities. The trees have learned what a feature that is nan means."""
    projection = roll_forward.project(model.standard, block, model.key.horizon)
    offset = roll_forward.log_odds(projection.probability)
    rows = matrix(model.features, block, projection)
    raw = raw_scores(model, rows)
    served = model.calibration.apply(offset + raw)
    return RiskPrediction(projection, rows, offset, raw, served, expit(served))


def raw_scores(model: RiskModel, rows: Array) -> Array:
    """What the trees add to the offset, shape (rows,)."""
    if len(rows) <= ONE_BY_ONE:
        return np.array([model.score_of_one(row) for row in rows], dtype=np.float64)
    return np.asarray(model.booster.predict(rows, num_threads=_threads(rows), raw_score=True), dtype=np.float64)


def contributions(model: RiskModel, prediction: RiskPrediction) -> Array:
    """Exact TreeSHAP of the raw log-odds, shape (rows, features + 1); the last column is the base."""
    by_tables = model.shap_tables
    return by_tables(prediction.matrix) if by_tables else contributions_by_lightgbm(model, prediction.matrix)


def contributions_by_lightgbm(model: RiskModel, rows: Array) -> Array:
    """`contributions` by LightGBM's `pred_contrib`: to check the tables, and for trees that do not fit into them."""
    if not len(rows):
        return np.empty((0, len(model.features) + 1))
    return np.asarray(model.booster.predict(rows, num_threads=_threads(rows), pred_contrib=True), dtype=np.float64)


def interval_90(model: RiskModel, prediction: RiskPrediction) -> tuple[Array, Array]:
    """Ends of the probability's 90% interval, shape (rows,): the risk at the 5% and 95% points of the true rate.

    The roll-forward's log-odds at these points shift the served log-odds as the offset does, but are not clipped,
    because the low end may be zero. A shift in the wrong direction counts as 0, so the interval contains the
    probability.
    """
    slope = np.full(len(prediction.served), model.calibration.a)
    return intervals_90(slope, prediction.projection, prediction.served)


def intervals_90(slope: Array, projection: Projection, served: Array) -> tuple[Array, Array]:
    """`interval_90` for rows of several models; slope: of each row's calibration, shape (rows,)."""
    probabilities = (roll_forward.given_quantile(projection, ENDS), projection.probability)
    ends, middle = (roll_forward.log_odds(probability, bound=np.inf) for probability in probabilities)
    low, high = slope * (ends - middle)
    return expit(served + np.minimum(low, 0)), expit(served + np.maximum(high, 0))


def matrix(features: Iterable[str], block: Block, projection: Projection) -> Array:
    """The Booster's rows, shape (rows, features), C order; each column is from the block or the roll-forward."""
    names = tuple(features)
    derived = arithmetic(projection)
    out = np.empty((len(block), len(names)))
    own = [i for i, name in enumerate(names) if name not in derived]
    out[:, own] = block.matrix(names[i] for i in own)
    for i in set(range(len(names))).difference(own):
        out[:, i] = derived[names[i]]
    return out


def arithmetic(projection: Projection) -> dict[str, Array]:
    """The features of the roll-forward, by the names of ARITHMETIC, each of shape (rows,); nan if undefined."""
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
    """The number of threads: one for few rows, since waiting for a busy core costs milliseconds; else 0, all cores."""
    return 1 if len(rows) <= FEW_ROWS else 0


def _ratio(top: Array, bottom: Array) -> Array:
    return np.asarray(np.divide(top, bottom, out=np.full(len(top), np.nan), where=bottom > 0))
