"""The swap set: sellers who enter or leave the weekly queue when one model replaces another."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.arithmetic.economy import Economy
from models.boosting.risk_model import RiskModel, predict
from training.backtest.alerts import queue
from training.backtest.groups import attributes
from training.backtest.observed_outcomes import at_stake
from training.dataset.dataset import Dataset, LabelledTask
from training.report_schema import NewestSwap, SwapSeller, SwapSide, SwapSides, SwapWeeks

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
BY = ("size", "region", "tenure")
NAMED = 20  # sellers of the newest week that are listed on each side


def changes(
    dataset: Dataset, task: LabelledTask, rows: Ints, challenger: Array, champion: Array, economy: Economy
) -> SwapWeeks:
    """Over the weeks of the active rows (by number): readings that enter and leave, in total and by group.

    challenger, champion: probabilities of shape (rows,). Of each side: readings, the share that breached at the
    horizon, and the money at stake.
    """
    not_in_breach = task.not_in_breach(rows)
    rows, scores = rows[not_in_breach], [challenger[not_in_breach], champion[not_in_breach]]
    as_of, label = dataset.active.as_of[rows], task.rows.label[rows]
    queued = [queue(score, as_of, economy.capacity) for score in scores] if len(rows) else [np.zeros(0, dtype=bool)] * 2
    sides = {"enter": queued[0] & ~queued[1], "leave": queued[1] & ~queued[0]}
    stake = at_stake(dataset, task, rows, economy)
    groups = attributes(dataset, dataset.active.take(rows))
    by = {
        name: {value: _sides(sides, groups[name] == value, label, stake) for value in sorted(set(groups[name]) - {""})}
        for name in BY
    }
    everyone = np.ones(len(rows), dtype=bool)
    in_both = int((queued[0] & queued[1]).sum())
    return {"weeks": len(np.unique(as_of)), "kept": in_both, **_sides(sides, everyone, label, stake), "by": by}


def newest(dataset: Dataset, task: LabelledTask, models: Sequence[RiskModel], economy: Economy) -> NewestSwap:
    """Who would enter and leave the queue of the newest week, by challenger and champion (in this order)."""
    table = dataset.active
    rows = np.flatnonzero(table.as_of == table.as_of.max())
    rows = rows[task.not_in_breach(rows)]
    block, as_of = table.block.take(rows), table.as_of[rows]
    predicted = [predict(model, block).probability for model in models]
    queued = [queue(p, as_of, economy.capacity) for p in predicted] if len(rows) else [np.zeros(0, dtype=bool)] * 2
    stake = at_stake(dataset, task, rows, economy)

    def named(chosen: Mask) -> list[SwapSeller]:
        order = np.flatnonzero(chosen)
        order = order[np.argsort(-predicted[0][order], kind="stable")][:NAMED]
        return [
            {
                "seller_id": str(table.seller_id[rows[i]]),
                "challenger": float(predicted[0][i]),
                "champion": float(predicted[1][i]),
                "at_stake": float(stake[i]),
            }
            for i in order.tolist()
        ]

    return {"enter": named(queued[0] & ~queued[1]), "leave": named(queued[1] & ~queued[0])}


def _sides(sides: dict[str, Mask], inside: Mask, label: Array, stake: Array) -> SwapSides:
    enter, leave = (_side(sides[name] & inside, label, stake) for name in ("enter", "leave"))
    return {"enter": enter, "leave": leave}


def _side(chosen: Mask, label: Array, stake: Array) -> SwapSide:
    share = float(label[chosen].mean()) if chosen.any() else None
    return {"readings": int(chosen.sum()), "breach_share": share, "at_stake": float(stake[chosen].sum())}
