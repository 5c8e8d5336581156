"""`foresell recalibrate`: a challenger with the champion's trees and lines that fit the newest labels."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from rich.text import Text

from features.errors import ForesellError
from features.settings import Settings
from foresell.console import Outcome, steps
from foresell.promotion import GATES, Verdict, contender, material_of
from models import registry
from models.bundle import CARD, save
from models.economy import Economy
from training.card import recalibrated
from training.kept import FILE as KEPT
from training.kept import kept
from training.recalibrate import Recalibration, recalibrate
from training.versus import Contender, readable


def run_recalibration(data: Path, standards: str | None, zone: str | None) -> Outcome:
    """Refit the champion's lines on a record's newest matured labels, judge, and register the challenger."""
    settings = Settings()
    champion = registry.find(registry.CHAMPION, settings)
    if champion is None:
        raise ForesellError("A calibration refresh needs a champion.", "none in the registry", "foresell promote")
    with steps() as say:
        say("fetching the champion")
        now = contender(champion, settings)
        material = material_of(now.bundle, data, standards, zone, settings, say)
        readable(now, material)
        say("refitting the lines")
        made = recalibrate(now.bundle, material, Economy())
        folder = settings.home / "trainings" / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
        verdict = _written(made, now, folder)
        say("registering in MLflow")
        version = registry.log_training(_run(made, verdict, folder), settings)
    return _outcome(version, made, verdict)


def _written(made: Recalibration, before: Contender, folder: Path) -> Verdict:
    """The bundle with its card, the probabilities that were out of time, and the verdict, in a new folder."""
    folder.mkdir(parents=True)
    text = recalibrated(before.bundle.card, made.bundle.calibrated_to, made.done, made.gates)
    (folder / CARD).write_text(text, encoding="utf-8")
    bundle = save(replace(made.bundle, card=text), folder / "bundle")
    pd.concat([kept(before.kept), made.out_of_time], ignore_index=True).to_parquet(folder / KEPT, index=False)
    facts = {"champion": {"version": before.number, "digest": before.bundle.digest}, "risks": {}}
    verdict = Verdict(bundle.digest, bundle.calibrated_to, made.gates, compared=facts)
    verdict.write(folder)
    return verdict


def _run(made: Recalibration, verdict: Verdict, folder: Path) -> registry.TrainingRun:
    metrics = {
        f"{key}/{name}": float(found[name]) for key, found in made.tried.items() for name in ("ece_before", "ece")
    }
    return registry.TrainingRun(
        dataset=str(made.bundle.created_from["dataset"]),
        data_digest=made.bundle.data_digest,
        bundle=folder / "bundle",
        bundle_digest=verdict.bundle_digest,
        parameters={"recalibrated_from": str(made.bundle.created_from["recalibrated_from"])},
        metrics=metrics,
        reports=[folder / name for name in (CARD, KEPT, GATES)],
        tags=verdict.tags(),
    )


def _outcome(version: str, made: Recalibration, verdict: Verdict) -> Outcome:
    data = {
        "version": version,
        "digest": verdict.bundle_digest,
        "passed": verdict.passed,
        "calibrated_to": verdict.calibrated_to,
        "gates": [gate.as_json() for gate in verdict.every],
        "lines": made.done,
        "tried": made.tried,
    }
    lines = [Text(f"{key}: line {what}") for key, what in made.done.items()]
    after = "foresell promote makes it the champion." if verdict.passed else "It may not be promoted."
    return Outcome(data, (*lines, "", *verdict.shown(), Text(f"\nVersion {version} is the challenger. {after}")))
