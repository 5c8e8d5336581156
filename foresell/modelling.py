"""`foresell backtest`, `train`, `promote` and `rollback`: from a contract folder to a champion in the registry."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from features.errors import ForesellError
from features.intake import Marketplace
from features.settings import Settings
from features.standards import StandardsFile
from features.standards_file import load
from foresell.console import Outcome, Say, steps, table
from foresell.data import open_market
from foresell.results import SCORES, SLICE
from models import registry
from simulation import parameters
from training import causes, truth
from training.backtest import backtest
from training.gates import Gate
from training.markdown import number
from training.pipeline import Training, train
from training.report import render
from training.scoring import Options
from training.summary import sentences

# The public records of the reference: what its boosting groups each by.
PUBLIC_RECORDS: Mapping[str, tuple[str, ...]] = {
    "flights-route": ("category", "region", "item"),
    "flights-aircraft": ("category", "region", "item"),
    "olist": (),
}
GATES = "gates.json"


def run_backtest(data: Path, out: Path, standards: str | None, zone: str | None) -> Outcome:
    """Compare the model with the baselines; the report as JSON, and a page beside it."""
    file, page = load(standards), out.with_suffix(".html")
    with steps() as say:
        market = open_market(data, zone, Settings(), say)
        options = options_for(market, data)
        report = backtest(market, file, options, say)
    out.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(render(report), encoding="utf-8")
    out.write_text(json.dumps(report, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    shown = (*scores_tables(report), f"\nWritten to {out} and {page}")
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


def run_training(data: Path, standards: str | None, zone: str | None) -> Outcome:
    """Backtest, fit and judge, and register the bundle as the challenger."""
    settings = Settings()
    with steps() as say:
        version, made = train_challenger(data, load(standards), zone, settings, say)
    return Outcome(_training_facts(version, made), (*scores_tables(made.report), "", *_verdict(version, made)))


def train_challenger(
    data: Path, standards: StandardsFile, zone: str | None, settings: Settings, say: Say
) -> tuple[str, Training]:
    """The registered version, and what the training left in a folder of its own under home."""
    market = open_market(data, zone, settings, say)
    folder = settings.home / "trainings" / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    made = train(market, standards, folder, options_for(market, data), progress=say)
    verdict = {"bundle_digest": made.bundle.digest, "gates": [gate.as_json() for gate in made.gates]}
    (folder / GATES).write_text(json.dumps(verdict, indent=1) + "\n", encoding="utf-8")
    say("registering in MLflow")
    return registry.log_training(_run(made), settings), made


def _run(made: Training) -> registry.TrainingRun:
    return registry.TrainingRun(
        dataset=str(made.report["dataset"]),
        data_digest=made.bundle.data_digest,
        bundle=made.folder / "bundle",
        bundle_digest=made.bundle.digest,
        parameters=made.parameters,
        metrics=made.metrics,
        plots=made.folder / "plots",
        reports=[made.folder / name for name in ("report.json", "report.html", GATES)],
        tags={"gates": "passed" if made.passed else "; ".join(g.line() for g in made.gates if not g.passed)},
    )


def _training_facts(version: str, made: Training) -> dict[str, Any]:
    return {
        "version": version,
        "digest": made.bundle.digest,
        "passed": made.passed,
        "gates": [gate.as_json() for gate in made.gates],
        "left_out": list(made.left_out),
        "folder": str(made.folder),
    }


def _verdict(version: str, made: Training) -> list[RenderableType]:
    left_out = [Text(f"Too few breaches for a model of {', '.join(made.left_out)}.")] if made.left_out else []
    after = "foresell promote makes it the champion." if made.passed else "It may not be promoted."
    said = f"\nVersion {version} is the challenger. {after} The report: {made.folder / 'report.html'}"
    return [*(Text(gate.line()) for gate in made.gates), *left_out, Text(said)]


def run_promotion() -> Outcome:
    """Make the challenger the champion, after its gates."""
    settings = Settings()
    challenger = registry.find(registry.CHALLENGER, settings)
    if challenger is None:
        raise ForesellError("A promotion needs a challenger.", "none in the registry", "foresell train DATA makes one")
    promote_version(challenger, settings)
    data = {"champion": challenger.number, "digest": challenger.digest}
    return Outcome(data, (f"Version {challenger.number} is the champion.",))


def promote_version(version: registry.Version, settings: Settings) -> None:
    """Move the alias, unless a gate refuses."""
    refused = [gate for gate in gates_of(version, settings) if not gate.passed]
    if refused:
        found = "\n".join(f"{gate.name}: {gate.found}; needed {gate.needed}" for gate in refused)
        raise ForesellError("A champion has passed every gate.", found, "train with more or better data")
    registry.promote(version.number, settings)


def gates_of(version: registry.Version, settings: Settings) -> tuple[Gate, ...]:
    """The verdict on a version, as its training left it under home."""
    for path in sorted((settings.home / "trainings").glob(f"*/{GATES}"), reverse=True):
        verdict = json.loads(path.read_text(encoding="utf-8"))
        if verdict["bundle_digest"] == version.digest:
            return tuple(Gate(**gate) for gate in verdict["gates"])
    raise ForesellError(
        rule="A version is promoted on the verdict that its training left.",
        found=f"none for version {version.number} under {settings.home / 'trainings'}",
        next_step="promote where it was trained, with the same FORESELL_HOME",
    )


def run_rollback() -> Outcome:
    """Make the champion before this one the champion again."""
    version = registry.rollback(Settings())
    return Outcome({"champion": version}, (f"Version {version} is the champion again.",))
