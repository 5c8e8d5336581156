"""A calibration refresh: the same trees, their line fitted anew on the newest labels that they never learned from."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from features.errors import ForesellError
from features.table import FeatureTable
from models import calibration
from models.bundle import Bundle
from models.calibration import Calibration
from models.economy import Economy
from models.risk_model import Bands, RiskModel, predict
from training import gates
from training.backtest import iso
from training.bands import cut_points
from training.gates import Gate
from training.intervals import ci95, draw_sellers, replicate
from training.kept import rows_of
from training.line import fit_line, told
from training.material import EPOCH, Material, Target, target
from training.metrics import expected_calibration_error, log_loss
from training.pipeline import digest, enough

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
NEWEST_DAYS = 112  # of the newest matured labels, four of the usual horizons; our assumption
Line = Callable[[Array, Array, Ints, int], Calibration]
CANDIDATES: dict[str, Line] = {
    "unchanged": lambda raw, label, as_of, horizon: Calibration(),
    "as far as blocks of time agree": fit_line,
    "in full": lambda raw, label, as_of, horizon: calibration.fit(raw, label),
}


@dataclass(frozen=True)
class Matured:
    """The rows a line is fitted on: numbers of the active rows, what the champion serves for them, and their labels."""

    rows: Ints
    served: Array
    label: Array
    as_of: Ints

    def take(self, part: NDArray[np.bool_]) -> "Matured":
        """The rows of a mask."""
        return Matured(self.rows[part], self.served[part], self.label[part], self.as_of[part])


@dataclass(frozen=True)
class Refreshed:
    """One model after the refresh: what was done, and both lines on later weeks."""

    model: RiskModel
    done: str
    tried: dict[str, Any] | None = None
    out_of_time: pd.DataFrame | None = None


@dataclass(frozen=True)
class Recalibration:
    """A bundle with the same trees, its verdict, and what was done to each model."""

    bundle: Bundle
    gates: tuple[Gate, ...]
    done: dict[str, str]
    tried: dict[str, dict[str, Any]]
    out_of_time: pd.DataFrame


def recalibrate(bundle: Bundle, material: Material, economy: Economy) -> Recalibration:
    """The bundle with each line chosen and fitted anew. ForesellError without labels newer than its own."""
    known_to = date.fromisoformat(bundle.calibrated_to)
    goals = {(m.standard.name, m.key.horizon): target(material, m.standard, m.key.horizon) for m in bundle.models}
    slices = {m.key: _matured(m, goals[m.standard.name, m.key.horizon], material, known_to) for m in bundle.models}
    if not any(len(found.rows) for found in slices.values()):
        raise ForesellError(
            rule="A calibration refresh needs labels that became known after the model was calibrated.",
            found=f"none: calibrated to {known_to}, the record ends {iso(material.moments.data_end)}",
            next_step="bring the newest orders, or wait for a horizon to pass",
        )
    made = [
        _refreshed(m, goals[m.standard.name, m.key.horizon], slices[m.key], material.active, economy)
        for m in bundle.models
    ]
    fresh = replace(
        bundle,
        models=tuple(r.model for r in made),
        data_digest=digest(material.active),
        calibrated_to=iso(material.moments.data_end),
        created_from={**bundle.created_from, "recalibrated_from": bundle.digest},
        digest="",
    )
    tried = {str(r.model.key): r.tried for r in made if r.tried}
    kept = [r.out_of_time for r in made if r.out_of_time is not None]
    return Recalibration(
        bundle=fresh,
        gates=(*_of_lines(made), _same_trees(bundle, fresh)),
        done={str(r.model.key): r.done for r in made},
        tried=tried,
        out_of_time=pd.concat(kept, ignore_index=True) if kept else pd.DataFrame(),
    )


def _matured(model: RiskModel, goal: Target, material: Material, known_to: date) -> Matured:
    as_of, end = goal.rows.as_of, material.moments.data_end
    unlearned = as_of + goal.horizon > known_to.toordinal() - EPOCH
    newest = as_of + goal.horizon > end - NEWEST_DAYS
    rows = np.flatnonzero(goal.known_by(end) & unlearned & newest)
    served = predict(model, material.active.block.take(rows)).served
    return Matured(rows, served, goal.rows.label[rows], as_of[rows])


def _refreshed(model: RiskModel, goal: Target, found: Matured, table: FeatureTable, economy: Economy) -> Refreshed:
    """The line that did best on the later part after learning the labels known when that began, fitted on both."""
    middle = _middle(found.as_of, goal.horizon)
    early, late = (found.take(part) for part in (found.as_of + goal.horizon <= middle, found.as_of >= middle))
    if not (enough(early.label) and enough(late.label)):
        return Refreshed(model, "unchanged: too few new breaches")
    lines = {name: _line(name, early, goal) for name in CANDIDATES}
    name = _best(lines, late)
    line = _line(name, found, goal)
    moved = replace(model, calibration=_through(model.calibration, line), bands=_bands(goal, found, line, economy))
    before, after = late.served, lines[name].apply(late.served)
    kept = None
    if not model.key.part:
        kept = rows_of(model.key.risk, goal.horizon, table.seller_id[late.rows], late.as_of, expit(after))
    return Refreshed(moved, name, _tried(late, expit(before), expit(after), table), kept)


def _line(name: str, known: Matured, goal: Target) -> Calibration:
    """Of a candidate, on the sellers that a line is fitted for."""
    mine = known if goal.rows.free is None else known.take(told(goal.rows.free[known.rows], known.label))
    return CANDIDATES[name](mine.served, mine.label, mine.as_of, goal.horizon)


def _middle(as_of: Ints, horizon: int) -> int:
    """The day from which a line is tried: half of what is left once the labels before it have had their horizon."""
    first, last = (int(as_of.min()), int(as_of.max())) if len(as_of) else (0, 0)
    return first + horizon + max(last - first - horizon, 0) // 2


def _best(lines: dict[str, Calibration], late: Matured) -> str:
    """The first line, unless a later one's daily log loss is less by more than a standard error."""
    days = np.unique(late.as_of)

    def losses(line: Calibration) -> Array:
        p = expit(line.apply(late.served))
        return np.array([log_loss(late.label[late.as_of == d], p[late.as_of == d]) for d in days])

    best, own = "unchanged", losses(lines["unchanged"])
    for name, line in lines.items():
        gain = own - (other := losses(line))
        if len(days) > 1 and gain.mean() > gain.std(ddof=1) / np.sqrt(len(days)):
            best, own = name, other
    return best


def _through(before: Calibration, line: Calibration) -> Calibration:
    """One line in place of two: the model's own, and the one through what it served."""
    return Calibration(line.a * before.a, line.a * before.c + line.c)


def _bands(goal: Target, found: Matured, line: Calibration, economy: Economy) -> Bands:
    now = goal.projection
    free = ~goal.standard.breach(now.now_x[found.rows], now.now_n[found.rows])
    return Bands(*cut_points(expit(line.apply(found.served[free])), economy))


def _tried(late: Matured, before: Array, after: Array, table: FeatureTable) -> dict[str, Any]:
    """Both lines on the later half."""
    draws = draw_sellers(table.seller_id[late.rows])
    own, rival = (replicate(late.label, [p], draws) for p in (after, before))
    return {
        "rows": len(late.rows),
        "breach_share": float(late.label.mean()),
        "ece_before": expected_calibration_error(late.label, before),
        "ece": expected_calibration_error(late.label, after),
        "ci95": ci95(own, rival, "before"),
    }


def _of_lines(made: list[Refreshed]) -> list[Gate]:
    out = []
    for r in made:
        if r.tried and not r.model.key.part:
            out.append(
                gates.errs_no_more(f"{r.model.key}: errs no more than before", r.tried["ci95"]["brier_minus_before"])
            )
            out.append(gates.level(str(r.model.key), r.tried["ece"], r.tried["breach_share"]))
    return out


def _same_trees(before: Bundle, after: Bundle) -> Gate:
    same = sum(one.text == other.text for one, other in zip(before.models, after.models, strict=True))
    return Gate("the trees are the champion's", same == len(before.models), f"{same} of {len(before.models)}", "all")
