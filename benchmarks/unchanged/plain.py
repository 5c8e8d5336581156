"""Values without words, and digests of tables."""

import hashlib
import json
import math
import re
from typing import Any

import duckdb
import numpy as np
import pandas as pd

DIGESTS = frozenset({"digest", "bundle_digest", "model_digest", "champion_digest", "challenger_digest"})  # of words too
DROPPED = DIGESTS | {"decision_id", "key", "key_id", "card"}  # the card is words; its numbers are the report's
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
NUMBER = re.compile(r"\d[\d.,]*\d|\d")
LONGEST = 50  # a longer list of plain values counts as one digest
Detail = dict[str, Any]  # what a part of the product gave: plain values by name


def sha(text: str | bytes) -> str:
    """A short digest."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()[:20]


def plain(value: Any) -> Any:
    """A value without words."""
    if not isinstance(value, str) or not re.search(r"\s", value):
        return "a moment" if isinstance(value, str) and MOMENT.match(value) else value
    return "numbers: " + " ".join(sorted(NUMBER.findall(value)))


def leaves(value: Any, path: str = "") -> Detail:
    """Every plain value of a JSON document by its path."""
    if isinstance(value, dict):
        found = (leaves(inner, f"{path}/{name}") for name, inner in value.items() if name not in DROPPED)
    elif isinstance(value, list):
        if len(value) > LONGEST and not any(isinstance(inner, dict | list) for inner in value):
            return {path: f"{len(value)} values, {sha(json.dumps([plain(inner) for inner in value]))}"}
        found = (leaves(inner, f"{path}/{n}") for n, inner in enumerate(value))
    else:
        return {} if isinstance(value, str) and value.startswith("/") else {path: plain(value)}
    return {name: inner for part in found for name, inner in part.items()}


def columns(source: str, name: str = "") -> Detail:
    """Of each column of a file or query: a digest of its values in the order of the first columns, and a mean."""
    with duckdb.connect() as con:
        con.execute("set timezone = 'UTC'")
        return frame(con.execute(f"select * from {source} order by all").df(), name)


def frame(table: pd.DataFrame, name: str = "") -> Detail:
    """The same of a table in memory."""
    found: Detail = {f"{name}(columns)": f"{len(table)} rows, {sha(' '.join(table.columns))}"}
    return found | {f"{name}{column}": one_column(table[column]) for column in table.columns}


def one_column(column: "pd.Series[Any]") -> str:
    if column.dtype.kind not in "iuf":
        return sha("\n".join(str(plain(value)) for value in column.astype(object)))
    values = column.to_numpy()
    mean = float(np.nanmean(values)) if len(values) and not np.isnan(values.astype(float)).all() else math.nan
    return f"{sha(np.ascontiguousarray(values + 0).tobytes())} mean {mean:.15g}"
