"""`foresell recalibrate`: a challenger with the champion's trees and a calibration fitted to the newest labels."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from rich.text import Text

from core.days import DayChoice
from core.errors import ForesellError
from core.settings import Settings
from foresell.commands.promotion import GATES, Verdict, contender, dataset_under
from foresell.console import CommandResult, steps
from models import registry
from models.arithmetic.economy import Economy
from models.bundle.bundle import CARD, save
from training.backtest.out_of_time_predictions import FILE as PREDICTIONS
from training.backtest.out_of_time_predictions import read_predictions
from training.promotion.champion_challenger import Contender, readable
from training.recalibrate import Recalibration, recalibrate
from training.report_schema import Comparison
from training.reports.model_card import recalibrated


def run_recalibration(data: Path, standards: str | None, days: DayChoice) -> CommandResult:
    """Refit the champion's calibration on the newest known labels, apply the gates, and register the challenger."""
    settings = Settings()
    champion = registry.find(registry.CHAMPION, settings)
    if champion is None:
        raise ForesellError("A calibration refresh needs a champion.", "none in the registry", "foresell promote")
    with steps() as progress:
        progress("fetching the champion")
        current = contender(champion, settings)
        dataset = dataset_under(current.bundle, data, standards, days, settings, progress)
        readable(current, dataset)
        progress("refitting the calibration lines")
        refreshed = recalibrate(current.bundle, dataset, Economy())
        folder = settings.home / "trainings" / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
        verdict = _write(refreshed, current, folder)
        progress("registering in MLflow")
        version = registry.log_training(_run(refreshed, verdict, folder), settings)
    return replace(_outcome(version, refreshed, verdict), intake=dataset.ledger.market.report)


def _write(refreshed: Recalibration, before: Contender, folder: Path) -> Verdict:
    """Write the bundle with its card, the out-of-time probabilities and the verdict into a new folder."""
    folder.mkdir(parents=True)
    text = recalibrated(before.bundle.card, refreshed.bundle.calibrated_to, refreshed.done, refreshed.gates)
    (folder / CARD).write_text(text, encoding="utf-8")
    bundle = save(replace(refreshed.bundle, card=text), folder / "bundle")
    pd.concat([read_predictions(before.predictions), refreshed.out_of_time], ignore_index=True).to_parquet(
        folder / PREDICTIONS, index=False
    )
    facts: Comparison = {"champion": {"version": before.number, "digest": before.bundle.digest}, "risks": {}}
    verdict = Verdict(bundle.digest, bundle.calibrated_to, refreshed.gates, compared=facts)
    verdict.write(folder)
    return verdict


def _run(refreshed: Recalibration, verdict: Verdict, folder: Path) -> registry.TrainingRun:
    metrics = {
        f"{key}/{name}": float(comparison[name])
        for key, comparison in refreshed.comparisons.items()
        for name in ("ece_before", "ece")
    }
    return registry.TrainingRun(
        dataset=str(refreshed.bundle.created_from["dataset"]),
        data_digest=refreshed.bundle.data_digest,
        bundle=folder / "bundle",
        bundle_digest=verdict.bundle_digest,
        parameters={"recalibrated_from": str(refreshed.bundle.created_from["recalibrated_from"])},
        metrics=metrics,
        reports=[folder / name for name in (CARD, PREDICTIONS, GATES)],
        tags=verdict.tags(),
    )


def _outcome(version: str, refreshed: Recalibration, verdict: Verdict) -> CommandResult:
    data = {
        "version": version,
        "digest": verdict.bundle_digest,
        "passed": verdict.passed,
        "calibrated_to": verdict.calibrated_to,
        "gates": [gate.as_json() for gate in verdict.every],
        "lines": refreshed.done,
        "tried": refreshed.comparisons,
    }
    lines = [Text(f"{key}: line {what}") for key, what in refreshed.done.items()]
    after = "foresell promote makes it the champion." if verdict.passed else "It may not be promoted."
    return CommandResult(data, (*lines, "", *verdict.shown(), Text(f"\nVersion {version} is the challenger. {after}")))
