"""A search over tree settings on time folds (optuna's TPE, one seed), with a time budget for an explanation.

The first trial has the settings given. Settings whose explanations take longer than the budget are refused.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from time import thread_time
from types import ModuleType
from typing import Any

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from core.errors import ForesellError
from models.boosting.tree_shap import DEEPEST
from training.fit.boosting import SEEDS, Fold, TrainingMatrix, loss_by_block, out_of_fold, side_by_side, usable_folds
from training.fit.tree_settings import TreeSettings

Array = NDArray[np.float64]
TrialProgress = Callable[[int, int], None]  # trials done, of how many
BUDGET_MS = 0.5  # processor time of LightGBM's contributions for one row of one risk, on one core
TIMED_ROWS, REPEATS = 20, 10
SEED = 0  # of the sampler
# Lowest and highest value of each setting. All are drawn on a log scale, except those in EVENLY.
RANGES: dict[str, tuple[int, int] | tuple[float, float]] = {
    "num_leaves": (4, 64),
    "max_depth": (2, DEEPEST),
    "min_data_in_leaf": (20, 500),
    "bagging_fraction": (0.3, 1.0),
    "feature_fraction": (0.1, 1.0),
    "lambda_l2": (0.1, 1000.0),
    "learning_rate": (0.005, 0.1),
    "rounds": (50, 800),
}
EVENLY = ("max_depth", "bagging_fraction", "feature_fraction")


@dataclass(frozen=True)
class Trial:
    """Settings, their mean log loss over the study's blocks of one horizon, and the time of an explanation."""

    trees: TreeSettings
    loss: float
    explanation_ms: float
    refused: str = ""  # why these settings may not be used; empty if they may

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        refused = {"refused": self.refused} if self.refused else {}
        return {**self.trees.as_json(), "log_loss": self.loss, "explanation_ms": self.explanation_ms, **refused}


def study(
    rows: TrainingMatrix,
    horizon: int,
    folds: Sequence[Fold],
    start: TreeSettings,
    trials: int,
    tell: TrialProgress,
    seed: int = SEED,
) -> list[Trial]:
    """The trials in order, `start` first; only the rows of the folds are read.

    The same rows and seed give the same trials, unless one is so near the time budget that it passes in one run and not
    in another. ForesellError if optuna is missing.
    """
    library, done = optuna(), list[Trial]()

    def objective(trial: Any) -> float:
        done.append(attempt(rows, horizon, folds, suggested(trial)))
        tell(len(done), trials)
        if done[-1].refused:
            raise library.TrialPruned(done[-1].refused)
        return done[-1].loss

    sampling = library.create_study(sampler=library.samplers.TPESampler(seed=seed))
    sampling.enqueue_trial(start.as_json())
    sampling.optimize(objective, n_trials=trials)
    return done


def suggested(trial: Any) -> TreeSettings:
    """Settings that the sampler draws from RANGES."""
    drawn = {}
    for name, (low, high) in RANGES.items():
        draw = trial.suggest_int if isinstance(low, int) else trial.suggest_float
        drawn[name] = draw(name, low, high, log=name not in EVENLY)
    return TreeSettings(**drawn)


def attempt(rows: TrainingMatrix, horizon: int, folds: Sequence[Fold], trees: TreeSettings) -> Trial:
    """One trial: the loss on the folds, and the explanation time of the last fold's trees, fitted on most rows.

    Settings that are too slow are refused whatever their loss, and the sampler gets no loss for them: measured times
    differ from run to run, so only the refusal may influence the search.
    """
    raw, boosters = out_of_fold(rows, folds, SEEDS[0], trees, side_by_side)
    milliseconds = explanation_ms(boosters[-1], rows.matrix)
    refused = f"an explanation takes {milliseconds:.2f} ms, over {BUDGET_MS:g}" if milliseconds > BUDGET_MS else ""
    return Trial(trees, float(loss_by_block(rows, horizon, raw).mean()), milliseconds, refused)


def explanation_ms(trees: lgb.Booster, matrix: Array) -> float:
    """Processor milliseconds of LightGBM's `pred_contrib` for one row on one thread; the median over TIMED_ROWS rows.

    For each row the fastest of REPEATS counts, because other work of the machine only adds time (under load the median
    of repeats varied by a third between measurements, the fastest by a twentieth). matrix: shape (rows, features).
    """
    chosen = np.linspace(0, len(matrix) - 1, TIMED_ROWS).round().astype(np.int64)
    times = [[_one_row(trees, matrix[[row]]) for row in chosen] for _ in range(REPEATS)]
    return float(np.median(np.min(times, axis=0))) * 1e3


def _one_row(trees: lgb.Booster, row: Array) -> float:
    started = thread_time()
    trees.predict(row, pred_contrib=True, num_threads=1)
    return thread_time() - started


def halves(rows: TrainingMatrix, horizon: int) -> tuple[list[Fold], list[Fold]]:
    """The inner folds that the search uses, and the later ones held out from it: half of the days each.

    The last fold alone would have one or two blocks, too few for a standard error. ForesellError for a record with
    fewer than two usable folds.
    """
    usable = usable_folds(rows, horizon)
    if len(usable) < 2:
        raise ForesellError(
            rule="A search needs two time folds in the training period, each with breaches known before it begins.",
            found=f"{len(usable)} such folds in {len(rows)} readings",
            next_step="use a longer record, or move test_from under [backtest] in the standards file",
        )
    half = (len(usable) + 1) // 2
    return usable[:half], usable[half:]


def optuna() -> ModuleType:
    """The library, with its log output turned off; ForesellError if it is missing."""
    try:
        library = import_module("optuna")
    except ModuleNotFoundError:
        raise ForesellError(
            "A search for tree settings needs optuna.",
            "not installed",
            "install the extra `tune` of foresell",
        ) from None
    library.logging.set_verbosity(library.logging.WARNING)  # foresell shows the trials itself
    return library
