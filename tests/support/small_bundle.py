"""A small marketplace as rows, with real features and standards, and a bundle of quickly trained models for it."""

from functools import cache

import duckdb
import lightgbm as lgb
import numpy as np
import pyarrow as pa

from core.block import Block
from features.columns.windows import quantity_of, span_of
from features.standards.load import load
from features.standards.standard import Standard
from features.table import TEXT, FeatureTable, numeric_names, plan
from models.arithmetic import roll_forward
from models.arithmetic.calibration import Calibration
from models.boosting import risk_model
from models.boosting.risk_model import ARITHMETIC, Bands, ModelKey, RiskModel
from models.bundle.bundle import Bundle

QUANTITIES = (
    "ordered",
    "delivered",
    "closed",
    "late",
    "cancelled_by_seller",
    "low_rating",
    "returned",
    "service_failure",
)


def headline(risk: str) -> Standard:
    """The standard that stands for a risk."""
    found = load().headline(risk)
    assert found is not None
    return found


SERVICE = Standard(
    name="service_failure_rate",
    version="1",
    title="Service failure rate",
    risk="service",
    headline=True,
    numerator=("service_failure",),
    denominator=("ordered",),
    window_days=60,
    limit=headline("service").limit,
    source="test",
)
RETURNS = headline("returns")
LATE = next(s for s in load().standards if s.part == "late_delivery")  # a complement, over 30 days
STANDARDS = (SERVICE, RETURNS, LATE)
DAYS, AS_OF, HORIZON, SELLERS = 160, 130, 28, 400


@cache
def daily(seed: int = 0) -> dict[str, np.ndarray]:
    """Each quantity by seller and day, shape (SELLERS, DAYS); sellers differ in size and in how often they fail."""
    rng = np.random.default_rng(seed)
    ordered = rng.poisson(rng.gamma(1.0, 1.0, (SELLERS, 1)), (SELLERS, DAYS))
    share = rng.beta(2, 25, SELLERS)[:, None]
    return {q: ordered if q in ("ordered", "delivered", "closed") else rng.binomial(ordered, share) for q in QUANTITIES}


def window(quantity: str, span: str, day: int) -> np.ndarray:
    """Sums over the trailing span at the close of a day, shape (SELLERS,)."""
    first = 0 if span == "all" else max(day - int(span) + 1, 0)
    return np.asarray(daily()[quantity][:, first : day + 1].sum(axis=1), dtype=float)


def days_since(quantity: str, day: int) -> np.ndarray:
    """Days since a seller's last event by a day, shape (SELLERS,); nan where there was none."""
    happened = daily()[quantity][:, day::-1] > 0
    return np.where(happened.any(axis=1), happened.argmax(axis=1), np.nan)


@cache
def table() -> FeatureTable:
    """One row per seller at AS_OF; published figures are the market's."""
    needs = plan(QUANTITIES, STANDARDS)
    counts = {c: window(quantity_of(c), span_of(c), AS_OF) for c in needs.windows}
    figures = {f"{group}_{c}": np.full(SELLERS, counts[c].sum()) for group, c in needs.groups}
    since = {name: days_since(name.removeprefix("since_"), AS_OF) for name in needs.since}
    plain = counts | figures | since | {n: np.full(SELLERS, 100.0) for n in ("peer_sellers", "active", "tenure_days")}
    formulas = ", ".join(f"cast({f.formula} as double) as {f.name}" for f in needs.features)
    with duckdb.connect() as con:
        con.register("counts", pa.table(plain))
        values = con.execute(f"select {formulas} from counts").fetchnumpy()
    columns = plain | {f.name: np.ma.filled(values[f.name], np.nan) for f in needs.features}
    names = numeric_names(needs)
    text = {name: np.full(SELLERS, "home", dtype=object) for name in TEXT}
    sellers = np.array([f"s{i}" for i in range(SELLERS)], dtype=object)
    block = Block(names, np.column_stack([columns[name] for name in names]))
    return FeatureTable(sellers, np.full(SELLERS, AS_OF), text, block, needs.features)


def label(standard: Standard) -> np.ndarray:
    """Breach one horizon later, as a float of shape (SELLERS,)."""
    bad, volume = (
        np.sum([window(q, str(standard.window_days), AS_OF + HORIZON) for q in names], axis=0)
        for names in (standard.numerator, standard.denominator)
    )
    return standard.breach(bad, volume).astype(float)


def train(standard: Standard, a: float = 0.8, c: float = -0.2, trees: int = 30) -> RiskModel:
    """A quickly trained model with a calibration that is not the identity."""
    rows = table()
    names = (*(f.name for f in rows.features), *ARITHMETIC)
    ahead = roll_forward.project(standard, rows.block, HORIZON)
    data = lgb.Dataset(
        risk_model.matrix(names, rows.block, ahead),
        label(standard),
        init_score=roll_forward.log_odds(ahead.probability),
        feature_name=list(names),
    )
    booster = lgb.train(
        {"objective": "binary", "num_leaves": 7, "min_data_in_leaf": 10, "verbose": -1, "seed": 0, "num_threads": 1},
        data,
        trees,
    )
    key = ModelKey(standard.risk, standard.part, HORIZON)
    return RiskModel(key, standard, booster.model_to_string(), names, Calibration(a, c), Bands(0.2, 0.5))


@cache
def bundle() -> Bundle:
    """Models of both risks and of one part."""
    models = tuple(train(s) for s in STANDARDS)
    features = {f.name: f for f in table().features}
    return Bundle(models, features, table().block, "sha256:0", "2026-02-01", {"data": "small"})
