"""The backtest on three simulated marketplaces: benchmarks/results/backtest-simulated.json."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.disruption import DisruptionAlerts, Scorer, beside, score_by_fold
from benchmarks.extensions import extension_for
from benchmarks.simulated_truth.truth import CAUSES, true_score
from features.ingest.intake import open_folder
from features.standards.load import load
from features.standards.standard import BacktestDays, StandardsFile
from simulation.market import Run, simulate
from training.backtest.backtest import backtest_result
from training.backtest.scores import Options, TestPeriodScores
from training.dataset.dataset import Dataset, LabelledTask, labelled_task, prepare_dataset
from training.dataset.slices import HEADLINE
from training.fit.rate_spread import measured as enough

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

SELLERS, DAYS = 2_000, 930  # as many sellers as the simulation is timed with, a little over two and a half years
SEEDS = (1, 2, 3)
TESTS = BacktestDays(first=90, test_from=550, every_days=7, refit_days=28)
KEPT = (
    "boosting_of_other_sizes",
    "learning_rate",
    "rounds",
    "roll_forward_v2",
    "slices",
    "alerts",
    "operating_points",
    "detection",
    "groups",
    "expected_rate",
    "probability_interval",
    "limits",
    "reasons",
    "reasons_held",
    "truth_gap_closed",
)


def run(scratch: Path) -> dict[str, Any]:
    """The report of docs/contract.md section 5: each risk's worst marketplace under `risks`, all under `seeds`."""
    return assembled({seed: one(scratch, seed) for seed in SEEDS})


def assembled(reports: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    """One report of three."""
    risks = {risk: worst(reports, risk) for risk in reports[SEEDS[0]]["risks"]}
    shared = {key: value for key, value in reports[SEEDS[0]].items() if key != "risks"}
    leakage = {**shared["leakage"], "future_blind": all(r["leakage"]["future_blind"] for r in reports.values())}
    leakage["canary_caught"] = all(r["leakage"]["canary_caught"] for r in reports.values())
    seeds = {str(seed): {risk: _kept(body) for risk, body in r["risks"].items()} for seed, r in reports.items()}
    return {**shared, "dataset": "simulated", "leakage": leakage, "risks": risks, "seeds": seeds}


def one(scratch: Path, seed: int) -> Any:
    """The report on one marketplace, with its alerts during carrier disruption beside those of its twin without."""
    data = scratch / f"simulated-{seed}"
    simulate(data, Run(SELLERS, DAYS, seed))
    market = open_folder(data)
    options, dataset = Options(extension=extension_for(market.name, data)), prepare_dataset(market, standards())
    found = backtest_result(dataset, options)
    twin = twin_of(scratch, seed)
    for risk, task in found.tasks.items():
        twin_task = labelled_task(twin, task.standard, task.horizon)
        both = (dataset, task, twin, twin_task)
        alerts: Any = found.report["risks"][risk]["alerts"]
        for name, said in says(
            found.test_periods[risk], {id(dataset): data, id(twin): twin_folder(scratch, seed)}
        ).items():
            pair = beside(*both, said, options.capacity, data / CAUSES)
            alerts[name] = asdict(pair)
    return found.report


def says(test_period: TestPeriodScores, folders: Mapping[int, Path]) -> dict[str, Scorer]:
    """The model, and the true rates: what a slow carrier does to sellers' own risk is in both."""

    def true(dataset: Dataset, task: LabelledTask, rows: Ints, _: Ints) -> Array:
        found = true_score(dataset, task, rows, folders[id(dataset)])
        return np.zeros(len(rows)) if found is None else found

    return {"disruption": partial(score_by_fold, test_period), "disruption_truth": true}


def twin_folder(scratch: Path, seed: int) -> Path:
    """Where the twin lies."""
    return scratch / f"twin-{seed}"


def twin_of(scratch: Path, seed: int) -> Dataset:
    """The rows of the same marketplace without carrier disruptions."""
    data = twin_folder(scratch, seed)
    simulate(data, Run(SELLERS, DAYS, seed, disruptions=False))
    return prepare_dataset(open_folder(data), standards())


def standards() -> StandardsFile:
    """The built-in standards, tested on the last year."""
    return replace(load(), backtest=TESTS)


def worst(reports: Mapping[int, Mapping[str, Any]], risk: str) -> dict[str, Any]:
    """A risk's body from the marketplace on which the model gains least over the roll-forward."""
    seed = min(reports, key=lambda number: gain(reports[number]["risks"][risk]))
    body: dict[str, Any] = reports[seed]["risks"][risk]
    return {**body, "marketplace_seed": seed}


def gain(body: Mapping[str, Any]) -> float:
    """Average precision over the roll-forward's, sellers not yet in breach."""
    scores = body["slices"][HEADLINE]["scores"]
    return float(scores["model"]["average_precision"] / scores["roll_forward"]["average_precision"])


def figures(report: Mapping[str, Any]) -> dict[str, float]:
    """The names of docs/contract.md section 8: each the worst of the three marketplaces."""
    found: dict[str, float] = {}
    for risk in report["risks"]:
        bodies = [seed[risk] for seed in report["seeds"].values()]
        found |= {f"{name}_{risk}": value for name, value in _of_risk(bodies).items()}
    both = [body for seed in report["seeds"].values() for body in seed.values()]
    return found | _of_both(both)


def _of_risk(bodies: list[Mapping[str, Any]]) -> dict[str, float]:
    scores = [body["slices"][HEADLINE]["scores"] for body in bodies]
    ratio = "average_precision"
    return {
        "ap_ratio_to_roll_forward": min(s["model"][ratio] / s["roll_forward"][ratio] for s in scores),
        "ap_ratio_to_current": min(s["model"][ratio] / s["current_metric"][ratio] for s in scores),
        "reachable_gap_closed": min(body["limits"]["truth_begun"]["reached"][ratio] for body in bodies),
        "truth_gap_closed": min(body["truth_gap_closed"][ratio] for body in bodies),
        "calibration_slope": max((s["model"]["calibration_slope"] for s in scores), key=lambda slope: abs(slope - 1)),
        "ece": max(s["model"]["ece"] for s in scores),
    }


def _of_both(bodies: list[Mapping[str, Any]]) -> dict[str, float]:
    alerts = [body["alerts"] for body in bodies]
    covered = bands(bodies)
    lead = "median_lead_time_days"
    return {
        "lead_time_days": min(a[lead] for a in alerts),
        "lead_gain_over_warn_line_days": min(a[lead] - a["warn_line"][lead] for a in alerts),
        "lead_time_days_truth": min(a["truth"][lead] for a in alerts),
        "lead_time_days_truth_begun": min(a["truth_begun"][lead] for a in alerts),
        "precision_at_capacity": min(a["precision"] for a in alerts),
        **({"interval_coverage_midp_min": min(covered), "interval_coverage_midp_max": max(covered)} if covered else {}),
        "probability_coverage_min": min(body["probability_interval"]["interval_90_coverage"] for body in bodies),
        "disruption_alert_ratio": _disruption(alerts, "disruption"),
        "disruption_alert_ratio_truth": _disruption(alerts, "disruption_truth"),
        "reason_stability": _stability(bodies),
        **{f"{top}_reason_share": _pooled(bodies, f"{top}_reason_share") for top in ("top", "top3")},
    }


def bands(bodies: Iterable[Mapping[str, Any]]) -> list[float]:
    """Mid-p coverage of every volume band with 500 rows and 100 sellers."""
    found = [band for body in bodies for band in body["expected_rate"]["bands"] if enough(band)]
    return [band["interval_90_coverage_midp"] for band in found]


def _disruption(alerts: list[Mapping[str, Any]], name: str) -> float:
    """Over all marketplaces and both risks: single ones have too few alerts to be told apart by chance."""
    found = [a[name] for a in alerts]
    return DisruptionAlerts(sum(f["alerts"] for f in found), sum(f["without"] for f in found)).ratio


def _pooled(bodies: list[Mapping[str, Any]], share: str) -> float:
    """Over the alerts of all marketplaces and both risks: single ones have too few to be told apart by chance."""
    told = [body["reasons"] for body in bodies if body["reasons"]["alerts"]]
    return float(sum(r[share] * r["alerts"] for r in told) / max(sum(r["alerts"] for r in told), 1))


def _stability(bodies: list[Mapping[str, Any]]) -> float:
    """Of queued sellers without a new event, the share whose reasons a week later are the same; pooled likewise."""
    told = [found for body in bodies if (found := body["reasons_held"]["next_week"])["pairs"]]
    return float(sum(f["share"] * f["pairs"] for f in told) / max(sum(f["pairs"] for f in told), 1))


def _kept(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: body[name] for name in KEPT}
