"""Scores on Spark: every node has a copy of the bundle and scores blocks of rows as on one machine."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from core.block import Block
from features.engines.spark import Spark, quiet_pandas
from features.table import TEXT, FeatureTable, Plan, numeric_names
from models.batch.score_file import Scorer
from models.bundle.bundle import Bundle, load

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class SparkModel:
    """The bundle's folder, to be copied to every node; its digest and version; and the sellers with lost rows."""

    folder: Path
    digest: str
    version: str
    incomplete: frozenset[str] = frozenset()

    def scorer(self, folder: Path) -> Scorer:
        """The scorer of the bundle's copy in a folder."""
        return Scorer(_loaded(str(folder), self.digest), self.version, self.incomplete)


def scores(con: Spark, rows: str, needs: Plan, model: SparkModel) -> "DataFrame":
    """The scores of a query's rows (columns as in `table.written_sql`)."""
    from pyspark.sql.pandas.types import from_arrow_schema

    frame, context = con.sql(rows).frame, con.session.sparkContext
    context.addFile(str(model.folder), recursive=True)
    names = numeric_names(needs)
    no_rows = FeatureTable(*_empty(), Block(names, np.empty((0, len(names)))), ())
    schema = model.scorer(model.folder).scores(no_rows).schema
    with quiet_pandas():
        return frame.mapInArrow(_work(model, names), from_arrow_schema(schema))


def write_scores(con: Spark, rows: str, needs: Plan, model: SparkModel, out: Path) -> None:
    """Write the scores as a folder of Parquet files."""
    with quiet_pandas():
        scores(con, rows, needs, model).write.parquet(str(out))


Batches = Iterator[pa.RecordBatch]


def _work(model: SparkModel, names: Sequence[str]) -> Callable[[Batches], Batches]:
    """The function with which a node scores its blocks of rows."""

    def work(batches: Batches) -> Batches:
        from pyspark import SparkFiles

        scorer = model.scorer(Path(SparkFiles.get(model.folder.name)))
        for rows in batches:
            yield from scorer.scores(table_of(rows, names)).to_batches()

    return work


@cache
def _loaded(folder: str, digest: str) -> Bundle:
    """The bundle, loaded once in each process of a node."""
    return load(Path(folder), digest)


def table_of(rows: pa.RecordBatch, names: Sequence[str]) -> FeatureTable:
    """A batch of written rows as a feature table."""
    values = np.column_stack([_numbers(rows[name]) for name in names])
    text = {name: _texts(rows[name]) for name in TEXT}
    days = rows["as_of"].cast(pa.int32()).to_numpy().astype(np.int64)
    return FeatureTable(_texts(rows["seller_id"]), days, text, Block(tuple(names), values), ())


def _numbers(column: pa.Array) -> NDArray[np.float64]:
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)


def _texts(column: pa.Array) -> NDArray[np.object_]:
    return np.asarray(column.to_pylist(), dtype=object)


def _empty() -> tuple[NDArray[np.object_], NDArray[np.int64], dict[str, NDArray[np.object_]]]:
    no_texts = np.empty(0, dtype=object)
    return no_texts, np.empty(0, dtype=np.int64), dict.fromkeys(TEXT, no_texts)
