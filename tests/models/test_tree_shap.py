"""Contributions from tables are those of LightGBM, for trees of every shape that the tables take."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pytest

from core.errors import ForesellError
from models.boosting import tree_shap
from models.boosting.risk_model import contributions, contributions_by_lightgbm, predict
from models.boosting.tree_shap import tables, unfit
from models.bundle.bundle import check_contributions
from tests.support.small_bundle import SERVICE, bundle, table, train

Floats = npt.NDArray[np.float64]
EXACT = 1e-12
DRAW = np.random.default_rng(3)
ROWS = np.round(DRAW.normal(size=(600, 5)), 1)  # rounded, so that many values lie on a threshold
GOAL = (ROWS[:, 0] + ROWS[:, 1] * ROWS[:, 2] + 0.3 * DRAW.normal(size=600) > 0).astype(float)
GAPS = np.where(DRAW.random(ROWS.shape) < 0.2, np.nan, ROWS)


def grown(rows: Floats, rounds: int = 30, categories: Sequence[int] = (), **words: Any) -> lgb.Booster:
    settings = {"objective": "binary", "num_leaves": 31, "min_data_in_leaf": 3, "verbose": -1, "num_threads": 1}
    return lgb.train(settings | words, lgb.Dataset(rows, GOAL, categorical_feature=list(categories)), rounds)


def exact(booster: lgb.Booster, rows: Floats) -> Floats:
    return np.asarray(booster.predict(rows, pred_contrib=True, num_threads=1))


@pytest.mark.parametrize("depth", [1, 2, 4, 8], ids="depth {}".format)
@pytest.mark.parametrize("seen", [ROWS, GAPS], ids=["trained without gaps", "trained with gaps"])
def test_contributions_are_those_of_lightgbm(depth: int, seen: Floats) -> None:
    booster = grown(seen, max_depth=depth)
    text = booster.model_to_string()
    assert not unfit(text)
    fast = tables(text, 5)
    for rows in (ROWS, GAPS, np.full((1, 5), np.nan), np.full((1, 5), np.inf), np.zeros((1, 5))):
        np.testing.assert_allclose(fast(rows), exact(booster, rows), rtol=0, atol=EXACT)


def test_trees_without_a_decision_are_the_base() -> None:
    booster = grown(ROWS, rounds=3, min_data_in_leaf=600)
    assert np.array_equal(tables(booster.model_to_string(), 5)(ROWS), exact(booster, ROWS))


def test_no_rows_have_no_contributions() -> None:
    assert tables(grown(ROWS, max_depth=3).model_to_string(), 5)(np.empty((0, 5))).shape == (0, 6)


def test_a_row_alone_is_as_among_others_to_the_bit() -> None:
    fast = tables(grown(GAPS, max_depth=4).model_to_string(), 5)
    together = fast(GAPS)
    for i in range(0, len(GAPS), 7):
        assert np.array_equal(fast(GAPS[i : i + 1])[0], together[i])


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({"max_depth": 9, "num_leaves": 200}, "more than 8"),
        ({"zero_as_missing": True, "max_depth": 4}, "0 as missing"),
        ({"categories": [0], "max_depth": 4}, "by category"),
    ],
)
def test_trees_of_other_kinds_are_left_to_lightgbm(words: dict[str, Any], reason: str) -> None:
    rows = np.abs(np.round(ROWS))
    booster = grown(rows, **words)
    assert reason in unfit(booster.model_to_string())
    names = tuple(f"f{i}" for i in range(5))
    model = replace(train(SERVICE), text=booster.model_to_string(), features=names)
    said = replace(predict(train(SERVICE), table().block), matrix=rows)
    assert np.array_equal(contributions(model, said), exact(booster, rows))


def test_trees_with_lines_in_their_leaves_are_left_to_lightgbm_which_refuses_them() -> None:
    assert "linear models" in unfit(grown(ROWS, linear_tree=True, max_depth=4).model_to_string())


def test_the_models_of_a_bundle_are_explained_from_tables() -> None:
    for model in bundle().models:
        assert model.shap_tables is not None
        said = predict(model, table().block)
        found = contributions_by_lightgbm(model, said.matrix)
        np.testing.assert_allclose(contributions(model, said), found, rtol=0, atol=EXACT)


def test_a_bundle_whose_tables_say_otherwise_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted fault: the shares of rows that went left and right are exchanged."""
    shares = tree_shap._path

    def planted(*args: Any) -> Any:
        path = shares(*args)
        return path._replace(share=[1 - share for share in path.share])

    monkeypatch.setattr(tree_shap, "_path", planted)
    model = replace(bundle().model("service", 28))
    with pytest.raises(ForesellError, match="equal to those of LightGBM"):
        check_contributions(replace(bundle(), models=(model,)))
