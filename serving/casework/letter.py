"""A letter as it is kept: all that it says, and nothing of how it looks."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from features.contract import RESTRICTING


@dataclass(frozen=True)
class Letter:
    """All that a letter says. Rates, probabilities and counts are the record's own; days are ISO."""

    case_decision_id: str
    seller_id: str
    seller_name: str
    natural_person: bool | None
    risk: str
    kind: str
    decided_by: str
    decided_at: str
    effective_at: str
    ends_at: str  # "" : until lifted
    scope: str  # message id of where it holds
    duration: str  # message id of how long
    origin: str  # message id of what brought the case up
    facts: str
    appeal: str
    standard: str
    standard_version: str
    standard_title: str
    comparator: str
    limit: float
    window_days: int
    window_from: str
    minimum_volume: int
    unit: str
    bad: int
    volume: int
    current_rate: float | None
    in_breach: bool
    low_evidence: bool
    as_of: str
    horizon_day: str
    probability: float
    interval_90: tuple[float, float]
    expected_rate: float | None
    expected_rate_interval_90: tuple[float, float] | None
    reasons: tuple[str, ...]  # those that raise the risk, the strongest first
    coming: int
    room: int
    decision_id: str  # the record
    digest: str
    model_version: str
    regimes: tuple[str, ...]

    @property
    def restricting(self) -> bool:
        """Whether it tells of a restriction."""
        return self.kind in RESTRICTING


def from_json(said: Mapping[str, Any]) -> Letter:
    """A letter as it was kept."""
    pairs = ("interval_90", "expected_rate_interval_90", "reasons", "regimes")
    plain = {f.name: said[f.name] for f in fields(Letter)}
    return Letter(**plain | {name: None if plain[name] is None else tuple(plain[name]) for name in pairs})
