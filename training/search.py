"""A search over tree settings on time folds, under a budget for an explanation: optuna's TPE, in memory, one seed.

The first trial is the settings to begin with. Settings whose explanations take too long are refused as they are tried.
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

from features.errors import ForesellError
from models.tree_shap import DEEPEST
from training.fit import SEEDS, Fold, Rows, loss_by_block, out_of_fold, side_by_side, usable_folds
from training.trees import TreeSettings

Array = NDArray[np.float64]
Told = Callable[[int, int], None]  # trials done, of how many
BUDGET_MS = 0.5  # of processor for LightGBM's contributions to one row of one risk, on one core
TIMED_ROWS, REPEATS = 20, 10
SEED = 0  # of the sampler
# What is tried: the lowest and the highest. All but the depth and the fractions by their logarithm.
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
    """Settings, their mean log loss over the study's blocks of one horizon, and what an explanation takes of them."""

    trees: TreeSettings
    loss: float
    explanation_ms: float
    refused: str = ""  # why they may not be taken

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        said = {"refused": self.refused} if self.refused else {}
        return {**self.trees.as_json(), "log_loss": self.loss, "explanation_ms": self.explanation_ms, **said}


def study(
    rows: Rows, horizon: int, folds: Sequence[Fold], start: TreeSettings, trials: int, tell: Told, seed: int = SEED
) -> list[Trial]:
    """The trials in their order, `start` first; only the rows of the folds are read.

    The same rows and seed give the same ones, unless one lies so near the budget that it falls on either side of it in
    another run. ForesellError where optuna is missing.
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


def attempt(rows: Rows, horizon: int, folds: Sequence[Fold], trees: TreeSettings) -> Trial:
    """One trial: the loss on the folds, and the time of the last one's trees, which saw most rows.

    What is too slow is refused whatever it gains, and the sampler is not told the loss: the time of a trial near the
    budget differs from run to run, and only which side it falls on may steer the search.
    """
    raw, grown = out_of_fold(rows, folds, SEEDS[0], trees, side_by_side)
    took = explanation_ms(grown[-1], rows.matrix)
    refused = f"an explanation takes {took:.2f} ms, over {BUDGET_MS:g}" if took > BUDGET_MS else ""
    return Trial(trees, float(loss_by_block(rows, horizon, raw).mean()), took, refused)


def explanation_ms(trees: lgb.Booster, matrix: Array) -> float:
    """Milliseconds of processor for LightGBM's `pred_contrib` of one row on one thread; the median over some rows.

    Each row's is the fastest of its repeats: what else a machine does only ever adds (under load the median of repeats
    varied by a third from reading to reading, the fastest by a twentieth). matrix: shape (rows, features).
    """
    chosen = np.linspace(0, len(matrix) - 1, TIMED_ROWS).round().astype(np.int64)
    times = [[_one_row(trees, matrix[[row]]) for row in chosen] for _ in range(REPEATS)]
    return float(np.median(np.min(times, axis=0))) * 1e3


def _one_row(trees: lgb.Booster, row: Array) -> float:
    started = thread_time()
    trees.predict(row, pred_contrib=True, num_threads=1)
    return thread_time() - started


def halves(rows: Rows, horizon: int) -> tuple[list[Fold], list[Fold]]:
    """The inner folds that a study sees, and the later ones that it does not: half of the days each.

    A quarter of the days, the last fold alone, would hold one block or two, too few for a standard error. ForesellError
    for a record with fewer than two folds to learn before.
    """
    usable = usable_folds(rows, horizon)
    if len(usable) < 2:
        raise ForesellError(
            rule="A search needs two time folds in the training period, each with breaches known before it opens.",
            found=f"{len(usable)} such folds in {len(rows)} readings",
            next_step="bring a longer record, or move test_from under [backtest] in the standards file",
        )
    half = (len(usable) + 1) // 2
    return usable[:half], usable[half:]


def optuna() -> ModuleType:
    """The library, quiet; ForesellError where it is missing."""
    try:
        library = import_module("optuna")
    except ModuleNotFoundError:
        raise ForesellError(
            "A search for tree settings needs optuna.", "not installed", "install the extra `tune` of foresell"
        ) from None
    library.logging.set_verbosity(library.logging.WARNING)  # the trials are ours to tell of
    return library
