"""The swap-set: which sellers enter and leave the weekly queue when one model takes the place of another, and money."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.economy import Economy
from models.risk_model import RiskModel, predict
from training.alerts import queue
from training.groups import attributes
from training.material import Material, Target
from training.outcomes import at_stake

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
BY = ("size", "region", "tenure")
NAMED = 20  # sellers of the newest week that are named on either side


def changes(
    material: Material, goal: Target, rows: Ints, challenger: Array, champion: Array, economy: Economy
) -> dict[str, Any]:
    """Over the weeks of the active rows (by number): readings that enter and leave, in all and by group.

    challenger, champion: probabilities of shape (rows,). Of each side: readings, the share that breached at the
    horizon, and the money at stake.
    """
    free = ~_in_breach(goal, rows)
    rows, both = rows[free], [challenger[free], champion[free]]
    as_of, label = material.active.as_of[rows], goal.rows.label[rows]
    queued = [queue(score, as_of, economy.capacity) for score in both] if len(rows) else [np.zeros(0, dtype=bool)] * 2
    sides = {"enter": queued[0] & ~queued[1], "leave": queued[1] & ~queued[0]}
    stake = at_stake(material, goal, rows, economy)
    groups = attributes(material, material.active.take(rows))
    by = {
        name: {value: _sides(sides, groups[name] == value, label, stake) for value in sorted(set(groups[name]) - {""})}
        for name in BY
    }
    everyone = np.ones(len(rows), dtype=bool)
    kept = int((queued[0] & queued[1]).sum())
    return {"weeks": len(np.unique(as_of)), "kept": kept, **_sides(sides, everyone, label, stake), "by": by}


def newest(material: Material, goal: Target, models: Sequence[RiskModel], economy: Economy) -> dict[str, Any]:
    """Who would enter and leave the queue of the newest week, by challenger and champion (in this order)."""
    table = material.active
    rows = np.flatnonzero(table.as_of == table.as_of.max())
    rows = rows[~_in_breach(goal, rows)]
    block, as_of = table.block.take(rows), table.as_of[rows]
    said = [predict(model, block).probability for model in models]
    queued = [queue(p, as_of, economy.capacity) for p in said] if len(rows) else [np.zeros(0, dtype=bool)] * 2
    stake = at_stake(material, goal, rows, economy)

    def named(chosen: Mask) -> list[dict[str, Any]]:
        first = np.flatnonzero(chosen)
        first = first[np.argsort(-said[0][first], kind="stable")][:NAMED]
        return [
            {
                "seller_id": str(table.seller_id[rows[i]]),
                "challenger": float(said[0][i]),
                "champion": float(said[1][i]),
                "at_stake": float(stake[i]),
            }
            for i in first.tolist()
        ]

    return {"enter": named(queued[0] & ~queued[1]), "leave": named(queued[1] & ~queued[0])}


def _in_breach(goal: Target, rows: Ints) -> Mask:
    return goal.standard.breach(goal.projection.now_x[rows], goal.projection.now_n[rows])


def _sides(sides: dict[str, Mask], inside: Mask, label: Array, stake: Array) -> dict[str, Any]:
    return {name: _side(side & inside, label, stake) for name, side in sides.items()}


def _side(chosen: Mask, label: Array, stake: Array) -> dict[str, Any]:
    share = float(label[chosen].mean()) if chosen.any() else None
    return {"readings": int(chosen.sum()), "breach_share": share, "at_stake": float(stake[chosen].sum())}
