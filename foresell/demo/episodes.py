"""The simulated episodes of the demo's example seller, which are known to be true. No model reads them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from pyarrow import parquet

from simulation.parameters import load

EPOCH = date(1970, 1, 1)
WINDOW_DAYS = 60  # the headline standards' window: an episode that ended within it still affects the rate
CHOSEN = "It is the riskiest seller with enough orders inside an episode; it was chosen without looking at its reasons."
Reasons = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class KnownEpisode:
    """One cause with its days, its effect, and by risk the feature family that should name it."""

    cause: str
    start: date
    end: date
    item_id: str | None
    happens: str
    families: Mapping[str, str]

    def when(self, as_of: str) -> str:
        """Its days in words; without the end if it lies after as_of."""
        over = self.end < date.fromisoformat(as_of)
        return f"from {self.start} to {self.end}" if over else f"since {self.start}"


def sellers_inside_episodes(folder: Path, as_of: str) -> set[tuple[str, str]] | None:
    """The sellers inside an episode on that day, with each risk that it raises; None for data that is not simulated."""
    rows = _rows(folder, as_of, 0)
    return None if rows is None else {(row["seller_id"], risk) for row in rows for risk in _episode(row).families}


def known_episodes(folder: Path, as_of: str, seller_id: str) -> list[KnownEpisode] | None:
    """The seller's episodes that affect its rates of that day, newest first; None for data that is not simulated."""
    rows = _rows(folder, as_of, WINDOW_DAYS)
    if rows is None:
        return None
    own = [row for row in rows if row["seller_id"] == seller_id]
    return [_episode(row) for row in sorted(own, key=lambda row: -row["start_day"])]


def _rows(folder: Path, as_of: str, days: int) -> list[dict[str, Any]] | None:
    """Episodes that have begun and ended at most this many days ago."""
    path, day = folder / "causes.parquet", (date.fromisoformat(as_of) - EPOCH).days
    if not path.exists():
        return None
    return [row for row in parquet.read_table(path).to_pylist() if row["start_day"] <= day <= row["end_day"] + days]


def _episode(row: Mapping[str, Any]) -> KnownEpisode:
    cause = load().cause(row["cause"])
    start, end = (EPOCH + timedelta(days=row[name]) for name in ("start_day", "end_day"))
    return KnownEpisode(cause.name, start, end, row["item_id"], cause.happens, dict(cause.families))


def cause_sentences(episodes: Sequence[KnownEpisode], risk: str, as_of: str, reasons: Reasons) -> list[str]:
    """The true causes in sentences, each with the rank of the family that should name it among the reasons."""
    if not episodes:
        return ["The simulation has no episode for this seller: its usual rates are the cause."]
    return [*(_sentence(episode, risk, as_of, reasons) for episode in episodes), CHOSEN]


def _sentence(episode: KnownEpisode, risk: str, as_of: str, reasons: Reasons) -> str:
    item = f" of {episode.item_id}" if episode.item_id else ""
    family = episode.families.get(risk)
    what = f"{episode.cause}{item} {episode.when(as_of)}; {episode.happens}."
    if family is None:
        return f"The simulation has an episode: {what} It does not raise this risk."
    true_cause = f"The true cause in the simulation: {what}"
    return f"{true_cause} The reason that should name it, {family}, {rank_of_family(family, reasons)}."


def rank_of_family(family: str, reasons: Reasons) -> str:
    """The rank of a family, in words, among the reasons that raise the risk (strongest first)."""
    raising = [reason["code"] for reason in reasons if reason["direction"] == "raises"]
    if family not in raising:
        return "is not among those that raise the risk"
    number = raising.index(family) + 1
    return f"is the strongest of the {len(raising)} that raise the risk" if number == 1 else _number(number, raising)


def _number(number: int, raising: Sequence[str]) -> str:
    return f"is number {number} of the {len(raising)} that raise the risk"


def alert_summary(reasons: Mapping[str, Any] | None) -> list[str]:
    """How often the backtest's right alerts named the cause, since one example proves nothing."""
    if not reasons or not reasons["alerts"]:
        return []
    top, top3, chance = reasons["top_reason_share"], reasons["top3_reason_share"], reasons["guess"]
    return [
        f"Of the backtest's {reasons['alerts']} right alerts inside an episode, {top:.0%} gave its cause's family as "
        f"the strongest reason and {top3:.0%} among the first three (at random: {chance['top_reason_share']:.0%} and "
        f"{chance['top3_reason_share']:.0%})."
    ]
