"""What came of the test period's scores for those who act on them: alerts, expected rates, and the charts' curves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.labels import counts_at
from models.economy import Economy, failures_ahead, order_value
from models.expected_rate import Spread, covered, expected_rate
from models.roll_forward import Projection
from training.alerts import AHEAD_DAYS, Watched, foresight, outcome, precision_at, warn_line
from training.daily import Daily, breach_by_day
from training.evaluate import Scored, mean_of
from training.material import Material, Target
from training.metrics import reliability
from training.spread import BANDS, Came, bands, fit_spread

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
ECONOMY = Economy()  # what things cost, where a marketplace says no other
CAPACITIES = (0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2)
RANKINGS = ("model", "roll_forward", "peer_only", "current_metric", "early", "truth", "truth_early",
            "truth_begun", "truth_today")  # fmt: skip
MENU = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1)
CURVES = ("model", "roll_forward")
DRAWN = ("model", "roll_forward", "peer_only", "warn_line", "best_reachable")


@dataclass(frozen=True)
class Queueable:
    """The test rows that may be queued (not in breach, future known), and each ranking's priorities for them.

    rows: their numbers among the active rows.
    """

    rows: Ints
    watched: Watched
    label: Array
    priorities: Mapping[str, Sequence[Array]]


def queueable(
    material: Material, goal: Target, rows: Ints, daily: Daily, scores: Mapping[str, Sequence[Array]]
) -> Queueable:
    """Of the test rows (numbers into the active rows), those of the weekly queue, with every ranking compared."""
    now = goal.projection
    bad, volume = now.now_x[rows], now.now_n[rows]
    as_of = material.active.as_of[rows]
    kept = ~goal.standard.breach(bad, volume) & (as_of + AHEAD_DAYS <= material.moments.data_end)
    sellers = daily.rows_of(material.active.seller_id[rows[kept]])
    breach, worth = breach_by_day(daily, goal.standard), at_stake(material, goal, rows[kept])
    watched = Watched(sellers, as_of[kept], breach, daily.first_day, worth)
    ranked = {name: [column[kept] for column in scores[name]] for name in RANKINGS if name in scores}
    lines = {"warn_line": [warn_line(goal.standard, bad[kept], volume[kept])], "best_reachable": [foresight(watched)]}
    return Queueable(rows[kept], watched, goal.rows.label[rows[kept]], ranked | lines)


def alert_figures(queue: Queueable, capacity: float) -> dict[str, Any]:
    """What each ranking's alerts were worth at the capacity: the model's in front, the others by name."""
    found = {
        name: mean_of([outcome(queue.watched, priority, capacity) for priority in columns])
        for name, columns in queue.priorities.items()
    }
    return found.pop("model") | {"capacity_share": capacity} | found


def operating_points(queue: Queueable) -> list[dict[str, Any]]:
    """The menu: what the alerts are worth at each capacity, the model's in front, the others by name."""
    return [alert_figures(queue, share) for share in MENU]


def at_stake(material: Material, goal: Target, rows: Ints, economy: Economy = ECONOMY) -> Array:
    """Money in orders expected to fail within the horizon, shape (rows,), by the one definition of the queue."""
    ahead = at_rows(goal.projection, rows)
    return economy.at_stake(failures_ahead(ahead), order_value(material.active.block.take(rows)))


def capacity_curves(queue: Queueable) -> dict[str, list[list[float]]]:
    """Per ranking, pairs of capacity (share of sellers a week) and share of the queue with label 1."""
    as_of = queue.watched.as_of
    # For the alerts the best ranking gives the longest notice; here it puts the breaches of that one day first.
    ranked = {**queue.priorities, "best_reachable": [np.nan_to_num(queue.label, nan=-1.0)]}
    return {
        name: [
            [share, float(np.mean([precision_at(queue.label, as_of, priority, share) for priority in columns]))]
            for share in CAPACITIES
        ]
        for name, columns in ranked.items()
        if name in DRAWN
    }


def calibration_curves(part: Scored) -> dict[str, list[list[float]]]:
    """Per score, triples of rows, mean score and share with label 1 over ten bins of equal mass; of the first seed."""
    drawn = CURVES if len(part.label) else ()
    return {name: [list(found) for found in reliability(part.label, part.scores[name][0])] for name in drawn}


def spread_of(material: Material, goal: Target, rows: Mask) -> Spread:
    """How far what came after the given rows lay from what each seller's own orders said."""
    return fit_spread(_came_of(material, goal, np.flatnonzero(rows))[0])


def expected_rate_figures(material: Material, goal: Target, rows: Ints) -> dict[str, Any]:
    """Mean absolute error of the expected rate and coverage of its 90% interval, on test rows with minimum volume.

    interval_90_coverage: the rate one horizon later lay in the interval; interval_90_coverage_midp: the bad events of
    the orders that came did, given how many came, by randomised mid-p; bands: the latter by volume in the window, the
    sellers under the minimum volume included. The spread is fitted on what was known when the test period began.
    """
    spread = spread_of(material, goal, goal.known_by(material.moments.test_from))
    rows = rows[np.isfinite(goal.rows.label[rows])]
    by_band = _bands(material, goal, rows, spread)
    rows = rows[goal.projection.now_n[rows] >= goal.standard.minimum_volume]
    now = at_rows(goal.projection, rows)
    said = expected_rate(goal.standard, now, spread)
    table = material.active
    later = table.as_of[rows] + goal.horizon
    then = goal.standard.rate(*counts_at(material.ledger, goal.standard, table.seller_id[rows], later))
    seen = np.isfinite(then) & np.isfinite(said.rate)
    gap, held = np.abs(then - said.rate)[seen], ((said.low <= then) & (then <= said.high))[seen]
    return {
        "rows": int(seen.sum()),
        "mae": _mean(gap),
        "interval_90_coverage": _mean(held),
        "interval_90_coverage_midp": _mean(_inside(_came_of(material, goal, rows)[0], spread)),
        "bands": by_band,
        "spread": spread.as_json(),
    }


def _bands(material: Material, goal: Target, rows: Ints, spread: Spread) -> list[dict[str, float | int | None]]:
    """Coverage by volume band, and how many rows and sellers it is counted on."""
    found, rows = _came_of(material, goal, rows)
    minimum, said, seller = goal.standard.minimum_volume, _inside(found, spread), material.active.seller_id[rows]
    return [
        {
            "from_volume": minimum * edge,
            "rows": int((found.band == band).sum()),
            "sellers": len(np.unique(seller[found.band == band].astype(str))),
            "interval_90_coverage_midp": _mean(said[found.band == band]),
        }
        for band, edge in enumerate((0, *BANDS))
    ]


def _inside(found: Came, spread: Spread) -> Array:
    return covered(found.events, found.volume, *spread.shape(found.a, found.b), tail=float(spread.tail))


def _came_of(material: Material, goal: Target, rows: Ints) -> tuple[Came, Ints]:
    """What came after the rows, oldest first, and which they are: those that orders came to, none failing twice."""
    rows = rows[np.argsort(goal.rows.as_of[rows], kind="stable")]
    events, volume = came(material, goal, rows)
    sure = (volume > 0) & (events >= 0) & (events <= volume)
    rows, now = rows[sure], at_rows(goal.projection, rows[sure])
    block = (goal.rows.as_of[rows] - goal.rows.as_of.min()) // goal.horizon
    band = bands(now.now_n, goal.standard.minimum_volume)
    return Came(events[sure], volume[sure], now.a, now.b, band, block), rows


def came(material: Material, goal: Target, rows: Ints) -> tuple[Array, Array]:
    """Bad events and volume that came in the horizon after each row (at most a window's worth), shapes (rows,)."""
    table, span = material.active, min(goal.horizon, goal.standard.window_days)
    arrived = replace(goal.standard, window_days=span)
    return counts_at(material.ledger, arrived, table.seller_id[rows], table.as_of[rows] + goal.horizon)


def at_rows(projection: Projection, rows: Ints) -> Projection:
    """A projection of the rows given by number."""
    return Projection(**{f.name: getattr(projection, f.name)[rows] for f in fields(projection)})


def _mean(values: Array | Mask) -> float | None:
    return float(values.mean()) if len(values) else None
