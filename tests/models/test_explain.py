"""What is served is the sum of its parts, and every part has its reason."""

from dataclasses import replace

import numpy as np
import pytest

from core.block import Block
from core.errors import ForesellError
from models.arithmetic.roll_forward import LOG_ODDS_BOUND
from models.boosting.risk_model import (
    ARITHMETIC,
    ModelKey,
    RiskModel,
    RiskPrediction,
    contributions,
    interval_90,
    predict,
)
from models.explain.reasons import LogOddsTerms, explain, families, split_log_odds
from models.score import row_of
from tests.support.small_bundle import HORIZON, LATE, RETURNS, SERVICE, STANDARDS, bundle, table

MODELS = [
    ModelKey("service", "", HORIZON),
    ModelKey("service", "late_delivery", HORIZON),
    ModelKey("returns", "", HORIZON),
]


@pytest.fixture(params=MODELS, ids=str)
def model(request: pytest.FixtureRequest) -> RiskModel:
    return bundle().model(request.param.risk, request.param.horizon, request.param.part)


def split(model: RiskModel, block: Block) -> tuple[RiskPrediction, LogOddsTerms]:
    prediction = predict(model, block)
    return prediction, split_log_odds(model, prediction, contributions(model, prediction))


def test_base_arithmetic_and_reasons_are_the_served_log_odds(model: RiskModel) -> None:
    rows = table()
    prediction, found = split(model, rows.block)
    for i in range(0, len(rows), 7):
        why = explain(families(model, bundle().features), found, i, row_of(rows, i))
        total = why.base + why.arithmetic + sum(r.contribution for r in why.reasons)
        assert total == pytest.approx(prediction.served[i], abs=1e-6)
        assert 1 / (1 + np.exp(-total)) == pytest.approx(prediction.probability[i], abs=1e-6)


def test_the_trees_have_learned_something_to_explain() -> None:
    prediction, found = split(bundle().model("service", 28), table().block)
    assert np.ptp(prediction.raw) > 0.5
    assert np.abs(found.of_feature).sum() > 0


def test_served_is_a_times_offset_and_trees_plus_c(model: RiskModel) -> None:
    prediction = predict(model, table().block)
    line = model.calibration
    assert line.a != 1
    assert np.array_equal(prediction.served, line.a * (prediction.offset + prediction.raw) + line.c)
    assert np.abs(prediction.offset).max() <= 5


def test_contributions_left_unscaled_are_refused(model: RiskModel) -> None:
    """The planted fault: the calibration's slope forgotten."""
    prediction = predict(model, table().block)
    planted = contributions(model, prediction) / model.calibration.a
    with pytest.raises(ForesellError, match="add up"):
        split_log_odds(model, prediction, planted)


def test_a_booster_that_predicts_nan_is_refused(model: RiskModel) -> None:
    prediction = predict(model, table().block)
    shap = contributions(model, prediction)
    shap[3, 0] = np.nan
    with pytest.raises(ForesellError, match="add up"):
        split_log_odds(model, prediction, shap)


def test_every_family_that_adds_is_a_reason_once_and_the_strongest_comes_first(model: RiskModel) -> None:
    rows = table()
    _, found = split(model, rows.block)
    for i in range(0, len(rows), 31):
        why = explain(families(model, bundle().features), found, i, row_of(rows, i))
        by_family: dict[str, float] = {}
        for name, value in zip(model.features, found.of_feature[i], strict=True):
            if name not in ARITHMETIC:
                family = bundle().features[name].family
                by_family[family] = by_family.get(family, 0) + value
        assert {r.code: r.contribution for r in why.reasons} == pytest.approx({f: v for f, v in by_family.items() if v})
        sizes = [abs(r.contribution) for r in why.reasons]
        assert sizes == sorted(sizes, reverse=True)
        assert all(r.direction == ("raises" if r.contribution > 0 else "lowers") for r in why.reasons)


def test_the_arithmetic_holds_the_offset_and_what_the_trees_add_for_it() -> None:
    model = bundle().model("service", 28)
    prediction, found = split(model, table().block)
    shap = contributions(model, prediction)
    of_trees = sum(shap[:, model.features.index(name)] for name in ARITHMETIC)
    assert np.abs(of_trees).max() > 0
    assert np.allclose(found.arithmetic, model.calibration.a * (prediction.offset + of_trees))


def test_a_reason_is_the_sentence_of_the_feature_that_adds_most_to_its_side() -> None:
    rows, model = table(), bundle().model("service", 28)
    _, found = split(model, rows.block)
    why = explain(families(model, bundle().features), found, 5, row_of(rows, 5))
    added = dict(zip(model.features, found.of_feature[5], strict=True))
    for reason in why.reasons:
        chosen = bundle().features[reason.feature]
        rivals = [v for n, v in added.items() if n not in ARITHMETIC and bundle().features[n].family == reason.code]
        assert abs(added[reason.feature]) == max(abs(v) for v in rivals if v * reason.contribution > 0)
        assert reason.text == chosen.sentence_of(row_of(rows, 5))
        assert reason.evidence.orders == chosen.count(row_of(rows, 5))
        assert (reason.evidence.quantity, reason.evidence.span) == (chosen.evidence_quantity, chosen.span)


def test_the_interval_holds_the_probability_and_is_wide_where_little_is_known(model: RiskModel) -> None:
    prediction = predict(model, table().block)
    low, high = interval_90(model, prediction)
    assert (low <= prediction.probability).all()
    assert (prediction.probability <= high).all()
    assert (low >= 0).all()
    assert (high <= 1).all()
    ahead = prediction.projection
    unsure = (np.abs(prediction.offset) < 1) & (ahead.room >= 0) & (ahead.room < ahead.coming)
    assert unsure.any()
    assert (high - low)[unsure].min() > 0.01


def test_a_low_risk_may_well_be_none(model: RiskModel) -> None:
    prediction = predict(model, table().block)
    low, _ = interval_90(model, prediction)
    clipped = (prediction.offset == -LOG_ODDS_BOUND) & (prediction.projection.volume_met > 0.5)
    assert clipped.sum() > 5
    assert (low < prediction.probability / 2)[clipped].mean() > 0.5, "though the offset itself goes no lower"


def test_a_row_alone_scores_as_among_others_to_the_bit(model: RiskModel) -> None:
    block = table().block
    together = predict(model, block)
    low, high = interval_90(model, together)
    shap = contributions(model, together)
    for i in range(0, len(block), 13):
        alone = predict(model, block.take(np.array([i])))
        assert alone.served[0] == together.served[i]
        assert [ends[0] for ends in interval_90(model, alone)] == [low[i], high[i]]
        assert np.array_equal(contributions(model, alone)[0], shap[i])


def test_features_may_be_nan(model: RiskModel) -> None:
    block = table().block
    features = [block.index[f.name] for f in table().features]
    values = block.values.copy()
    values[:, features] = np.nan
    prediction, found = split(model, Block(block.names, values))
    assert np.isfinite(prediction.served).all()
    assert np.isfinite(found.of_feature).all()


def test_the_columns_a_model_reads_are_enough_to_score_again(model: RiskModel) -> None:
    block = table().block
    least = Block(model.columns(), block.matrix(model.columns()))
    assert np.array_equal(predict(model, least).served, predict(model, block).served)


def test_a_lost_column_is_named(model: RiskModel) -> None:
    block = table().block
    gone = next(n for n in model.features if n not in ARITHMETIC)
    kept = [n for n in block.names if n != gone]
    with pytest.raises(ForesellError, match=gone):
        predict(model, Block(tuple(kept), block.matrix(kept)))


def test_no_rows_give_no_scores(model: RiskModel) -> None:
    prediction, found = split(model, table().block.take(np.empty(0, dtype=np.int64)))
    assert prediction.probability.shape == (0,)
    assert found.base.shape == (0,)


def test_the_standards_of_these_tests_are_of_every_kind() -> None:
    assert LATE.complement
    assert not SERVICE.complement
    assert {s.risk for s in STANDARDS} == {"returns", "service"}
    assert RETURNS.denominator != SERVICE.denominator


def test_a_standard_read_another_way_scores_otherwise() -> None:
    model = bundle().model("service", 28)
    strict = replace(model, standard=replace(SERVICE, minimum_volume=200))
    assert predict(strict, table().block).served.mean() < predict(model, table().block).served.mean()
