"""Compares challenger and champion on the same weeks, with out-of-time predictions of both."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import ForesellError
from models.arithmetic.economy import Economy
from models.boosting.risk_model import predict
from models.bundle.bundle import Bundle
from training.backtest.out_of_time_predictions import predictions_of, read_predictions
from training.dataset.dataset import EPOCH, Dataset, LabelledTask, headline_standards, labelled_task
from training.dataset.slices import HEADLINE, masks
from training.measures.intervals import ci95, draw_sellers, replicate
from training.measures.metrics import average_precision, squared_error
from training.promotion import swap_set
from training.report_schema import Comparison, PairedFigures, RankAndError, RiskComparison

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
HORIZON = 28


@dataclass(frozen=True)
class Contender:
    """A registered version: its bundle, and the file of its out-of-time predictions."""

    number: str
    bundle: Bundle
    predictions: Path

    @property
    def calibrated_to(self) -> date:
        """The last day whose labels it has learned from."""
        return date.fromisoformat(self.bundle.calibrated_to)


def out_of_time(contender: Contender, dataset: Dataset, task: LabelledTask, rows: Ints) -> Array:
    """A contender's out-of-time probabilities of the active rows (by number); nan where it has none.

    It has learned from labels known by its calibrated_to, so for those rows the predictions of its backtest are taken;
    for later rows its bundle predicts.
    """
    table, risk = dataset.active, task.standard.risk
    learned = table.as_of[rows] + task.horizon <= contender.calibrated_to.toordinal() - EPOCH
    out = predictions_of(
        read_predictions(contender.predictions), risk, task.horizon, table.seller_id[rows], table.as_of[rows]
    )
    model = contender.bundle.model(risk, task.horizon)
    out[~learned] = predict(model, table.block.take(rows[~learned])).probability
    return out


def compare(
    dataset: Dataset, challenger: Contender, champion: Contender, economy: Economy, horizon: int = HORIZON
) -> Comparison:
    """By risk, both models on the same rows with paired intervals, and who enters and leaves the queue."""
    risks = {risk: labelled_task(dataset, standard, horizon) for risk, standard in headline_standards(dataset).items()}
    both = (challenger, champion)
    return {
        "challenger": {"version": challenger.number, "digest": challenger.bundle.digest},
        "champion": {"version": champion.number, "digest": champion.bundle.digest},
        "risks": {
            risk: _risk(dataset, task, both, economy) for risk, task in risks.items() if _both_predict(both, task)
        },
    }


def _both_predict(contenders: tuple[Contender, Contender], task: LabelledTask) -> bool:
    """Whether both have a model of the risk."""
    keys = [{m.key for m in c.bundle.models} for c in contenders]
    return all(
        any((k.risk, k.part, k.horizon) == (task.standard.risk, "", task.horizon) for k in keys_of_model)
        for keys_of_model in keys
    )


def _risk(
    dataset: Dataset, task: LabelledTask, contenders: tuple[Contender, Contender], economy: Economy
) -> RiskComparison:
    rows = np.flatnonzero(np.isfinite(task.rows.label) & ~task.treated)
    challenger, champion = (out_of_time(c, dataset, task, rows) for c in contenders)
    both_predicted = np.isfinite(challenger) & np.isfinite(champion)
    rows, challenger, champion = rows[both_predicted], challenger[both_predicted], champion[both_predicted]
    changes = swap_set.changes(dataset, task, rows, challenger, champion, economy)
    newest = swap_set.newest(
        dataset, task, [c.bundle.model(task.standard.risk, task.horizon) for c in contenders], economy
    )
    headline = masks(task.standard, dataset.active.block.take(rows))[HEADLINE]
    scores = {"challenger": challenger[headline], "champion": champion[headline]}
    return {**_figures(dataset, task, rows[headline], scores), "swap": {"weeks": changes, "newest": newest}}


def _figures(dataset: Dataset, task: LabelledTask, rows: Ints, scores: Mapping[str, Array]) -> PairedFigures:
    label, days, sellers = task.rows.label[rows], dataset.active.as_of[rows], dataset.active.seller_id[rows]
    span = [int(day) for day in (days.min(), days.max())] if len(days) else []
    if not len(rows) or not 0 < label.mean() < 1:
        return {"rows": len(rows), "sellers": len(set(sellers)), "as_of": span, "ci95": {}}
    draws = draw_sellers(sellers)
    own, rival = (replicate(label, [scores[name]], draws) for name in ("challenger", "champion"))
    return {
        "rows": len(rows),
        "sellers": len(set(sellers)),
        "as_of": span,
        "challenger": _alone(label, scores["challenger"]),
        "champion": _alone(label, scores["champion"]),
        "ci95": ci95(own, rival, "champion"),
    }


def _alone(label: Array, score: Array) -> RankAndError:
    return {"average_precision": average_precision(label, score), "brier": float(squared_error(label, score).mean())}


def readable(contender: Contender, dataset: Dataset) -> None:
    """ForesellError if the rows lack a feature of the contender's models."""
    for model in contender.bundle.models:
        lacking = [name for name in model.columns() if name not in dataset.active.block]
        if lacking:
            raise ForesellError(
                "A comparison needs rows with every feature that both models read.",
                f"version {contender.number} reads {', '.join(lacking)}, which this code cannot compute here",
                "compare with the code that trained that version, on a record with the same tables",
            )
