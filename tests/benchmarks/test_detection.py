"""How soon an episode is seen, and whether a slow carrier makes sellers look bad; on rows small enough to count."""

from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks import disruption
from benchmarks.disruption import DisruptionAlerts, hit
from benchmarks.simulated_truth.detection import RANKINGS, detection_figures
from training.backtest.alerts import QueueCandidates
from training.backtest.observed_outcomes import CandidateRankings
from training.report_schema import RankingDetection

SELLERS = ("a", "b", "c")
Side = tuple[Any, Any]  # what stands for a marketplace, and for what is to be said of it


def causes(tmp_path: Path, rows: list[tuple[str, str, int, int]]) -> Path:
    path = tmp_path / "causes.parquet"
    pd.DataFrame(rows, columns=["seller_id", "cause", "start_day", "end_day"]).to_parquet(path)
    return path


def figures(tmp_path: Path, episodes: list[tuple[str, str, int, int]], top: dict[int, str]) -> RankingDetection:
    """Weekly rows of three sellers, days 0..35; one place in the queue, given to the seller named for the day.

    Seller a comes into breach on day 30, b on day 20, c never.
    """
    as_of = np.repeat(np.arange(0, 36, 7), 3)
    seller = np.tile(np.arange(3), 6)
    breach = np.zeros((3, 80), dtype=bool)
    breach[0, 30:40], breach[1, 20:25] = True, True
    priority = np.array([float(SELLERS[s] == top.get(int(d), "c")) for s, d in zip(seller, as_of, strict=True)])
    dataset: Any = SimpleNamespace(active=SimpleNamespace(seller_id=np.array(SELLERS, dtype=object)[seller]))
    candidates = QueueCandidates(seller, as_of, breach, first_day=0)
    found = CandidateRankings(np.arange(18), candidates, np.zeros(18), {name: [priority] for name in RANKINGS})
    return detection_figures(dataset, found, 0.3, causes(tmp_path, episodes), ["bad_batch"])["model"]


def test_days_run_from_the_start_of_the_episode_to_the_first_week_in_the_queue(tmp_path: Path) -> None:
    episodes = [("a", "bad_batch", 10, 40), ("b", "bad_batch", 5, 30)]
    assert figures(tmp_path, episodes, {14: "a", 21: "a"}) == {"detected": 0.5, "median_days": 4}
    assert figures(tmp_path, episodes, {14: "b", 28: "a"}) == {"detected": 1, "median_days": (9 + 18) / 2}


def test_a_week_before_the_episode_or_after_the_breach_sees_nothing(tmp_path: Path) -> None:
    assert figures(tmp_path, [("a", "bad_batch", 10, 40)], {7: "a", 35: "a"}) == {"detected": 0, "median_days": None}


def test_episodes_without_a_breach_or_of_other_causes_and_sellers_never_watched_do_not_count(
    tmp_path: Path,
) -> None:
    none = [("c", "bad_batch", 10, 40), ("stranger", "bad_batch", 10, 40), ("a", "stock_out", 10, 40)]
    found = figures(tmp_path, none, {14: "a"})
    assert found == {"detected": None, "median_days": None}


def test_a_disruption_hits_its_sellers_on_its_days_only(tmp_path: Path) -> None:
    path = causes(tmp_path, [("a", "carrier_disruption", 10, 20), ("b", "bad_batch", 10, 20)])
    seller, as_of = np.array(["a", "a", "a", "b"]), np.array([9, 10, 20, 15])
    assert hit(path, seller, as_of).tolist() == [False, True, True, False]


def test_a_marketplace_beside_itself_has_the_ratio_one_and_more_alerts_a_larger_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = iter([7, 7, 15, 7])
    monkeypatch.setattr(disruption, "_alerts", lambda *_: next(found))
    nothing: Any = None
    same, more = (disruption.beside(nothing, nothing, nothing, nothing, nothing, 0.02, Path()) for _ in range(2))
    assert (same.ratio, more.ratio) == (1, 2)
    assert DisruptionAlerts(0, 0).ratio == pytest.approx(1)


def side(said: list[float], in_breach: list[bool]) -> Side:
    """A marketplace and its goal: three sellers on day 14, a in the disruption; the first row is not tested."""
    table = SimpleNamespace(seller_id=np.array(["b", "a", "b", "c"], dtype=object), as_of=np.array([0, 14, 14, 14]))
    outside = ~np.array([False, *in_breach, False])
    rows = SimpleNamespace(only=lambda _: SimpleNamespace(take=lambda numbers: np.array([9.0, *said, 0.5])[numbers]))
    return SimpleNamespace(active=table), SimpleNamespace(
        not_in_breach=lambda numbers: outside[numbers], rows=rows, horizon=28
    )


def alerts_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, real: Side, twin: Side) -> DisruptionAlerts:
    """Each fold's fit says what the rows hold; the one place of the queue goes to the highest."""
    monkeypatch.setattr(disruption, "test_rows", lambda *_: (np.array([1, 2, 3]), np.array([1, 0, 1]), None))
    fitted = [SimpleNamespace(probability=lambda told: told)] * 2
    test_period: Any = SimpleNamespace(names=(), fitted=fitted)
    path = causes(tmp_path, [("a", "carrier_disruption", 10, 20)])
    return disruption.beside(*real, *twin, partial(disruption.score_by_fold, test_period), 0.02, path)


def test_alerts_of_the_sellers_hit_are_counted_in_the_marketplace_and_in_its_twin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hit_first, other_first = side([0.9, 0.1], [False, False]), side([0.1, 0.9], [False, False])
    assert alerts_beside(tmp_path, monkeypatch, hit_first, other_first) == DisruptionAlerts(1, 0)
    assert alerts_beside(tmp_path, monkeypatch, other_first, hit_first) == DisruptionAlerts(0, 1)
    breached = side([0.9, 0.1], [True, False])
    assert alerts_beside(tmp_path, monkeypatch, breached, hit_first) == DisruptionAlerts(0, 1), "in breach: not queued"
    left = side([0.6, 0.9], [False, True])
    assert alerts_beside(tmp_path, monkeypatch, left, other_first) == DisruptionAlerts(1, 0), (
        "b is in breach, and a before c"
    )
    assert alerts_beside(tmp_path, monkeypatch, side([0.1, 0.9], [False, True]), left) == DisruptionAlerts(0, 1), (
        "c before a"
    )
