"""Scores of a known quality on the small marketplace: made from the labels, so that each fault is planted alone."""

from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from training_market import material

from training.material import Target, headlines, target
from training.scoring import Options, Tested, score
from training.slices import HEADLINE, masks

Array = NDArray[np.float64]
OPTIONS = Options(seeds=(0,))


@cache
def goal() -> Target:
    """What is to be said of the marketplace's one risk."""
    return target(material(), headlines(material())["service"], 28)


@cache
def tested() -> Tested:
    """Its test period as the model scores it."""
    return score(material(), goal(), OPTIONS)


def log_odds(distance: float = 2.8, seed: int = 0) -> Array:
    """Calibrated log-odds of each test row, by a signal whose mean lies so many deviations higher before a breach."""
    rows = tested().rows
    label, known = np.nan_to_num(goal().rows.label[rows]), np.isfinite(goal().rows.label[rows])
    head = masks(goal().standard, material().active.block.take(rows))[HEADLINE]
    base = np.where(head, label[head & known].mean(), label[~head & known].mean())
    signal = np.random.default_rng(seed).normal(size=len(label)) + distance * label
    return np.asarray(logit(base) + distance * signal - distance**2 / 2)


def with_model(raw: Array) -> Tested:
    """The test period with these log-odds as the model's."""
    return replace(tested(), scores={**tested().scores, "model": [expit(raw)]})
