"""Standards: named rates with a limit, from a TOML file; the one definition behind labels, breaches and monitoring."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.block import Block
from features.errors import ForesellError
from features.quantities import BY_NAME

Array = NDArray[np.float64]
RISKS = ("returns", "service")
PARTS = ("", "late_delivery", "cancellation", "item_not_received", "not_as_described", "unresolved_case", "low_rating")
COMPARATORS = ("<=", "<", ">=", ">")  # what is good
MILLIONTHS = 1_000_000  # limits are held to a millionth, so that a breach is decided in whole numbers
BUILT_IN = Path(__file__).with_name("standards.toml")
PRESETS = Path(__file__).with_name("presets")


@dataclass(frozen=True)
class Standard:
    """A rate of ledger quantities over a window, and the limit it must keep."""

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
        """Largest share of bad events that keeps the standard, 0..1 (1 - limit for a complement)."""
        return self._millionths / MILLIONTHS

    @property
    def limit_keeps(self) -> bool:
        """Whether the limit itself still keeps the standard."""
        return self.comparator in ("<=", ">=")

    @property
    def _millionths(self) -> int:
        share = 1 - self.limit if self.complement else self.limit
        return int(share * MILLIONTHS)

    def quantities(self) -> tuple[str, ...]:
        """The ledger quantities the rate is made of, each once."""
        return tuple(dict.fromkeys(self.numerator + self.denominator))

    def counts(self, block: Block, span: int | None = None) -> tuple[Array, Array]:
        """Bad events and volume over the trailing span days (default: the window), each of shape (rows,)."""
        days = self.window_days if span is None else span
        return _total(block, self.numerator, days), _total(block, self.denominator, days)

    def rate(self, bad: Array, volume: Array) -> Array:
        """The rate as people state it, shape (rows,); nan without volume. It may exceed 1 and is never clipped."""
        share: Array = np.divide(bad, volume, out=np.full(len(bad), np.nan), where=volume > 0)
        return 1 - share if self.complement else share

    def past_limit(self, bad: Array, volume: Array) -> NDArray[np.bool_]:
        """Whether the rate is past its limit whatever the volume, decided in whole numbers; False without volume."""
        excess = bad.astype(np.int64) * MILLIONTHS - volume.astype(np.int64) * self._millionths
        return np.asarray(((excess > 0) if self.limit_keeps else (excess >= 0)) & (volume > 0))

    def breach(self, bad: Array, volume: Array) -> NDArray[np.bool_]:
        """Past the limit, with the minimum volume and the minimum events met."""
        enough = (volume >= self.minimum_volume) & (bad >= self.minimum_events)
        return self.past_limit(bad, volume) & enough

    def as_json(self) -> dict[str, Any]:
        """Plain values; `from_entry` reads them back."""
        plain = {f.name: getattr(self, f.name) for f in fields(self)}
        return {k: _plain(v) for k, v in plain.items() if v is not None}


@dataclass(frozen=True)
class BacktestDays:
    """When a backtest looks: days counted from the first ledger day, or dates."""

    first: int | date
    test_from: int | date
    data_end: int | date | None = None
    every_days: int = 7
    refit_days: int | None = None  # None: one fit, none inside the test period

    def on(self, first_ledger_day: int) -> "BacktestDays":
        """The same with every moment as a day number since 1970-01-01."""
        end = None if self.data_end is None else _day(self.data_end, first_ledger_day)
        first, test = _day(self.first, first_ledger_day), _day(self.test_from, first_ledger_day)
        return BacktestDays(first, test, end, self.every_days, self.refit_days)


@dataclass(frozen=True)
class StandardsFile:
    """The standards of one file, and the backtest days it may carry."""

    standards: tuple[Standard, ...]
    backtest: BacktestDays | None = None

    def headline(self, risk: str) -> Standard | None:
        """The standard that stands for a risk, if the file has one."""
        return next((s for s in self.standards if s.risk == risk and s.headline), None)

    def parts(self, risk: str) -> tuple[Standard, ...]:
        """The standards of a risk's parts, one a part."""
        found = {s.part: s for s in reversed(self.standards) if s.risk == risk and s.part and not s.headline}
        return tuple(found[part] for part in PARTS if part in found)


def load(spec: str | None = None) -> StandardsFile:
    """The built-in standards, a file's, or `preset:NAME`'s; ForesellError says what is wrong with them."""
    return parse(_read(spec), spec or "the built-in standards")


def parse(text: str, where: str) -> StandardsFile:
    """Standards from TOML text; `where` names it in errors."""
    try:
        raw = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as e:
        raise _broken(where, "must be TOML", str(e)) from None
    entries = raw.get("standard")
    if not isinstance(entries, list) or not entries:
        raise _broken(where, "must hold at least one [[standard]]", "none")
    standards = tuple(from_entry(entry, where) for entry in entries)
    _check_together(standards, where)
    return StandardsFile(standards, _backtest(raw.get("backtest"), where))


def from_entry(entry: Mapping[str, Any], where: str) -> Standard:
    """One standard from its table, checked."""
    known = {f.name: f for f in fields(Standard)}
    label = f"{where}, standard {entry.get('name', '(without a name)')!r}"
    for key in entry:
        if key not in known:
            raise _broken(label, f"has no field {key!r}", f"one of {', '.join(known)} is meant")
    missing = [n for n, f in known.items() if f.default is MISSING and n not in entry]
    if missing:
        raise _broken(label, "must give every required field", f"no {', '.join(missing)}")
    standard = Standard(**{key: _typed(label, key, value) for key, value in entry.items()})
    _check(standard, label)
    return standard


def _typed(label: str, key: str, value: Any) -> Any:
    if key in ("numerator", "denominator"):
        if not isinstance(value, list | tuple) or not value or not all(isinstance(v, str) for v in value):
            raise _broken(label, f"{key} must be a list of ledger quantities", repr(value))
        if unknown := [v for v in value if v not in BY_NAME]:
            raise _broken(label, f"{key} must name ledger quantities", f"unknown: {', '.join(unknown)}")
        return tuple(value)
    if key in ("limit", "warn_limit"):
        return _decimal(label, key, value)
    wanted = {
        "window_days": int,
        "minimum_volume": int,
        "minimum_events": int,
        "headline": bool,
        "complement": bool,
    }.get(key, str)
    if type(value) is not wanted:
        raise _broken(label, f"{key} must be of type {wanted.__name__}", repr(value))
    return value


def _decimal(label: str, key: str, value: Any) -> Decimal:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise _broken(label, f"{key} must be a number", repr(value)) from None
    if isinstance(value, bool) or not number.is_finite() or not 0 < number < 1:
        raise _broken(label, f"{key} must lie between 0 and 1 (both exclusive)", repr(value))
    if number * MILLIONTHS != int(number * MILLIONTHS):
        raise _broken(label, f"{key} must have at most six decimals", str(value))
    return number


def _check(s: Standard, label: str) -> None:
    if s.risk not in RISKS:
        raise _broken(label, f"risk must be one of {', '.join(RISKS)}", s.risk)
    if s.part not in PARTS or (s.part and s.risk != "service"):
        raise _broken(label, f"part must be one of {', '.join(p for p in PARTS if p)} (service only), or empty", s.part)
    if s.comparator not in COMPARATORS:
        raise _broken(label, f"comparator must be one of {' '.join(COMPARATORS)}", s.comparator)
    if s.complement != (s.comparator in (">=", ">")):
        raise _broken(
            label, "complement goes with >= or >, and only with them: the ledger counts bad events", s.comparator
        )
    if not 1 <= s.window_days <= 365:
        raise _broken(label, "window_days must lie between 1 and 365", str(s.window_days))
    if s.minimum_volume < 1 or s.minimum_events < 0:
        raise _broken(
            label,
            "minimum_volume must be at least 1 and minimum_events at least 0",
            f"{s.minimum_volume}, {s.minimum_events}",
        )


def _check_together(standards: Iterable[Standard], where: str) -> None:
    seen: set[tuple[str, str]] = set()
    heads: set[str] = set()
    for s in standards:
        if (s.name, s.version) in seen:
            raise _broken(where, "name and version must be unique", f"{s.name} {s.version} twice")
        if s.headline and s.risk in heads:
            raise _broken(where, "a risk has at most one headline standard", f"two for {s.risk}")
        seen.add((s.name, s.version))
        heads |= {s.risk} if s.headline else set()


def _backtest(raw: Any, where: str) -> BacktestDays | None:
    if raw is None:
        return None
    known = {f.name for f in fields(BacktestDays)}
    if not isinstance(raw, dict) or set(raw) - known or not {"first", "test_from"} <= set(raw):
        raise _broken(where, f"[backtest] takes {', '.join(sorted(known))}, and needs first and test_from", repr(raw))
    values = {key: _moment(where, key, value) for key, value in raw.items()}
    return BacktestDays(**values)


def _moment(where: str, key: str, value: Any) -> Any:
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise _broken(where, f"[backtest] {key} must be a day number or an ISO date", repr(value)) from None
    if type(value) not in (int, date) or (key.endswith("_days") and (type(value) is not int or value < 1)):
        raise _broken(where, f"[backtest] {key} must be a day number or an ISO date", repr(value))
    return value


def _day(moment: int | date, first_ledger_day: int) -> int:
    return moment.toordinal() - date(1970, 1, 1).toordinal() if isinstance(moment, date) else first_ledger_day + moment


def _read(spec: str | None) -> str:
    path = BUILT_IN if spec is None else _preset(spec) if spec.startswith("preset:") else Path(spec)
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as e:
        raise ForesellError(
            "A standards file must be readable text.", f"{path}: {e}", "check the path given to --standards"
        ) from None


def _preset(spec: str) -> Path:
    names = sorted(p.stem for p in PRESETS.glob("*.toml"))
    name = spec.removeprefix("preset:")
    if name not in names:
        raise ForesellError(
            "A preset must be one of those shipped.", spec, f"use one of: {', '.join(names) or 'none are shipped yet'}"
        )
    return PRESETS / f"{name}.toml"


def _total(block: Block, quantities: Iterable[str], span: int) -> Array:
    return np.asarray(np.sum([block[f"{q}_{span}"] for q in quantities], axis=0), dtype=np.float64)


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else list(value) if isinstance(value, tuple) else value


def _broken(where: str, rule: str, found: str) -> ForesellError:
    return ForesellError(
        f"A standards file {rule}.", f"{found} (in {where})", "correct the file; docs/standards.md shows one"
    )
