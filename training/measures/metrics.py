"""Measures of one score. Ties are handled so that the order of the rows never matters."""

from dataclasses import asdict, dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from training.report_schema import MetricFigures

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
EPS = 1e-6  # probabilities are clipped to EPS..1-EPS before a logarithm
BINS = 10
TOP_SHARE = 20  # precision and recall are measured on the top twentieth, 5%
REPLICATES_AT_ONCE = 50  # limits the memory of a bootstrap


@dataclass(frozen=True)
class Metrics:
    """The figures of docs/contract.md section 5 for one score on one slice."""

    roc_auc: float
    average_precision: float
    brier: float
    log_loss: float
    calibration_slope: float
    calibration_intercept: float
    ece: float
    precision_at_5pct: float
    recall_at_5pct: float

    def as_json(self) -> MetricFigures:
        """Plain values."""
        return cast(MetricFigures, asdict(self))


def measure(label: Array, score: Array) -> Metrics:
    """All figures of a score. label: 0 or 1, both present; score: any number; clipped to 0..1 where needed."""
    slope, intercept = calibration_line(label, score)
    precision, recall = top_share(label, score)
    return Metrics(
        roc_auc=float(roc_auc_score(label, score)),
        average_precision=average_precision(label, score),
        brier=float(squared_error(label, score).mean()),
        log_loss=log_loss(label, score),
        calibration_slope=slope,
        calibration_intercept=intercept,
        ece=expected_calibration_error(label, score),
        precision_at_5pct=precision,
        recall_at_5pct=recall,
    )


def average_precision(label: Array, score: Array) -> float:
    """Average precision as scikit-learn defines it: the sum of precision x gain in recall over distinct scores."""
    ones = np.ones((1, 1), dtype=np.int64)
    return float(average_precisions(label, score, ones, np.zeros(len(label), dtype=np.int64))[0])


def average_precisions(label: Array, score: Array, counts: Ints, group: Ints) -> Array:
    """Average precision under many weightings of whole groups of rows, from one sort.

    counts: shape (replicates, groups), how often each group was drawn; group: shape (rows,), the group of each row.
    Returns shape (replicates,); nan where a replicate holds no row with label 1.
    """
    order = np.argsort(-score, kind="stable")
    tie = np.append(0, np.cumsum(np.diff(score[order]) != 0))  # rows of one score share a number
    chunks = np.array_split(counts.astype(np.int32), -(-len(counts) // REPLICATES_AT_ONCE))
    return np.concatenate([_areas(label[order] > 0, tie, chunk.T, group[order]) for chunk in chunks])


def _areas(hit: NDArray[np.bool_], tie: Ints, counts: NDArray[np.int32], group: Ints) -> Array:
    """Areas of precision over recall, shape (replicates,); rows by falling score, counts of shape (groups, replicates).

    The area grows only at scores that have a hit, so precision is computed for those alone.
    """
    last = np.append(np.flatnonzero(np.diff(tie)), len(tie) - 1)  # the last row of each distinct score
    hit_scores, first = np.unique(tie[hit], return_index=True)
    rows_above = np.cumsum(counts[group], axis=0, dtype=np.int32)[last[hit_scores]]
    gained = np.add.reduceat(counts[group[hit]], first, axis=0) if len(hit_scores) else np.zeros((0, counts.shape[1]))
    hits = np.cumsum(gained, axis=0, dtype=np.float64)
    precision = np.divide(hits, rows_above, out=np.zeros_like(hits), where=rows_above > 0)
    area, total = (gained * precision).sum(axis=0), gained.sum(axis=0)
    return np.asarray(np.divide(area, total, out=np.full(len(total), np.nan), where=total > 0))


def squared_error(label: Array, score: Array) -> Array:
    """Squared error of each row, the score clipped to 0..1; its mean is the Brier score."""
    return np.asarray((np.clip(score, 0, 1) - label) ** 2)


def log_loss(label: Array, score: Array) -> float:
    """Mean negative log-likelihood, probabilities clipped to EPS..1-EPS."""
    p = np.clip(score, EPS, 1 - EPS)
    return float(-np.mean(label * np.log(p) + (1 - label) * np.log(1 - p)))


def log_odds(probability: Array) -> Array:
    """log(p / (1 - p)), p clipped to EPS..1-EPS."""
    p = np.clip(probability, EPS, 1 - EPS)
    return np.asarray(np.log(p / (1 - p)))


def calibration_line(label: Array, score: Array) -> tuple[float, float]:
    """Slope and intercept of the logistic regression of the label on the score's log-odds (Cox 1958); ideal 1 and 0.

    nan if all scores are equal.
    """
    x = log_odds(score)
    if np.ptp(x) == 0:
        return float("nan"), float("nan")
    design, beta = np.column_stack([x, np.ones_like(x)]), np.array([1.0, 0.0])
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(design @ beta, -30, 30)))
        curvature = (design * (p * (1 - p) + 1e-9)[:, None]).T @ design
        step = np.linalg.solve(curvature + 1e-9 * np.eye(2), design.T @ (label - p))
        beta = beta + step * min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < 1e-9:
            break
    return float(beta[0]), float(beta[1])


def reliability(label: Array, score: Array, bins: int = BINS) -> list[tuple[int, float, float]]:
    """Rows, mean score and share with label 1 of bins of equal size, by rising score; ties get their mean label."""
    p = np.clip(score, 0, 1)
    values, code = np.unique(p, return_inverse=True)
    shared = np.bincount(code, label, len(values)) / np.bincount(code, minlength=len(values))
    order = np.argsort(p, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return [(len(part), float(p[part].mean()), float(shared[code[part]].mean())) for part in parts]


def expected_calibration_error(label: Array, score: Array) -> float:
    """Mean gap between score and share with label 1 over ten bins of equal size (docs/contract.md section 5)."""
    return sum(rows * abs(mean - share) for rows, mean, share in reliability(label, score)) / len(label)


def top_share(label: Array, score: Array) -> tuple[float, float]:
    """Precision and recall of the highest 5% of the scores (at least one row)."""
    hits, taken = expected_hits(label, score, max(1, len(label) // TOP_SHARE))
    return hits / taken, hits / float(label.sum())


def expected_hits(label: Array, score: Array, taken: int) -> tuple[float, int]:
    """Expected rows with label 1 among the highest `taken`, if ties at the edge are broken at random; and `taken`."""
    taken = min(taken, len(score))
    edge = np.partition(score, len(score) - taken)[len(score) - taken]
    above, tied = score > edge, score == edge
    return float(label[above].sum() + label[tied].mean() * (taken - above.sum())), taken


def mean_or_none(values: Array | NDArray[np.bool_]) -> float | None:
    """The mean of values, or the share of True in a mask; None if empty."""
    return float(values.mean()) if len(values) else None
