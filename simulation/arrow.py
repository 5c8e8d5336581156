"""Whole-number columns as Arrow tables in the contract's types."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.ingest.contract import TABLES, Column
from simulation.draws import Bools, Ints
from simulation.orders import NULL

MICROS = 1_000_000
TIME = pa.timestamp("us", "UTC")
MONEY = pa.decimal128(14, 2)
PREFIX = {"order_id": "o", "return_id": "r", "case_id": "c", "feedback_id": "f"}
UNHEARD_OF = "customer"  # what a broken row holds where the contract lists choices
Names = Mapping[str, Sequence[str]]  # texts by column, which the column's numbers count


def arrow_table(table: str, rows: Mapping[str, Ints], names: Names) -> pa.Table:
    """The rows as a table of the contract: ids from numbers, texts from `names`, times in UTC, money as decimals."""
    columns = [c for c in TABLES[table].columns if c.name in rows]
    return pa.table({c.name: _array(c, rows[c.name], names) for c in columns})


def _array(column: Column, values: Ints, names: Names) -> pa.Array:
    if column.name in PREFIX and column.name not in names:
        return _numbered(PREFIX[column.name], values)
    if column.kind == "text":
        return _named(values, names[column.name])
    return WRITERS[column.kind](column, values)


def _time(column: Column, values: Ints) -> pa.Array:
    return _masked(values * np.where(values == NULL, 1, MICROS), pa.int64(), values).view(TIME)


def _boolean(column: Column, values: Ints) -> pa.Array:
    return _masked(values == 1, pa.bool_(), values)


def _whole(column: Column, values: Ints) -> pa.Array:
    return _masked(values, pa.int32(), values)


def _choice(column: Column, values: Ints) -> pa.Array:
    """One of the contract's choices; a number past them is a value that the contract does not know."""
    return _named(np.minimum(values, len(column.choices)), (*column.choices, UNHEARD_OF))


def _money(column: Column, cents: Ints) -> pa.Array:
    """Decimals built from their 128 bits: the lower half is the cents, the upper half the sign."""
    plain = np.where(cents == NULL, 0, cents)
    words = np.stack([plain, plain >> 63], axis=1)
    known = pa.array(cents != NULL).buffers()[1]
    return pa.Array.from_buffers(MONEY, len(cents), [known, pa.py_buffer(words.tobytes())])


def _masked(values: Ints | Bools, kind: pa.DataType, source: Ints) -> pa.Array:
    missing = source == NULL
    return pa.array(np.where(missing, 0, values), kind, mask=missing)


def _numbered(prefix: str, values: Ints) -> pa.Array:
    numbers = pc.cast(_masked(values, pa.int64(), values), pa.string())
    return pc.binary_join_element_wise(prefix, numbers, "")


def _named(values: Ints, names: Sequence[str]) -> pa.Array:
    codes = _masked(values, pa.int32(), values)
    return pa.DictionaryArray.from_arrays(codes, pa.array(names, pa.string()))


WRITERS: Mapping[str, Callable[[Column, Ints], pa.Array]] = {
    "time": _time,
    "time_or_date": _time,
    "boolean": _boolean,
    "whole": _whole,
    "choice": _choice,
    "money": _money,
}
