"""A marketplace of drifting sellers, large enough to learn from and small enough for a test."""

from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.reference import PublicReference
from features.ingest.intake import Marketplace, open_frames
from features.standards.load import parse
from features.standards.standard import Standard, StandardsFile
from training.backtest.backtest import report
from training.backtest.scores import Options
from training.dataset.dataset import Dataset, prepare_dataset

SELLERS, DAYS = 70, 250
START = pd.Timestamp("2024-01-01", tz="UTC")
STANDARDS = """
[[standard]]
name = "late_rate"
version = "1"
title = "Late <rate>"
risk = "service"
headline = true
numerator = ["late"]
denominator = ["ordered"]
window_days = 60
limit = 0.15
comparator = "<="
minimum_volume = 20
source = "test"

[backtest]
first = 60
test_from = 150
data_end = 249
"""


def standards() -> StandardsFile:
    """One headline: the share of late orders."""
    return parse(STANDARDS, "the test's standards")


def service_standard() -> Standard:
    """That headline."""
    found = standards().headline("service")
    assert found is not None
    return found


@cache
def frames() -> dict[str, pd.DataFrame]:
    """Orders that are late as often as their seller's wandering rate says."""
    rng = np.random.default_rng(3)
    wander = np.cumsum(rng.normal(0, 0.12, (SELLERS, DAYS)), axis=1) + rng.normal(-2.2, 0.5, (SELLERS, 1))
    counts = rng.poisson(rng.uniform(0.2, 2.0, (SELLERS, 1)), (SELLERS, DAYS))
    seller, day = (np.repeat(axis.ravel(), counts.ravel()) for axis in np.indices(counts.shape))
    late = rng.random(len(day)) < 1 / (1 + np.exp(-wander[seller, day]))
    ordered = START + pd.to_timedelta(day, "D") + pd.Timedelta(hours=9)
    orders = pd.DataFrame(
        {
            "order_id": [f"o{i}" for i in range(len(day))],
            "line_id": "1",
            "seller_id": [f"s{s:03d}" for s in seller],
            "category": [f"c{s % 3}" for s in seller],
            "ordered_at": ordered,
            "promised_at": ordered + pd.Timedelta(days=2),
            "delivered_at": ordered + pd.to_timedelta(np.where(late, 4, 1), "D"),
        }
    )
    return {"orders": orders, "sellers": pd.DataFrame({"seller_id": sorted(orders.seller_id.unique())})}


def market() -> Marketplace:
    """The record, opened anew: a backtest holds back rows of the marketplace it is given."""
    return open_frames(frames(), name="drifting <sellers>")


@cache
def dataset() -> Dataset:
    """Its rows, made once for all tests."""
    return prepare_dataset(market(), standards())


@cache
def found() -> Any:
    """Its report of two seeds, made once."""
    return report(dataset(), Options(seeds=(0, 1), extension=PublicReference(("category",))))
