"""How soon the queue sees an episode, on a simulated marketplace: its causes are known, and no model reads them."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.alerts import AHEAD_DAYS, Watched, queue
from training.evaluate import mean_of
from training.material import Material
from training.outcomes import Queueable

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
RANKINGS = ("model", "roll_forward", "current_metric", "peer_only", "warn_line")


def episodes_of(path: Path) -> pd.DataFrame:
    """Columns seller_id, cause, start_day, end_day of a marketplace's causes."""
    with duckdb.connect() as con:
        return con.execute(
            "select seller_id, cause, start_day, end_day from read_parquet(?) order by all", [str(path)]
        ).df()


def detection_figures(
    material: Material, found: Queueable, capacity: float, path: Path, raising: Collection[str]
) -> dict[str, Any]:
    """Of the episodes that end in a breach, how many stood in the queue between their start and it, and how soon.

    raising: the causes that raise the risk; others' episodes do not count. Those count that begin while the queue is
    watched, and whose seller comes into breach anew before they end or in the AHEAD_DAYS after. detected: share queued
    in between; median_days: from start to the first such week.
    """
    table = material.active
    number = dict(zip(table.seller_id[found.rows].astype(str).tolist(), found.watched.seller.tolist(), strict=True))
    episodes = episodes_of(path).query("cause in @raising")
    seller = np.array([number.get(s, -1) for s in episodes["seller_id"].astype(str)], dtype=np.int64)
    spans = np.column_stack([seller, episodes["start_day"], episodes["end_day"]]).astype(np.int64)
    seen = spans[(spans[:, 0] >= 0) & (spans[:, 1] >= found.watched.as_of.min())]
    breached = _first_breach(found.watched, seen)
    seen, breached = seen[breached >= 0], breached[breached >= 0]
    ranked = {name: found.priorities[name] for name in RANKINGS}
    return {
        "episodes": len(seen),
        **{name: _detected(found.watched, seen, breached, columns, capacity) for name, columns in ranked.items()},
    }


def _first_breach(watched: Watched, spans: Ints) -> Ints:
    """The day on which each episode's seller first comes into breach anew, by AHEAD_DAYS after its end; -1: never."""
    opened = watched.new_breaches()
    out = np.full(len(spans), -1, dtype=np.int64)
    for row, (seller, start, end) in enumerate(spans.tolist()):
        first = max(start - watched.first_day, 0)
        days = np.flatnonzero(opened[seller, first : end + AHEAD_DAYS + 1 - watched.first_day])
        out[row] = first + days[0] + watched.first_day if len(days) else -1
    return out


def _detected(
    watched: Watched, spans: Ints, breached: Ints, columns: Sequence[Array], capacity: float
) -> Mapping[str, float | None]:
    return mean_of([_of_queue(watched, spans, breached, queue(p, watched.as_of, capacity)) for p in columns])


def _of_queue(watched: Watched, spans: Ints, breached: Ints, queued: NDArray[np.bool_]) -> dict[str, float | None]:
    weeks: dict[int, list[int]] = {}
    for seller, day in zip(watched.seller[queued].tolist(), watched.as_of[queued].tolist(), strict=True):
        weeks.setdefault(seller, []).append(day)
    waits = [
        min((day - start for day in weeks.get(seller, []) if start <= day < breach), default=np.inf)
        for (seller, start, _), breach in zip(spans.tolist(), breached.tolist(), strict=True)
    ]
    known = np.array(waits, dtype=np.float64)
    hit = np.isfinite(known)
    return {
        "detected": float(hit.mean()) if len(hit) else None,
        "median_days": float(np.median(known[hit])) if hit.any() else None,
    }
