"""Bootstrap draws: whole sellers, whole blocks of time, the same for every score."""

import numpy as np

from training.measures.intervals import ci95, draw_blocks, draw_sellers, replicate


def test_a_draw_takes_or_leaves_all_rows_of_a_seller() -> None:
    sellers = np.array(["anna", "ben", "anna", "cleo"], dtype=object)
    draws = draw_sellers(sellers)
    assert draws.counts.shape == (200, 3)
    assert (draws.counts.sum(axis=1) == 3).all()
    assert draws.group.tolist() == [0, 1, 0, 2]


def test_blocks_are_one_horizon_long() -> None:
    as_of = np.array([100, 107, 121, 127, 128, 156])
    assert draw_blocks(as_of, 28).group.tolist() == [0, 0, 0, 0, 1, 2]


def test_a_score_does_not_differ_from_itself_and_a_better_one_does() -> None:
    rng = np.random.default_rng(0)
    label = (rng.random(600) < 0.3).astype(float)
    good, poor = 0.2 + 0.5 * label + 0.1 * rng.random(600), rng.random(600)
    draws = draw_sellers(rng.integers(0, 60, 600).astype(object))
    own, reference = replicate(label, [good], draws), replicate(label, [poor], draws)
    same = ci95(reference, reference, "roll_forward")
    assert same["average_precision_minus_roll_forward"] == [0, 0]
    found = ci95(own, reference, "roll_forward")
    precision, brier = (found[f"{name}_minus_roll_forward"] for name in ("average_precision", "brier"))
    assert precision is not None
    assert brier is not None
    assert precision[0] > 0.5
    assert brier[1] < 0


def test_the_seeds_of_a_model_are_scored_alone_and_averaged() -> None:
    label, one, other = np.array([1.0, 0, 1, 0]), np.array([0.9, 0.1, 0.8, 0.2]), np.array([0.1, 0.9, 0.2, 0.8])
    draws = draw_sellers(np.array(["a", "a", "a", "a"], dtype=object))
    both = replicate(label, [one, other], draws)
    alone = [replicate(label, [score], draws) for score in (one, other)]
    for figure in ("average_precision", "brier"):
        np.testing.assert_allclose(both[figure], (alone[0][figure] + alone[1][figure]) / 2)


def test_two_sellers_or_one_block_of_time_give_no_interval() -> None:
    label, score, days = np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.1, 0.9, 0.4, 0.3]), np.array([0, 7, 14, 21])
    two_sellers = draw_sellers(np.array(["anna", "ben", "anna", "ben"], dtype=object))
    for draws in (two_sellers, draw_blocks(days, 28), draw_blocks(days[:0], 28)):
        found = replicate(label, [score], draws)
        assert set(ci95(found, found, "itself").values()) == {None}
    found = replicate(label, [score], draw_blocks(days, 7))
    assert ci95(found, found, "itself")["brier"] is not None
