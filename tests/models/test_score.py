"""The score of a row: what the API shows, in one record; and the same as columns for a batch."""

import math
from dataclasses import replace

import numpy as np
import pytest

from core.block import Block
from core.errors import ForesellError
from features.table import FeatureTable
from models.batch.score_columns import batch
from models.boosting.risk_model import Bands, predict
from models.bundle.bundle import Bundle
from models.explain.reasons import REASONS
from models.score import score
from tests.support.small_bundle import HORIZON, LATE, SERVICE, bundle, label, table, train


def counted(late: float, ordered: float) -> FeatureTable:
    """A copy of the table whose first row has these counts in every window of the standard."""
    rows = table().take(np.arange(3))
    values = rows.block.values.copy()
    for name, index in rows.block.index.items():
        if name.startswith("service_failure_") and name.removeprefix("service_failure_").isdigit():
            values[0, index] = late
        if name.startswith("ordered_") and name.removeprefix("ordered_").isdigit():
            values[0, index] = ordered
    return replace(rows, block=Block(rows.block.names, values))


def test_a_score_says_how_the_seller_stands() -> None:
    found = score(bundle(), counted(late=6, ordered=50))[0]["service"]
    assert found.standard.name == SERVICE.name
    assert (found.standard.limit, found.standard.volume, found.standard.minimum_volume) == (0.08, 50, 20)
    assert found.standard.current_rate == pytest.approx(0.12)
    assert found.in_breach
    assert not found.low_evidence
    assert found.interval_90[0] <= found.probability <= found.interval_90[1]
    assert found.expected_rate is not None
    assert found.expected_rate_interval_90 is not None
    assert found.expected_rate_interval_90[0] <= found.expected_rate <= found.expected_rate_interval_90[1]
    assert found.band in ("clear", "watch", "review")


def test_without_orders_rates_are_none_and_evidence_is_low() -> None:
    found = score(bundle(), counted(late=0, ordered=0))[0]["service"]
    assert found.standard.current_rate is None
    assert found.expected_rate is None
    assert found.expected_rate_interval_90 is None
    assert found.low_evidence
    assert not found.in_breach
    assert 0 <= found.probability < 0.5


@pytest.mark.parametrize(("ordered", "low"), [(39, True), (40, False)])
def test_evidence_is_low_under_twice_the_minimum_volume(ordered: int, low: bool) -> None:
    assert score(bundle(), counted(late=1, ordered=ordered))[0]["service"].low_evidence is low


def test_every_risk_has_its_score_and_service_its_parts() -> None:
    rows = table()
    found = score(bundle(), rows)
    assert [set(s) for s in found] == [{"returns", "service"}] * len(rows)
    late = predict(bundle().model("service", HORIZON, "late_delivery"), rows.block).probability
    assert [s["service"].parts for s in found] == [{"late_delivery": p} for p in late]
    assert all(s["returns"].parts == {} for s in found)


def test_a_complement_is_stated_as_the_good_share() -> None:
    head = replace(LATE, part="", headline=True)
    alone = Bundle((train(head),), bundle().features, table().block, "", "")
    found = score(alone, table())
    late, ordered = table().block["late_30"], table().block["ordered_30"]
    for i in np.flatnonzero(ordered > 0):
        assert found[i]["service"].standard.current_rate == pytest.approx(1 - late[i] / ordered[i])
        assert found[i]["service"].standard.limit == 0.9


def test_scores_without_reasons_are_the_same_scores() -> None:
    rows = table().take(np.arange(20))
    for with_reasons, without in zip(score(bundle(), rows), score(bundle(), rows, reasons=False), strict=True):
        for risk, found in with_reasons.items():
            assert found.explanation is not None
            assert replace(found, explanation=None) == without[risk]


def test_bands_begin_at_their_cuts() -> None:
    assert Bands(0.2, 0.5).names(np.array([0.0, 0.19, 0.2, 0.49, 0.5, 1.0])) == [
        *("clear", "clear"),
        *("watch", "watch"),
        *("review", "review"),
    ]


def test_likelier_breaches_have_higher_probabilities() -> None:
    found = score(bundle(), table(), reasons=False)
    probability = np.array([s["service"].probability for s in found])
    came = label(SERVICE)
    assert probability[came == 1].mean() > 2 * probability[came == 0].mean()


def test_a_horizon_that_was_not_trained_is_refused() -> None:
    with pytest.raises(ForesellError, match=r"7 days.*28"):
        score(bundle(), table(), horizon=7)


def test_a_batch_has_the_scores_as_columns() -> None:
    rows = table().take(np.arange(50))
    columns, single = batch(bundle(), rows).to_pydict(), score(bundle(), rows)
    assert {len(c) for c in columns.values()} == {100}
    for i in range(100):
        found = single[i % 50][columns["risk"][i]]
        assert columns["seller_id"][i] == rows.seller_id[i % 50]
        assert columns["probability"][i] == found.probability
        assert (columns["interval_low"][i], columns["interval_high"][i]) == found.interval_90
        assert columns["band"][i] == found.band
        assert columns["in_breach"][i] == found.in_breach
        assert found.explanation is not None
        reasons = found.explanation.reasons[:REASONS]
        for name, expected in (("text", [r.text for r in reasons]), ("reason", [r.code for r in reasons])):
            said = [columns[f"{name}_{n + 1}"][i] for n in range(REASONS)]
            assert said == expected + [None] * (REASONS - len(expected))
        added = [columns[f"contribution_{n + 1}"][i] for n in range(REASONS)]
        assert added == pytest.approx([r.contribution for r in reasons] + [0.0] * (REASONS - len(reasons)), abs=1e-12)


def test_the_columns_of_a_batch_add_up() -> None:
    columns = batch(bundle(), table()).to_pandas()
    parts = [f"contribution_{n + 1}" for n in range(REASONS)] + ["contribution_rest", "base", "arithmetic"]
    served = sum(columns[name] for name in parts)
    assert np.abs(1 / (1 + np.exp(-served)) - columns["probability"]).max() < 1e-6
    assert any(v for v in columns["contribution_rest"])


def test_no_rows_make_an_empty_batch() -> None:
    none = batch(bundle(), table().take(np.empty(0, dtype=np.int64)))
    assert (len(none), none.schema) == (0, batch(bundle(), table()).schema)


def test_scores_hold_no_nan() -> None:
    for by_risk in score(bundle(), table(), reasons=False):
        for found in by_risk.values():
            numbers = (found.probability, *found.interval_90, found.log_odds, found.offset)
            assert all(math.isfinite(n) for n in numbers)


def test_models_together_say_to_the_bit_what_each_says_alone() -> None:
    block = table().block
    for rows in (block, block.take(np.arange(1)), block.take(np.arange(0))):
        together = bundle().joint_predictor(HORIZON, rows.names)
        assert {m.key.risk for m in together.models} == {"returns", "service"}
        whole = together.predict(rows)
        for number, model in enumerate(together.models):
            said = whole.of_model(number)
            alone = predict(model, rows)
            for name in ("matrix", "offset", "raw", "served", "probability"):
                assert np.array_equal(getattr(said, name), getattr(alone, name), equal_nan=True), (model.key, name)
            for name in vars(alone.projection):
                assert np.array_equal(
                    getattr(said.projection, name), getattr(alone.projection, name), equal_nan=True
                ), name
