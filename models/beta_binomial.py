"""The beta-binomial distribution for many rows at once, each with its own n; scipy's takes one slow path for all.

Bad events among n orders whose failing rate is itself uncertain, Beta(a, b): n whole and >= 0, a > 0, b > 0.
A row's answer does not depend, to the bit, on the rows it is computed with.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaln

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
CELLS = 1 << 16  # terms worked on at once, so that memory does not grow with rows x n


def mean(n: ArrayLike, a: ArrayLike, b: ArrayLike) -> Array:
    """Expected events, n a / (a + b); shapes broadcast."""
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return np.asarray(np.asarray(n, np.float64) * first / (first + second))


def sf(k: ArrayLike, n: ArrayLike, a: ArrayLike, b: ArrayLike) -> Array:
    """P(X > k), shape (rows,), 0..1; k of any sign, floored. Sums the terms on the shorter side of k."""
    edge, n, a, b = _rows(k, n, a, b)
    edge = np.floor(edge)
    out = np.where(edge < 0, 1.0, 0.0)
    inside = np.flatnonzero((edge >= 0) & (edge < n))
    edge, n, a, b = edge[inside], n[inside], a[inside], b[inside]
    below = edge + 1 <= n - edge
    first, count = np.where(below, 0.0, edge + 1), np.where(below, edge + 1, n - edge).astype(np.int64)
    total = np.empty(len(inside))
    for rows in _chunks(count):
        terms = _cumulated(first[rows], int(count[rows].max()), n[rows], a[rows], b[rows])
        total[rows] = terms[np.arange(len(rows)), count[rows] - 1]
    out[inside] = np.where(below, 1 - total, total)
    return np.asarray(np.clip(out, 0, 1))


def quantiles(shares: tuple[ArrayLike, ...], n: ArrayLike, a: ArrayLike, b: ArrayLike) -> Array:
    """Smallest x with P(X <= x) >= share, for each share in (0, 1), one or one a row; shape (len(shares), rows)."""
    n, a, b = _rows(n, a, b)
    asked = [np.broadcast_to(np.asarray(share, np.float64), n.shape) for share in shares]
    count = n.astype(np.int64) + 1
    out = np.empty((len(shares), len(n)))
    for rows in _chunks(count):
        below = _cumulated(np.zeros(len(rows)), int(count[rows].max()), n[rows], a[rows], b[rows])
        for i, share in enumerate(asked):
            out[i, rows] = np.minimum((below < share[rows, None]).sum(axis=1), n[rows])
    return out


def log_pmf(x: ArrayLike, n: ArrayLike, a: ArrayLike, b: ArrayLike) -> Array:
    """log P(X = x) for whole x in 0..n; shapes broadcast. Binomial coefficient and beta functions through log B."""
    x, n, a, b = (np.asarray(v, np.float64) for v in (x, n, a, b))
    choose = -np.log1p(n) - betaln(n - x + 1, x + 1)
    return np.asarray(choose + betaln(x + a, n - x + b) - betaln(a, b))


def _rows(*values: ArrayLike) -> tuple[Array, ...]:
    columns = [np.atleast_1d(np.asarray(v, np.float64)) for v in values]
    rows = max(columns, key=len).shape if all(map(len, columns)) else (0,)
    return tuple(column if column.shape == rows else np.broadcast_to(column, rows) for column in columns)


def _chunks(count: Whole) -> Iterator[Whole]:
    """Row numbers in groups of like count, for little padding; a group holds at most CELLS terms, or one row."""
    if 0 < len(count) * count.max(initial=0) <= CELLS:
        yield np.arange(len(count))
        return
    order, start = np.argsort(count, kind="stable"), 0
    while start < len(order):
        widths = count[order[start : start + CELLS]]
        fit = np.searchsorted(widths * np.arange(1, len(widths) + 1), CELLS, side="right")
        yield order[start : start + max(1, int(fit))]
        start += max(1, int(fit))


def _cumulated(first: Array, terms: int, n: Array, a: Array, b: Array) -> Array:
    """Running sums of P(X = first), P(X = first + 1), ...; shape (rows, terms). Past n they stand still.

    Each term follows from the one before: P(j + 1) / P(j) = (n - j)(j + a) / ((j + 1)(n - j - 1 + b)).
    Sums run from left to right, which padding cannot change; numpy's pairwise sum would.
    """
    n, a, b = n[:, None], a[:, None], b[:, None]
    j = first[:, None] + np.arange(terms - 1)
    left = np.maximum(n - j, 1)  # past n any number will do
    step = np.log(left * (j + a) / ((j + 1) * (left - 1 + b)))
    logs = np.cumsum(np.concatenate([log_pmf(first[:, None], n, a, b), step], axis=1), axis=1)
    logs[:, 1:][j >= n] = -np.inf
    return np.asarray(np.cumsum(np.exp(logs), axis=1))
