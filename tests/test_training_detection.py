"""How soon an episode is seen, and whether a slow carrier makes sellers look bad; on rows small enough to count."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from training import disruption
from training.alerts import Watched
from training.detection import RANKINGS, detection_figures
from training.disruption import Beside, hit
from training.outcomes import Queueable

SELLERS = ("a", "b", "c")


def causes(tmp_path: Path, rows: list[tuple[str, str, int, int]]) -> Path:
    path = tmp_path / "causes.parquet"
    pd.DataFrame(rows, columns=["seller_id", "cause", "start_day", "end_day"]).to_parquet(path)
    return path


def figures(tmp_path: Path, episodes: list[tuple[str, str, int, int]], top: dict[int, str]) -> dict:
    """Weekly rows of three sellers, days 0..35; one place in the queue, given to the seller named for the day.

    Seller a comes into breach on day 30, b on day 20, c never.
    """
    as_of = np.repeat(np.arange(0, 36, 7), 3)
    seller = np.tile(np.arange(3), 6)
    breach = np.zeros((3, 80), dtype=bool)
    breach[0, 30:40], breach[1, 20:25] = True, True
    priority = np.array([float(SELLERS[s] == top.get(int(d), "c")) for s, d in zip(seller, as_of, strict=True)])
    material = SimpleNamespace(active=SimpleNamespace(seller_id=np.array(SELLERS, dtype=object)[seller]))
    watched = Watched(seller, as_of, breach, first_day=0)
    found = Queueable(np.arange(18), watched, np.zeros(18), {name: [priority] for name in RANKINGS})
    return detection_figures(material, found, 0.3, causes(tmp_path, episodes))["model"]


def test_days_run_from_the_start_of_the_episode_to_the_first_week_in_the_queue(tmp_path: Path) -> None:
    episodes = [("a", "bad_batch", 10, 40), ("b", "bad_batch", 5, 30)]
    assert figures(tmp_path, episodes, {14: "a", 21: "a"}) == {"detected": 0.5, "median_days": 4}
    assert figures(tmp_path, episodes, {14: "b", 28: "a"}) == {"detected": 1, "median_days": (9 + 18) / 2}


def test_a_week_before_the_episode_or_after_the_breach_sees_nothing(tmp_path: Path) -> None:
    assert figures(tmp_path, [("a", "bad_batch", 10, 40)], {7: "a", 35: "a"}) == {"detected": 0, "median_days": None}


def test_episodes_without_a_breach_and_sellers_never_watched_do_not_count(tmp_path: Path) -> None:
    found = figures(tmp_path, [("c", "bad_batch", 10, 40), ("stranger", "bad_batch", 10, 40)], {14: "c"})
    assert found == {"detected": None, "median_days": None}


def test_a_disruption_hits_its_sellers_on_its_days_only(tmp_path: Path) -> None:
    path = causes(tmp_path, [("a", "carrier_disruption", 10, 20), ("b", "bad_batch", 10, 20)])
    seller, as_of = np.array(["a", "a", "a", "b"]), np.array([9, 10, 20, 15])
    assert hit(path, seller, as_of).tolist() == [False, True, True, False]


def test_a_marketplace_beside_itself_has_the_ratio_one_and_more_alerts_a_larger_one(monkeypatch) -> None:
    found = iter([7, 7, 15, 7])
    monkeypatch.setattr(disruption, "_alerts", lambda *_: next(found))
    same, more = (disruption.beside(None, None, None, None, None, 0.02, Path()) for _ in range(2))
    assert (same.ratio, more.ratio) == (1, 2)
    assert Beside(0, 0).ratio == pytest.approx(1)
