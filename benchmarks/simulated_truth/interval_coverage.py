"""Coverage of a probability's 90% interval, measured with true probabilities of a simulated marketplace."""

import numpy as np
from numpy.typing import NDArray

from models.boosting.risk_model import intervals_90
from training.backtest.observed_outcomes import at_rows
from training.backtest.scores import TestPeriodScores
from training.dataset.dataset import Dataset, LabelledTask
from training.fit.rate_spread import BANDS, bands
from training.measures.metrics import log_odds, mean_or_none
from training.report_schema import ProbabilityBand, ProbabilityIntervalFigures

Array = NDArray[np.float64]
DIGITS = 2  # as people are shown a probability: in whole percent


def probability_figures(
    dataset: Dataset, task: LabelledTask, test_period: TestPeriodScores
) -> ProbabilityIntervalFigures:
    """Share of test rows with the minimum volume whose true probability lies in the first seed's interval, as shown.

    bands: by volume in the window. {} where the truth does not speak of the standard.
    """
    if "truth" not in test_period.scores:
        return {}
    now = at_rows(task.projection, test_period.rows)
    holds = inside(task, test_period)
    band = bands(now.now_n, task.standard.minimum_volume)
    seller = dataset.active.seller_id[test_period.rows].astype(str)
    edges = [edge * task.standard.minimum_volume for edge in BANDS]
    by_band = [_of_band(holds, seller, band == number, edge) for number, edge in enumerate(edges, 1)]
    return {"interval_90_coverage": mean_or_none(holds[band > 0]), "bands": by_band}


def inside(task: LabelledTask, test_period: TestPeriodScores) -> NDArray[np.bool_]:
    """Whether each test row's true probability lies in the interval, both in whole percent, shape (rows,)."""
    slope = np.array([fitted.line.a for fitted in test_period.fitted])[test_period.fold]
    low, high = intervals_90(
        slope, at_rows(task.projection, test_period.rows), log_odds(test_period.scores["model"][0])
    )
    truth, low, high = (np.round(column, DIGITS) for column in (test_period.scores["truth"][0], low, high))
    return np.asarray((low <= truth) & (truth <= high))


def _of_band(holds: NDArray[np.bool_], seller: NDArray[np.str_], mine: NDArray[np.bool_], edge: int) -> ProbabilityBand:
    sellers = len(np.unique(seller[mine]))
    return {"from_volume": edge, "rows": int(mine.sum()), "sellers": sellers, "coverage": mean_or_none(holds[mine])}
