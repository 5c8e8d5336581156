"""How soon a seller with an episode enters the queue, on a simulated marketplace with known causes."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import cast

import duckdb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.arithmetic.economy import AHEAD_DAYS
from training.backtest.alerts import QueueCandidates, queue
from training.backtest.evaluate import mean_of
from training.backtest.observed_outcomes import CandidateRankings
from training.dataset.dataset import Dataset
from training.report_schema import DetectionFigures, RankingDetection

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
    dataset: Dataset, found: CandidateRankings, capacity: float, path: Path, raising: Collection[str]
) -> DetectionFigures:
    """The share of episodes ending in a breach whose seller entered the queue in between, and how soon.

    raising: the causes that raise the risk; others' episodes do not count. Those count that begin while the queue is
    watched, and whose seller comes into breach anew before they end or in the AHEAD_DAYS after. detected: share queued
    in between; median_days: from start to the first such week.
    """
    table = dataset.active
    number = dict(zip(table.seller_id[found.rows].astype(str).tolist(), found.candidates.seller.tolist(), strict=True))
    episodes = episodes_of(path).query("cause in @raising")
    seller = np.array([number.get(s, -1) for s in episodes["seller_id"].astype(str)], dtype=np.int64)
    spans = np.column_stack([seller, episodes["start_day"], episodes["end_day"]]).astype(np.int64)
    seen = spans[(spans[:, 0] >= 0) & (spans[:, 1] >= found.candidates.as_of.min())]
    breached = _first_breach(found.candidates, seen)
    seen, breached = seen[breached >= 0], breached[breached >= 0]
    ranked = {name: _detected(found.candidates, seen, breached, found.priorities[name], capacity) for name in RANKINGS}
    return cast(DetectionFigures, {"episodes": len(seen), **ranked})


def _first_breach(candidates: QueueCandidates, spans: Ints) -> Ints:
    """The day on which each episode's seller first comes into breach anew, by AHEAD_DAYS after its end; -1: never."""
    opened = candidates.new_breaches()
    out = np.full(len(spans), -1, dtype=np.int64)
    for row, (seller, start, end) in enumerate(spans.tolist()):
        first = max(start - candidates.first_day, 0)
        days = np.flatnonzero(opened[seller, first : end + AHEAD_DAYS + 1 - candidates.first_day])
        out[row] = first + days[0] + candidates.first_day if len(days) else -1
    return out


def _detected(
    candidates: QueueCandidates, spans: Ints, breached: Ints, columns: Sequence[Array], capacity: float
) -> RankingDetection:
    return mean_of([_of_queue(candidates, spans, breached, queue(p, candidates.as_of, capacity)) for p in columns])


def _of_queue(candidates: QueueCandidates, spans: Ints, breached: Ints, queued: NDArray[np.bool_]) -> RankingDetection:
    weeks: dict[int, list[int]] = {}
    for seller, day in zip(candidates.seller[queued].tolist(), candidates.as_of[queued].tolist(), strict=True):
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
