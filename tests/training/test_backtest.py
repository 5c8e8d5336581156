"""The backtest and the training, end to end on a small marketplace."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import ForesellError
from features.standards.load import parse
from features.standards.standard import BacktestDays
from models.arithmetic.economy import Economy
from models.bundle.bundle import load
from tests.reference import check_report
from tests.support.training_market import STANDARDS, dataset, found, market, standards
from training.backtest.backtest import backtest, report, without_nan
from training.backtest.evaluate import flat
from training.backtest.scores import Options, score
from training.dataset.dataset import calendar_of, labelled_task
from training.dataset.slices import HEADLINE, SLICES
from training.fit.tree_settings import PRESENT
from training.pipeline import final_models, train
from training.promotion.gates import judge

pytestmark = pytest.mark.slow


@pytest.mark.slow
def test_a_report_keeps_the_contract() -> None:
    assert check_report.faults(found()) == []


def test_a_report_is_json_without_nan() -> None:
    assert json.loads(json.dumps(found(), allow_nan=False)) == found()


def test_every_score_is_there_with_its_intervals() -> None:
    scores = found()["risks"]["service"]["slices"][HEADLINE]["scores"]
    assert set(scores) == {
        "model", "current_metric", "peer_only", "shrunk_rate", "roll_forward", "roll_forward_v2", "logistic",
        "boosting",
    }  # fmt: skip
    for figures in scores.values():
        for kind in ("ci95", "ci95_time"):
            low, high = figures[kind]["average_precision"]
            assert low < figures["average_precision"] < high
    assert scores["roll_forward"]["ci95"]["brier_minus_roll_forward"] == [0, 0]
    assert scores["model"]["average_precision"] == pytest.approx(np.mean(scores["model"]["seeds"]["average_precision"]))


def test_scores_beat_chance_and_slices_nest() -> None:
    slices = found()["risks"]["service"]["slices"]
    assert set(slices) == set(SLICES)
    assert slices["all"]["rows"] > slices[HEADLINE]["rows"] > 0
    model = slices["all"]["scores"]["model"]
    assert model["average_precision"] > 1.5 * slices["all"]["base_rate"]
    assert model["roc_auc"] > 0.7


def test_test_rows_come_after_every_label_that_was_learned_from() -> None:
    assert found()["as_of"] == ["2024-03-01", "2024-08-09"]
    assert found()["test_from"] == "2024-05-30"
    assert found()["leakage"]["future_blind"]
    assert found()["leakage"]["canary_caught"]


@pytest.mark.slow
def test_refits_open_a_fold_each_and_report_the_mean_of_folds() -> None:
    refit = replace(dataset(), calendar=replace(dataset().calendar, refit_days=28))
    body = report(refit, Options(seeds=(0,)))
    assert body["folds"] == 3
    model = body["risks"]["service"]["slices"]["all"]["scores"]["model"]
    assert model is not None
    mean = model["average_precision_mean_of_folds"]
    assert mean is not None
    assert 0 < mean <= 1


@pytest.mark.slow
def test_a_fold_that_opens_after_the_last_as_of_day_is_left_out() -> None:
    made = dataset()
    late = replace(made.calendar, data_end=made.calendar.data_end - 1, refit_days=68)
    task = labelled_task(replace(made, calendar=late), made.standards[0], 28)
    last = late.data_end - task.horizon
    assert late.folds(last)[-1] > late.as_of(last)[-1]
    test_period = score(replace(made, calendar=late), task, Options(seeds=(0,)))
    assert set(test_period.fold.tolist()) == {0}
    assert len(test_period.fitted) == 1
    assert np.isfinite(test_period.scores["model"][0]).all()


@pytest.mark.slow
def test_the_same_data_gives_the_same_report() -> None:
    options = Options(seeds=(0,))
    assert backtest(market(), standards(), options) == backtest(market(), standards(), options)


@pytest.mark.slow
def test_metrics_for_a_tracking_server_are_plain_numbers() -> None:
    metrics = flat(found())
    assert metrics["service/not_yet_in_breach/model/brier"] > 0
    assert all(isinstance(value, float) for value in metrics.values())


def test_gates_say_what_was_found_and_what_is_needed() -> None:
    gates = {gate.name: gate for gate in judge(found(), largest_gap=2e-6)}
    assert gates["rows are blind to the future"].passed
    assert not gates["base, arithmetic and reasons add up to the served log-odds"].passed
    assert (
        "Found off by 2.0e-06; needed at most 1e-06."
        in gates["base, arithmetic and reasons add up to the served log-odds"].line()
    )


def test_a_worse_model_is_refused() -> None:
    worse = json.loads(json.dumps(found()))
    model = worse["risks"]["service"]["slices"][HEADLINE]["scores"]["model"]
    model["ci95"]["brier_minus_roll_forward"] = [-0.01, 0.002]
    model["ci95"]["average_precision_minus_roll_forward"] = [0.01, 0.1]
    model["calibration_slope"] = 0.3
    verdict = {gate.name.removeprefix("service: "): gate.passed for gate in judge(worse)}
    assert verdict["ranks better than the roll-forward"]
    assert not verdict["errs less than the roll-forward"]
    assert not verdict["probabilities mean what they say"]


def test_days_out_of_order_are_refused() -> None:
    with pytest.raises(ForesellError, match="needs its days in order"):
        calendar_of(BacktestDays(first=60, test_from=50), market())


def test_days_come_from_the_record_where_the_file_gives_none() -> None:
    calendar = calendar_of(None, market())
    first = calendar.first - 90
    assert (calendar.test_from - first, calendar.data_end - first) == (90 + 80, 249)


def test_a_record_without_the_standard_s_quantities_is_refused() -> None:
    other = STANDARDS.replace('["late"]', '["returned"]')
    with pytest.raises(ForesellError, match="the source lacks what its standard late_rate counts: returned"):
        backtest(market(), parse(other, "test"))


def test_a_standard_that_nobody_breaches_is_refused() -> None:
    other = STANDARDS.replace("limit = 0.15", "limit = 0.99")
    with pytest.raises(ForesellError, match="each of its 629 labels before the test period says no breach"):
        backtest(market(), parse(other, "test"))


def test_tree_settings_for_a_risk_that_the_record_lacks_are_refused() -> None:
    with pytest.raises(ForesellError, match="settings for returns; the record has service"):
        report(dataset(), Options(seeds=(0,), trees={"returns": PRESENT}))


def test_what_json_does_not_have_becomes_null() -> None:
    assert without_nan({"a": [float("nan"), 1.5], "b": float("inf")}) == {"a": [None, 1.5], "b": None}


@pytest.mark.slow
def test_training_writes_a_bundle_that_loads_and_a_verdict(tmp_path: Path) -> None:
    told: list[str] = []
    made = train(market(), standards(), tmp_path / "run", Options(seeds=(0,)), progress=told.append)
    bundle = load(tmp_path / "run" / "bundle", made.bundle.digest)
    assert {m.key.horizon for m in bundle.models} == {14, 28, 56}
    assert all(0 < m.bands.watch <= m.bands.review <= 1 for m in bundle.models)
    assert bundle.calibrated_to == "2024-09-06"
    names = {gate.name for gate in made.gates if gate.passed}
    assert "base, arithmetic and reasons add up to the served log-odds" in names
    written = {path.name for path in (tmp_path / "run").rglob("*") if path.is_file()}
    assert {"report.json", "report.html", "service-shap-beeswarm.png", "service-capacity.png"} <= written
    assert "fitting service-28" in told


@pytest.mark.slow
def test_the_same_rows_make_the_same_models() -> None:
    made = [final_models(dataset(), Economy(), lambda _: None)[0] for _ in range(2)]
    assert made[0] == made[1]
