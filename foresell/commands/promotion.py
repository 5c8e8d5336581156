"""`foresell promote`, `rollback` and `compare`: the gates of a version, and the champion alias."""

import json
import tempfile
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from pathlib import Path

from rich.console import RenderableType
from rich.text import Text

from core.days import EPOCH, DayChoice
from core.errors import ForesellError
from core.settings import Settings
from features.standards.load import load as standards_of
from features.standards.standard import StandardsFile
from foresell.commands.marketplace import open_market
from foresell.console import CommandResult, StepReporter, steps, table
from models import registry
from models.arithmetic.economy import Economy
from models.bundle.bundle import Bundle, load
from serving.store.online_store import open_store
from training.backtest.out_of_time_predictions import FILE as PREDICTIONS
from training.dataset.dataset import Dataset, prepare_dataset
from training.pipeline import Training
from training.promotion import gates
from training.promotion.champion_challenger import Contender, compare, readable
from training.promotion.gates import Gate
from training.report_schema import Comparison, SwapSides, SwapWeeks

GATES = "gates.json"


@dataclass(frozen=True)
class Verdict:
    """The result of all gates for a version: those of its training, and those of the comparison with the champion."""

    bundle_digest: str
    calibrated_to: str
    gates: tuple[Gate, ...]
    beside: tuple[Gate, ...] = ()
    compared: Comparison = field(default_factory=Comparison)

    @property
    def every(self) -> tuple[Gate, ...]:
        """All gates."""
        return (*self.gates, *self.beside)

    @property
    def passed(self) -> bool:
        """Whether every gate is passed."""
        return all(gate.passed for gate in self.every)

    def tags(self) -> dict[str, str]:
        """The tags of the registry's run."""
        return {"gates": "passed" if self.passed else "; ".join(g.line() for g in self.every if not g.passed)}

    def write(self, folder: Path) -> None:
        """Write the verdict into the training's folder."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / GATES).write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    def shown(self) -> list[RenderableType]:
        """One line per gate, and who enters and leaves the queue."""
        return [*(Text(gate.line()) for gate in self.every), *swap_tables(self.compared)]


def read(path: Path) -> Verdict:
    """A verdict from its file; older files have no comparison."""
    content = json.loads(path.read_text(encoding="utf-8"))
    parts = {name: tuple(Gate(**gate) for gate in content.get(name, ())) for name in ("gates", "beside")}
    return Verdict(
        content["bundle_digest"], content.get("calibrated_to", ""), **parts, compared=content.get("compared", {})
    )


def judge_training(training: Training, settings: Settings, progress: StepReporter) -> Verdict:
    """The gates of a training and, if there is a champion, of the comparison; written to the training's folder."""
    verdict = Verdict(training.bundle.digest, training.bundle.calibrated_to, training.gates)
    champion = registry.find(registry.CHAMPION, settings)
    if champion and champion.digest != training.bundle.digest:
        progress(f"comparing with the champion, version {champion.number}")
        challenger = Contender("challenger", training.bundle, training.folder / PREDICTIONS)
        verdict = compare_with_champion(verdict, training.dataset, challenger, contender(champion, settings))
    verdict.write(training.folder)
    return verdict


def compare_with_champion(verdict: Verdict, dataset: Dataset, challenger: Contender, champion: Contender) -> Verdict:
    """The verdict with the gates of a comparison of challenger and champion on a dataset."""
    ages = (
        gates.not_older(challenger.calibrated_to, champion.calibrated_to),
        gates.fresh(challenger.calibrated_to, _day(dataset.calendar.data_end)),
    )
    try:
        readable(champion, dataset)
    except ForesellError as error:
        unknown = gates.not_compared("compared with the champion", error.found)
        facts: Comparison = {"champion": {"version": champion.number, "digest": champion.bundle.digest}, "risks": {}}
        return _with(verdict, (*ages, unknown), facts)
    comparison = compare(dataset, challenger, champion, Economy())
    of_risks = [gate for risk, body in comparison["risks"].items() for gate in gates.against(risk, body)]
    return _with(verdict, (*ages, *of_risks), comparison)


def _with(verdict: Verdict, added: tuple[Gate, ...], comparison: Comparison) -> Verdict:
    return Verdict(verdict.bundle_digest, verdict.calibrated_to, verdict.gates, added, comparison)


def contender(version: registry.RegisteredVersion, settings: Settings) -> Contender:
    """A version's bundle and out-of-time probabilities: from its training's folder, or else from the registry."""
    folder = folder_of(version, settings)
    if not (folder / "bundle").is_dir():
        registry.fetch(version, folder / "bundle", settings)
    if not (folder / PREDICTIONS).exists():
        registry.fetch_report(version, PREDICTIONS, folder, settings)
    return Contender(version.number, load(folder / "bundle", version.digest), folder / PREDICTIONS)


def folder_of(version: registry.RegisteredVersion, settings: Settings) -> Path:
    """The folder of a version's training under home; a new one if it was trained elsewhere."""
    for path in sorted((settings.home / "trainings").glob(f"*/{GATES}"), reverse=True):
        if json.loads(path.read_text(encoding="utf-8"))["bundle_digest"] == version.digest:
            return path.parent
    folder = settings.home / "trainings" / version.digest.removeprefix("sha256:")[:20]
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def verdict_of(version: registry.RegisteredVersion, settings: Settings) -> Verdict:
    """The verdict on a version: from its training's folder, or else from the registry."""
    path = folder_of(version, settings) / GATES
    if not path.exists():
        with tempfile.TemporaryDirectory() as scratch:
            found = registry.fetch_report(version, GATES, Path(scratch), settings)
            verdict = read(found) if found else None
        if verdict is None or verdict.bundle_digest != version.digest:
            raise ForesellError(
                rule="A version can be promoted only with the verdict of its training.",
                found=f"none for version {version.number} under {settings.home / 'trainings'} or in the registry",
                next_step="train again: foresell train DATA",
            )
        verdict.write(path.parent)
    return read(path)


def run_comparison(data: Path, standards: str | None, days: DayChoice) -> CommandResult:
    """Compare the challenger with the champion again, on the data as it is now."""
    settings = Settings()
    with steps() as progress:
        version, champion = _both(settings)
        progress("fetching both")
        pair = contender(version, settings), contender(champion, settings)
        dataset = dataset_under(pair[0].bundle, data, standards, days, settings, progress)
        readable(pair[0], dataset)
        progress("scoring the same weeks")
        verdict = compare_with_champion(verdict_of(version, settings), dataset, *pair)
    verdict.write(folder_of(version, settings))
    summary = f"\nVersion {version.number} was compared with the champion, version {champion.number}."
    shown = (*verdict.shown(), Text(summary))
    return CommandResult(asdict(verdict) | {"passed": verdict.passed}, shown, dataset.ledger.market.report)


def dataset_under(
    bundle: Bundle, data: Path, standards: str | None, days: DayChoice, settings: Settings, progress: StepReporter
) -> Dataset:
    """A dataset with the standards that a bundle was trained for."""
    of_bundle = {(m.standard.name, m.standard.version): m.standard for m in bundle.models}
    file = StandardsFile(tuple(of_bundle.values()), standards_of(standards).backtest if standards else None)
    return prepare_dataset(open_market(data, days, settings, progress), file, progress)


def _both(settings: Settings) -> tuple[registry.RegisteredVersion, registry.RegisteredVersion]:
    challenger, champion = (registry.find(alias, settings) for alias in (registry.CHALLENGER, registry.CHAMPION))
    if challenger is None or champion is None or challenger.digest == champion.digest:
        raise ForesellError(
            rule="A comparison needs a challenger and a champion that differ.",
            found=f"challenger {challenger.number if challenger else 'none'}, "
            f"champion {champion.number if champion else 'none'}",
            next_step="foresell train DATA registers a challenger, foresell promote makes it the champion",
        )
    return challenger, champion


def run_promotion(dry_run: bool = False) -> CommandResult:
    """Make the challenger the champion if its gates pass; with dry_run, only show the verdict."""
    settings = Settings()
    challenger = registry.find(registry.CHALLENGER, settings)
    if challenger is None:
        raise ForesellError(
            "A promotion needs a challenger.", "none in the registry", "run foresell train DATA, which registers one"
        )
    if dry_run:
        verdict = verdict_of(challenger, settings)
        every = (*verdict.shown(), *(Text(gate.line()) for gate in _now(verdict, settings)))
        return CommandResult(asdict(verdict) | {"passed": verdict.passed}, every)
    promote_version(challenger, settings)
    data = {"champion": challenger.number, "digest": challenger.digest}
    return CommandResult(data, (f"Version {challenger.number} is the champion.",))


def promote_version(version: registry.RegisteredVersion, settings: Settings) -> None:
    """Move the alias, unless a gate refuses or the champion has changed since the comparison."""
    verdict = verdict_of(version, settings)
    refused = [gate for gate in (*verdict.every, *_now(verdict, settings)) if not gate.passed]
    if refused:
        found = "\n".join(f"{gate.name}: {gate.found}; needed {gate.needed}" for gate in refused)
        raise ForesellError(
            "Only a model that passes every gate can be promoted.", found, "train with more or better data"
        )
    champion = registry.find(registry.CHAMPION, settings)
    beside_digest = verdict.compared["champion"]["digest"] if "champion" in verdict.compared else None
    if champion and champion.digest not in (version.digest, beside_digest):
        raise ForesellError(
            rule="A challenger can be promoted only after a comparison with the current champion.",
            found=f"the champion is version {champion.number}, and version {version.number} was not compared with it",
            next_step="run foresell compare DATA",
        )
    registry.promote(version.number, settings)


def _now(verdict: Verdict, settings: Settings) -> list[Gate]:
    """The gate on the model's age at the day of the online store, if there is a store."""
    try:
        day = date.fromisoformat(open_store(settings.home / "store").day)
    except ForesellError:
        return []
    return [gates.fresh(date.fromisoformat(verdict.calibrated_to), day)] if verdict.calibrated_to else []


def run_rollback() -> CommandResult:
    """Make the previous champion the champion again."""
    version = registry.rollback(Settings())
    return CommandResult({"champion": version}, (f"Version {version} is the champion again.",))


def swap_tables(comparison: Comparison) -> list[RenderableType]:
    """Who enters and leaves the queue, by risk, in total and by size, region and tenure; by name in the newest week."""
    heads = {"queue": "left", "enter": "right", "breached": "right", "at stake": "right",
             "leave": "right", "breached ": "right", "at stake ": "right"}  # fmt: skip
    shown: list[RenderableType] = []
    for risk, body in comparison.get("risks", {}).items():
        weeks = body["swap"]["weeks"]
        rows = [_swap_row("all", weeks)]
        rows += [_swap_row(f"{by} {name}", sides) for by, cells in weeks["by"].items() for name, sides in cells.items()]
        shown += ["", table(heads, rows, f"{risk}: who enters and leaves the queue over {weeks['weeks']} weeks")]
        newest = body["swap"]["newest"]
        for side, sellers in (("enter", newest["enter"]), ("leave", newest["leave"])):
            shown.append(Text(f"Newest week, {side}: {', '.join(s['seller_id'] for s in sellers) or 'no seller'}"))
    return shown


def _swap_row(title: str, sides: SwapSides | SwapWeeks) -> tuple[str, ...]:
    cells = [title]
    for side in (sides["enter"], sides["leave"]):
        share = "-" if side["breach_share"] is None else f"{side['breach_share']:.0%}"
        cells += [f"{side['readings']:,}", share, f"{side['at_stake']:,.0f}"]
    return tuple(cells)


def _day(number: int) -> date:
    return EPOCH + timedelta(days=number)
