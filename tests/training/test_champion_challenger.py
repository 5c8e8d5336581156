"""Challenger against champion: the same rows for both, nothing that either had learned from, and who changes places."""

from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.days import iso
from core.errors import ForesellError
from models.arithmetic.calibration import Calibration
from models.arithmetic.economy import Economy
from models.boosting.risk_model import ModelKey, predict
from models.bundle.bundle import Bundle
from tests.support import synthetic_scores
from tests.support.training_market import dataset
from training import recalibrate
from training.backtest.out_of_time_predictions import backtest_predictions, predictions_of, read_predictions
from training.pipeline import final_model
from training.promotion import gates, swap_set
from training.promotion.champion_challenger import Contender, compare, out_of_time, readable
from training.recalibrate import recalibrate as refresh

pytestmark = pytest.mark.slow

ECONOMY = Economy(capacity=0.1)
CALIBRATED = 155  # day of the record whose labels are the last that the model below has seen


@cache
def trained() -> Bundle:
    """One model, fitted in the middle of the test period on the standard's own record."""
    made, task = dataset(), synthetic_scores.task()
    day = first_day() + CALIBRATED
    model = final_model(made, task, task.known_by(day), task.feature_lists[0], ModelKey("service", "", 28), ECONOMY)
    table = made.active
    return Bundle(
        (model,), {f.name: f for f in table.features}, table.block, "sha256:rows", iso(day), {}, digest="sha256:a"
    )


def first_day() -> int:
    return dataset().calendar.first - 60


def contender(tmp_path: Path, raw: np.ndarray | None = None, bundle: Bundle | None = None) -> Contender:
    """A version whose backtest said these log-odds; by default those of a good model."""
    path = tmp_path / f"{len(list(tmp_path.iterdir()))}.parquet"
    said_then = synthetic_scores.with_model(synthetic_scores.log_odds() if raw is None else raw)
    backtest_predictions(dataset(), "service", said_then, 28).to_parquet(path)
    return Contender("1", bundle or trained(), path)


def test_what_was_kept_is_read_back_by_seller_and_day(tmp_path: Path) -> None:
    known, rows = read_predictions(contender(tmp_path).predictions), synthetic_scores.test_period().rows
    table = dataset().active
    found = predictions_of(known, "service", 28, table.seller_id[rows[::-1]], table.as_of[rows[::-1]])
    np.testing.assert_allclose(found[::-1], 1 / (1 + np.exp(-synthetic_scores.log_odds())))
    assert np.isnan(predictions_of(known, "returns", 28, table.seller_id[rows], table.as_of[rows])).all()
    assert len(read_predictions(tmp_path / "none.parquet")) == 0


def test_learned_rows_have_what_was_kept_and_later_ones_what_the_bundle_says(tmp_path: Path) -> None:
    made, task, day = dataset(), synthetic_scores.task(), first_day() + 200
    one = contender(tmp_path, bundle=replace(trained(), calibrated_to=iso(day)))
    rows = np.flatnonzero(np.isfinite(task.rows.label))
    found = out_of_time(one, made, task, rows)
    as_of = made.active.as_of[rows]
    learned = as_of + 28 <= day
    before_tests = as_of < made.calendar.test_from
    assert np.isnan(found[before_tests]).all(), "learned from, and never tested"
    served = predict(trained().models[0], made.active.block.take(rows[~learned])).probability
    np.testing.assert_array_equal(found[~learned], served)
    assert np.isfinite(found[learned & ~before_tests]).all()
    assert learned[~before_tests].any()


def test_a_model_beside_itself_changes_nothing(tmp_path: Path) -> None:
    one = contender(tmp_path)
    body = compare(dataset(), one, one, ECONOMY)["risks"]["service"]
    assert body["ci95"]["brier_minus_champion"] == [0, 0]
    assert body["swap"]["weeks"]["enter"]["readings"] == body["swap"]["weeks"]["leave"]["readings"] == 0
    assert body["swap"]["newest"] == {"enter": [], "leave": []}
    assert all(gate.passed for gate in gates.against("service", body))


def late() -> Bundle:
    """The model with so late a calibration that every tested row has what was kept."""
    return replace(trained(), calibrated_to=iso(dataset().calendar.data_end))


def test_a_challenger_worse_than_the_champion_is_refused_and_the_other_way_is_not(tmp_path: Path) -> None:
    good, bad = contender(tmp_path, bundle=late()), contender(tmp_path, synthetic_scores.log_odds(0.2), late())
    worse, better = (compare(dataset(), *pair, ECONOMY)["risks"]["service"] for pair in ((bad, good), (good, bad)))
    assert [gate.passed for gate in gates.against("service", worse)] == [False, False]
    assert all(gate.passed for gate in gates.against("service", better))
    assert worse["rows"] == better["rows"] > 400
    enter, leave = (better["swap"]["weeks"][side]["breach_share"] for side in ("enter", "leave"))
    assert enter is not None
    assert leave is not None
    assert enter > leave


def test_groups_and_sides_of_the_swap_set_add_up(tmp_path: Path) -> None:
    made, task = dataset(), synthetic_scores.task()
    rows = synthetic_scores.test_period().rows[np.isfinite(task.rows.label[synthetic_scores.test_period().rows])]
    rng = np.random.default_rng(0)
    found = swap_set.changes(made, task, rows, rng.random(len(rows)), rng.random(len(rows)), ECONOMY)
    assert found["enter"]["readings"] == found["leave"]["readings"] > 10, "the queue is as long for both"
    for by in ("size", "tenure"):
        for side in ("enter", "leave"):
            cells = found["by"][by].values()
            assert sum(cell[side]["readings"] for cell in cells) == found[side]["readings"]
            assert sum(cell[side]["at_stake"] for cell in cells) == pytest.approx(found[side]["at_stake"])


def test_a_feature_that_the_rows_lack_is_named(tmp_path: Path) -> None:
    model = replace(trained().models[0], features=(*trained().models[0].features, "gone"))
    with pytest.raises(ForesellError, match="reads gone"):
        readable(contender(tmp_path, bundle=replace(trained(), models=(model,))), dataset())


def misled(bundle: Bundle, shift: float) -> Bundle:
    """The bundle with a line that says too much."""
    model = bundle.models[0]
    return replace(bundle, models=(replace(model, calibration=Calibration(model.calibration.a, shift)),))


def test_a_refresh_mends_a_line_that_is_off_and_leaves_the_trees() -> None:
    off = misled(trained(), 2.5)
    made = refresh(off, dataset(), ECONOMY)
    key = "service-28"
    assert made.done[key] != "unchanged"
    assert made.comparisons[key]["ece"] < made.comparisons[key]["ece_before"] / 2
    assert made.bundle.models[0].text == off.models[0].text
    assert made.bundle.models[0].calibration.c < 2
    assert made.bundle.calibrated_to == iso(dataset().calendar.data_end)
    assert made.bundle.created_from["recalibrated_from"] == off.digest
    assert all(gate.passed for gate in made.gates if "errs no more" in gate.name or "trees" in gate.name)


def test_a_refresh_uses_only_labels_that_the_trees_did_not_learn_from() -> None:
    made, task = dataset(), synthetic_scores.task()
    end = made.calendar.data_end
    found = recalibrate._new_labels(trained().models[0], task, made, _date(first_day() + CALIBRATED))
    assert (found.as_of + 28 > first_day() + CALIBRATED).all()
    assert (found.as_of + 28 <= end).all()
    with pytest.raises(ForesellError, match="labels that became known after"):
        refresh(late(), made, ECONOMY)


def test_a_refresh_that_makes_it_worse_is_refused() -> None:
    worse: Any = {
        "rows": 100,
        "breach_share": 0.05,
        "ece_before": 0.01,
        "ece": 0.2,
        "ci95": {"brier_minus_before": [0.01, 0.05]},
    }
    made = recalibrate.ModelRefresh(trained().models[0], "in full", worse)
    assert [gate.passed for gate in recalibrate._line_gates([made])] == [False, False]


def _date(day: int) -> date:
    return date.fromisoformat(iso(day))
