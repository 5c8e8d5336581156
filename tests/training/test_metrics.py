"""Metrics: against scikit-learn where it has them, by hand where it has not."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from training.measures import metrics
from training.measures.intervals import draw

LABEL = np.array([1, 0, 1, 0, 0, 0, 1, 0], dtype=float)
SCORE = np.array([0.9, 0.8, 0.7, 0.7, 0.3, 0.3, 0.3, 0.1])


def drawn(rows: int, sellers: int, decimals: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, scores with ties, and the seller of each row."""
    rng = np.random.default_rng(seed)
    label = (rng.random(rows) < 0.2).astype(float)
    score = np.clip(0.3 * label + 0.7 * rng.random(rows), 0.01, 0.99).round(decimals)
    return label, score, rng.integers(0, sellers, rows)


def test_metrics_equal_scikit_learn_on_tied_scores() -> None:
    label, score, _ = drawn(400, 30, 2)
    found = metrics.measure(label, score)
    assert found.average_precision == pytest.approx(average_precision_score(label, score), abs=1e-12)
    assert found.roc_auc == pytest.approx(roc_auc_score(label, score), abs=1e-12)
    assert found.brier == pytest.approx(brier_score_loss(label, score), abs=1e-12)
    assert found.log_loss == pytest.approx(log_loss(label, score), abs=1e-12)


@pytest.mark.parametrize("decimals", [1, 2, 6])
def test_each_bootstrap_replicate_equals_scikit_learn_with_its_weights(decimals: int) -> None:
    label, score, seller = drawn(300, 25, decimals)
    draws = draw(seller, replicates=60)
    found = metrics.average_precisions(label, score, draws.counts, draws.group)
    weights = draws.counts[:, draws.group]
    expected = [average_precision_score(label, score, sample_weight=weight) for weight in weights]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_a_replicate_without_label_1_is_unknown() -> None:
    counts = np.array([[1, 1], [0, 2]])
    found = metrics.average_precisions(np.array([1.0, 0, 0]), np.array([0.5, 0.4, 0.3]), counts, np.array([0, 1, 1]))
    assert found[0] == 1
    assert np.isnan(found[1])


def test_no_metric_depends_on_the_order_of_the_rows() -> None:
    label, score, _ = drawn(200, 10, 1)
    mixed = np.random.default_rng(1).permutation(len(label))
    one, other = metrics.measure(label, score), metrics.measure(label[mixed], score[mixed])
    assert list(one.as_json().values()) == pytest.approx(list(other.as_json().values()), rel=1e-9)


def test_a_tie_at_the_edge_counts_by_its_share() -> None:
    # Of the first four places, three are sure (1, 0 and, of the pair at .7, both); the three at .3 share the fifth.
    assert metrics.expected_hits(LABEL, SCORE, 4) == (2.0, 4)
    assert metrics.expected_hits(LABEL, SCORE, 5) == pytest.approx((2 + 1 / 3, 5))


def test_bins_of_equal_mass_and_the_gap_between_what_was_said_and_what_came() -> None:
    label, score = np.array([0.0, 0, 1, 1]), np.array([0.1, 0.3, 0.5, 0.9])
    assert metrics.reliability(label, score, bins=2) == [(2, 0.2, 0.0), (2, 0.7, 1.0)]
    ten = np.repeat(label, 10), np.repeat(score, 10)
    assert metrics.expected_calibration_error(*ten) == pytest.approx((0.1 + 0.3 + 0.5 + 0.1) / 4)


def test_the_calibration_line_finds_the_slope_and_shift_that_were_planted() -> None:
    rng = np.random.default_rng(2)
    truth = rng.normal(-1, 1.5, 40_000)
    label = (rng.random(len(truth)) < 1 / (1 + np.exp(-truth))).astype(float)
    too_bold = 1 / (1 + np.exp(-(2 * truth + 1)))
    slope, intercept = metrics.calibration_line(label, too_bold)
    assert slope == pytest.approx(0.5, abs=0.02)
    assert intercept == pytest.approx(-0.5, abs=0.03)


def test_a_score_of_one_value_has_no_calibration_line() -> None:
    assert np.isnan(metrics.calibration_line(LABEL, np.full(len(LABEL), 0.4))).all()


def test_a_rate_above_1_counts_as_certainty() -> None:
    found = metrics.measure(LABEL, 2 * SCORE)
    assert found.brier == pytest.approx(np.mean((np.clip(2 * SCORE, 0, 1) - LABEL) ** 2))
    assert np.isfinite(found.log_loss)
