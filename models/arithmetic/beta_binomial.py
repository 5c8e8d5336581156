"""The beta-binomial distribution for many rows at once, each with its own n; `scipy.stats.betabinom` is far slower.

X is the number of bad events among n orders whose bad share is uncertain, Beta(a, b): n whole and >= 0, a > 0, b > 0.
P(X = x) = C(n, x) B(x + a, n - x + b) / B(a, b). Arguments are numbers or arrays of shape (rows,).
The result of a row is the same, to the bit, whatever other rows are computed with it.

>>> sf(1, 2, 1, 1).round(12)  # a uniform share: 0, 1 and 2 of 2 are equally likely
array([0.33333333])
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaln

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
CELLS = 1 << 16  # terms computed at once, so that memory does not grow with rows x n


def mean(n: ArrayLike, a: ArrayLike, b: ArrayLike) -> Array:
    """Expected events, n a / (a + b), 0..n; shapes broadcast.

    >>> mean(40, 2, 38)
    array(2.)
    """
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return np.asarray(np.asarray(n, np.float64) * first / (first + second))


def sf(k: ArrayLike, n: ArrayLike, a: ArrayLike, b: ArrayLike) -> Array:
    """P(X > k), shape (rows,), 0..1; k of any sign, rounded down. Sums the terms on the shorter side of k."""
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
    """Smallest x with P(X <= x) >= share; shape (len(shares), rows). A share is in (0, 1): a number, or one per row.

    >>> quantiles((0.05, 0.5), 2, 1, 1)
    array([[0.],
           [1.]])
    """
    n, a, b = _rows(n, a, b)
    by_row = [np.broadcast_to(np.asarray(share, np.float64), n.shape) for share in shares]
    count = n.astype(np.int64) + 1
    out = np.empty((len(shares), len(n)))
    for rows in _chunks(count):
        below = _cumulated(np.zeros(len(rows)), int(count[rows].max()), n[rows], a[rows], b[rows])
        for i, share in enumerate(by_row):
            out[i, rows] = np.minimum((below < share[rows, None]).sum(axis=1), n[rows])
    return out


def log_pmf(x: ArrayLike, n: ArrayLike, a: ArrayLike, b: ArrayLike) -> Array:
    """log P(X = x) for whole x in 0..n; shapes broadcast. The binomial coefficient is also computed through log B.

    >>> np.exp(log_pmf([0, 1, 2], 2, 1, 1)).round(12)
    array([0.33333333, 0.33333333, 0.33333333])
    """
    x, n, a, b = (np.asarray(v, np.float64) for v in (x, n, a, b))
    choose = -np.log1p(n) - betaln(n - x + 1, x + 1)
    return np.asarray(choose + betaln(x + a, n - x + b) - betaln(a, b))


def _rows(*values: ArrayLike) -> tuple[Array, ...]:
    columns = [np.atleast_1d(np.asarray(v, np.float64)) for v in values]
    rows = max(columns, key=len).shape if all(map(len, columns)) else (0,)
    return tuple(column if column.shape == rows else np.broadcast_to(column, rows) for column in columns)


def _chunks(count: Whole) -> Iterator[Whole]:
    """Row numbers in groups of similar count, for little padding; a group has at most CELLS terms, or one row."""
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
    """Running sums of P(X = first), P(X = first + 1), ...; shape (rows, terms). They stay constant past n.

    Each term is computed from the one before: P(j + 1) / P(j) = (n - j)(j + a) / ((j + 1)(n - j - 1 + b)).
    Terms are added from left to right, so that padding does not change a sum, as it would with numpy's pairwise sum.
    """
    n, a, b = n[:, None], a[:, None], b[:, None]
    j = first[:, None] + np.arange(terms - 1)
    left = np.maximum(n - j, 1)  # terms past n are set to 0 below
    step = np.log(left * (j + a) / ((j + 1) * (left - 1 + b)))
    logs = np.cumsum(np.concatenate([log_pmf(first[:, None], n, a, b), step], axis=1), axis=1)
    logs[:, 1:][j >= n] = -np.inf
    return np.asarray(np.cumsum(np.exp(logs), axis=1))
