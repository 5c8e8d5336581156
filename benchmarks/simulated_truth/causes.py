"""Whether reasons name the cause: alerts on a simulated marketplace, compared with their sellers' episodes.

Read by reports only, never by a model.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.simulated_truth.detection import episodes_of
from benchmarks.simulated_truth.truth import CAUSES, TruthFiles
from core.errors import ForesellError
from training.backtest.alerts import entries, queue
from training.backtest.observed_outcomes import CandidateRankings
from training.backtest.scores import TestPeriodScores
from training.dataset.dataset import Dataset, LabelledTask
from training.fit.boosting import CalibratedTrees
from training.report_schema import CauseFigures, ReasonFigures

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
TOP = 3
Alert = tuple[str, str, list[str]]  # a cause, the family that should name it, and the families by contribution


def reason_figures(
    dataset: Dataset,
    task: LabelledTask,
    test_period: TestPeriodScores,
    found: CandidateRankings,
    capacity: float,
    known: TruthFiles,
) -> ReasonFigures:
    """Shares of right alerts inside an episode whose top reason, or one of the top three, is the cause's family.

    Episodes are those of causes that raise the risk; reasons are seed 0's that raise it, and arithmetic is never one.
    `guess`: what naming families as often as the model does, without looking at the seller, would reach. Beside it by
    cause, and the table of what was named for what.
    """
    alerts = found.rows[_right(found, capacity)]
    ranked = ranked_families(dataset, task, test_period, alerts)
    causes = active_causes(dataset, alerts, known.folder / CAUSES)
    _refuse_unknown(causes, known)
    naming = known.naming(task.standard.risk)
    inside = [
        (cause, naming[cause], order)
        for active, order in zip(causes, ranked, strict=True)
        for cause in _one(active, order, naming)
    ]
    return _figures(inside)


def _refuse_unknown(causes: Sequence[Sequence[str]], known: TruthFiles) -> None:
    if unknown := sorted({cause for active in causes for cause in active} - known.families.keys()):
        rule = f"Causes of a simulated marketplace are {', '.join(known.families)}."
        raise ForesellError(rule, ", ".join(unknown), "simulate it anew with foresell simulate")


def _figures(inside: Sequence[Alert]) -> ReasonFigures:
    causes = sorted({cause for cause, _, _ in inside})
    return {
        **_shares(inside),
        "guess": {"top_reason_share": _guess(inside, 1), "top3_reason_share": _guess(inside, TOP)},
        "by_cause": {cause: _shares([row for row in inside if row[0] == cause]) for cause in causes},
        "confusion": {cause: dict(_named(inside, cause).most_common()) for cause in causes},
    }


def _guess(inside: Sequence[Alert], top: int) -> float | None:
    """The same shares if the reasons are shuffled among the alerts."""
    named = Counter(family for _, _, order in inside for family in order[:top])
    asked = Counter(family for _, family, _ in inside)
    return sum(named[family] * n for family, n in asked.items()) / len(inside) ** 2 if inside else None


def _named(inside: Sequence[Alert], cause: str) -> Counter[str]:
    return Counter(order[0] if order else "none" for found, _, order in inside if found == cause)


def _shares(inside: Sequence[Alert]) -> CauseFigures:
    top = [family in order[:1] for _, family, order in inside]
    top3 = [family in order[:TOP] for _, family, order in inside]
    share = (float(np.mean(top)), float(np.mean(top3))) if inside else (None, None)
    return {"alerts": len(inside), "top_reason_share": share[0], "top3_reason_share": share[1]}


def _one(causes: Sequence[str], order: Sequence[str], naming: Mapping[str, str]) -> list[str]:
    """Of several episodes at once, the one whose family is ranked highest; none where no cause raises the risk."""
    place = {family: number for number, family in enumerate(order)}
    return sorted(naming.keys() & causes, key=lambda cause: (place.get(naming[cause], len(place)), cause))[:1]


def _right(found: CandidateRankings, capacity: float) -> Ints:
    """Numbers of the queueable rows that seed 0 alerts on, and that then breach."""
    candidates = found.candidates
    chosen = entries(
        queue(found.priorities["model"][0], candidates.as_of, capacity), candidates.seller, candidates.as_of
    )
    return np.flatnonzero(chosen & np.isfinite(candidates.days_to_breach()))


def ranked_families(dataset: Dataset, task: LabelledTask, test_period: TestPeriodScores, rows: Ints) -> list[list[str]]:
    """For each of the active rows (by number), the families that raise the risk, most first."""
    catalogue = {f.name: f.family for f in dataset.active.features}
    families = [catalogue.get(name, "") for name in test_period.names]  # arithmetic has none
    out: list[list[str]] = []
    for row, fold in zip(
        rows.tolist(), test_period.fold[np.searchsorted(test_period.rows, rows)].tolist(), strict=True
    ):
        added = contributions(test_period.fitted[fold], task, test_period.names, row)
        total = dict.fromkeys(families, 0.0)
        for family, value in zip(families, added.tolist(), strict=True):
            total[family] += value
        out.append([family for family in sorted(total, key=lambda f: -total[f]) if family and total[family] > 0])
    return out


def contributions(fitted: CalibratedTrees, task: LabelledTask, names: Sequence[str], row: int) -> Array:
    """The trees' contributions to one row's served log-odds, shape (features,)."""
    matrix = task.rows.only(names).matrix[[row]]
    added = np.asarray(fitted.trees.predict(matrix, pred_contrib=True, num_threads=1))
    return np.asarray(fitted.line.a * added[0, :-1])


def active_causes(dataset: Dataset, rows: Ints, path: Path) -> list[list[str]]:
    """The episodes that each of the active rows (by number) lies in."""
    episodes = episodes_of(path)
    table = dataset.active
    asked = pd.DataFrame({"seller_id": table.seller_id[rows].astype(str), "as_of": table.as_of[rows]})
    both = asked.reset_index().merge(episodes, on="seller_id")
    both = both[(both["start_day"] <= both["as_of"]) & (both["as_of"] <= both["end_day"])]
    found: list[list[str]] = [[] for _ in rows]
    for number, cause in zip(both["index"].tolist(), both["cause"].tolist(), strict=True):
        found[number].append(cause)
    return [sorted(set(causes)) for causes in found]
