"""The catalogue's features of rows in memory, such as the projected rows of a what-if question."""

from collections.abc import Collection
from functools import cache

import duckdb
import numpy as np
import pyarrow as pa

from core.block import Block
from core.sql_text import columns_in
from features.catalogue.feature import Feature
from features.engines.duckdb import Engine, connect

ROWS = "rows_to_derive"


def with_features(block: Block, features: Collection[Feature]) -> Block:
    """The block with each feature's column computed again, by the SQL that makes the feature table.

    The block must have every column that the formulas name. nan stands for unknown, as in the feature table.
    """
    if not features:  # as of a model of the window's arithmetic alone
        return block
    inputs = {name for feature in features for name in columns_in(feature.formula)}
    rows = pa.table({name: pa.array(block[name], from_pandas=True) for name in sorted(inputs)} | _number(len(block)))
    formulas = ", ".join(f"cast({f.formula} as double)" for f in features)
    with _connection().cursor() as cursor:
        con: Engine = cursor
        con.register(ROWS, rows)
        computed = con.execute(f"select {formulas} from {ROWS} order by row_number").fetchall()
    values = block.values.copy()
    values[:, [block.index[feature.name] for feature in features]] = np.array(computed, dtype=np.float64)
    return Block(block.names, values)


def _number(rows: int) -> dict[str, pa.Array]:
    return {"row_number": pa.array(np.arange(rows))}


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    con = connect()
    con.execute("set threads = 1")  # there are few rows, so more threads would only wait for each other
    return con
