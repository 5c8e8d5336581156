"""`foresell backtest` and `train`: from a contract folder to a challenger in the registry."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from core.days import DayChoice
from core.markdown import number
from core.settings import Settings
from features.ingest.intake import Marketplace
from features.standards.load import load
from features.standards.standard import StandardsFile
from foresell.commands import promotion
from foresell.commands.marketplace import open_market
from foresell.commands.promotion import GATES, Verdict
from foresell.console import CommandResult, StepReporter, steps, table
from models import registry
from models.bundle.bundle import CARD
from training.backtest.backtest import backtest
from training.backtest.out_of_time_predictions import FILE as PREDICTIONS
from training.backtest.scores import Options, ReportExtension
from training.dataset.slices import HEADLINE
from training.fit import tree_settings
from training.fit.tree_settings import TreeSettings
from training.pipeline import Training, train
from training.report_schema import Report, ScoreFigures
from training.reports.report import render
from training.reports.summary import not_learned, sentences

# Short titles of the scores, for tables.
SCORE_TITLES = {
    "current_metric": "current rate",
    "shrunk_rate": "shrunk rate",
    "peer_only": "peer group's rate",
    "roll_forward": "roll-forward",
    "roll_forward_v2": "roll-forward, fitted",
    "logistic": "logistic regression",
    "boosting": "boosting",
    "model": "Foresell",
    "truth": "true rates",
}
MOST_OF_A_TAG = 5_000  # characters that MLflow keeps of a tag
MEASUREMENTS = "benchmarks.extensions"  # of a checkout; a wheel has no benchmarks


def run_backtest(
    data: Path, out: Path, standards: str | None, days: DayChoice, trees_file: Path | None = None
) -> CommandResult:
    """Compare the model with the baselines; write the report as JSON and as a page. trees_file: settings by risk."""
    file, page, given = load(standards), out.with_suffix(".html"), _tree_settings(trees_file)
    with steps() as progress:
        market = open_market(data, days, Settings(), progress)
        options = replace(options_for(market, data), trees=given)
        report = backtest(market, file, options, progress)
    out.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(render(report), encoding="utf-8")
    out.write_text(json.dumps(report, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    shown = (*scores_tables(report), *_settings_note(trees_file, given), f"\nWritten to {out} and {page}")
    return CommandResult({"out": str(out), "page": str(page), "report": report}, shown, market.report)


def options_for(market: Marketplace, data: Path) -> Options:
    """A checkout compares a public record with the reference, and a simulated marketplace with its own truth."""
    return Options(extension=extension_for(market.name, data))


def extension_for(name: str, data: Path) -> ReportExtension | None:
    """The extra figures of the checkout's benchmarks; None without them (docs/adr/0004-measurement-apart.md)."""
    try:
        extension: ReportExtension | None = import_module(MEASUREMENTS).extension_for(name, data)
    except ModuleNotFoundError as error:
        if error.name not in (MEASUREMENTS, MEASUREMENTS.split(".", maxsplit=1)[0]):
            raise
        return None
    return extension


def scores_tables(report: Report) -> list[RenderableType]:
    """For each risk, a table of all scores on sellers not yet in breach, and the summary in sentences."""
    heads = {"score": "left", "ROC AUC": "right", "average precision": "right", "Brier": "right"}
    shown: list[RenderableType] = []
    for risk, lines in sentences(report).items():
        scores = report["risks"][risk]["slices"][HEADLINE]["scores"]
        rows = [_score_row(name, figures) for name in SCORE_TITLES if (figures := scores.get(name))]
        shown += ["", table(heads, rows, f"{risk}: sellers not yet in breach"), "", *(Text(line) for line in lines)]
    return [*shown, *(Text(line) for line in not_learned(report))]


def _score_row(name: str, figures: ScoreFigures) -> tuple[str, ...]:
    ranks = (number(figures["roc_auc"]), number(figures["average_precision"]))
    return (SCORE_TITLES[name], *ranks, number(figures["brier"], 4))


def _tree_settings(file: Path | None) -> dict[str, TreeSettings]:
    """Tree settings by risk from a file; empty without a file: then the default settings are used."""
    return {} if file is None else tree_settings.read(file)


def _settings_note(file: Path | None, given: Mapping[str, TreeSettings]) -> list[RenderableType]:
    """A line that names the risks with settings from a file."""
    if file is None:
        return []
    origin = f"those of {file} for {' and '.join(given)}" if given else f"the default ones: {file} names no risk"
    return [Text(f"\nTree settings: {origin}.")]


def run_training(data: Path, standards: str | None, days: DayChoice, trees_file: Path | None = None) -> CommandResult:
    """Backtest, fit, apply the gates, and register the bundle as the challenger."""
    settings, given = Settings(), _tree_settings(trees_file)
    with steps() as progress:
        version, training, verdict = train_challenger(data, load(standards), days, settings, progress, given)
    shown = (
        *scores_tables(training.report),
        *_settings_note(trees_file, given),
        "",
        *_verdict(version, training, verdict),
    )
    read = training.dataset.ledger.market.report
    return CommandResult(_training_facts(version, training, verdict), shown, read)


def train_challenger(
    data: Path,
    standards: StandardsFile,
    days: DayChoice,
    settings: Settings,
    progress: StepReporter,
    given: Mapping[str, TreeSettings] = MappingProxyType({}),
) -> tuple[str, Training, Verdict]:
    """Train and register; returns the version, the training (in its own folder under home) and the verdict."""
    market = open_market(data, days, settings, progress)
    folder = settings.home / "trainings" / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    unfinished = settings.home / "trainings" / "unfinished"
    options = replace(options_for(market, data), trees=given)
    training = train(market, standards, folder, options, progress=progress, unfinished=unfinished)
    verdict = promotion.judge_training(training, settings, progress)
    progress("registering in MLflow")
    return registry.log_training(_run(training, verdict), settings), training, verdict


def _run(training: Training, verdict: Verdict) -> registry.TrainingRun:
    return registry.TrainingRun(
        dataset=str(training.report["dataset"]),
        data_digest=training.bundle.data_digest,
        bundle=training.folder / "bundle",
        bundle_digest=training.bundle.digest,
        parameters=training.parameters,
        metrics=training.metrics,
        plots=training.folder / "plots",
        reports=[training.folder / name for name in ("report.json", "report.html", CARD, PREDICTIONS, GATES)],
        tags=verdict.tags() | _told(training),
    )


def _told(training: Training) -> dict[str, str]:
    """What the registry's run says of the rows that were read, and of the risks that were not learned."""
    told = {"intake": training.dataset.ledger.market.report.lines(), "not_learned": not_learned(training.report)}
    return {name: "; ".join(lines)[:MOST_OF_A_TAG] for name, lines in told.items()}


def _training_facts(version: str, training: Training, verdict: Verdict) -> dict[str, Any]:
    return {
        "version": version,
        "digest": training.bundle.digest,
        "passed": verdict.passed,
        "gates": [gate.as_json() for gate in verdict.every],
        "compared": verdict.compared,
        "left_out": list(training.left_out),
        "not_learned": training.report.get("not_learned", {}),
        "folder": str(training.folder),
    }


def _verdict(version: str, training: Training, verdict: Verdict) -> list[RenderableType]:
    left_out = [Text(f"Too few breaches for a model of {', '.join(training.left_out)}.")] if training.left_out else []
    after = "foresell promote makes it the champion." if verdict.passed else "It may not be promoted."
    result = f"\nVersion {version} is the challenger. {after} The report: {training.folder / 'report.html'}"
    return [*verdict.shown(), *left_out, Text(result)]
