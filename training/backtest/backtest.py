"""The backtest: what each score would have been worth on days its model could not know (docs/contract.md section 5)."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from core.days import iso
from core.errors import ForesellError
from features.ingest.intake import Marketplace
from features.standards.standard import StandardsFile
from training.backtest import leakage, observed_outcomes
from training.backtest.evaluate import LabelledScores, gain_over, slice_figures
from training.backtest.groups import attributes, group_figures
from training.backtest.reason_stability import reason_stability_figures
from training.backtest.scores import Options, TestPeriodScores, daily_of, score
from training.dataset.dataset import Dataset, LabelledTask, headline_standards, labelled_task, prepare_dataset
from training.dataset.slices import HEADLINE, masks
from training.measures.metrics import measure
from training.report_schema import (
    ExtraFigures,
    GivenTrees,
    GroupCell,
    LeakageFigures,
    RankAndError,
    Report,
    ReportFacts,
    RiskPart,
    RiskReport,
    ShuffledLabelAuc,
    SliceFigures,
)

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Progress = Callable[[str], None]
T = TypeVar("T")
PROBED_DAYS = 6  # as-of days that the leakage gate compares


@dataclass(frozen=True)
class BacktestResult:
    """A backtest: its report, and for each risk its labelled task and the scores of its test period."""

    report: Report
    tasks: Mapping[str, LabelledTask]
    test_periods: Mapping[str, TestPeriodScores]


def backtest(
    market: Marketplace,
    standards: StandardsFile,
    options: Options | None = None,
    progress: Progress | None = None,
) -> Report:
    """The report of docs/contract.md section 5. ForesellError for too short a record, or no headline standard."""
    return report(prepare_dataset(market, standards, progress=progress), options or Options(), progress)


def report(dataset: Dataset, options: Options, progress: Progress | None = None) -> Report:
    """The same from a dataset that is already prepared."""
    return backtest_result(dataset, options, progress).report


def backtest_result(dataset: Dataset, options: Options, progress: Progress | None = None) -> BacktestResult:
    """The same, with the scores that the report is computed from."""
    say = progress or (lambda _: None)
    tasks = tasks_of(dataset, options)
    results = {risk: backtest_risk(dataset, risk, task, options, say) for risk, task in tasks.items()}
    report_json = assemble_report(dataset, tasks, {risk: part for risk, (part, _) in results.items()}, options, say)
    return BacktestResult(report_json, tasks, {risk: test_period for risk, (_, test_period) in results.items()})


def tasks_of(dataset: Dataset, options: Options) -> dict[str, LabelledTask]:
    """The labelled task of each risk that can be learned; ForesellError if none can."""
    every = {
        risk: labelled_task(dataset, standard, options.horizon)
        for risk, standard in headline_standards(dataset).items()
    }
    tasks = {risk: task for risk, task in every.items() if not unlearnable(dataset, task)}
    if not tasks:
        _refuse(dataset, every)
    _check_trees(tasks, options)
    return tasks


def unlearnable(dataset: Dataset, task: LabelledTask) -> str:
    """Why a risk cannot be learned, in words; empty if it can."""
    known = task.rows.label[task.known_by(dataset.calendar.test_from)]
    if not len(known):
        return "no label is known before the test period"
    if not 0 < known.mean() < 1:
        kind = "a breach" if known.mean() else "no breach"
        return f"each of its {len(known):,} labels before the test period says {kind}"
    return ""


def not_learned(dataset: Dataset, tasks: Mapping[str, LabelledTask], options: Options) -> dict[str, str]:
    """The risks of which nothing is learned, with the reason in words."""
    others = {risk: s for risk, s in headline_standards(dataset).items() if risk not in tasks}
    reasons = {risk: unlearnable(dataset, labelled_task(dataset, s, options.horizon)) for risk, s in others.items()}
    return {**dataset.unreadable, **reasons}


def backtest_risk(
    dataset: Dataset, risk: str, task: LabelledTask, options: Options, say: Progress
) -> tuple[RiskPart, TestPeriodScores]:
    """One risk's part of the report, in plain values, and the scores that it is computed from."""
    say(f"{risk}: fitting {len(options.seeds)} seeds and the baselines")
    test_period = score(dataset, task, options)
    say(f"{risk}: figures and intervals")
    shuffled = _shuffled_auc(dataset, task, test_period)
    part: RiskPart = {"body": risk_body(dataset, task, test_period, options), "shuffled_label_auc": shuffled}
    return without_nan(part), test_period


def assemble_report(
    dataset: Dataset, tasks: Mapping[str, LabelledTask], parts: Mapping[str, RiskPart], options: Options, say: Progress
) -> Report:
    """The whole report: the parts of all risks, and the leakage checks."""
    say("checking for leakage: altering the future, comparing the rows")
    gates = leakage.gates(dataset.ledger, dataset.whole, dataset.standards, _probe(dataset, options))
    shuffled = {risk: part["shuffled_label_auc"] for risk, part in parts.items()}
    leakage_figures: LeakageFigures = {
        **gates,
        "shuffled_label_auc": next(iter(shuffled.values())),
        "shuffled_label_auc_by_risk": shuffled,
    }
    risks = {risk: part["body"] for risk, part in parts.items()}
    facts, others = _facts(dataset, tasks, options), not_learned(dataset, tasks, options)
    report_json: Report = {**facts, "risks": risks, "leakage": leakage_figures, "not_learned": others}
    return without_nan(report_json)


def _refuse(dataset: Dataset, tasks: Mapping[str, LabelledTask]) -> None:
    reasons = {**dataset.unreadable, **{risk: unlearnable(dataset, task) for risk, task in tasks.items()}}
    step = "move test_from under [backtest] in the standards file, or use a longer record"
    if not tasks:
        step = f"give a headline standard of the quantities that the source has: {', '.join(dataset.ledger.quantities)}"
    found = "; ".join(f"{risk}: {why}" for risk, why in reasons.items())
    raise ForesellError("A backtest needs a risk that can be learned.", found, step)


def _check_trees(tasks: Mapping[str, LabelledTask], options: Options) -> None:
    if unknown := sorted(set(options.trees) - set(tasks)):
        raise ForesellError(
            rule="Tree settings may name only risks that this record has.",
            found=f"settings for {', '.join(unknown)}; the record has {', '.join(tasks)}",
            next_step="remove them from the file given as --trees",
        )


def risk_body(dataset: Dataset, task: LabelledTask, test_period: TestPeriodScores, options: Options) -> RiskReport:
    """All figures of one risk."""
    table, value = dataset.active.take(test_period.rows), task.rows.label[test_period.rows]
    known, parts = np.isfinite(value), masks(task.standard, table.block)
    scored = LabelledScores(value, table.seller_id, table.as_of, test_period.fold, test_period.scores)
    queue = observed_outcomes.candidate_rankings(
        dataset, task, test_period.rows, daily_of(dataset, task), test_period.scores, test_period.rankings
    )
    slices = {name: slice_figures(scored.take(mask & known), task.horizon) for name, mask in parts.items()}
    return {
        "standard": task.standard.as_json(),
        "failure_parts": list(dataset.ledger.failure_parts),
        "train_rows": int(task.known_by(dataset.calendar.test_from).sum()),
        "treated": int(task.treated[test_period.rows].sum()),
        "features": list(test_period.names),
        "learning_rate": test_period.trees.learning_rate,
        "rounds": test_period.trees.rounds,
        **_given_trees(task, options),
        "roll_forward_v2": test_period.roll_forward_v2.as_json(),
        "boosting_of_other_sizes": _sizes(value, test_period, parts[HEADLINE] & known),
        "zero_by_volume_share": float(task.labels.below_volume[np.isfinite(task.rows.label)].mean()),
        "slices": slices,
        "groups": _groups(dataset, queue, options),
        "gain_over_boosting": gain_over(scored.take(parts[HEADLINE] & known), "boosting"),
        "alerts": observed_outcomes.alert_figures(queue, options.capacity),
        "operating_points": observed_outcomes.operating_points(queue),
        "expected_rate": observed_outcomes.expected_rate_figures(dataset, task, test_period.rows),
        "charts": {
            "calibration": observed_outcomes.calibration_curves(scored.take(parts[HEADLINE] & known)),
            "capacity": observed_outcomes.capacity_curves(queue),
        },
        "reasons_held": reason_stability_figures(dataset, task, test_period, queue, options.capacity),
        **_extra_figures(dataset, task, test_period, queue, slices, options),
    }


def _given_trees(task: LabelledTask, options: Options) -> GivenTrees:
    """The tree settings, if they were given and not chosen."""
    given = options.trees.get(task.standard.risk)
    return {"trees": given.as_json()} if given else {}


def _sizes(value: Array, test_period: TestPeriodScores, rows: Mask) -> dict[str, RankAndError]:
    """Figures of small and large boosting on the headline slice; {} where it holds one class only."""
    if not rows.any() or not 0 < value[rows].mean() < 1:
        return {}
    measured = {name: measure(value[rows], column[rows]) for name, column in test_period.sizes.items()}
    return {name: {"average_precision": m.average_precision, "brier": m.brier} for name, m in measured.items()}


def _groups(
    dataset: Dataset, queue: observed_outcomes.CandidateRankings, options: Options
) -> dict[str, dict[str, GroupCell]]:
    """Figures by group of sellers, from the first seed's scores: that seed is the model served."""
    known = np.isfinite(queue.label)
    table = dataset.active.take(queue.rows[known])
    score = queue.priorities["model"][0][known]
    return group_figures(
        attributes(dataset, table), table.seller_id, table.as_of, queue.label[known], score, options.capacity
    )


def _extra_figures(
    dataset: Dataset,
    task: LabelledTask,
    test_period: TestPeriodScores,
    queue: observed_outcomes.CandidateRankings,
    slices: Mapping[str, SliceFigures],
    options: Options,
) -> ExtraFigures:
    """The figures of the report extension, if there is one."""
    if options.extension is None:
        return {}
    return options.extension.figures(dataset, task, test_period, queue, slices, options.capacity)


def _shuffled_auc(dataset: Dataset, task: LabelledTask, test_period: TestPeriodScores) -> ShuffledLabelAuc:
    rows = task.rows.only(test_period.names)
    test = rows.take(test_period.rows[np.isfinite(rows.label[test_period.rows])])
    mean, sd = leakage.shuffled_label_auc(rows.take(task.known_by(dataset.calendar.test_from)), test)
    return {"mean": mean, "sd": sd}


def _probe(dataset: Dataset, options: Options) -> leakage.LeakageProbe:
    """PROBED_DAYS as-of days up to the middle of the test period, evenly spaced, with the newest."""
    calendar = dataset.calendar
    last = calendar.data_end - options.horizon
    days = np.array([day for day in calendar.as_of(last) if day <= (calendar.test_from + last) // 2])
    chosen = days[np.unique(np.linspace(0, len(days) - 1, PROBED_DAYS).round().astype(int))].tolist()
    standard = next(iter(headline_standards(dataset).values()))
    return leakage.LeakageProbe(chosen[-1], tuple(chosen), standard, options.horizon, calendar.data_end)


def _facts(dataset: Dataset, tasks: Mapping[str, LabelledTask], options: Options) -> ReportFacts:
    calendar, labels = dataset.calendar, [task.labels for task in tasks.values()]
    last = calendar.data_end - options.horizon
    below = np.concatenate([labelled.below_volume[np.isfinite(labelled.value)] for labelled in labels])
    return {
        "dataset": dataset.ledger.market.name,
        "intake": dataset.ledger.market.report.as_json(),
        "as_of": [iso(calendar.first), iso(calendar.as_of(last)[-1])],
        "test_from": iso(calendar.test_from),
        "horizon_days": options.horizon,
        "folds": len(calendar.folds(last)),
        "seeds": list(options.seeds),
        "zero_by_volume_share": float(below.mean()),
        "censored": int(labels[0].censored.sum()),
    }


def without_nan(value: T) -> T:
    """The same value, with None in place of every number that JSON cannot hold."""
    return cast(T, _without_nan(value))


def _without_nan(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
