"""The sentences of many rows at once; `sentences` words each distinct number once."""

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.catalogue.sentences import NOTHING_KNOWN, UNKNOWN, Field, SentencePart, parts

Columns = Mapping[str, NDArray[Any]]  # float64, or texts as objects; each of shape (rows,)
Array = NDArray[np.float64]
Text = Any  # an Arrow array of texts, or a scalar for a text that all rows have


def fill_rows(template: str, columns: Columns, rows: int) -> pa.StringArray:
    """`sentences.fill` of the template for each row, shape (rows,); columns: those that the template names."""
    whole = _joined([_part(part, columns) for part in parts(template)])
    return _capitalised(pa.repeat(whole, rows) if isinstance(whole, pa.Scalar) else whole)


def _part(part: SentencePart, columns: Columns) -> Text:
    """The words of a part; empty where it is optional and a field of it has no content."""
    words = _joined([pa.scalar(p) if isinstance(p, str) else _field(p, columns) for p in part.pieces])
    fields = [piece for piece in part.pieces if isinstance(piece, Field)]
    if not part.optional or not fields:
        return words
    return pc.if_else(pa.array(reduce(np.logical_and, [_has_content(field, columns) for field in fields])), words, "")


def _field(field: Field, columns: Columns) -> Text:
    """The words of a field; each distinct number is worded once."""
    if _is_text(field, columns):
        texts = pa.array(columns[field.expression], pa.string())
        return pc.if_else(pc.equal(texts, ""), UNKNOWN, texts)
    numbers = _value(field, columns)
    bits = np.where(np.isnan(numbers), np.nan, numbers).view(np.int64)  # -0 is not 0, and nan is one number
    coded = pa.array(bits).dictionary_encode()
    distinct = np.asarray(coded.dictionary).view(np.float64).tolist()
    return pa.array([field.worded(number) for number in distinct], pa.string()).take(coded.indices)


def _has_content(field: Field, columns: Columns) -> NDArray[np.bool_]:
    """Whether a field is known and, if it is a bare count, not 0."""
    if _is_text(field, columns):
        return np.asarray(columns[field.expression] != "", dtype=bool)
    number = _value(field, columns)
    return np.asarray(~np.isnan(number) & ~(field.bare & (number == 0)))


def _value(field: Field, columns: Columns) -> Array:
    """The expression in each row; nan where it divides by zero."""
    total = np.zeros(1)
    for sign, term in field.terms:
        total = _step(total, sign, columns[term] if isinstance(term, str) else np.full(1, term))
    return total


def _step(total: Array, sign: str, number: Array) -> Array:
    if sign == "/":
        top, bottom = np.broadcast_arrays(total, number)
        return np.asarray(np.divide(top, bottom, out=np.full(len(top), np.nan), where=bottom != 0))
    return total * number if sign == "*" else total - number if sign == "-" else total + number


def _joined(texts: Sequence[Text]) -> Text:
    return pc.binary_join_element_wise(*texts, "") if texts else pa.scalar("")


def _capitalised(texts: pa.StringArray) -> pa.StringArray:
    """The texts with a capital first letter; NOTHING_KNOWN for an empty text."""
    first = pc.utf8_slice_codeunits(texts, 0, 1).dictionary_encode()
    capital = pa.array([letter.upper() for letter in first.dictionary.to_pylist()], pa.string()).take(first.indices)
    capitalised = pc.binary_join_element_wise(capital, pc.utf8_slice_codeunits(texts, 1), "")
    return pc.if_else(pc.equal(texts, ""), NOTHING_KNOWN, capitalised)


def _is_text(field: Field, columns: Columns) -> bool:
    return field.expression in columns and columns[field.expression].dtype == object
