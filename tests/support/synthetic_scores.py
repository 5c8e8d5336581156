"""Scores of a known quality on the small marketplace: made from the labels, so that each fault is planted alone."""

from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from tests.support.training_market import dataset
from training.backtest.scores import Options, TestPeriodScores, score
from training.dataset.dataset import LabelledTask, headline_standards, labelled_task
from training.dataset.slices import HEADLINE, masks

Array = NDArray[np.float64]
OPTIONS = Options(seeds=(0,))


@cache
def task() -> LabelledTask:
    """What is to be said of the marketplace's one risk."""
    return labelled_task(dataset(), headline_standards(dataset())["service"], 28)


@cache
def test_period() -> TestPeriodScores:
    """Its test period as the model scores it."""
    return score(dataset(), task(), OPTIONS)


def log_odds(distance: float = 2.8, seed: int = 0) -> Array:
    """Calibrated log-odds of each test row, by a signal whose mean lies so many deviations higher before a breach."""
    rows = test_period().rows
    label, known = np.nan_to_num(task().rows.label[rows]), np.isfinite(task().rows.label[rows])
    head = masks(task().standard, dataset().active.block.take(rows))[HEADLINE]
    base = np.where(head, label[head & known].mean(), label[~head & known].mean())
    signal = np.random.default_rng(seed).normal(size=len(label)) + distance * label
    return np.asarray(logit(base) + distance * signal - distance**2 / 2)


def with_model(raw: Array) -> TestPeriodScores:
    """The test period with these log-odds as the model's."""
    return replace(test_period(), scores={**test_period().scores, "model": [expit(raw)]})
