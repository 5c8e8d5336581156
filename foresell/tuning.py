"""`foresell tune`: other tree settings beside the present ones, and a file of those worth taking."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from rich.console import RenderableType
from rich.text import Text

from features.settings import Settings
from features.standards import StandardsFile
from features.standards_file import load
from foresell.console import Outcome, Say, counted, steps, table
from foresell.data import open_market
from training import tune
from training.markdown import number
from training.material import Material, Target
from training.search import BUDGET_MS, optuna
from training.tune import Found

LUCK = (
    "The best of so many is partly the luckiest on the days that the search saw; the days held back were opened once, "
    "for it and the present settings, and they alone decide."
)
HEADS = {"": "left", "present": "right", "best found": "right", "gain": "right", "standard error": "right"}


def run_search(
    data: Path, out: Path, trials: int, risk: str | None, standards: str | None, zone: str | None
) -> Outcome:
    """Search each risk's settings; a file for `--trees` with those worth taking, and everything that was tried."""
    optuna()
    file = load(standards)
    with steps() as say:
        material, goals = _read(data, file, risk, zone, say)
    found = {name: searched(material, name, goal, trials) for name, goal in goals.items()}
    made = tune.written(material, found)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(made, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    shown = [line for name, one in found.items() for line in said(name, one)]
    return Outcome({"out": str(out), **made}, (*shown, "", LUCK, *_next(data, standards, out, found)))


def _read(
    data: Path, file: StandardsFile, risk: str | None, zone: str | None, say: Say
) -> tuple[Material, dict[str, Target]]:
    material = tune.training_rows(open_market(data, zone, Settings(), say), file, say)
    return material, dict(tune.goals_for(material, risk))


def searched(material: Material, risk: str, goal: Target, trials: int) -> Found:
    """One risk's search, with a bar that fills."""
    with counted(f"{risk}: trying tree settings") as tell:
        tell(0, trials)
        return tune.tune(tune.known_rows(material, goal), goal.horizon, trials, tell)


def said(risk: str, found: Found) -> Iterator[RenderableType]:
    """Present settings and the best found, side by side, and the verdict."""
    refused, blocks = sum(bool(trial.refused) for trial in found.trials), found.present.losses
    yield ""
    yield table(HEADS, [*_figures(found), *_settings(found)], f"{risk}: sellers not yet in breach")
    yield Text(
        f"\n{len(found.trials)} settings tried, {refused} refused for explanations of over {BUDGET_MS:g} ms. Blocks of "
        f"{tune.HORIZON} days: {len(blocks[tune.SEEN])} seen by the search, {len(blocks[tune.HELD])} held back."
    )
    yield Text(f"{'Worth taking' if found.take else 'Keep the present settings'}. {found.why}")
    yield from (Text(line) for line in found.cautions())


def _figures(found: Found) -> Iterator[tuple[str, ...]]:
    one, other = found.present, found.best
    for days, (gain, error) in found.gains().items():
        losses = (number(side.losses[days].mean(), 4) for side in (one, other))
        yield f"log loss, days {days}", *losses, f"{gain:+.4f}", number(error, 4)
    for days, before in one.precision.items():
        after = other.precision[days]
        gained = "-" if before is None or after is None else f"{after - before:+.3f}"
        yield f"average precision, days {days}", number(before), number(after), gained, ""
    yield "explanation, ms", number(one.explanation_ms, 2), number(other.explanation_ms, 2), "", ""


def _settings(found: Found) -> Iterator[tuple[str, ...]]:
    best = found.best.trees.as_json()
    for name, value in found.present.trees.as_json().items():
        yield name, f"{value:g}", f"{best[name]:.3g}" if isinstance(best[name], float) else str(best[name]), "", ""


def _next(data: Path, standards: str | None, out: Path, found: Mapping[str, Found]) -> list[RenderableType]:
    taken = [risk for risk, one in found.items() if one.take]
    options = f"--standards {standards} --trees {out}" if standards else f"--trees {out}"
    after = f" foresell train {data} {options} takes those of {' and '.join(taken)}." if taken else ""
    return [Text(f"\nEvery trial is in {out}.{after}")]
