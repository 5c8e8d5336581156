"""A weekly queue of fixed capacity, its alerts, and their outcomes (docs/contract.md section 5)."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from features.standards.standard import Standard
from models.arithmetic.economy import AHEAD_DAYS
from training.measures.metrics import mean_or_none
from training.report_schema import RankingAlerts

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
CAPACITY = 0.02  # share of the active sellers not in breach that reviewers can look at in a week
OUTSIDE_DAYS = 28  # an entry counts as an alert after this long outside the queue
REVIEWS_A_DAY = 16  # of one reviewer, half an hour each, as in models.arithmetic.economy; our assumption


@dataclass(frozen=True)
class QueueCandidates:
    """Rows that may be queued (active, not in breach), and whether their sellers were in breach on each day.

    seller, as_of: shape (rows,), seller as a row number of `breach`; breach: shape (sellers, days), in breach at the
    close of the day; first_day: the day number of its first column. worth: money at stake, shape (rows,); None: 1 each.
    """

    seller: Ints
    as_of: Ints
    breach: Mask
    first_day: int
    worth: Array | None = None

    def days_to_breach(self) -> Array:
        """Days from as_of to the first close in breach, 1..AHEAD_DAYS; inf without one; shape (rows,)."""
        ahead = self.breach[self.seller[:, None], self._columns()]
        return np.where(ahead.any(axis=1), ahead.argmax(axis=1) + 1.0, np.inf)

    def days_after(self, rows: Mask) -> Mask:
        """The seller-days that lie 1..AHEAD_DAYS after one of the rows, shape (sellers, days)."""
        out = np.zeros_like(self.breach)
        out[self.seller[rows, None], self._columns()[rows]] = True
        return out

    @cached_property
    def reachable(self) -> Mask:
        """New breaches whose seller has a row in the AHEAD_DAYS before, so could be queued, shape (sellers, days)."""
        return self.new_breaches() & self.days_after(np.ones(len(self.seller), dtype=bool))

    @cached_property
    def worth_ahead(self) -> Array:
        """Money at stake at the newest row of the AHEAD_DAYS before each day, shape (sellers, days)."""
        worth = np.ones(len(self.seller)) if self.worth is None else self.worth
        out, order = np.zeros(self.breach.shape), np.argsort(self.as_of, kind="stable")
        out[self.seller[order, None], self._columns()[order]] = worth[order, None]
        return out

    def new_breaches(self) -> Mask:
        """Seller-days on which a breach begins after OUTSIDE_DAYS without one, shape (sellers, days)."""
        past = np.cumsum(np.pad(self.breach, ((0, 0), (OUTSIDE_DAYS + 1, 0))), axis=1)
        return np.asarray(self.breach & (past[:, OUTSIDE_DAYS:-1] == past[:, : -OUTSIDE_DAYS - 1]))

    def _columns(self) -> Ints:
        return (self.as_of - self.first_day)[:, None] + np.arange(1, AHEAD_DAYS + 1)


def queue(priority: Array, as_of: Ints, share: float) -> Mask:
    """The rows queued: in each week the given share of its rows (at least one), highest first, and none of -inf."""
    order = np.lexsort((-priority, as_of))
    _, starts, sizes = np.unique(as_of[order], return_index=True, return_counts=True)
    place = np.arange(len(order)) - np.repeat(starts, sizes)
    chosen = np.zeros(len(order), dtype=bool)
    chosen[order] = place < np.repeat(np.ceil(share * sizes), sizes)
    return chosen & (priority > -np.inf)


def entries(queued: Mask, seller: Ints, as_of: Ints) -> Mask:
    """The queued rows that are alerts: their seller was in no queue of the OUTSIDE_DAYS before."""
    rows = np.flatnonzero(queued)
    rows = rows[np.lexsort((as_of[rows], seller[rows]))]
    same = np.append(False, np.diff(seller[rows]) == 0)
    recent = np.append(False, np.diff(as_of[rows]) <= OUTSIDE_DAYS)
    out = np.zeros(len(queued), dtype=bool)
    out[rows[~(same & recent)]] = True
    return out


def outcome(candidates: QueueCandidates, priority: Array, share: float = CAPACITY) -> RankingAlerts:
    """Figures of a ranking's alerts at a capacity.

    recall: the share of new breaches whose seller was in the queue on one of the AHEAD_DAYS before; money_recall: the
    same, weighted by the money at stake. alerts_per_reviewer_day: alerts for each day that one reviewer works.
    """
    queued = queue(priority, candidates.as_of, share)
    alerts = entries(queued, candidates.seller, candidates.as_of)
    lead = candidates.days_to_breach()[alerts]
    right = np.isfinite(lead)
    seen_before = candidates.days_after(queued)[candidates.reachable]
    return {
        "capacity_per_week": round(float(queued.sum()) / len(np.unique(candidates.as_of))),
        "alerts": int(alerts.sum()),
        "precision": mean_or_none(right),
        "recall": mean_or_none(seen_before),
        "money_recall": _weighted(seen_before, candidates.worth_ahead[candidates.reachable]),
        "median_lead_time_days": float(np.median(lead[right])) if right.any() else None,
        "share_with_7_days": mean_or_none(lead[right] >= 7),
        "share_with_14_days": mean_or_none(lead[right] >= 14),
        "repeat_alert_rate": 1 - len(np.unique(candidates.seller[alerts])) / max(int(alerts.sum()), 1),
        "alerts_per_reviewer_day": REVIEWS_A_DAY * int(alerts.sum()) / max(int(queued.sum()), 1),
    }


def warn_line(standard: Standard, bad: Array, volume: Array) -> Array:
    """Priority of the warn-line rule, shape (rows,): sellers with the minimum volume first, then the highest rates."""
    share = np.divide(bad, volume, out=np.zeros_like(bad), where=volume > 0)
    return np.where(volume >= standard.minimum_volume, share, share - share.max(initial=0) - 1)


def foresight(candidates: QueueCandidates) -> Array:
    """Priority of a ranking that knows the future, latest breach first, and queues nobody else: the best possible."""
    days = candidates.days_to_breach()
    return np.where(np.isfinite(days), days, -np.inf)


def precision_at(label: Array, as_of: Ints, priority: Array, share: float) -> float:
    """Share of queued rows with label 1 at a capacity; rows with an unknown label (nan) left out."""
    return float(np.nanmean(label[queue(priority, as_of, share)]))


def _weighted(mask: Mask, weight: Array) -> float | None:
    return float(weight[mask].sum() / weight.sum()) if weight.sum() > 0 else None
