"""Contributions of very many rows: those of pred_contrib, or pred_contrib's own where the fast way is wrong."""

from dataclasses import replace

import lightgbm as lgb
import numpy as np
import pytest
from small_bundle import RETURNS, SERVICE, table, train

from models import many_contributions
from models.many_contributions import ManyContributions, unfit
from models.risk_model import RiskModel, contributions, predict


@pytest.fixture(scope="module")
def model() -> RiskModel:
    return train(SERVICE)


@pytest.fixture
def rows(model):
    """More rows than the small marketplace has, with holes in them."""
    found = predict(model, table().block)
    matrix = np.tile(found.matrix, (5, 1))
    matrix[np.random.default_rng(0).random(matrix.shape) < 0.2] = np.nan
    return replace(found, matrix=matrix, raw=model.booster.predict(matrix, raw_score=True))


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(many_contributions, "PAYS_FROM", 100)


def test_many_rows_have_the_contributions_that_each_has_alone(model, rows):
    many = ManyContributions(len(rows.matrix))
    np.testing.assert_allclose(many(model, rows), contributions(model, rows), rtol=0, atol=1e-5)
    assert (many.trouble, many.again) == ({}, 0)


def test_a_second_block_and_a_second_model_are_worked_out_too(model, rows):
    many, other = ManyContributions(len(rows.matrix)), train(RETURNS)
    other_rows = predict(other, table().block)
    for m, block in ((model, rows), (other, other_rows), (model, rows)):
        np.testing.assert_allclose(many(m, block), contributions(m, block), rtol=0, atol=1e-5)
    assert many.trouble == {}


def test_what_differs_on_the_sample_is_not_used(model, rows, monkeypatch):
    right = many_contributions.batched
    monkeypatch.setattr(many_contributions, "batched", lambda *a: right(*a) + 1e-3)
    many = ManyContributions(len(rows.matrix))
    np.testing.assert_array_equal(many(model, rows), contributions(model, rows))
    assert "differs from pred_contrib by up to 0.001" in many.trouble[model.key]


def test_a_row_that_misses_its_sum_is_worked_out_again(model, rows, monkeypatch):
    right, calls = many_contributions.batched, []

    def wrong_later(*arguments):
        found = right(*arguments)
        calls.append(len(found))
        if len(calls) > 1:  # the sample was right
            found[7, 3] += 1e-3
        return found

    monkeypatch.setattr(many_contributions, "batched", wrong_later)
    many = ManyContributions(len(rows.matrix))
    np.testing.assert_allclose(many(model, rows), contributions(model, rows), rtol=0, atol=1e-5)
    assert (many.again, many.trouble) == (1, {})


def test_few_rows_take_the_way_of_one(model, rows):
    many = ManyContributions(99)
    np.testing.assert_array_equal(many(model, rows), contributions(model, rows))
    assert many._fast == {}


@pytest.mark.parametrize(
    ("options", "categories", "said"),
    [({}, [], ""), ({"zero_as_missing": True}, [], "0 for missing"), ({}, [0], "by category")],
)
def test_splits_that_it_does_not_know_are_not_given_to_it(options, categories, said):
    rng = np.random.default_rng(0)
    x = rng.poisson(1, (400, 2)).astype(float)
    data = lgb.Dataset(x, (x[:, 0] == 1).astype(float), categorical_feature=categories)
    trees = lgb.train({"objective": "binary", "verbose": -1, "min_data_in_leaf": 5} | options, data, 3)
    assert said in unfit(trees.model_to_string())
    assert bool(unfit(trees.model_to_string())) is bool(said)


def test_a_value_missing_where_training_had_none_is_read_as_lightgbm_reads_it(monkeypatch):
    """LightGBM takes such a value for 0; the sum of each row tells when the batch algorithm does not."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(600, len(train(SERVICE).features)))
    trees = lgb.train({"objective": "binary", "verbose": -1}, lgb.Dataset(x, (x[:, 0] > 0).astype(float)), 5)
    model = replace(train(SERVICE), text=trees.model_to_string())
    x[500:, 0] = np.nan
    prediction = replace(predict(train(SERVICE), table().block), matrix=x, raw=trees.predict(x, raw_score=True))
    many = ManyContributions(len(x))
    monkeypatch.setattr(many_contributions, "SAMPLE", 5)
    np.testing.assert_allclose(many(model, prediction), contributions(model, prediction), rtol=0, atol=1e-5)
