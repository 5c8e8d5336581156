"""The bundle as an mlflow.pyfunc model: MLflow runs this file, with the bundle's folder as its artifact.

`mlflow.lightgbm` cannot be used, because it leaves out the offset and the calibration.
"""

from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from core.block import Block
from features.table import TEXT, FeatureTable
from models.batch.score_columns import batch
from models.bundle.bundle import load

KEYS = ("seller_id", "as_of", *TEXT)


class PyfuncModel(PythonModel):
    """Scores rows of the feature table, with the same results as the service."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load and check the bundle."""
        self.bundle = load(Path(context.artifacts["bundle"]))

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """One row per risk and row of the table, as `foresell score` writes it; params: horizon_days."""
        horizon = int((params or {}).get("horizon_days", 28))
        scores: pd.DataFrame = batch(self.bundle, as_table(model_input), horizon).to_pandas()
        return scores


def as_table(rows: pd.DataFrame) -> FeatureTable:
    """The feature table that `foresell features` wrote; all columns but the keys and attributes are numbers."""
    names = tuple(str(name) for name in rows.columns if name not in KEYS)
    text = {name: rows[name].to_numpy(dtype=object) for name in TEXT}
    block = Block(names, rows[list(names)].to_numpy(dtype=np.float64))
    return FeatureTable(rows["seller_id"].to_numpy(dtype=object), _days(rows["as_of"]), text, block, ())


def _days(as_of: "pd.Series[Any]") -> "np.ndarray[tuple[int, ...], np.dtype[np.int64]]":
    """Day numbers since 1970-01-01, from dates or from day numbers."""
    if pd.api.types.is_integer_dtype(as_of):
        return as_of.to_numpy(dtype=np.int64)
    return pd.to_datetime(as_of).to_numpy().astype("datetime64[D]").astype(np.int64)


mlflow.models.set_model(PyfuncModel())
