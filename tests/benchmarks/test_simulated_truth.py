"""What reports on simulated data say of its truth: the true rates' score, and whether reasons name the cause."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks.extensions import extension_for
from benchmarks.reference import PublicReference
from benchmarks.simulated_truth import causes, truth
from benchmarks.simulated_truth.extension import SimulatedTruth
from benchmarks.simulated_truth.limits import gap_closed
from core.errors import ForesellError
from foresell.commands import modelling
from tests.support.training_market import dataset, frames, standards
from training.backtest.backtest import report
from training.backtest.scores import Options
from training.dataset.dataset import headline_standards, labelled_task

RATE = standards().standards[0]
DAYS = truth.LONGEST + 100
FAMILIES = {"slow": {"service": "late_delivery"}, "odd": {"service": "price"}, "else": {"returns": "items"}}


def coming(happened: list[float], horizon: int = 28) -> float:
    """Events to come of a seller with 10 orders a day, 1 in 10 bad, seen on day 50 after the first."""
    every_day = np.full((1, DAYS + truth.LONGEST), 10.0)
    days = truth.TrueRates(1_000 - truth.LONGEST, every_day, every_day, every_day / 100)
    shares = np.array(happened + [1.0] * (truth.LONGEST + 1 - len(happened)))
    return float(truth._coming(days, days.bad, shares, horizon, np.array([1_050]), np.array([0]))[0])


def test_every_day_of_the_horizon_brings_the_events_of_one_day_of_orders() -> None:
    assert coming([0.0] * 5) == pytest.approx(28.0), "each falls 5 days after its order"
    assert coming([0.5] * 30) == pytest.approx(28.0), "half at once, half after 30 days"


def test_events_after_the_horizon_do_not_count() -> None:
    days = truth.TrueRates(1_000 - truth.LONGEST, *(np.zeros((1, DAYS + truth.LONGEST)) for _ in range(3)))
    days.expected[0, truth.LONGEST + 60 :] = 10.0  # orders from ten days after the as-of day on
    days.bad[:] = 0.1
    soon = np.array([0.0] * 5 + [1.0] * (truth.LONGEST - 4))
    found = truth._coming(days, days.bad, soon, 28, np.array([1_050]), np.array([0]))
    assert found[0] == pytest.approx(14.0), "orders of days 10 to 23 of the horizon"


@pytest.mark.parametrize(
    ("stay_x", "stay_n", "events", "volume", "expected"),
    [
        (20, 100, 0, 0, 1.0),  # past the limit already, and nothing comes
        (10, 100, 0, 0, 0.0),
        (20, 19, 0, 0, 0.0),  # too few orders
        (0, 0, 40, 100, 1.0),
        (0, 0, 5, 100, 0.0),
        (0, 0, 15, 100, 0.48),  # at the limit: a coin's toss, less the chance of just meeting it
    ],
)
def test_probability_of_breach(stay_x: int, stay_n: int, events: float, volume: float, expected: float) -> None:
    counts = (np.array([float(value)]) for value in (stay_x, stay_n, events, volume))
    assert truth.breach_probability(RATE, *counts)[0] == pytest.approx(expected, abs=0.02)


def test_shares_are_those_of_the_alerts_whose_family_is_named() -> None:
    inside = [
        ("slow", "late_delivery", ["late_delivery", "price"]),
        ("slow", "late_delivery", ["volume", "price", "late_delivery", "tenure"]),
        ("slow", "late_delivery", ["a", "b", "c", "late_delivery"]),
        ("odd", "price", []),
    ]
    found = causes._figures(inside)
    assert (found["alerts"], found["top_reason_share"], found["top3_reason_share"]) == (4, 0.25, 0.5)
    assert found["by_cause"]["slow"]["top3_reason_share"] == pytest.approx(2 / 3)
    assert found["confusion"] == {"slow": {"late_delivery": 1, "volume": 1, "a": 1}, "odd": {"none": 1}}
    assert found["guess"] == {"top_reason_share": 3 / 16, "top3_reason_share": (2 * 3 + 2 * 1) / 16}


def test_of_two_causes_at_once_the_one_that_is_named_counts() -> None:
    naming = truth.TruthFiles(Path(), FAMILIES).naming("service")
    assert causes._one(["odd", "slow"], ["late_delivery", "price"], naming) == ["slow"]
    assert causes._one(["odd", "slow"], ["volume"], naming) == ["odd"]
    assert causes._one([], ["volume"], naming) == []


def test_a_cause_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ForesellError, match=r"are slow, odd, else\."):
        causes._refuse_unknown([["slow"], ["odd", "fire"]], truth.TruthFiles(Path(), FAMILIES))


def test_a_cause_that_does_not_raise_the_risk_counts_for_nothing() -> None:
    known = truth.TruthFiles(Path(), FAMILIES)
    assert causes._one(["else"], ["items"], known.naming("service")) == []
    assert causes._one(["else"], ["items"], known.naming("returns")) == ["else"]


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> truth.TruthFiles:
    """The truth of the test marketplace, as its lines say it, and an episode of every seller in the second half."""
    folder = tmp_path_factory.mktemp("known")
    lines = frames()["orders"].assign(day=lambda f: (f["ordered_at"] - pd.Timestamp(0, tz="UTC")).dt.days)
    late = lines["delivered_at"] > lines["promised_at"]
    daily = lines.assign(late=late).groupby(["seller_id", "day"]).agg(late=("late", "mean"), orders=("late", "size"))
    daily.reset_index().to_parquet(folder / truth.FILE)
    sellers = lines["seller_id"].unique()
    first, last = int(lines["day"].median()), int(lines["day"].max())
    episodes = {"seller_id": sellers, "cause": "slow", "start_day": first, "end_day": last}
    pd.DataFrame(episodes).to_parquet(folder / truth.CAUSES)
    return truth.TruthFiles(folder, FAMILIES)


def test_who_knows_what_comes_is_hardly_wrong(known: truth.TruthFiles) -> None:
    made = dataset()
    task = labelled_task(made, headline_standards(made)["service"], 28)
    rows = np.flatnonzero(np.isfinite(task.rows.label))
    score = truth.true_score(made, task, rows, known.folder)
    assert score is not None
    arithmetic = task.projection.probability[rows]
    errors = [float(np.mean((said - task.rows.label[rows]) ** 2)) for said in (score, arithmetic)]
    assert errors[0] < errors[1] / 2


def held_from(start: int) -> float:
    """Events of the 28 days after day 1050, of a seller whose share of 0.1 doubles with a trouble on the given day."""
    ten = np.full((1, DAYS + truth.LONGEST), 10.0)
    days = truth.TrueRates(1_000 - truth.LONGEST, ten, ten, ten / 100)
    days.bad[:, truth.LONGEST + start - 1_000 :] *= 2
    at_once = np.ones(truth.LONGEST + 1)
    knows = truth.begun(causes_of(start), np.array(["a"]))
    return float(truth._coming(days, days.bad, at_once, 28, np.array([1_050]), np.array([0]), knows)[0])


def causes_of(start: int) -> Path:
    path = Path(tempfile.mkdtemp()) / truth.CAUSES
    rows = {"seller_id": ["a", "b"], "cause": "slow", "start_day": [start, 1_052], "end_day": 1_200}
    pd.DataFrame(rows).to_parquet(path)
    return path


@pytest.mark.parametrize(("start", "expected"), [(1_060, 28.0), (1_051, 28.0), (1_050, 56.0), (1_079, 28.0)])
def test_a_trouble_that_begins_later_is_not_known_and_one_that_has_begun_is(start: int, expected: float) -> None:
    assert held_from(start) == pytest.approx(expected)


def test_who_knows_today_only_takes_it_to_stay() -> None:
    share = np.arange(truth.LONGEST + 29.0)[None]
    held = truth._held(share, truth.today(1)(1_050))
    assert (held[0, : truth.LONGEST + 1] == share[0, : truth.LONGEST + 1]).all()
    assert (held[0, truth.LONGEST :] == truth.LONGEST).all()


def test_a_standard_that_the_truth_does_not_speak_of_has_no_true_score(known: truth.TruthFiles) -> None:
    made = dataset()
    task = labelled_task(made, headline_standards(made)["service"], 28)
    other = replace(task, standard=replace(task.standard, numerator=("ordered",)))
    assert truth.true_score(made, other, np.array([0]), known.folder) is None


def test_a_simulated_marketplace_is_measured_by_its_truth_where_the_benchmarks_are(
    known: truth.TruthFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(modelling.extension_for("any", known.folder), SimulatedTruth)
    monkeypatch.setattr(modelling, "MEASUREMENTS", "not_in_a_wheel.extensions")
    assert modelling.extension_for("any", known.folder) is None


def test_a_public_record_is_measured_by_the_reference_and_others_by_nothing(tmp_path: Path) -> None:
    assert extension_for("olist", tmp_path) == PublicReference(())
    assert extension_for("a shop", tmp_path) is None


@pytest.mark.slow
def test_a_report_on_simulated_data_says_both(known: truth.TruthFiles) -> None:
    body: Any = report(dataset(), Options(seeds=(0,), extension=SimulatedTruth(known)))["risks"]["service"]
    scores = body["slices"]["not_yet_in_breach"]["scores"]
    assert scores["truth"]["brier"] < min(scores["model"]["brier"], scores["roll_forward"]["brier"])
    assert body["truth_gap_closed"] == gap_closed(body["slices"]["not_yet_in_breach"])
    assert set(body["reasons"]["by_cause"]) == {"slow"}
    assert body["reasons"]["alerts"] == body["reasons"]["by_cause"]["slow"]["alerts"] > 0
    begun, today = (body["limits"][name] for name in ("truth_begun", "truth_today"))
    assert begun["brier"] == scores["truth"]["brier"], "no trouble begins in the test period"
    assert begun["brier"] < scores["roll_forward"]["brier"]
    low, mid = (scores[name]["brier"] for name in ("roll_forward", "model"))
    assert begun["reached"]["brier"] == pytest.approx((mid - low) / (begun["brier"] - low))
    assert {"truth_begun", "truth_today", "truth_early"} <= set(body["alerts"])
    assert today["average_precision"] > 0
    sure = body["probability_interval"]
    assert 0.5 < sure["interval_90_coverage"] <= 1
    assert sum(band["rows"] for band in sure["bands"]) == body["expected_rate"]["rows"]
    held = body["reasons_held"]
    assert held["next_week"]["pairs"] + held["next_week"]["with_new_events"]["pairs"] > 5
    assert 0 <= held["retrained"]["share"] <= 1
    assert held["deletion"]["rows"] > 5
