"""Challenger against champion on the same weeks: each row scored by what neither had learned from."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.errors import ForesellError
from models.bundle import Bundle
from models.economy import Economy
from models.risk_model import predict
from training import swap
from training.intervals import ci95, draw_sellers, replicate
from training.kept import kept, said
from training.material import EPOCH, Material, Target, headlines, target
from training.metrics import average_precision, squared_error
from training.slices import HEADLINE, masks

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
HORIZON = 28


@dataclass(frozen=True)
class Contender:
    """A registered version: its bundle, and where the probabilities are that its training kept."""

    number: str
    bundle: Bundle
    kept: Path

    @property
    def calibrated_to(self) -> date:
        """The last day whose labels it saw."""
        return date.fromisoformat(self.bundle.calibrated_to)


def out_of_time(contender: Contender, material: Material, goal: Target, rows: Ints) -> Array:
    """What a contender said of the active rows (by number) before it could know their labels; nan where nothing.

    Labels known by its calibrated_to were learned from, so such rows have the probabilities that its backtest kept;
    later ones those of its bundle.
    """
    table, risk = material.active, goal.standard.risk
    learned = table.as_of[rows] + goal.horizon <= contender.calibrated_to.toordinal() - EPOCH
    out = said(kept(contender.kept), risk, goal.horizon, table.seller_id[rows], table.as_of[rows])
    model = contender.bundle.model(risk, goal.horizon)
    out[~learned] = predict(model, table.block.take(rows[~learned])).probability
    return out


def compared(
    material: Material, challenger: Contender, champion: Contender, economy: Economy, horizon: int = HORIZON
) -> dict[str, Any]:
    """By risk, both on the same rows with paired intervals, and who enters and leaves the queue."""
    risks = {risk: target(material, standard, horizon) for risk, standard in headlines(material).items()}
    both = (challenger, champion)
    return {
        "challenger": {"version": challenger.number, "digest": challenger.bundle.digest},
        "champion": {"version": champion.number, "digest": champion.bundle.digest},
        "risks": {risk: _risk(material, goal, both, economy) for risk, goal in risks.items() if _held(both, goal)},
    }


def _held(contenders: tuple[Contender, Contender], goal: Target) -> bool:
    """Whether both have a model of the risk."""
    keys = [{m.key for m in c.bundle.models} for c in contenders]
    return all(
        any((k.risk, k.part, k.horizon) == (goal.standard.risk, "", goal.horizon) for k in found) for found in keys
    )


def _risk(
    material: Material, goal: Target, contenders: tuple[Contender, Contender], economy: Economy
) -> dict[str, Any]:
    rows = np.flatnonzero(np.isfinite(goal.rows.label) & ~goal.treated)
    challenger, champion = (out_of_time(c, material, goal, rows) for c in contenders)
    seen = np.isfinite(challenger) & np.isfinite(champion)
    rows, challenger, champion = rows[seen], challenger[seen], champion[seen]
    changes = swap.changes(material, goal, rows, challenger, champion, economy)
    newest = swap.newest(
        material, goal, [c.bundle.model(goal.standard.risk, goal.horizon) for c in contenders], economy
    )
    head = masks(goal.standard, material.active.block.take(rows))[HEADLINE]
    scores = {"challenger": challenger[head], "champion": champion[head]}
    return {**_figures(material, goal, rows[head], scores), "swap": {"weeks": changes, "newest": newest}}


def _figures(material: Material, goal: Target, rows: Ints, scores: Mapping[str, Array]) -> dict[str, Any]:
    label, table = goal.rows.label[rows], material.active
    sellers = table.seller_id[rows]
    days = table.as_of[rows]
    facts = {
        "rows": len(rows),
        "sellers": len(set(sellers)),
        "as_of": [int(d) for d in (days.min(), days.max())] if len(days) else [],
    }
    if not len(rows) or not 0 < label.mean() < 1:
        return facts | {"ci95": {}}
    alone = {
        name: {"average_precision": average_precision(label, p), "brier": float(squared_error(label, p).mean())}
        for name, p in scores.items()
    }
    draws = draw_sellers(sellers)
    own, rival = (replicate(label, [scores[name]], draws) for name in ("challenger", "champion"))
    return {**facts, **alone, "ci95": ci95(own, rival, "champion")}


def readable(contender: Contender, material: Material) -> None:
    """ForesellError when the rows lack what the contender reads."""
    for model in contender.bundle.models:
        lacking = [name for name in model.columns() if name not in material.active.block]
        if lacking:
            raise ForesellError(
                "A comparison needs rows with every feature that both models read.",
                f"version {contender.number} reads {', '.join(lacking)}, which this code does not make of this record",
                "compare with the code that trained it, on a record with the same tables",
            )
