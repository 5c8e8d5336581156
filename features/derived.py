"""The catalogue's formulas over rows that are no seller's yet: windows and figures in, the same rows with features."""

from collections.abc import Collection
from functools import cache

import duckdb
import numpy as np
import pyarrow as pa

from features.block import Block
from features.engine import Engine, connect
from features.feature import IDENTIFIER, Feature

ROWS = "rows_to_derive"


def with_features(block: Block, features: Collection[Feature]) -> Block:
    """The block with each feature's column worked out anew, by the SQL that the feature table is made with.

    block has every column that the formulas name. nan is what is not known, as in the feature table.
    """
    read = {word for feature in features for word in IDENTIFIER.findall(feature.formula)} & {*block.names}
    given = pa.table({name: pa.array(block[name], from_pandas=True) for name in sorted(read)} | _number(len(block)))
    chosen = ", ".join(f"cast({f.formula} as double)" for f in features)
    with _connection().cursor() as cursor:
        con: Engine = cursor
        con.register(ROWS, given)
        found = con.execute(f"select {chosen} from {ROWS} order by row_number").fetchall()
    values = block.values.copy()
    values[:, [block.index[feature.name] for feature in features]] = np.array(found, dtype=np.float64)
    return Block(block.names, values)


def _number(rows: int) -> dict[str, pa.Array]:
    return {"row_number": pa.array(np.arange(rows))}


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    con = connect()
    con.execute("set threads = 1")  # a few rows: more threads would only wait for one another
    return con
