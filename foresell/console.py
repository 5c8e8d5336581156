"""Output of the command line: results on standard output, progress and errors on standard error."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from core.errors import ForesellError

if TYPE_CHECKING:
    from features.ingest.quarantine import IntakeReport

StepReporter = Callable[[str], None]  # called with the title of the step that begins


@dataclass(frozen=True)
class CommandResult:
    """The result of a command: plain values for --json, and the same as text and tables for people.

    intake: what became of the rows that the command read.
    """

    data: Mapping[str, object]
    shown: tuple[RenderableType, ...]
    intake: "IntakeReport | None" = None


def show(outcome: CommandResult, as_json: bool) -> None:
    """Print the result on standard output."""
    intake = outcome.intake
    if as_json:
        data = outcome.data if intake is None else {**outcome.data, "intake": intake.as_json()}
        print(json.dumps(data, indent=2, default=str, allow_nan=False))
    else:
        lines: list[RenderableType] = [] if intake is None else [*map(Text, intake.lines()), ""]
        Console(highlight=False).print(Group(*lines, *outcome.shown))


def fail(error: ForesellError, as_json: bool) -> None:
    """Print the error: as a JSON problem on standard output, or as a panel on standard error."""
    if as_json:
        parts = {"rule": error.rule, "found": error.found, "next_step": error.next_step}
        print(json.dumps({"type": "about:blank", "title": error.rule, "detail": str(error), **parts}, indent=2))
        return
    text = Text.assemble((error.rule, "bold"), "\n\nFound  ", error.found, "\nNext   ", error.next_step)
    Console(stderr=True, highlight=False).print(Panel(text, title="Not done", title_align="left", border_style="red"))


@contextmanager
def steps() -> Iterator[StepReporter]:
    """Yields begin(title), which completes the previous step's bar and starts the next one."""
    with _progress() as progress:

        def begin(title: str) -> None:
            _finish(progress)
            progress.add_task(title[:1].upper() + title[1:], total=None)

        yield begin
        _finish(progress)


@contextmanager
def counted(title: str) -> Iterator[Callable[[int, int], None]]:
    """Yields update(done, of), which moves one progress bar."""
    with _progress() as progress:
        task = progress.add_task(title[:1].upper() + title[1:], total=None)
        yield lambda done, of: progress.update(task, completed=done, total=of)


def _progress() -> Progress:
    columns = (SpinnerColumn(finished_text="✓"), TextColumn("{task.description:<34}"), BarColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True))


def _finish(progress: Progress) -> None:
    for task in progress.tasks:
        if not task.finished:
            progress.update(task.id, total=1, completed=1)


def table(columns: Mapping[str, str], rows: Iterable[tuple[str, ...]], title: str = "") -> Table:
    """A plain table; columns maps each heading to 'left' or 'right'."""
    out = Table(title=title or None, title_justify="left", box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for heading, side in columns.items():
        out.add_column(heading, justify="right" if side == "right" else "left", overflow="fold")
    for row in rows:
        out.add_row(*(Text(cell) for cell in row))
    return out
