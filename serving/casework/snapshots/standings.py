"""Where a seller stands on every standard, now and one horizon ahead, computed from the row that was scored."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from core.block import Block
from features.standards.standard import Standard
from models.arithmetic import roll_forward
from models.arithmetic.expected_rate import expected_rate
from models.score import low_evidence

UNITS = {"ordered": "orders", "delivered": "delivered orders", "shipped": "orders shipped", "inquiry": "inquiries"}


@dataclass(frozen=True)
class SellerStanding:
    """One seller on one standard; counts are of the window, rates as people state them, None without volume."""

    standard: Standard
    as_of: str
    bad: int
    volume: int
    rate: float | None
    in_breach: bool
    volume_met: bool
    low_evidence: bool
    expected_on: str  # ISO day
    expected_rate: float | None
    expected_interval_90: tuple[float, float] | None
    coming: int  # volume to expect by then
    room: int  # most of those that may count against the seller; negative: the standard cannot be kept

    @property
    def unit(self) -> str:
        """What the volume counts, in words."""
        return " and ".join(UNITS.get(q, q.replace("_", " ")) for q in self.standard.denominator)

    @property
    def window_from(self) -> str:
        """First day of the window, ISO."""
        return (date.fromisoformat(self.as_of) - timedelta(days=self.standard.window_days - 1)).isoformat()


def standings(standards: Iterable[Standard], block: Block, as_of: str, horizon: int = 28) -> list[SellerStanding]:
    """The first row's standing on each standard that its columns can tell."""
    have = set(block.names)
    able = [s for s in standards if set(roll_forward.columns(s, horizon)) <= have]
    return [standing(s, block, as_of, horizon) for s in able]


def standing(standard: Standard, block: Block, as_of: str, horizon: int = 28) -> SellerStanding:
    """The first row's standing on one standard."""
    ahead = roll_forward.project(standard, block, horizon)
    expected = expected_rate(standard, ahead)
    rate, low, high = (_known(column[0]) for column in (expected.rate, expected.low, expected.high))
    return SellerStanding(
        standard=standard,
        as_of=as_of,
        bad=int(ahead.now_x[0]),
        volume=int(ahead.now_n[0]),
        rate=_known(standard.rate(ahead.now_x, ahead.now_n)[0]),
        in_breach=bool(standard.breach(ahead.now_x, ahead.now_n)[0]),
        volume_met=bool(ahead.now_n[0] >= standard.minimum_volume),
        low_evidence=bool(low_evidence(standard, ahead.now_n)[0]),
        expected_on=(date.fromisoformat(as_of) + timedelta(days=horizon)).isoformat(),
        expected_rate=rate,
        expected_interval_90=None if low is None or high is None else (low, high),
        coming=int(ahead.coming[0]),
        room=int(ahead.room[0]),
    )


def _known(value: np.float64) -> float | None:
    return None if np.isnan(value) else float(value)
