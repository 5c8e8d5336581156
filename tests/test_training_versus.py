"""Challenger against champion: the same rows for both, nothing that either had learned from, and who changes places."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import forged
import numpy as np
import pytest
from training_market import material

from features.errors import ForesellError
from models.bundle import Bundle
from models.calibration import Calibration
from models.economy import Economy
from models.risk_model import Key, predict
from training import gates, recalibrate, swap
from training.backtest import iso
from training.kept import kept, rows_to_keep, said
from training.pipeline import final_model
from training.recalibrate import recalibrate as refresh
from training.versus import Contender, compared, out_of_time, readable

pytestmark = pytest.mark.slow

ECONOMY = Economy(capacity=0.1)
CALIBRATED = 155  # day of the record whose labels are the last that the model below has seen


@cache
def trained() -> Bundle:
    """One model, fitted in the middle of the test period on the standard's own record."""
    made, goal = material(), forged.goal()
    day = first_day() + CALIBRATED
    model = final_model(made, goal, goal.known_by(day), goal.candidates[0], Key("service", "", 28), ECONOMY)
    table = made.active
    return Bundle(
        (model,), {f.name: f for f in table.features}, table.block, "sha256:rows", iso(day), {}, digest="sha256:a"
    )


def first_day() -> int:
    return material().moments.first - 60


def contender(tmp_path: Path, raw: np.ndarray | None = None, bundle: Bundle | None = None) -> Contender:
    """A version whose backtest said these log-odds; by default those of a good model."""
    path = tmp_path / f"{len(list(tmp_path.iterdir()))}.parquet"
    said_then = forged.with_model(forged.log_odds() if raw is None else raw)
    rows_to_keep(material(), "service", said_then, 28).to_parquet(path)
    return Contender("1", bundle or trained(), path)


def test_what_was_kept_is_read_back_by_seller_and_day(tmp_path: Path) -> None:
    known, rows = kept(contender(tmp_path).kept), forged.tested().rows
    table = material().active
    found = said(known, "service", 28, table.seller_id[rows[::-1]], table.as_of[rows[::-1]])
    np.testing.assert_allclose(found[::-1], 1 / (1 + np.exp(-forged.log_odds())))
    assert np.isnan(said(known, "returns", 28, table.seller_id[rows], table.as_of[rows])).all()
    assert len(kept(tmp_path / "none.parquet")) == 0


def test_learned_rows_have_what_was_kept_and_later_ones_what_the_bundle_says(tmp_path: Path) -> None:
    made, goal, day = material(), forged.goal(), first_day() + 200
    one = contender(tmp_path, bundle=replace(trained(), calibrated_to=iso(day)))
    rows = np.flatnonzero(np.isfinite(goal.rows.label))
    found = out_of_time(one, made, goal, rows)
    as_of = made.active.as_of[rows]
    learned = as_of + 28 <= day
    before_tests = as_of < made.moments.test_from
    assert np.isnan(found[before_tests]).all(), "learned from, and never tested"
    served = predict(trained().models[0], made.active.block.take(rows[~learned])).probability
    np.testing.assert_array_equal(found[~learned], served)
    assert np.isfinite(found[learned & ~before_tests]).all()
    assert learned[~before_tests].any()


def test_a_model_beside_itself_changes_nothing(tmp_path: Path) -> None:
    one = contender(tmp_path)
    body = compared(material(), one, one, ECONOMY)["risks"]["service"]
    assert body["ci95"]["brier_minus_champion"] == [0, 0]
    assert body["swap"]["weeks"]["enter"]["readings"] == body["swap"]["weeks"]["leave"]["readings"] == 0
    assert body["swap"]["newest"] == {"enter": [], "leave": []}
    assert all(gate.passed for gate in gates.against("service", body))


def late() -> Bundle:
    """The model with so late a calibration that every tested row has what was kept."""
    return replace(trained(), calibrated_to=iso(material().moments.data_end))


def test_a_challenger_worse_than_the_champion_is_refused_and_the_other_way_is_not(tmp_path: Path) -> None:
    good, bad = contender(tmp_path, bundle=late()), contender(tmp_path, forged.log_odds(0.2), late())
    worse, better = (compared(material(), *pair, ECONOMY)["risks"]["service"] for pair in ((bad, good), (good, bad)))
    assert [gate.passed for gate in gates.against("service", worse)] == [False, False]
    assert all(gate.passed for gate in gates.against("service", better))
    assert worse["rows"] == better["rows"] > 400
    assert better["swap"]["weeks"]["enter"]["breach_share"] > better["swap"]["weeks"]["leave"]["breach_share"]


def test_groups_and_sides_of_the_swap_set_add_up(tmp_path: Path) -> None:
    made, goal = material(), forged.goal()
    rows = forged.tested().rows[np.isfinite(goal.rows.label[forged.tested().rows])]
    rng = np.random.default_rng(0)
    found = swap.changes(made, goal, rows, rng.random(len(rows)), rng.random(len(rows)), ECONOMY)
    assert found["enter"]["readings"] == found["leave"]["readings"] > 10, "the queue is as long for both"
    for by in ("size", "tenure"):
        for side in ("enter", "leave"):
            cells = found["by"][by].values()
            assert sum(cell[side]["readings"] for cell in cells) == found[side]["readings"]
            assert sum(cell[side]["at_stake"] for cell in cells) == pytest.approx(found[side]["at_stake"])


def test_a_feature_that_the_rows_lack_is_named(tmp_path: Path) -> None:
    model = replace(trained().models[0], features=(*trained().models[0].features, "gone"))
    with pytest.raises(ForesellError, match="reads gone"):
        readable(contender(tmp_path, bundle=replace(trained(), models=(model,))), material())


def misled(bundle: Bundle, shift: float) -> Bundle:
    """The bundle with a line that says too much."""
    model = bundle.models[0]
    return replace(bundle, models=(replace(model, calibration=Calibration(model.calibration.a, shift)),))


def test_a_refresh_mends_a_line_that_is_off_and_leaves_the_trees() -> None:
    off = misled(trained(), 2.5)
    made = refresh(off, material(), ECONOMY)
    key = "service-28"
    assert made.done[key] != "unchanged"
    assert made.tried[key]["ece"] < made.tried[key]["ece_before"] / 2
    assert made.bundle.models[0].text == off.models[0].text
    assert made.bundle.models[0].calibration.c < 2
    assert made.bundle.calibrated_to == iso(material().moments.data_end)
    assert made.bundle.created_from["recalibrated_from"] == off.digest
    assert all(gate.passed for gate in made.gates if "errs no more" in gate.name or "trees" in gate.name)


def test_a_refresh_uses_only_labels_that_the_trees_did_not_learn_from() -> None:
    made, goal = material(), forged.goal()
    end = made.moments.data_end
    found = recalibrate._matured(trained().models[0], goal, made, _date(first_day() + CALIBRATED))
    assert (found.as_of + 28 > first_day() + CALIBRATED).all()
    assert (found.as_of + 28 <= end).all()
    with pytest.raises(ForesellError, match="labels that became known after"):
        refresh(late(), made, ECONOMY)


def test_a_refresh_that_makes_it_worse_is_refused() -> None:
    worse = {
        "rows": 100,
        "breach_share": 0.05,
        "ece_before": 0.01,
        "ece": 0.2,
        "ci95": {"brier_minus_before": [0.01, 0.05]},
    }
    made = recalibrate.Refreshed(trained().models[0], "in full", worse)
    assert [gate.passed for gate in recalibrate._of_lines([made])] == [False, False]


def _date(day: int):
    from datetime import date

    return date.fromisoformat(iso(day))
