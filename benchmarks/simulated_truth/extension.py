"""The report extension for simulated marketplaces: the score from true rates, and figures against known causes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.simulated_truth.causes import reason_figures
from benchmarks.simulated_truth.detection import detection_figures
from benchmarks.simulated_truth.interval_coverage import probability_figures
from benchmarks.simulated_truth.limits import gap_closed, limit_figures
from benchmarks.simulated_truth.truth import CAUSES, TruthFiles, true_score, true_scores
from training.backtest.observed_outcomes import CandidateRankings
from training.backtest.scores import SOON, ExtraScores, TestPeriodScores
from training.dataset.dataset import Dataset, LabelledTask, labelled_task
from training.dataset.slices import HEADLINE
from training.report_schema import ExtraFigures, SliceFigures

Array = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class SimulatedTruth:
    """The extension of reports on simulated marketplaces."""

    files: TruthFiles

    def scores(self, dataset: Dataset, task: LabelledTask, rows: Ints) -> ExtraScores:
        """The score `truth`, and as rankings `truth` for long notice and two forecasters who know less."""
        found = true_scores(dataset, task, rows, self.files.folder)
        if "truth" not in found:
            return ExtraScores(rankings=found)
        truth, limits = found["truth"], {name: score for name, score in found.items() if name != "truth"}
        return ExtraScores({"truth": truth}, {"truth": truth} | self._early(dataset, task, rows, truth) | limits)

    def _early(self, dataset: Dataset, task: LabelledTask, rows: Ints, truth: Array) -> dict[str, Array]:
        """The true rates' probability of a breach at the horizon, but not at SOON days already."""
        sooner = true_score(dataset, labelled_task(dataset, task.standard, SOON), rows, self.files.folder)
        return {} if sooner is None else {"truth_early": truth * (1 - sooner)}

    def figures(
        self,
        dataset: Dataset,
        task: LabelledTask,
        test_period: TestPeriodScores,
        queue: CandidateRankings,
        slices: Mapping[str, SliceFigures],
        capacity: float,
    ) -> ExtraFigures:
        """Figures on causes, on detection of episodes, on limits, and on interval coverage."""
        part, raising = slices[HEADLINE], self.files.naming(task.standard.risk)
        return {
            "reasons": reason_figures(dataset, task, test_period, queue, capacity, self.files),
            "detection": detection_figures(dataset, queue, capacity, self.files.folder / CAUSES, raising),
            "truth_gap_closed": gap_closed(part),
            "limits": limit_figures(dataset, task, test_period, part),
            "probability_interval": probability_figures(dataset, task, test_period),
        }
