"""Whether other tree settings are worth taking: a search on the training period alone, and one judgement of its best.

Many settings tried on few weeks find noise: the best of them is also the luckiest. So the study sees the first half of
the inner folds. Its best is set beside the present settings once, on the second half, and is worth taking where it
gains more than a standard error over blocks of one horizon there: the rule by which features and rate are chosen.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from features.errors import ForesellError
from features.intake import Marketplace
from features.standards import StandardsFile
from training.backtest import goals_of, iso, plain
from training.fit import (
    ENOUGH_BLOCKS,
    SEEDS,
    Fold,
    Rows,
    blocks_told,
    boost,
    choose,
    choose_pace,
    first_unless_better,
    loss_by_block,
    out_of_fold,
    side_by_side,
)
from training.material import Material, Target, prepare
from training.metrics import average_precision
from training.scoring import Options
from training.search import BUDGET_MS, SEED, Told, Trial, explanation_ms, halves, study
from training.trees import KEY, TreeSettings

Array = NDArray[np.float64]
HORIZON = 28  # days; what is found holds for the other horizons too, as the features chosen there do


SEEN, HELD = "seen", "held back"  # the days of a search, and those that only its best is judged on


@dataclass(frozen=True)
class Side:
    """Settings on either part of the days: log loss of each block of a horizon, and average precision over all of it.

    explanation_ms: of trees that learned from every training row, as those served do.
    """

    trees: TreeSettings
    losses: Mapping[str, Array]
    precision: Mapping[str, float | None]
    explanation_ms: float

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        losses = {days: float(loss.mean()) for days, loss in self.losses.items()}
        return {
            "trees": self.trees.as_json(),
            "explanation_ms": self.explanation_ms,
            "log_loss": losses,
            "average_precision": dict(self.precision),
        }


@dataclass(frozen=True)
class Found:
    """What a search of one risk found. take: whether its best is worth taking, and why, in words."""

    names: tuple[str, ...]  # features
    trials: list[Trial]
    present: Side
    best: Side
    take: bool
    why: str

    def gains(self) -> dict[str, tuple[float, float | None]]:
        """Log loss that the best saves on either part of the days, with the standard error over blocks."""
        return {days: gain(self.present.losses[days], self.best.losses[days]) for days in (SEEN, HELD)}

    def cautions(self) -> list[str]:
        """What a gain in log loss does not say."""
        before, after = self.present.precision[HELD], self.best.precision[HELD]
        no_better = before is not None and after is not None and after <= before
        if not no_better or self.gains()[HELD][0] <= 0:
            return []
        return ["It ranks no better on the days held back: what it gains there is in level, not in order."]

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        gains = {days: {"log_loss": mean, "standard_error": error} for days, (mean, error) in self.gains().items()}
        return {
            "take": self.take,
            "why": self.why,
            "cautions": self.cautions(),
            "gain": gains,
            "blocks": {days: len(losses) for days, losses in self.present.losses.items()},
            "present": self.present.as_json(),
            "best": self.best.as_json(),
            "features": list(self.names),
            "trials": [trial.as_json() for trial in self.trials],
        }


def training_rows(market: Marketplace, standards: StandardsFile, say: Callable[[str], None]) -> Material:
    """Ledger and rows of the training period; what became known after test_from is held back unread."""
    return prepare(market, standards, say, training_only=True)


def known_rows(material: Material, goal: Target) -> Rows:
    """What a training learns from before its test period, with the features that it would read."""
    rows = goal.rows.take(goal.known_by(material.moments.test_from))
    return rows.only(choose(rows, goal.candidates, goal.horizon))


def goals_for(material: Material, risk: str | None) -> Mapping[str, Target]:
    """The headline of each risk that can be learned, or of one; ForesellError where there is none."""
    goals = goals_of(material, Options(horizon=HORIZON))
    if risk is not None and risk not in goals:
        raise ForesellError("The risk must have a headline standard.", risk, f"ask for {' or '.join(goals)}")
    return goals if risk is None else {risk: goals[risk]}


def tune(rows: Rows, horizon: int, trials: int, tell: Told) -> Found:
    """Search and judge on these rows, all of the training period. ForesellError for too short a record."""
    seen, held = halves(rows, horizon)
    start = choose_pace(rows, horizon)
    tried = study(rows, horizon, seen, start, trials, tell)
    present, best = (side(rows, horizon, seen, held, trees) for trees in (start, best_of(tried).trees))
    take, why = verdict(present, best, blocks_told(rows, [*seen, *held], horizon))
    return Found(rows.names, tried, present, best, take, why)


def best_of(tried: list[Trial]) -> Trial:
    """The trial with the least loss of those within the budget; the first, the present settings, where none is less."""
    allowed = [trial for trial in tried[1:] if not trial.refused and trial.loss < tried[0].loss]
    return min(allowed, key=lambda trial: trial.loss, default=tried[0])


def side(rows: Rows, horizon: int, seen: list[Fold], held: list[Fold], trees: TreeSettings) -> Side:
    """What is to be said of settings."""
    parts = {SEEN: seen, HELD: held}
    raw = {days: out_of_fold(rows, folds, SEEDS[0], trees, side_by_side)[0] for days, folds in parts.items()}
    return Side(
        trees,
        {days: loss_by_block(rows, horizon, said) for days, said in raw.items()},
        {days: _precision(rows, said) for days, said in raw.items()},
        explanation_ms(boost(rows, SEEDS[0], trees), rows.matrix),
    )


def verdict(present: Side, best: Side, blocks: int) -> tuple[bool, str]:
    """Whether to take the best found, and why."""
    if best.trees == present.trees:
        return False, "Nothing tried was better on the days that the search saw."
    if best.explanation_ms > BUDGET_MS:
        return False, f"Grown on every training row, an explanation takes {best.explanation_ms:.2f} ms."
    if blocks < ENOUGH_BLOCKS:
        return False, f"Blocks of a horizon to judge by: {blocks}. Fewer than {ENOUGH_BLOCKS} are one season."
    if first_unless_better([present.losses[HELD], best.losses[HELD]]) == 0:
        return False, "On the days held back the gain is not more than its standard error over blocks."
    return True, "On the days held back the gain is more than its standard error over blocks."


def gain(present: Array, other: Array) -> tuple[float, float | None]:
    """Mean of the log loss saved, by block, and its standard error; None of fewer than two blocks."""
    saved = present - other
    return float(saved.mean()), float(saved.std(ddof=1) / np.sqrt(len(saved))) if len(saved) > 1 else None


def written(material: Material, found: Mapping[str, Found]) -> dict[str, Any]:
    """The file of a search, which a training can be given: under `trees`, by risk, the settings worth taking."""
    made: dict[str, Any] = plain(
        {
            "dataset": material.ledger.market.name,
            "learned_before": iso(material.moments.test_from),
            "horizon_days": HORIZON,
            "budget_ms": BUDGET_MS,
            "seed": SEED,
            KEY: {risk: one.best.trees.as_json() for risk, one in found.items() if one.take},
            "risks": {risk: one.as_json() for risk, one in found.items()},
        }
    )
    return made


def _precision(rows: Rows, raw: Array) -> float | None:
    """Average precision of the free rows that were told of, pooled; None where none of them breached."""
    told = np.isfinite(raw) if rows.free is None else np.isfinite(raw) & rows.free
    label = rows.label[told]
    return average_precision(label, expit(raw[told])) if label.any() else None
