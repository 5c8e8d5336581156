"""The parameters of the simulated marketplace, from parameters.toml, where each has its source."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from simulation.rates import (
    Cause,
    ContactRates,
    Effects,
    EpisodeRates,
    FeedbackRates,
    FulfilmentRates,
    InterventionRates,
    QualityRates,
    RecordRates,
    ReturnRates,
    SellerRates,
    VolumeRates,
)

FILE = Path(__file__).with_name("parameters.toml")
Section = TypeVar("Section")


@dataclass(frozen=True)
class Parameters:
    """All parameters, with the version and the SHA-256 of the file."""

    version: str
    digest: str
    sellers: SellerRates
    volume: VolumeRates
    fulfilment: FulfilmentRates
    quality: QualityRates
    returns: ReturnRates
    contacts: ContactRates
    feedback: FeedbackRates
    records: RecordRates
    interventions: InterventionRates
    episodes: EpisodeRates
    effects: Effects
    causes: tuple[Cause, ...]

    def cause(self, name: str) -> Cause:
        """The cause of that name."""
        return next(c for c in self.causes if c.name == name)


SECTIONS: Mapping[str, type[Any]] = {
    "sellers": SellerRates,
    "volume": VolumeRates,
    "fulfilment": FulfilmentRates,
    "quality": QualityRates,
    "returns": ReturnRates,
    "contacts": ContactRates,
    "feedback": FeedbackRates,
    "records": RecordRates,
    "interventions": InterventionRates,
    "episodes": EpisodeRates,
    "effects": Effects,
}


def load() -> Parameters:
    """The parameters as shipped."""
    raw = FILE.read_bytes()
    content = tomllib.loads(raw.decode())
    sections = {name: _section(kind, content[name]) for name, kind in SECTIONS.items()}
    causes = tuple(_fitting(Cause, entry) for entry in content["cause"])
    return Parameters(version=content["version"], digest=sha256(raw).hexdigest(), causes=causes, **sections)


def sources() -> list[tuple[str, str, object, str]]:
    """Section, name, value and source of every rate, for the docs."""
    content = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return [(s, name, e["value"], e["source"]) for s in SECTIONS for name, e in content[s].items()]


def _section(kind: type[Section], entries: Mapping[str, Mapping[str, Any]]) -> Section:
    return _fitting(kind, {name: entry["value"] for name, entry in entries.items()})


def _fitting(kind: type[Section], values: Mapping[str, Any]) -> Section:
    """A record of these values; a name too many or too few is an error of ours."""
    names = {f.name for f in fields(kind)}  # type: ignore[arg-type]
    if names != set(values):
        raise KeyError(f"parameters.toml, {kind.__name__}: {', '.join(sorted(names ^ set(values)))}")
    return kind(**{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()})
