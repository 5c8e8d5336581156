"""The gain over a reference, and the gains of several records put together."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.quality import together
from training.backtest.evaluate import LabelledScores, gain_over
from training.measures.intervals import REPLICATES

ROWS = 600


def scored(sharpness: float) -> LabelledScores:
    """A model of two seeds that knows the risk, and a reference that knows it as well as sharpness says (0 to 1)."""
    rng = np.random.default_rng(0)
    risk = rng.random(ROWS)
    label = (rng.random(ROWS) < risk).astype(float)
    dull = sharpness * risk + (1 - sharpness) * label.mean()
    scores = {"model": [risk, np.clip(risk + 0.01, 0, 1)], "boosting": [dull + 1e-9 * rng.random(ROWS)]}
    sellers = np.repeat(np.arange(ROWS // 10), 10).astype(object)
    return LabelledScores(label, sellers, np.zeros(ROWS, dtype=np.int64), np.zeros(ROWS, dtype=np.int64), scores)


def test_the_gain_is_the_models_figure_less_the_references() -> None:
    found = gain_over(scored(0.2), "boosting")
    assert found["average_precision"]["difference"] == pytest.approx(0, abs=0.01), "the same ranking"
    assert found["brier"]["difference"] < -0.03, "and further from the mean"
    assert np.mean(found["brier"]["draws"]) == pytest.approx(found["brier"]["difference"], abs=0.01)
    assert np.std(found["brier"]["draws"]) > 0


def test_without_the_reference_there_is_no_gain() -> None:
    assert gain_over(scored(0.2), "nobody") == {}


def test_gains_are_put_together_with_equal_weights_draw_by_draw() -> None:
    one = {"brier": {"difference": 0.1, "draws": [0.0, 0.1, 0.2]}}
    other = {"brier": {"difference": 0.3, "draws": [0.4, 0.3, 0.2]}}
    mean, low, high = together([one, other])["brier"]
    assert (mean, low, high) == pytest.approx((0.2, 0.2, 0.2)), "what one record loses in a draw, the other gains"


def test_both_are_measured_on_the_same_draws_of_sellers() -> None:
    made = scored(0.2)
    own = made.scores["model"][0]
    same = replace(made, scores={"model": [own], "boosting": [own]})
    assert gain_over(same, "boosting")["brier"]["draws"] == [0.0] * REPLICATES


def test_rows_of_one_seller_stand_and_fall_together() -> None:
    made = scored(0.2)
    alike = {name: [np.repeat(column[::10], 10) for column in columns] for name, columns in made.scores.items()}
    of_sellers = replace(made, label=np.repeat(made.label[::10], 10), scores=alike)
    of_rows = replace(of_sellers, seller_id=np.arange(ROWS).astype(object))
    spread = [np.std(gain_over(part, "boosting")["brier"]["draws"]) for part in (of_sellers, of_rows)]
    assert spread[0] == pytest.approx(np.sqrt(10) * spread[1], rel=0.25)


def test_the_interval_of_all_records_holds_95_percent_of_the_draws() -> None:
    gain = {"brier": {"difference": 0.5, "draws": np.linspace(0, 1, 201).tolist()}}
    assert together([gain])["brier"] == pytest.approx((0.5, 0.025, 0.975))
