"""The test period's scores against what was observed: alerts, expected rates, and the curves of the charts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import cast

import numpy as np
from numpy.typing import NDArray

from features.labels import counts_at
from models.arithmetic.economy import AHEAD_DAYS, Economy, failures_ahead, order_value
from models.arithmetic.expected_rate import Spread, covered, expected_rate
from models.arithmetic.roll_forward import Projection
from training.backtest.alerts import QueueCandidates, foresight, outcome, precision_at, warn_line
from training.backtest.evaluate import LabelledScores, mean_of
from training.dataset.daily_counts import Daily, breach_by_day
from training.dataset.dataset import Dataset, LabelledTask
from training.fit.fit_roll_forward import counts_after
from training.fit.rate_spread import BANDS, ObservedOutcomes, bands, fit_spread
from training.measures.metrics import mean_or_none, reliability
from training.report_schema import AlertFigures, CoverageBand, ExpectedRateFigures

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
ECONOMY = Economy()  # default costs
CAPACITIES = (0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2)
RANKED = ("model", "roll_forward", "peer_only", "current_metric")  # the scores whose queues are compared
MENU = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1)
CURVES = ("model", "roll_forward")
DRAWN = ("model", "roll_forward", "peer_only", "warn_line", "best_reachable")


@dataclass(frozen=True)
class CandidateRankings:
    """The test rows that may be queued (not in breach, outcome known), and each ranking's priorities for them.

    rows: their numbers among the active rows.
    """

    rows: Ints
    candidates: QueueCandidates
    label: Array
    priorities: Mapping[str, Sequence[Array]]


def candidate_rankings(
    dataset: Dataset,
    task: LabelledTask,
    rows: Ints,
    daily: Daily,
    scores: Mapping[str, Sequence[Array]],
    rankings: Mapping[str, Sequence[Array]] = MappingProxyType({}),
) -> CandidateRankings:
    """The test rows (numbers into the active rows) that may be queued, with the priorities of every ranking.

    scores: of all test rows; those in RANKED are used. rankings: further priorities that are no probabilities.
    """
    now = task.projection
    bad, volume = now.now_x[rows], now.now_n[rows]
    as_of = dataset.active.as_of[rows]
    queueable = ~task.standard.breach(bad, volume) & (as_of + AHEAD_DAYS <= dataset.calendar.data_end)
    sellers = daily.rows_of(dataset.active.seller_id[rows[queueable]])
    breach, worth = breach_by_day(daily, task.standard), at_stake(dataset, task, rows[queueable])
    candidates = QueueCandidates(sellers, as_of[queueable], breach, daily.first_day, worth)
    compared = {name: scores[name] for name in RANKED if name in scores} | dict(rankings)
    ranked = {name: [column[queueable] for column in columns] for name, columns in compared.items()}
    lines = {
        "warn_line": [warn_line(task.standard, bad[queueable], volume[queueable])],
        "best_reachable": [foresight(candidates)],
    }
    return CandidateRankings(rows[queueable], candidates, task.rows.label[rows[queueable]], ranked | lines)


def alert_figures(queue: CandidateRankings, capacity: float) -> AlertFigures:
    """Figures of each ranking's alerts at the capacity: the model's at the top level, the others by name."""
    figures = {
        name: mean_of([outcome(queue.candidates, priority, capacity) for priority in columns])
        for name, columns in queue.priorities.items()
    }
    return cast(AlertFigures, {**figures.pop("model"), "capacity_share": capacity, **figures})


def operating_points(queue: CandidateRankings) -> list[AlertFigures]:
    """The same at each capacity of MENU."""
    return [alert_figures(queue, share) for share in MENU]


def at_stake(dataset: Dataset, task: LabelledTask, rows: Ints, economy: Economy = ECONOMY) -> Array:
    """Money in orders expected to fail within the horizon, shape (rows,); defined as in the queue."""
    ahead = at_rows(task.projection, rows)
    return economy.at_stake(failures_ahead(ahead), order_value(dataset.active.block.take(rows)))


def capacity_curves(queue: CandidateRankings) -> dict[str, list[list[float]]]:
    """Per ranking, pairs of capacity (share of sellers a week) and share of the queue with label 1."""
    as_of = queue.candidates.as_of
    # For alerts the best ranking gives the longest notice. For this curve it puts label 1 first.
    ranked = {**queue.priorities, "best_reachable": [np.nan_to_num(queue.label, nan=-1.0)]}
    return {
        name: [
            [share, float(np.mean([precision_at(queue.label, as_of, priority, share) for priority in columns]))]
            for share in CAPACITIES
        ]
        for name, columns in ranked.items()
        if name in DRAWN
    }


def calibration_curves(part: LabelledScores) -> dict[str, list[list[float]]]:
    """Per score, triples of rows, mean score and share with label 1 in ten bins of equal size; first seed only."""
    curves = CURVES if len(part.label) else ()
    return {name: [list(point) for point in reliability(part.label, part.scores[name][0])] for name in curves}


def spread_of(dataset: Dataset, task: LabelledTask, rows: Mask) -> Spread:
    """The spread of observed rates about expected rates, fitted on the given rows."""
    return fit_spread(_observed(dataset, task, np.flatnonzero(rows))[0])


def expected_rate_figures(dataset: Dataset, task: LabelledTask, rows: Ints) -> ExpectedRateFigures:
    """Mean absolute error of the expected rate and coverage of its 90% interval, on test rows with minimum volume.

    interval_90_coverage: how often the rate one horizon later lay in the interval; interval_90_coverage_midp: how often
    the count of bad events did, given the number of new orders, by randomised mid-p; bands: the same by volume in the
    window, also of sellers below the minimum volume. The spread is fitted on what was known at the test period's start.
    """
    spread = spread_of(dataset, task, task.known_by(dataset.calendar.test_from))
    rows = rows[np.isfinite(task.rows.label[rows])]
    by_band = _bands(dataset, task, rows, spread)
    rows = rows[task.projection.now_n[rows] >= task.standard.minimum_volume]
    now = at_rows(task.projection, rows)
    predicted = expected_rate(task.standard, now, spread)
    table = dataset.active
    later = table.as_of[rows] + task.horizon
    observed = task.standard.rate(*counts_at(dataset.ledger, task.standard, table.seller_id[rows], later))
    both_known = np.isfinite(observed) & np.isfinite(predicted.rate)
    gap = np.abs(observed - predicted.rate)[both_known]
    inside = ((predicted.low <= observed) & (observed <= predicted.high))[both_known]
    return {
        "rows": int(both_known.sum()),
        "mae": mean_or_none(gap),
        "interval_90_coverage": mean_or_none(inside),
        "interval_90_coverage_midp": mean_or_none(_inside(_observed(dataset, task, rows)[0], spread)),
        "bands": by_band,
        "spread": spread.as_json(),
    }


def _bands(dataset: Dataset, task: LabelledTask, rows: Ints, spread: Spread) -> list[CoverageBand]:
    """Coverage by volume band, with the number of rows and sellers in each."""
    outcomes, rows = _observed(dataset, task, rows)
    minimum, inside, seller = task.standard.minimum_volume, _inside(outcomes, spread), dataset.active.seller_id[rows]
    return [
        {
            "from_volume": minimum * edge,
            "rows": int((outcomes.band == band).sum()),
            "sellers": len(np.unique(seller[outcomes.band == band].astype(str))),
            "interval_90_coverage_midp": mean_or_none(inside[outcomes.band == band]),
        }
        for band, edge in enumerate((0, *BANDS))
    ]


def _inside(outcomes: ObservedOutcomes, spread: Spread) -> Array:
    return covered(outcomes.events, outcomes.volume, *spread.shape(outcomes.a, outcomes.b), tail=float(spread.tail))


def _observed(dataset: Dataset, task: LabelledTask, rows: Ints) -> tuple[ObservedOutcomes, Ints]:
    """Outcomes after the rows, oldest first, and those rows: with new orders, and no more bad events than orders."""
    rows = rows[np.argsort(task.rows.as_of[rows], kind="stable")]
    events, volume = counts_after(dataset.ledger, dataset.active, task.standard, task.horizon, rows)
    countable = (volume > 0) & (events >= 0) & (events <= volume)
    rows, now = rows[countable], at_rows(task.projection, rows[countable])
    block = (task.rows.as_of[rows] - task.rows.as_of.min()) // task.horizon
    band = bands(now.now_n, task.standard.minimum_volume)
    return ObservedOutcomes(events[countable], volume[countable], now.a, now.b, band, block), rows


def at_rows(projection: Projection, rows: Ints) -> Projection:
    """The projection of some rows, given by number."""
    return Projection(**{f.name: getattr(projection, f.name)[rows] for f in fields(projection)})
