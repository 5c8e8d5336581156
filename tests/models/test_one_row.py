"""One row through LightGBM's own call for one row: the numbers of Booster.predict, to the bit, from any thread."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from models.boosting import one_row
from models.boosting.one_row import OneRow
from models.boosting.risk_model import predict
from tests.support.small_bundle import SERVICE, table, train

MODEL = train(SERVICE)
ROWS = predict(MODEL, table().block.take(np.arange(60))).matrix


@pytest.fixture(params=["the library", "Booster.predict"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With the library's call, and where it cannot be had."""
    if request.param != "the library":
        monkeypatch.setattr(one_row, "LIBRARY", None)
    return str(request.param)


@pytest.mark.usefixtures("way")
def test_the_numbers_are_those_of_predict() -> None:
    raw = OneRow(MODEL.booster)
    for row in ROWS:
        assert raw(row) == MODEL.booster.predict(row[None], raw_score=True, num_threads=1)


def test_the_library_s_call_is_used() -> None:
    assert OneRow(MODEL.booster)._config


@pytest.mark.usefixtures("way")
def test_another_width_is_refused() -> None:
    with pytest.raises(ValueError, match="features was expected"):
        OneRow(MODEL.booster)(ROWS[0][:-1])


def test_rows_may_come_from_many_threads() -> None:
    raw = OneRow(MODEL.booster)
    expected = MODEL.booster.predict(ROWS, raw_score=True)
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            assert np.array_equal(np.array(list(pool.map(raw, ROWS))), expected)
