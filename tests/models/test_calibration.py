"""The sigmoid calibration: finds a planted line, and stays finite where data says nothing."""

import json

import numpy as np
import pytest

from models.arithmetic import calibration
from models.arithmetic.calibration import Calibration


@pytest.mark.parametrize(("a", "c"), [(0.7, 0.3), (1.4, -0.5)])
def test_it_finds_the_line_that_made_the_labels(a: float, c: float) -> None:
    rng = np.random.default_rng(0)
    raw = rng.normal(-1, 2, 40_000)
    label = (rng.random(len(raw)) < 1 / (1 + np.exp(-(a * raw + c)))).astype(float)
    found = calibration.fit(raw, label)
    assert found.a == pytest.approx(a, abs=0.04)
    assert found.c == pytest.approx(c, abs=0.06)


def test_a_weight_of_two_is_a_row_twice() -> None:
    rng = np.random.default_rng(1)
    raw, label = rng.normal(size=500), (rng.random(500) < 0.3).astype(float)
    twice = calibration.fit(np.tile(raw, 2), np.tile(label, 2))
    weighted = calibration.fit(raw, label, np.full(500, 2.0))
    assert (weighted.a, weighted.c) == pytest.approx((twice.a, twice.c), abs=1e-5)


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_one_class_gives_a_finite_line_to_its_side(label: float) -> None:
    found = calibration.fit(np.linspace(-3, 3, 200), np.full(200, label))
    assert 0 < found.a < 3
    assert np.sign(found.c) == (1 if label else -1)
    assert np.isfinite(found.c)


def test_a_ranking_turned_round_does_not_turn_the_slope() -> None:
    raw = np.linspace(-3, 3, 200)
    assert calibration.fit(raw, (raw < 0).astype(float)).a == calibration.SLOPE[0]


def test_without_rows_it_changes_nothing() -> None:
    assert calibration.fit(np.empty(0), np.empty(0)) == Calibration(1.0, 0.0)


def test_json_keeps_every_bit() -> None:
    line = Calibration(0.1 + 0.2, -1 / 3)
    assert calibration.from_json(json.loads(json.dumps(line.as_json()))) == line
