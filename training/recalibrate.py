"""A calibration refresh: the trees stay, and each calibration line is fitted again on newer labels."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from core.days import iso
from core.errors import ForesellError
from features.table import FeatureTable
from models.arithmetic import calibration
from models.arithmetic.calibration import Calibration
from models.arithmetic.economy import Economy
from models.boosting.risk_model import RiskModel, predict
from models.bundle.bundle import Bundle
from training.backtest.out_of_time_predictions import prediction_rows
from training.dataset.dataset import EPOCH, Dataset, LabelledTask, labelled_task
from training.fit.boosting import first_unless_better
from training.fit.calibration import calibration_rows, fit_line
from training.measures.intervals import ci95, draw_sellers, replicate
from training.measures.metrics import expected_calibration_error, log_loss
from training.pipeline import digest, enough
from training.promotion import gates
from training.promotion.gates import Gate
from training.report_schema import LineComparison

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
NEWEST_DAYS = 112  # how far back new labels are used: four of the usual horizons; our assumption
Line = Callable[[Array, Array, Ints, int], Calibration]
CANDIDATES: dict[str, Line] = {
    "unchanged": lambda raw, label, as_of, horizon: Calibration(),
    "shrunk by blocks of time": fit_line,
    "in full": lambda raw, label, as_of, horizon: calibration.fit(raw, label),
}


@dataclass(frozen=True)
class NewLabels:
    """The rows a line is fitted on: numbers of the active rows, the champion's log-odds for them, and their labels."""

    rows: Ints
    served: Array
    label: Array
    as_of: Ints

    def take(self, part: NDArray[np.bool_]) -> "NewLabels":
        """The rows of a mask."""
        return NewLabels(self.rows[part], self.served[part], self.label[part], self.as_of[part])


@dataclass(frozen=True)
class ModelRefresh:
    """One model after the refresh: the action taken, and the old and the new line compared on later weeks."""

    model: RiskModel
    done: str
    comparison: LineComparison | None = None
    out_of_time: pd.DataFrame | None = None


@dataclass(frozen=True)
class Recalibration:
    """A bundle with the same trees, its gates, and the action taken for each model."""

    bundle: Bundle
    gates: tuple[Gate, ...]
    done: dict[str, str]
    comparisons: dict[str, LineComparison]
    out_of_time: pd.DataFrame


def recalibrate(bundle: Bundle, dataset: Dataset, economy: Economy) -> Recalibration:
    """The bundle with each line chosen and fitted again. ForesellError without labels newer than its own."""
    known_to = date.fromisoformat(bundle.calibrated_to)
    tasks = {(m.standard.name, m.key.horizon): labelled_task(dataset, m.standard, m.key.horizon) for m in bundle.models}
    slices = {m.key: _new_labels(m, tasks[m.standard.name, m.key.horizon], dataset, known_to) for m in bundle.models}
    if not any(len(found.rows) for found in slices.values()):
        raise ForesellError(
            rule="A calibration refresh needs labels that became known after the model was calibrated.",
            found=f"none: calibrated to {known_to}, the record ends {iso(dataset.calendar.data_end)}",
            next_step="import the newest orders, or wait until one horizon has passed",
        )
    refreshed = [
        _refresh(m, tasks[m.standard.name, m.key.horizon], slices[m.key], dataset.active, economy)
        for m in bundle.models
    ]
    refreshed_bundle = replace(
        bundle,
        models=tuple(r.model for r in refreshed),
        data_digest=digest(dataset.active),
        calibrated_to=iso(dataset.calendar.data_end),
        created_from={**bundle.created_from, "recalibrated_from": bundle.digest},
        digest="",
    )
    comparisons = {str(r.model.key): r.comparison for r in refreshed if r.comparison}
    out_of_time = [r.out_of_time for r in refreshed if r.out_of_time is not None]
    return Recalibration(
        bundle=refreshed_bundle,
        gates=(*_line_gates(refreshed), _same_trees(bundle, refreshed_bundle)),
        done={str(r.model.key): r.done for r in refreshed},
        comparisons=comparisons,
        out_of_time=pd.concat(out_of_time, ignore_index=True) if out_of_time else pd.DataFrame(),
    )


def _new_labels(model: RiskModel, task: LabelledTask, dataset: Dataset, known_to: date) -> NewLabels:
    as_of, end = task.rows.as_of, dataset.calendar.data_end
    unlearned = as_of + task.horizon > known_to.toordinal() - EPOCH
    newest = as_of + task.horizon > end - NEWEST_DAYS
    rows = np.flatnonzero(task.known_by(end) & unlearned & newest)
    served = predict(model, dataset.active.block.take(rows)).served
    return NewLabels(rows, served, task.rows.label[rows], as_of[rows])


def _refresh(
    model: RiskModel, task: LabelledTask, new_labels: NewLabels, table: FeatureTable, economy: Economy
) -> ModelRefresh:
    """Choose a line on the later labels, each candidate fitted on the earlier ones; then fit it on all of them."""
    middle = _middle(new_labels.as_of, task.horizon)
    early, late = (
        new_labels.take(part) for part in (new_labels.as_of + task.horizon <= middle, new_labels.as_of >= middle)
    )
    if not (enough(early.label) and enough(late.label)):
        return ModelRefresh(model, "unchanged: too few new breaches")
    lines = {name: _line(name, early, task) for name in CANDIDATES}
    name = _best(lines, late)
    line = _line(name, new_labels, task)
    refitted = replace(
        model,
        calibration=_combined(model.calibration, line),
        bands=task.bands(new_labels.rows, line.apply(new_labels.served), economy),
    )
    before, after = late.served, lines[name].apply(late.served)
    out_of_time = None
    if not model.key.part:
        out_of_time = prediction_rows(
            model.key.risk, task.horizon, table.seller_id[late.rows], late.as_of, expit(after)
        )
    return ModelRefresh(refitted, name, _comparison(late, expit(before), expit(after), table), out_of_time)


def _line(name: str, known: NewLabels, task: LabelledTask) -> Calibration:
    """A candidate line, fitted on the sellers that the line is meant for."""
    at_risk = task.rows.at_risk
    mine = known if at_risk is None else known.take(calibration_rows(at_risk[known.rows], known.label))
    return CANDIDATES[name](mine.served, mine.label, mine.as_of, task.horizon)


def _middle(as_of: Ints, horizon: int) -> int:
    """The day that parts earlier from later labels: halfway through the days after the first horizon."""
    first, last = (int(as_of.min()), int(as_of.max())) if len(as_of) else (0, 0)
    return first + horizon + max(last - first - horizon, 0) // 2


def _best(lines: dict[str, Calibration], late: NewLabels) -> str:
    """The first line, unless a later one lowers the daily log loss by more than one standard error."""
    names, days = list(lines), np.unique(late.as_of)

    def losses(name: str) -> Array:
        p = expit(lines[name].apply(late.served))
        return np.array([log_loss(late.label[late.as_of == d], p[late.as_of == d]) for d in days])

    return names[first_unless_better([losses(name) for name in names])]


def _combined(before: Calibration, line: Calibration) -> Calibration:
    """One line that equals the model's own line followed by the new one."""
    return Calibration(line.a * before.a, line.a * before.c + line.c)


def _comparison(late: NewLabels, before: Array, after: Array, table: FeatureTable) -> LineComparison:
    """Figures of both lines on the later labels."""
    draws = draw_sellers(table.seller_id[late.rows])
    own, rival = (replicate(late.label, [p], draws) for p in (after, before))
    return {
        "rows": len(late.rows),
        "breach_share": float(late.label.mean()),
        "ece_before": expected_calibration_error(late.label, before),
        "ece": expected_calibration_error(late.label, after),
        "ci95": ci95(own, rival, "before"),
    }


def _line_gates(refreshed: list[ModelRefresh]) -> list[Gate]:
    out = []
    for r in refreshed:
        if r.comparison and not r.model.key.part:
            out.append(
                gates.errs_no_more(
                    f"{r.model.key}: errs no more than before", r.comparison["ci95"]["brier_minus_before"]
                )
            )
            out.append(gates.level(str(r.model.key), r.comparison["ece"], r.comparison["breach_share"]))
    return out


def _same_trees(before: Bundle, after: Bundle) -> Gate:
    equal = sum(one.text == other.text for one, other in zip(before.models, after.models, strict=True))
    return Gate("the trees are the champion's", equal == len(before.models), f"{equal} of {len(before.models)}", "all")
