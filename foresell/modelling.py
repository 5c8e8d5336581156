"""`foresell backtest` and `train`: from a contract folder to a challenger in the registry."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from features.intake import Marketplace
from features.settings import Settings
from features.standards import StandardsFile
from features.standards_file import load
from foresell import promotion
from foresell.console import Outcome, Say, steps, table
from foresell.data import open_market
from foresell.promotion import GATES, Verdict
from foresell.results import SCORES, SLICE
from models import registry
from models.bundle import CARD
from simulation import parameters
from training import causes, trees, truth
from training.backtest import backtest
from training.kept import FILE as KEPT
from training.markdown import number
from training.pipeline import Training, train
from training.report import render
from training.scoring import Options
from training.summary import sentences
from training.trees import TreeSettings

# The public records of the reference: what its boosting groups each by.
PUBLIC_RECORDS: Mapping[str, tuple[str, ...]] = {
    "flights-route": ("category", "region", "item"),
    "flights-aircraft": ("category", "region", "item"),
    "olist": (),
}


def run_backtest(
    data: Path, out: Path, standards: str | None, zone: str | None, trees_file: Path | None = None
) -> Outcome:
    """Compare the model with the baselines; the report as JSON, and a page beside it. trees_file: settings by risk."""
    file, page, given = load(standards), out.with_suffix(".html"), _given(trees_file)
    with steps() as say:
        market = open_market(data, zone, Settings(), say)
        options = replace(options_for(market, data), trees=given)
        report = backtest(market, file, options, say)
    out.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(render(report), encoding="utf-8")
    out.write_text(json.dumps(report, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    shown = (*scores_tables(report), *_said(trees_file, given), f"\nWritten to {out} and {page}")
    return Outcome({"out": str(out), "page": str(page), "report": report}, shown)


def options_for(market: Marketplace, data: Path) -> Options:
    """A public record is compared with the reference, a simulated marketplace with its own truth."""
    simulated = (data / truth.FILE).is_file() and (data / causes.FILE).is_file()
    named = {cause.name: cause.families for cause in parameters.load().causes}
    known = truth.Known(data, named) if simulated else None
    return Options(reference_groups=PUBLIC_RECORDS.get(market.name), known=known)


def scores_tables(report: Mapping[str, Any]) -> list[RenderableType]:
    """Every score on sellers not yet in breach, and what that says, for each risk."""
    heads = {"score": "left", "ROC AUC": "right", "average precision": "right", "Brier": "right"}
    shown: list[RenderableType] = []
    for risk, said in sentences(report).items():
        scores = report["risks"][risk]["slices"][SLICE]["scores"]
        rows = [_score_row(name, scores[name]) for name in SCORES if scores.get(name)]
        shown += ["", table(heads, rows, f"{risk}: sellers not yet in breach"), "", *(Text(line) for line in said)]
    return shown


def _score_row(name: str, figures: Mapping[str, float | None]) -> tuple[str, ...]:
    ranks = (number(figures["roc_auc"]), number(figures["average_precision"]))
    return (SCORES[name], *ranks, number(figures["brier"], 4))


def _given(file: Path | None) -> dict[str, TreeSettings]:
    """Tree settings by risk, of a file; without one none, and the present ones are used."""
    return {} if file is None else trees.read(file)


def _said(file: Path | None, given: Mapping[str, TreeSettings]) -> list[RenderableType]:
    """Which risks had the settings of a file."""
    if file is None:
        return []
    named = f"those of {file} for {' and '.join(given)}" if given else f"the present ones: {file} names no risk"
    return [Text(f"\nTree settings: {named}.")]


def run_training(data: Path, standards: str | None, zone: str | None, trees_file: Path | None = None) -> Outcome:
    """Backtest, fit and judge, and register the bundle as the challenger."""
    settings, given = Settings(), _given(trees_file)
    with steps() as say:
        version, made, verdict = train_challenger(data, load(standards), zone, settings, say, given)
    shown = (*scores_tables(made.report), *_said(trees_file, given), "", *_verdict(version, made, verdict))
    return Outcome(_training_facts(version, made, verdict), shown)


def train_challenger(
    data: Path,
    standards: StandardsFile,
    zone: str | None,
    settings: Settings,
    say: Say,
    given: Mapping[str, TreeSettings] = MappingProxyType({}),
) -> tuple[str, Training, Verdict]:
    """The registered version, and what the training left in a folder of its own under home."""
    market = open_market(data, zone, settings, say)
    folder = settings.home / "trainings" / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    unfinished = settings.home / "trainings" / "unfinished"
    options = replace(options_for(market, data), trees=given)
    made = train(market, standards, folder, options, progress=say, unfinished=unfinished)
    verdict = promotion.judged(made, settings, say)
    say("registering in MLflow")
    return registry.log_training(_run(made, verdict), settings), made, verdict


def _run(made: Training, verdict: Verdict) -> registry.TrainingRun:
    return registry.TrainingRun(
        dataset=str(made.report["dataset"]),
        data_digest=made.bundle.data_digest,
        bundle=made.folder / "bundle",
        bundle_digest=made.bundle.digest,
        parameters=made.parameters,
        metrics=made.metrics,
        plots=made.folder / "plots",
        reports=[made.folder / name for name in ("report.json", "report.html", CARD, KEPT, GATES)],
        tags=verdict.tags(),
    )


def _training_facts(version: str, made: Training, verdict: Verdict) -> dict[str, Any]:
    return {
        "version": version,
        "digest": made.bundle.digest,
        "passed": verdict.passed,
        "gates": [gate.as_json() for gate in verdict.every],
        "compared": verdict.compared,
        "left_out": list(made.left_out),
        "folder": str(made.folder),
    }


def _verdict(version: str, made: Training, verdict: Verdict) -> list[RenderableType]:
    left_out = [Text(f"Too few breaches for a model of {', '.join(made.left_out)}.")] if made.left_out else []
    after = "foresell promote makes it the champion." if verdict.passed else "It may not be promoted."
    said = f"\nVersion {version} is the challenger. {after} The report: {made.folder / 'report.html'}"
    return [*verdict.shown(), *left_out, Text(said)]
