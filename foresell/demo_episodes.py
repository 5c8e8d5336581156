"""What a simulation knows of the example that the demo shows: the episodes its seller is in. No model reads this."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from pyarrow import parquet

from simulation.parameters import load

EPOCH = date(1970, 1, 1)
WINDOW_DAYS = 60  # an episode that ended within the headline standards' window still weighs on the rate
CHOSEN = "It is shown as the riskiest seller with enough orders inside an episode, whatever its reasons say."
Reasons = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Episode:
    """One cause with its days, what it does, and the feature family that should name it, by risk."""

    cause: str
    start: date
    end: date
    item_id: str | None
    happens: str
    families: Mapping[str, str]

    def when(self, as_of: str) -> str:
        """Its days as they are told on a day."""
        over = self.end < date.fromisoformat(as_of)
        return f"from {self.start} to {self.end}" if over else f"since {self.start}"


def troubled(folder: Path, as_of: str) -> set[tuple[str, str]] | None:
    """The sellers inside an episode on that day, with each risk that it raises; None where nobody knows."""
    rows = _rows(folder, as_of, 0)
    return None if rows is None else {(row["seller_id"], risk) for row in rows for risk in _episode(row).families}


def known_episodes(folder: Path, as_of: str, seller_id: str) -> list[Episode] | None:
    """The seller's episodes that weigh on its rates of that day, newest first; None where nobody knows."""
    rows = _rows(folder, as_of, WINDOW_DAYS)
    if rows is None:
        return None
    own = [row for row in rows if row["seller_id"] == seller_id]
    return [_episode(row) for row in sorted(own, key=lambda row: -row["start_day"])]


def _rows(folder: Path, as_of: str, days: int) -> list[dict[str, Any]] | None:
    """Episodes that have begun and did not end more than these days ago."""
    path, day = folder / "causes.parquet", (date.fromisoformat(as_of) - EPOCH).days
    if not path.exists():
        return None
    return [row for row in parquet.read_table(path).to_pylist() if row["start_day"] <= day <= row["end_day"] + days]


def _episode(row: Mapping[str, Any]) -> Episode:
    cause = load().cause(row["cause"])
    start, end = (EPOCH + timedelta(days=row[name]) for name in ("start_day", "end_day"))
    return Episode(cause.name, start, end, row["item_id"], cause.happens, dict(cause.families))


def told(episodes: Sequence[Episode], risk: str, as_of: str, reasons: Reasons) -> list[str]:
    """The true causes in sentences, each with the place of the family that should name it among the reasons."""
    if not episodes:
        return ["The simulation knows of no episode that weighs on this seller: these are its own ways."]
    return [*(_sentence(episode, risk, as_of, reasons) for episode in episodes), CHOSEN]


def _sentence(episode: Episode, risk: str, as_of: str, reasons: Reasons) -> str:
    item = f" of {episode.item_id}" if episode.item_id else ""
    family = episode.families.get(risk)
    what = f"{episode.cause}{item} {episode.when(as_of)}; {episode.happens}."
    if family is None:
        return f"The simulation knows of {what} That does not raise this risk."
    said = f"The simulation knows why: {what}"
    return f"{said} The reason that should say so, {family}, {place(family, reasons)}."


def place(family: str, reasons: Reasons) -> str:
    """Where a family stands among the reasons that raise the risk, which come strongest first."""
    raising = [reason["code"] for reason in reasons if reason["direction"] == "raises"]
    if family not in raising:
        return "is not among those that raise the risk"
    number = raising.index(family) + 1
    return f"is the strongest of the {len(raising)} that raise the risk" if number == 1 else _number(number, raising)


def _number(number: int, raising: Sequence[str]) -> str:
    return f"is number {number} of the {len(raising)} that raise the risk"


def in_general(reasons: Mapping[str, Any] | None) -> list[str]:
    """How often the backtest's right alerts named the cause: one example proves nothing."""
    if not reasons or not reasons["alerts"]:
        return []
    top, top3, guess = reasons["top_reason_share"], reasons["top3_reason_share"], reasons["guess"]
    return [
        f"Of the backtest's {reasons['alerts']} right alerts inside an episode, {top:.0%} gave its cause's family as "
        f"the strongest reason and {top3:.0%} among the first three (at random: {guess['top_reason_share']:.0%} and "
        f"{guess['top3_reason_share']:.0%})."
    ]
