"""Fitting: folds that never look ahead, the same bytes from the same rows, a line that moves only as blocks agree."""

import ast
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

from models.arithmetic.calibration import Calibration
from training.fit import boosting
from training.fit.boosting import TrainingMatrix
from training.fit.calibration import fit_line
from training.fit.tree_settings import LEARNING_RATES, PRESENT, TreeSettings

TRAINING = Path(boosting.__file__).parents[1]


def rows(seed: int = 0, days: int = 20, sellers: int = 120) -> TrainingMatrix:
    """Weekly rows whose label follows `signal`; `noise` says nothing."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(days * sellers, 2))
    label = (rng.random(len(matrix)) < expit(1.5 * matrix[:, 0] - 1)).astype(float)
    return TrainingMatrix(
        ("signal", "noise"), matrix, np.full(len(matrix), -1.0), label, np.repeat(np.arange(days) * 7, sellers)
    )


def test_inner_folds_learn_only_from_labels_known_when_they_open() -> None:
    as_of = np.arange(0, 140, 7)
    folds = list(boosting.inner_folds(as_of, 28))
    assert len(folds) == 4
    for before, inside in folds:
        assert as_of[before].max() + 28 <= as_of[inside].min()
    covered = np.concatenate([as_of[inside] for _, inside in folds])
    assert len(set(covered)) == len(covered)
    assert covered.max() == 133  # the newest rows are among them


def test_a_record_shorter_than_a_horizon_has_no_out_of_time_prediction() -> None:
    short = rows(days=3)
    assert np.isnan(boosting.out_of_time(short, 28, 0)).all()
    assert boosting.fit(short, 28, 0).line == Calibration()


def test_later_labels_do_not_touch_earlier_out_of_time_predictions() -> None:
    known = rows()
    late = known.as_of >= 98
    flipped = TrainingMatrix(
        known.names, known.matrix, known.offset, np.where(late, 1 - known.label, known.label), known.as_of
    )
    early = known.as_of < 98 + 28
    np.testing.assert_array_equal(
        boosting.out_of_time(known, 28, 0)[early], boosting.out_of_time(flipped, 28, 0)[early]
    )


def test_the_same_rows_and_seed_give_the_same_bytes_and_another_seed_others() -> None:
    texts = [boosting.boost(rows(), seed).model_to_string() for seed in (0, 0, 1)]
    assert texts[0] == texts[1] != texts[2]


def test_trees_learn_what_the_offset_leaves() -> None:
    learned = boosting.fit(rows(), 28, 0)
    fresh = rows(seed=1)
    p = learned.probability(fresh)
    assert p[fresh.matrix[:, 0] > 1].mean() > 0.5
    assert p[fresh.matrix[:, 0] < -1].mean() < 0.2


def test_the_features_that_predict_out_of_time_are_chosen() -> None:
    assert boosting.choose(rows(), [("noise",), ("signal",)], 28) == ("signal",)
    assert boosting.choose(rows(days=3), [("noise",), ("signal",)], 28) == ("noise",)  # nothing to choose by


def test_a_longer_list_must_gain_more_than_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    losses = {1: np.array([0.5, 0.4, 0.6]), 2: np.array([0.3, 0.5, 0.6]), 3: np.array([0.4, 0.3, 0.51])}
    monkeypatch.setattr(boosting, "daily_loss", lambda known, *_: losses[len(known.names)])
    short, noisy, better = ("signal",), ("signal", "noise"), ("signal", "noise", "noise")
    assert boosting.choose(rows(), [short, noisy], 28) == short, "less on average, by one day alone"
    assert boosting.choose(rows(), [short, better], 28) == better


def test_the_pace_is_the_slowest_unless_another_gains_more_than_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    slow, fast, long = LEARNING_RATES
    losses = {slow: np.array([0.5, 0.4, 0.6]), fast: np.array([0.4, 0.3, 0.51]), long: np.array([0.4, 0.2, 0.55])}
    monkeypatch.setattr(boosting, "block_loss", lambda known, horizon, trees: losses[trees.learning_rate, trees.rounds])
    assert boosting.choose_learning_rate(rows(days=60), 28) == TreeSettings(learning_rate=fast[0]), (
        "the longer gains on one alone"
    )
    assert boosting.choose_learning_rate(rows(days=24), 28) == PRESENT, "one season tells nothing"
    losses[long] = np.array([0.35, 0.25, 0.5])
    assert boosting.choose_learning_rate(rows(days=60), 28) == TreeSettings(learning_rate=long[0], rounds=long[1])
    losses[fast] = losses[long] = np.array([0.3, 0.5, 0.6])
    assert boosting.choose_learning_rate(rows(days=60), 28) == PRESENT


def test_a_blocks_loss_is_the_mean_of_its_days() -> None:
    known = rows(days=60)
    daily, blocks = boosting.daily_loss(known, 28), boosting.block_loss(known, 28, PRESENT)
    assert np.allclose(blocks[:-1], daily[: 4 * (len(blocks) - 1)].reshape(-1, 4).mean(axis=1))
    assert len(blocks) == -(-len(daily) // 4)


def test_a_rate_makes_other_trees() -> None:
    both_rates = [TreeSettings(learning_rate=rate) for rate, _ in LEARNING_RATES[:2]]
    slow, fast = (boosting.boost(rows(), 0, trees).model_to_string() for trees in both_rates)
    assert slow == boosting.boost(rows(), 0).model_to_string() != fast
    both = boosting.fit(rows(), 28, 0, trees=both_rates[1])
    assert both.trees.model_to_string() == fast
    assert not np.array_equal(both.raw, boosting.fit(rows(), 28, 0).raw, equal_nan=True)


def drifting(shifts: list[float], slope: float = 1.0, each: int = 3000) -> Calibration:
    """The line of blocks of four weeks whose true log-odds are slope x raw + the block's shift."""
    rng = np.random.default_rng(0)
    raw = rng.normal(-1, 1.5, each * len(shifts))
    truth = slope * raw + np.repeat(shifts, each)
    label = (rng.random(len(raw)) < expit(truth)).astype(float)
    return fit_line(raw, label, np.repeat(np.arange(len(shifts)) * 28, each), 28)


def test_a_shift_that_lasts_over_many_blocks_is_taken_over() -> None:
    assert drifting([0.8] * 40).c == pytest.approx(0.8, abs=0.15)


def test_a_shift_of_one_block_is_taken_for_weather() -> None:
    assert abs(drifting([0.8]).c) < 0.1


def test_shifts_up_and_down_cancel() -> None:
    assert abs(drifting([1.0, -1.0] * 6).c) < 0.1


def test_a_slope_is_believed_as_far_as_there_are_blocks() -> None:
    few, many = drifting([0.0] * 2, slope=0.6), drifting([0.0] * 40, slope=0.6)
    assert many.a == pytest.approx(0.6, abs=0.06)
    assert many.a < few.a < 1


def test_without_rows_the_line_is_the_identity() -> None:
    assert fit_line(np.empty(0), np.empty(0), np.empty(0, dtype=int), 28) == Calibration()


def calls_of_predict(path: Path) -> list[ast.Call]:
    """Calls of a booster's predict: by the words that only that takes."""
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    return [c for c in calls if {k.arg for k in c.keywords} & {"raw_score", "pred_contrib"}]


def test_boosters_predict_on_one_thread_where_fits_run_side_by_side() -> None:
    calls = [call for path in sorted(TRAINING.rglob("*.py")) for call in calls_of_predict(path)]
    assert len(calls) >= 3
    for call in calls:
        said = {k.arg: k.value.value for k in call.keywords if isinstance(k.value, ast.Constant)}
        assert said.get("num_threads") == 1, ast.unparse(call)


def mixed(at_risk: np.ndarray | None) -> TrainingMatrix:
    """Rows of which every second is of a seller in breach, for whom the raw log-odds are twice too bold."""
    made = rows(days=60)
    rng, bold = np.random.default_rng(1), np.arange(len(made)) % 2 == 1
    odds = 1.5 * made.matrix[:, 0] - 1
    label = (rng.random(len(made)) < expit(np.where(bold, odds / 2, odds))).astype(float)
    return TrainingMatrix(made.names, made.matrix, np.zeros(len(made)), label, made.as_of, at_risk)


def test_the_line_is_that_of_the_sellers_for_whom_the_queue_is() -> None:
    odd = np.arange(60 * 120) % 2 == 1
    raw = 1.5 * mixed(None).matrix[:, 0] - 1
    raw[:601] = np.nan  # the earliest rows have no out-of-time prediction
    lines = [boosting.fit(mixed(at_risk), 28, 0, raw).line.a for at_risk in (~odd, None, odd)]
    assert lines[0] == pytest.approx(1, abs=0.07)
    assert lines[0] > lines[1] + 0.1 > lines[2] + 0.2
    nobody = np.zeros(len(odd), dtype=bool)
    assert boosting.fit(mixed(nobody), 28, 0, raw).line.a == lines[1], "too few of them: the line of all"
    kept = mixed(odd).take(odd).at_risk
    assert kept is not None
    assert kept.all(), "rows keep what they are"
