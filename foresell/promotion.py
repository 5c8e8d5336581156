"""`foresell promote`, `rollback` and `compare`: the verdict on a version, and the alias that it moves."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from features.errors import ForesellError
from features.settings import Settings
from features.standards import StandardsFile
from features.standards_file import load as standards_of
from foresell.console import Outcome, Say, steps, table
from foresell.data import EPOCH, open_market
from models import registry
from models.bundle import Bundle, load
from models.economy import Economy
from serving.store import open_store
from training import gates
from training.gates import Gate
from training.kept import FILE as KEPT
from training.material import Material, prepare
from training.pipeline import Training
from training.versus import Contender, compared, readable

GATES = "gates.json"
NONE: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Verdict:
    """What the gates say of a version: those of its training, and those beside the champion of that day, if any."""

    bundle_digest: str
    calibrated_to: str
    gates: tuple[Gate, ...]
    beside: tuple[Gate, ...] = ()
    compared: Mapping[str, Any] = field(default_factory=dict)

    @property
    def every(self) -> tuple[Gate, ...]:
        """All gates."""
        return (*self.gates, *self.beside)

    @property
    def passed(self) -> bool:
        """Whether every gate is passed."""
        return all(gate.passed for gate in self.every)

    def tags(self) -> dict[str, str]:
        """What the registry's run says of it."""
        return {"gates": "passed" if self.passed else "; ".join(g.line() for g in self.every if not g.passed)}

    def write(self, folder: Path) -> None:
        """Beside what the training left."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / GATES).write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    def shown(self) -> list[RenderableType]:
        """A line a gate, and who enters and leaves the queue."""
        return [*(Text(gate.line()) for gate in self.every), *swaps(self.compared)]


def read(path: Path) -> Verdict:
    """A verdict as it was written; one from before there were comparisons has none."""
    said = json.loads(path.read_text(encoding="utf-8"))
    parts = {name: tuple(Gate(**gate) for gate in said.get(name, ())) for name in ("gates", "beside")}
    return Verdict(said["bundle_digest"], said.get("calibrated_to", ""), **parts, compared=said.get("compared", NONE))


def judged(made: Training, settings: Settings, say: Say) -> Verdict:
    """The verdict on a training, beside the champion where there is one; kept in the training's folder."""
    verdict = Verdict(made.bundle.digest, made.bundle.calibrated_to, made.gates)
    champion = registry.find(registry.CHAMPION, settings)
    if champion and champion.digest != made.bundle.digest:
        say(f"comparing with the champion, version {champion.number}")
        own = Contender("challenger", made.bundle, made.folder / KEPT)
        verdict = beside(verdict, made.material, own, contender(champion, settings))
    verdict.write(made.folder)
    return verdict


def beside(verdict: Verdict, material: Material, challenger: Contender, champion: Contender) -> Verdict:
    """The verdict with the comparison of the two on a record, and its gates."""
    ages = (
        gates.not_older(challenger.calibrated_to, champion.calibrated_to),
        gates.fresh(challenger.calibrated_to, _day(material.moments.data_end)),
    )
    try:
        readable(champion, material)
    except ForesellError as error:
        blind = Gate("beside the champion", True, error.found, "a comparison where one can be made")
        facts = {"champion": {"version": champion.number, "digest": champion.bundle.digest}, "risks": {}}
        return _with(verdict, (*ages, blind), facts)
    found = compared(material, challenger, champion, Economy())
    of_risks = [gate for risk, body in found["risks"].items() for gate in gates.against(risk, body)]
    return _with(verdict, (*ages, *of_risks), found)


def _with(verdict: Verdict, added: tuple[Gate, ...], found: Mapping[str, Any]) -> Verdict:
    return Verdict(verdict.bundle_digest, verdict.calibrated_to, verdict.gates, added, found)


def contender(version: registry.Version, settings: Settings) -> Contender:
    """A registered version's bundle and kept probabilities: as its training left them here, else from the registry."""
    folder = folder_of(version, settings)
    if not (folder / "bundle").is_dir():
        registry.fetch(version, folder / "bundle", settings)
    if not (folder / KEPT).exists():
        registry.fetch_report(version, KEPT, folder, settings)
    return Contender(version.number, load(folder / "bundle", version.digest), folder / KEPT)


def folder_of(version: registry.Version, settings: Settings) -> Path:
    """The folder of a version's training under home; a new one for what was trained elsewhere."""
    for path in sorted((settings.home / "trainings").glob(f"*/{GATES}"), reverse=True):
        if json.loads(path.read_text(encoding="utf-8"))["bundle_digest"] == version.digest:
            return path.parent
    folder = settings.home / "trainings" / version.digest.removeprefix("sha256:")[:20]
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def verdict_of(version: registry.Version, settings: Settings) -> Verdict:
    """The verdict on a version: as its training left it here, else as the registry has it."""
    path = folder_of(version, settings) / GATES
    if not path.exists():
        with tempfile.TemporaryDirectory() as scratch:
            found = registry.fetch_report(version, GATES, Path(scratch), settings)
            verdict = read(found) if found else None
        if verdict is None or verdict.bundle_digest != version.digest:
            raise ForesellError(
                rule="A version is promoted on the verdict that its training left.",
                found=f"none for version {version.number} under {settings.home / 'trainings'} or in the registry",
                next_step="foresell train DATA",
            )
        verdict.write(path.parent)
    return read(path)


def run_comparison(data: Path, standards: str | None, zone: str | None) -> Outcome:
    """Judge the challenger beside the champion anew, on a record as it is now."""
    settings = Settings()
    with steps() as say:
        version, champion = _both(settings)
        say("fetching both")
        pair = contender(version, settings), contender(champion, settings)
        material = material_of(pair[0].bundle, data, standards, zone, settings, say)
        readable(pair[0], material)
        say("scoring the same weeks")
        verdict = beside(verdict_of(version, settings), material, *pair)
    verdict.write(folder_of(version, settings))
    said = f"\nVersion {version.number} beside the champion, version {champion.number}."
    return Outcome(asdict(verdict) | {"passed": verdict.passed}, (*verdict.shown(), Text(said)))


def material_of(
    bundle: Bundle, data: Path, standards: str | None, zone: str | None, settings: Settings, say: Say
) -> Material:
    """The rows of a record under the standards that a bundle was trained for."""
    held = {(m.standard.name, m.standard.version): m.standard for m in bundle.models}
    file = StandardsFile(tuple(held.values()), standards_of(standards).backtest if standards else None)
    return prepare(open_market(data, zone, settings, say), file, say)


def _both(settings: Settings) -> tuple[registry.Version, registry.Version]:
    challenger, champion = (registry.find(alias, settings) for alias in (registry.CHALLENGER, registry.CHAMPION))
    if challenger is None or champion is None or challenger.digest == champion.digest:
        raise ForesellError(
            rule="A comparison needs a challenger and a champion that are not the same.",
            found=f"challenger {challenger.number if challenger else 'none'}, "
            f"champion {champion.number if champion else 'none'}",
            next_step="foresell train DATA makes a challenger, foresell promote a champion",
        )
    return challenger, champion


def run_promotion(dry_run: bool = False) -> Outcome:
    """Make the challenger the champion, after its gates; or only show the verdict."""
    settings = Settings()
    challenger = registry.find(registry.CHALLENGER, settings)
    if challenger is None:
        raise ForesellError("A promotion needs a challenger.", "none in the registry", "foresell train DATA makes one")
    if dry_run:
        verdict = verdict_of(challenger, settings)
        every = (*verdict.shown(), *(Text(gate.line()) for gate in _now(verdict, settings)))
        return Outcome(asdict(verdict) | {"passed": verdict.passed}, every)
    promote_version(challenger, settings)
    data = {"champion": challenger.number, "digest": challenger.digest}
    return Outcome(data, (f"Version {challenger.number} is the champion.",))


def promote_version(version: registry.Version, settings: Settings) -> None:
    """Move the alias, unless a gate refuses or the champion is another than the one compared with."""
    verdict = verdict_of(version, settings)
    refused = [gate for gate in (*verdict.every, *_now(verdict, settings)) if not gate.passed]
    if refused:
        found = "\n".join(f"{gate.name}: {gate.found}; needed {gate.needed}" for gate in refused)
        raise ForesellError("A champion has passed every gate.", found, "train with more or better data")
    champion = registry.find(registry.CHAMPION, settings)
    beside_digest = verdict.compared.get("champion", NONE).get("digest")
    if champion and champion.digest not in (version.digest, beside_digest):
        raise ForesellError(
            rule="A challenger is promoted after a comparison with the champion of the day.",
            found=f"the champion is version {champion.number}, which version {version.number} was not compared with",
            next_step="foresell compare DATA",
        )
    registry.promote(version.number, settings)


def _now(verdict: Verdict, settings: Settings) -> list[Gate]:
    """Whether the model is recent enough for the day that the online store speaks from, where there is one."""
    try:
        day = date.fromisoformat(open_store(settings.home / "store").day)
    except ForesellError:
        return []
    return [gates.fresh(date.fromisoformat(verdict.calibrated_to), day)] if verdict.calibrated_to else []


def run_rollback() -> Outcome:
    """Make the champion before this one the champion again."""
    version = registry.rollback(Settings())
    return Outcome({"champion": version}, (f"Version {version} is the champion again.",))


def swaps(found: Mapping[str, Any]) -> list[RenderableType]:
    """Who enters and leaves the queue, by risk: all, by size, region and tenure; and by name in the newest week."""
    heads = {"queue": "left", "enter": "right", "breached": "right", "at stake": "right",
             "leave": "right", "breached ": "right", "at stake ": "right"}  # fmt: skip
    shown: list[RenderableType] = []
    for risk, body in found.get("risks", NONE).items():
        weeks = body["swap"]["weeks"]
        rows = [_swap_row("all", weeks)]
        rows += [_swap_row(f"{by} {name}", sides) for by, cells in weeks["by"].items() for name, sides in cells.items()]
        shown += ["", table(heads, rows, f"{risk}: who enters and leaves the queue over {weeks['weeks']} weeks")]
        for side, said in body["swap"]["newest"].items():
            shown.append(Text(f"Newest week, {side}: {', '.join(s['seller_id'] for s in said) or 'nobody'}"))
    return shown


def _swap_row(title: str, sides: Mapping[str, Any]) -> tuple[str, ...]:
    cells = [title]
    for side in (sides["enter"], sides["leave"]):
        share = "-" if side["breach_share"] is None else f"{side['breach_share']:.0%}"
        cells += [f"{side['readings']:,}", share, f"{side['at_stake']:,.0f}"]
    return tuple(cells)


def _day(number: int) -> date:
    return EPOCH + timedelta(days=number)
