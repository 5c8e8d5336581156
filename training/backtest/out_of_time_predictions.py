"""Out-of-time predictions, stored with a model. A later model is compared with them on the same weeks."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.backtest.scores import TestPeriodScores
from training.dataset.dataset import Dataset

Array = NDArray[np.float64]
FILE = "tested.parquet"
COLUMNS = ("risk", "horizon", "seller_id", "as_of", "probability")


def backtest_predictions(dataset: Dataset, risk: str, test_period: TestPeriodScores, horizon: int) -> pd.DataFrame:
    """The first seed's probabilities of the test period, each from a fit that had not learned from the row's label."""
    table = dataset.active
    return prediction_rows(
        risk, horizon, table.seller_id[test_period.rows], table.as_of[test_period.rows], test_period.scores["model"][0]
    )


def prediction_rows(
    risk: str, horizon: int, seller_id: NDArray[np.object_], as_of: NDArray[np.int64], probability: Array
) -> pd.DataFrame:
    """The table that the file holds; arrays of shape (rows,)."""
    columns = (risk, horizon, seller_id.astype(str), as_of, probability)
    return pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))


def read_predictions(path: Path) -> pd.DataFrame:
    """The rows of a file; an empty table if there is no such file."""
    return pd.read_parquet(path) if path.exists() else pd.DataFrame(columns=list(COLUMNS))


def predictions_of(
    known: pd.DataFrame, risk: str, horizon: int, seller_id: NDArray[np.object_], as_of: NDArray[np.int64]
) -> Array:
    """The stored probability of each seller and day, shape (rows,); nan where there is none."""
    mine = known[(known["risk"] == risk) & (known["horizon"] == horizon)]
    by_key = dict(zip(zip(mine["seller_id"], mine["as_of"], strict=True), mine["probability"], strict=True))
    keys = zip(seller_id.astype(str).tolist(), as_of.tolist(), strict=True)
    return np.array([by_key.get(key, np.nan) for key in keys], dtype=np.float64)
