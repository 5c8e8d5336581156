"""What a model said out of time, kept beside it, so that a later one can be compared with it on the same weeks."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.material import Material
from training.scoring import Tested

Array = NDArray[np.float64]
FILE = "tested.parquet"
COLUMNS = ("risk", "horizon", "seller_id", "as_of", "probability")


def rows_to_keep(material: Material, risk: str, tested: Tested, horizon: int) -> pd.DataFrame:
    """The first seed's probabilities of the test period: each from a fit that had not seen its row's label."""
    table = material.active
    return rows_of(risk, horizon, table.seller_id[tested.rows], table.as_of[tested.rows], tested.scores["model"][0])


def rows_of(
    risk: str, horizon: int, seller_id: NDArray[np.object_], as_of: NDArray[np.int64], probability: Array
) -> pd.DataFrame:
    """Rows of the file; arrays of shape (rows,)."""
    columns = (risk, horizon, seller_id.astype(str), as_of, probability)
    return pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))


def kept(path: Path) -> pd.DataFrame:
    """The rows of a file; none where there is no such file."""
    return pd.read_parquet(path) if path.exists() else pd.DataFrame(columns=list(COLUMNS))


def said(
    known: pd.DataFrame, risk: str, horizon: int, seller_id: NDArray[np.object_], as_of: NDArray[np.int64]
) -> Array:
    """The kept probability of each seller and day, shape (rows,); nan where none was kept."""
    mine = known[(known["risk"] == risk) & (known["horizon"] == horizon)]
    by_key = dict(zip(zip(mine["seller_id"], mine["as_of"], strict=True), mine["probability"], strict=True))
    keys = zip(seller_id.astype(str).tolist(), as_of.tolist(), strict=True)
    return np.array([by_key.get(key, np.nan) for key in keys], dtype=np.float64)
