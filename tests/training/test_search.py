"""The search for tree settings: what it finds, may not read and refuses, and when the present ones are kept."""

import json
import sys
import warnings
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.special import expit

from core.days import SOURCE_DAYS
from core.errors import ForesellError
from features.ingest.intake import open_frames
from foresell.commands.tuning import run_search
from tests.support.training_market import dataset, frames, market, standards
from training.fit import tree_settings
from training.fit.boosting import TrainingMatrix
from training.fit.tree_settings import LEARNING_RATES, PRESENT, TreeSettings
from training.tuning import search, tune
from training.tuning.search import Trial, halves, study
from training.tuning.tune import HELD_BACK, SEEN, SettingsResult, best_of, verdict

pytestmark = pytest.mark.slow

FEATURES, SELLERS, DAYS = 12, 24, 46


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer rounds, no more than those of the longest pace."""
    monkeypatch.setattr(search, "RANGES", search.RANGES | {"rounds": (20, 400)})


def rows(told: bool = True) -> TrainingMatrix:
    """Weekly rows whose label follows whether two of many features have the same sign; not told: nothing but chance."""
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(DAYS * SELLERS, FEATURES))
    odds = 3.0 * np.sign(matrix[:, 0] * matrix[:, 1]) if told else np.zeros(len(matrix))
    label = (rng.random(len(matrix)) < expit(odds)).astype(float)
    names = tuple(f"f{i}" for i in range(FEATURES))
    return TrainingMatrix(names, matrix, np.zeros(len(matrix)), label, np.repeat(np.arange(DAYS) * 7, SELLERS))


def quietly(done: int, of: int) -> None:
    pass


@cache
def found(told: bool = True) -> tune.SearchResult:
    return tune.tune(rows(told), 28, 8, quietly)


def test_what_the_present_settings_miss_is_found() -> None:
    one = found()
    assert one.trials[0].trees == one.present.trees, "the first are those there are"
    found_pace = one.present.trees.learning_rate, one.present.trees.rounds
    assert found_pace in LEARNING_RATES
    assert replace(PRESENT, learning_rate=found_pace[0], rounds=found_pace[1]) == one.present.trees
    assert one.best.losses[HELD_BACK].mean() < one.present.losses[HELD_BACK].mean() - 0.1
    assert one.take
    assert one.best.trees.feature_fraction > PRESENT.feature_fraction
    assert "larger than its standard error" in one.why


def test_on_noise_the_present_settings_are_kept() -> None:
    one = found(told=False)
    assert one.best.trees != one.present.trees, "of so many, one is always better on the days seen"
    assert one.gains()[SEEN][0] > 0
    assert not one.take
    assert "not larger than its standard error" in one.why


def test_the_best_found_is_never_worse_than_the_present_settings_by_the_measure() -> None:
    for one in (found(), found(told=False)):
        assert one.best.losses[SEEN].mean() <= one.present.losses[SEEN].mean()
        assert one.best.losses[SEEN].mean() == pytest.approx(min(t.loss for t in one.trials), abs=1e-12)


def test_the_same_seed_gives_the_same_study_and_another_another() -> None:
    known = rows()
    studies = [study(known, 28, halves(known, 28)[0], PRESENT, 4, quietly, seed) for seed in (0, 0, 1)]
    said = [[(trial.trees, trial.loss) for trial in trials] for trials in studies]
    assert said[0] == said[1]
    assert said[0][0] == said[2][0], "the first is given, not drawn"
    assert said[0][1:] != said[2][1:]


def test_the_days_held_back_are_not_seen_by_the_study() -> None:
    known = rows()
    seen, held = halves(known, 28)
    opens = min(int(known.as_of[inside].min()) for _, inside in held)
    assert all(known.as_of[before | inside].max() < opens for before, inside in seen)
    late = known.as_of >= opens
    turned = replace(known, label=np.where(late, 1 - known.label, known.label))
    one, other = (study(each, 28, seen, PRESENT, 3, quietly) for each in (known, turned))
    assert [trial.loss for trial in one] == [trial.loss for trial in other]


def test_a_record_of_one_fold_cannot_be_searched() -> None:
    known = rows()
    with pytest.raises(ForesellError, match="two time folds"):
        halves(known.take(known.as_of < 30), 28)


def test_too_slow_an_explanation_is_refused_whatever_it_gains(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "explanation_ms", lambda grown, _: grown.num_trees() / 200)  # .5 ms: 100 trees
    known, start = rows(), replace(PRESENT, rounds=60)
    tried = study(known, 28, halves(known, 28)[0], start, 8, quietly)
    slow = [trial for trial in tried if trial.explanation_ms > 0.5]
    assert 0 < len(slow) < len(tried)
    assert all((trial in slow) == bool(trial.refused) for trial in tried)
    assert "over 0.5" in slow[0].refused
    winner = replace(slow[0], loss=0.0)
    assert best_of([*tried, winner]).explanation_ms <= 0.5


def test_what_is_refused_does_not_steer_the_search_and_what_is_not_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of a trial near the budget differs from run to run, and its loss must not lead the next ones."""

    def proposed(allowed: float, refused: float) -> list[TreeSettings]:
        def attempt(_rows: TrainingMatrix, _horizon: int, _folds: object, drawn: TreeSettings) -> Trial:
            slow = drawn.rounds > 60
            return Trial(drawn, drawn.max_depth * (refused if slow else allowed), 0.1, "too slow" if slow else "")

        monkeypatch.setattr(search, "attempt", attempt)
        return [trial.trees for trial in study(rows(), 28, [], PRESENT, 20, quietly)]

    assert proposed(1.0, 1.0) == proposed(1.0, -1.0)
    assert proposed(1.0, 1.0) != proposed(-1.0, 1.0)


def test_the_time_of_an_explanation_is_what_nothing_else_added_to(monkeypatch: pytest.MonkeyPatch) -> None:
    now, asked = [0.0], []

    def predict(row: np.ndarray, **how: object) -> None:
        """Rows of 1, 2 and 3 ms, most of them, but one time in five, on a machine that is busy."""
        asked.append((row.shape, how))
        now[0] += (1 + row[0, 0] % 3 + (5.0 if len(asked) % 5 else 0.0)) / 1e3

    monkeypatch.setattr(search, "thread_time", lambda: now[0])
    monkeypatch.setattr(search, "TIMED_ROWS", 9)
    booster: Any = SimpleNamespace(predict=predict)
    found = search.explanation_ms(booster, np.arange(9.0)[:, None])
    assert found == pytest.approx(2.0), "the median of the rows, each at its fastest"
    assert asked[0] == ((1, 1), {"pred_contrib": True, "num_threads": 1})
    assert len(asked) == 9 * search.REPEATS


def of(
    held: list[float], settings: TreeSettings = PRESENT, took: float = 0.1, precision: float = 0.5
) -> SettingsResult:
    losses = {SEEN: np.array([0.5, 0.5]), HELD_BACK: np.array(held)}
    return SettingsResult(settings, losses, {SEEN: 0.5, HELD_BACK: precision}, took)


OTHER = replace(PRESENT, num_leaves=8)
BETTER = [0.4, 0.45, 0.48]


@pytest.mark.parametrize(
    ("best", "blocks", "take", "why"),
    [
        (of(BETTER, OTHER), 6, True, "larger than its standard error"),
        (of([0.3, 0.6, 0.55], OTHER), 6, False, "not larger than its standard error"),
        (of(BETTER, OTHER), 5, False, "Only 5 blocks of one horizon can be compared. Fewer than 6"),
        (of(BETTER, OTHER, took=0.51), 6, False, "0.51 ms"),
        (of([0.5, 0.5, 0.5]), 6, False, "No settings tried were better"),
    ],
)
def test_the_verdict(best: SettingsResult, blocks: int, take: bool, why: str) -> None:
    found = verdict(of([0.5, 0.5, 0.5]), best, blocks)
    assert found[0] == take
    assert why in found[1]


def test_a_gain_in_level_alone_is_said() -> None:
    present = of([0.5, 0.5, 0.5])
    one = tune.SearchResult((), [], present, of(BETTER, OTHER, precision=0.45), True, "")
    assert "does not rank sellers better" in one.cautions()[0]
    assert replace(one, best=of(BETTER, OTHER, precision=0.55)).cautions() == []
    assert replace(one, best=of([0.6, 0.6, 0.6], OTHER, precision=0.45)).cautions() == [], "it gains nothing at all"


def test_nothing_past_the_training_period_is_read() -> None:
    """A market whose later orders are all late and of other sellers' days gives the same rows to learn from."""
    orders = frames()["orders"].copy()
    late = orders["ordered_at"] > orders["ordered_at"].min().normalize() + np.timedelta64(151, "D")
    orders.loc[late, "delivered_at"] += np.timedelta64(9, "D")
    orders.loc[late, "seller_id"] = "s000"
    known = []
    for source in (market(), open_frames(frames() | {"orders": orders}, name="garbled")):
        made = tune.training_dataset(source, standards(), lambda _: None)
        known.append(tune.training_matrix(made, tune.tasks_for(made, None)["service"]))
        assert max(made.active.as_of.max(), made.ledger.last_day) <= made.calendar.test_from
        assert known[-1].as_of.max() + 28 <= made.calendar.test_from
    one, other = known
    assert one.names == other.names
    np.testing.assert_array_equal(one.matrix, other.matrix)
    np.testing.assert_array_equal(one.label, other.label)
    np.testing.assert_array_equal(one.as_of, other.as_of)


def test_a_risk_without_a_headline_is_named() -> None:
    with pytest.raises(ForesellError, match="choose service"):
        tune.tasks_for(dataset(), "returns")


def test_without_optuna_the_error_says_what_to_install_before_anything_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ForesellError, match="extra `tune`"):
        run_search(tmp_path / "not looked at yet", tmp_path / "out", 1, None, None, SOURCE_DAYS)


def test_a_study_says_nothing_of_its_own(capfd: pytest.CaptureFixture[str]) -> None:
    known = rows()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        study(known, 28, halves(known, 28)[0], PRESENT, 2, quietly)
    assert capfd.readouterr() == ("", "")
    assert [str(w.message) for w in caught] == []


def test_what_is_worth_taking_can_be_given_to_a_training(tmp_path: Path) -> None:
    made = tune.search_file(dataset(), {"returns": found(), "service": found(told=False)})
    path = tmp_path / "trees.json"
    path.write_text(json.dumps(made, allow_nan=False))
    assert tree_settings.read(path) == {"returns": found().best.trees}, (
        "a risk whose best is not worth it keeps the present ones"
    )
    assert [len(made["risks"][risk]["trials"]) for risk in ("returns", "service")] == [8, 8]
    assert Trial(PRESENT, 0.5, 0.1).as_json().keys() <= made["risks"]["returns"]["trials"][0].keys()
