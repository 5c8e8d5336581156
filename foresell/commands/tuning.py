"""`foresell tune`: searches for better tree settings, and writes those worth using."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from rich.console import RenderableType
from rich.text import Text

from core.days import DayChoice
from core.markdown import number
from core.settings import Settings
from features.standards.load import load
from features.standards.standard import StandardsFile
from foresell.commands.marketplace import open_market
from foresell.console import CommandResult, StepReporter, counted, steps, table
from training.dataset.dataset import Dataset, LabelledTask
from training.tuning import tune
from training.tuning.search import BUDGET_MS, optuna
from training.tuning.tune import SearchResult

LUCK = (
    "The best of many settings is partly lucky on the days of the search. So only the days held back decide; they are "
    "used once, for the best and for the present settings."
)
HEADS = {"": "left", "present": "right", "best found": "right", "gain": "right", "standard error": "right"}


def run_search(
    data: Path, out: Path, trials: int, risk: str | None, standards: str | None, days: DayChoice
) -> CommandResult:
    """Search each risk's settings; write every trial, and the settings worth using, to a file for `--trees`."""
    optuna()
    file = load(standards)
    with steps() as progress:
        dataset, tasks = _read(data, file, risk, days, progress)
    found = {name: search_risk(dataset, name, task, trials) for name, task in tasks.items()}
    content = tune.search_file(dataset, found)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    shown = [line for name, one in found.items() for line in comparison_lines(name, one)]
    lines = (*shown, "", LUCK, *_next(data, standards, out, found))
    return CommandResult({"out": str(out), **content}, lines, dataset.ledger.market.report)


def _read(
    data: Path, file: StandardsFile, risk: str | None, days: DayChoice, progress: StepReporter
) -> tuple[Dataset, dict[str, LabelledTask]]:
    dataset = tune.training_dataset(open_market(data, days, Settings(), progress), file, progress)
    return dataset, dict(tune.tasks_for(dataset, risk))


def search_risk(dataset: Dataset, risk: str, task: LabelledTask, trials: int) -> SearchResult:
    """Search one risk's settings, with a progress bar."""
    with counted(f"{risk}: trying tree settings") as update:
        update(0, trials)
        return tune.tune(tune.training_matrix(dataset, task), task.horizon, trials, update)


def comparison_lines(risk: str, result: SearchResult) -> Iterator[RenderableType]:
    """A table of the present settings and the best found, and the result."""
    refused, blocks = sum(bool(trial.refused) for trial in result.trials), result.present.losses
    yield ""
    yield table(HEADS, [*_figures(result), *_settings(result)], f"{risk}: sellers not yet in breach")
    yield Text(
        f"\n{len(result.trials)} settings tried, {refused} refused because an explanation takes over {BUDGET_MS:g} ms. "
        f"Blocks of {tune.HORIZON} days: {len(blocks[tune.SEEN])} used by the search, "
        f"{len(blocks[tune.HELD_BACK])} held back."
    )
    yield Text(f"{'Worth using' if result.take else 'Keep the present settings'}. {result.why}")
    yield from (Text(line) for line in result.cautions())


def _figures(found: SearchResult) -> Iterator[tuple[str, ...]]:
    one, other = found.present, found.best
    for days, (gain, error) in found.gains().items():
        losses = (number(side.losses[days].mean(), 4) for side in (one, other))
        yield f"log loss, days {days}", *losses, f"{gain:+.4f}", number(error, 4)
    for days, before in one.precision.items():
        after = other.precision[days]
        gained = "-" if before is None or after is None else f"{after - before:+.3f}"
        yield f"average precision, days {days}", number(before), number(after), gained, ""
    yield "explanation, ms", number(one.explanation_ms, 2), number(other.explanation_ms, 2), "", ""


def _settings(found: SearchResult) -> Iterator[tuple[str, ...]]:
    best = found.best.trees.as_json()
    for name, value in found.present.trees.as_json().items():
        yield name, f"{value:g}", f"{best[name]:.3g}" if isinstance(best[name], float) else str(best[name]), "", ""


def _next(data: Path, standards: str | None, out: Path, found: Mapping[str, SearchResult]) -> list[RenderableType]:
    worth_using = [risk for risk, one in found.items() if one.take]
    options = f"--standards {standards} --trees {out}" if standards else f"--trees {out}"
    after = f" foresell train {data} {options} uses those of {' and '.join(worth_using)}." if worth_using else ""
    return [Text(f"\nEvery trial is in {out}.{after}")]
