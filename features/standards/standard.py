"""Standards: named rates with a limit. Labels, breaches and monitoring all use this definition."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.block import Block
from core.days import EPOCH

Array = NDArray[np.float64]
RISKS = ("returns", "service")
PARTS = ("", "late_delivery", "cancellation", "item_not_received", "not_as_described", "unresolved_case", "low_rating")
COMPARATORS = ("<=", "<", ">=", ">")  # between the rate and its limit, while the standard is met
RECENT_DAYS = 14  # days over which the market's recent level is measured
PROMPT = frozenset(
    (
        *("late", "late_seller_fault", "late_carrier_fault", "late_platform_fault"),
        *("cancelled", "cancelled_by_seller", "service_failure", "service_failure_seller_fault"),
    )
)  # known within days of the order; returns follow weeks later, so after a season many returns meet few deliveries
MILLIONTHS = 1_000_000  # limits have six decimals, so that a breach is decided in whole numbers


@dataclass(frozen=True)
class Standard:
    """A rate of ledger quantities over a window, and its limit."""

    name: str
    version: str
    title: str
    risk: str
    numerator: tuple[str, ...]
    denominator: tuple[str, ...]
    window_days: int
    limit: Decimal
    source: str
    part: str = ""
    headline: bool = False
    complement: bool = False
    comparator: str = "<="
    minimum_volume: int = 20
    minimum_events: int = 0
    warn_limit: Decimal | None = None
    evidence: str = ""

    @property
    def tolerance(self) -> float:
        """The largest share of bad events within the limit, 0..1 (1 - limit for a complement)."""
        return self._millionths / MILLIONTHS

    @property
    def limit_keeps(self) -> bool:
        """Whether a rate equal to the limit meets the standard."""
        return self.comparator in ("<=", ">=")

    @cached_property
    def _millionths(self) -> int:
        share = 1 - self.limit if self.complement else self.limit
        return int(share * MILLIONTHS)

    @property
    def recent_days(self) -> int:
        """The days over which the market's recent level is measured: the whole window if bad events are not PROMPT."""
        return min(RECENT_DAYS, self.window_days) if PROMPT.issuperset(self.numerator) else self.window_days

    def quantities(self) -> tuple[str, ...]:
        """The ledger quantities of the rate, each once."""
        return tuple(dict.fromkeys(self.numerator + self.denominator))

    def counts(self, block: Block, span: int | None = None) -> tuple[Array, Array]:
        """Bad events and volume over the trailing span days (default: the window), each of shape (rows,)."""
        days = self.window_days if span is None else span
        return _total(block, self.numerator, days), _total(block, self.denominator, days)

    def rate(self, bad: Array, volume: Array) -> Array:
        """The rate as the standard states it, shape (rows,); nan without volume. It may exceed 1; it is not clipped."""
        share: Array = np.divide(bad, volume, out=np.full(len(bad), np.nan), where=volume > 0)
        return 1 - share if self.complement else share

    def past_limit(self, bad: Array, volume: Array) -> NDArray[np.bool_]:
        """Whether the rate is past its limit, at any volume but 0 (False); decided in whole numbers."""
        excess = bad.astype(np.int64) * MILLIONTHS - volume.astype(np.int64) * self._millionths
        return np.asarray(((excess > 0) if self.limit_keeps else (excess >= 0)) & (volume > 0))

    def breach(self, bad: Array, volume: Array) -> NDArray[np.bool_]:
        """Past the limit, with the minimum volume and the minimum events met."""
        enough = (volume >= self.minimum_volume) & (bad >= self.minimum_events)
        return self.past_limit(bad, volume) & enough

    def as_json(self) -> dict[str, Any]:
        """Plain values; `load.from_entry` reads them back."""
        plain = {f.name: getattr(self, f.name) for f in fields(self)}
        return {k: _plain(v) for k, v in plain.items() if v is not None}


@dataclass(frozen=True)
class BacktestDays:
    """The days of a backtest: numbers of days after the first ledger day, or dates."""

    first: int | date
    test_from: int | date
    data_end: int | date | None = None
    every_days: int = 7
    refit_days: int | None = None  # None: one fit, none inside the test period

    def on(self, first_ledger_day: int) -> "BacktestDays":
        """The days as day numbers since 1970-01-01."""
        end = None if self.data_end is None else _day(self.data_end, first_ledger_day)
        first, test = _day(self.first, first_ledger_day), _day(self.test_from, first_ledger_day)
        return BacktestDays(first, test, end, self.every_days, self.refit_days)


@dataclass(frozen=True)
class Unavailable:
    """A metric of a marketplace that the data contract cannot express, and why."""

    metric: str
    reason: str


@dataclass(frozen=True)
class StandardsFile:
    """The standards of one file, its backtest days if any, and metrics of the marketplace that it cannot express."""

    standards: tuple[Standard, ...]
    backtest: BacktestDays | None = None
    unavailable: tuple[Unavailable, ...] = ()

    def headline(self, risk: str) -> Standard | None:
        """The headline standard of a risk, if the file has one."""
        return next((s for s in self.standards if s.risk == risk and s.headline), None)

    def parts(self, risk: str) -> tuple[Standard, ...]:
        """The standards of a risk's parts, one for each part."""
        found = {s.part: s for s in reversed(self.standards) if s.risk == risk and s.part and not s.headline}
        return tuple(found[part] for part in PARTS if part in found)


def _day(moment: int | date, first_ledger_day: int) -> int:
    return (moment - EPOCH).days if isinstance(moment, date) else first_ledger_day + moment


def _total(block: Block, quantities: Iterable[str], span: int) -> Array:
    return np.asarray(np.sum([block[f"{q}_{span}"] for q in quantities], axis=0), dtype=np.float64)


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else list(value) if isinstance(value, tuple) else value
