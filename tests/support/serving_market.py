"""A marketplace of a few sellers over half a year, a bundle trained on it, and a home that a service can start from."""

from functools import cache
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd

from features.ingest.intake import open_frames
from features.labels import label
from features.ledger.build import Ledger, build_ledger
from features.standards.load import load
from features.standards.standard import Standard
from features.table import FeatureTable, build_table, usable
from models.arithmetic import roll_forward
from models.arithmetic.calibration import Calibration
from models.boosting import risk_model
from models.boosting.risk_model import ARITHMETIC, Bands, ModelKey, RiskModel
from models.bundle.bundle import Bundle, save
from serving.store.bundles import install
from serving.store.online_store import write_store

SELLERS, DAYS = 60, 200
START = pd.Timestamp("2026-01-01", tz="UTC")
ZONE = "Europe/Paris"
HORIZONS = (14, 28, 56)


@cache
def frames() -> dict[str, pd.DataFrame]:
    """Orders, returns, cases, feedback and sellers; some sellers fail more often than others."""
    rng = np.random.default_rng(7)
    pace, bad = rng.gamma(2.0, 0.8, SELLERS), rng.beta(2, 18, SELLERS)
    seller, day = np.nonzero(rng.random((SELLERS, DAYS)) < np.minimum(pace[:, None], 1))
    n = len(seller)
    ordered = START + pd.to_timedelta(day, "D") + pd.to_timedelta(rng.integers(0, 86_400, n), "s")
    slow, returned = rng.random(n) < bad[seller], rng.random(n) < 0.6 * bad[seller]
    ids = pd.Series(np.arange(n)).map("o{:05d}".format)
    delivered = ordered + pd.to_timedelta(np.where(slow, 9, 3), "D")
    orders = pd.DataFrame(
        {
            "order_id": ids,
            "line_id": "1",
            "seller_id": [f"s{i}" for i in seller],
            "item_id": [f"i{i % 7}" for i in seller],
            "category": [f"c{i % 3}" for i in seller],
            "price": "19.90",
            "ordered_at": ordered,
            "ship_by": ordered + pd.Timedelta(days=2),
            "shipped_at": ordered + pd.to_timedelta(np.where(slow, 4, 1), "D"),
            "promised_at": ordered + pd.Timedelta(days=5),
            "delivered_at": delivered,
            "cancelled_at": pd.Series([pd.NaT] * n, dtype="datetime64[us, UTC]"),
            "cancelled_by": pd.Series([None] * n, dtype="str"),
        }
    )
    back = orders[returned]
    returns = pd.DataFrame(
        {
            "return_id": "r" + back.order_id,
            "order_id": back.order_id,
            "line_id": "1",
            "opened_at": back.delivered_at + pd.Timedelta(days=6),
        }
    )
    end = START + pd.Timedelta(days=DAYS)
    known = ("shipped_at", "delivered_at")
    orders[list(known)] = orders[list(known)].where(orders[list(known)] < end)
    sellers = pd.DataFrame(
        {"seller_id": [f"s{i}" for i in range(SELLERS)], "region": [f"r{i % 4}" for i in range(SELLERS)]}
    )
    return {"orders": orders, "returns": returns[returns.opened_at < end], "sellers": sellers}


@cache
def ledger() -> Ledger:
    """The ledger of the whole record."""
    return build_ledger(open_frames(frames(), zone=ZONE, name="small"))


def standards() -> tuple[Standard, ...]:
    """The built-in standards that this record can fill."""
    return usable(load().standards, ledger().quantities)


@cache
def last_rows() -> FeatureTable:
    """Every seller at the last ledger day."""
    return build_table(ledger(), [ledger().last_day], standards())


@cache
def bundle() -> Bundle:
    """Quickly trained models of both risks and the late deliveries, for every horizon."""
    first = ledger().first_day
    rows = build_table(ledger(), range(first + 60, ledger().last_day - 27, 7), standards())
    chosen = [s for s in standards() if s.headline or s.part == "late_delivery"]
    models = tuple(_train(s, h, rows) for s in chosen for h in HORIZONS)
    read = {f.name: f for f in rows.features}
    return Bundle(models, read, rows.block, "sha256:small", "2026-06-01", {"data": "small"}, card="# Model card")


def _train(standard: Standard, horizon: int, rows: FeatureTable) -> RiskModel:
    names = (*(f.name for f in rows.features), *ARITHMETIC)
    ahead = roll_forward.project(standard, rows.block, horizon)
    known = np.isfinite(value := label(ledger(), rows, standard, horizon).value)
    matrix = risk_model.matrix(names, rows.block, ahead)
    offset = roll_forward.log_odds(ahead.probability)
    data = lgb.Dataset(matrix[known], value[known], init_score=offset[known], feature_name=list(names))
    settings = {
        "objective": "binary",
        "num_leaves": 15,
        "max_depth": 5,
        "min_data_in_leaf": 10,
        "verbose": -1,
        "num_threads": 1,
    }
    booster = lgb.train(settings, data, 60)
    key = ModelKey(standard.risk, standard.part, horizon)
    return RiskModel(key, standard, booster.model_to_string(), names, Calibration(0.9, -0.1), Bands(0.2, 0.5))


def as_frame(table: FeatureTable) -> pd.DataFrame:
    """The table as `foresell features` writes it."""
    numbers = {name: table.block[name] for name in table.block.names}
    keys = {"seller_id": table.seller_id, "as_of": table.as_of.astype("datetime64[D]")}
    return pd.DataFrame({**keys, **table.text, **numbers})


def make_home(home: Path) -> Bundle:
    """A home with a store and an installed champion, version 1; the bundle lies in home/trained."""
    saved = save(bundle(), home / "trained")
    write_store(ledger(), last_rows(), home / "store")
    install(home / "trained", "1", home)
    return saved
