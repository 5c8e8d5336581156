"""Read and check standards: the built-in TOML file, a preset, or the user's own file."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from core.errors import ForesellError
from features.ledger.quantities import BY_NAME
from features.standards.standard import (
    COMPARATORS,
    MILLIONTHS,
    PARTS,
    RISKS,
    BacktestDays,
    Standard,
    StandardsFile,
    Unavailable,
)

BUILT_IN = Path(__file__).with_name("standards.toml")
PRESETS = Path(__file__).with_name("presets")


def load(spec: str | None = None) -> StandardsFile:
    """The built-in standards (None), or those of a file or of `preset:NAME`; ForesellError if they break a rule."""
    return parse(_read(spec), spec or "the built-in standards")


def parse(text: str, where: str) -> StandardsFile:
    """Standards from TOML text; `where` names it in errors."""
    try:
        raw = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as e:
        raise _broken(where, "must be TOML", str(e)) from None
    entries = raw.get("standard")
    if not isinstance(entries, list) or not entries:
        raise _broken(where, "must have at least one [[standard]]", "none")
    standards = tuple(from_entry(entry, where) for entry in entries)
    _check_together(standards, where)
    lacking = tuple(_unavailable(entry, where) for entry in raw.get("unavailable", ()))
    return StandardsFile(standards, _backtest(raw.get("backtest"), where), lacking)


def presets() -> list[str]:
    """Names of the presets of this release, for `preset:NAME`."""
    return sorted(path.stem for path in PRESETS.glob("*.toml"))


def from_entry(entry: Mapping[str, Any], where: str) -> Standard:
    """One standard from its table, checked."""
    known = {f.name: f for f in fields(Standard)}
    label = f"{where}, standard {entry.get('name', '(without a name)')!r}"
    for key in entry:
        if key not in known:
            raise _broken(label, f"must not have a field {key!r}", f"{key!r}; the fields are {', '.join(known)}")
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
            label, "must set complement with >= or >, and only with them: the ledger counts bad events", s.comparator
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
            raise _broken(where, "must not have two standards of one name and version", f"{s.name} {s.version} twice")
        if s.headline and s.risk in heads:
            raise _broken(where, "must have at most one headline standard for each risk", f"two for {s.risk}")
        seen.add((s.name, s.version))
        heads |= {s.risk} if s.headline else set()


def _unavailable(entry: Any, where: str) -> Unavailable:
    wanted = {f.name for f in fields(Unavailable)}
    if not isinstance(entry, dict) or set(entry) != wanted or not all(isinstance(v, str) and v for v in entry.values()):
        raise _broken(where, "must give metric and reason, both texts, in each [[unavailable]]", repr(entry))
    return Unavailable(**entry)


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


def _read(spec: str | None) -> str:
    path = BUILT_IN if spec is None else _preset(spec) if spec.startswith("preset:") else Path(spec)
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as e:
        raise ForesellError(
            "A standards file must be readable text.", f"{path}: {e}", "check the path given to --standards"
        ) from None


def _preset(spec: str) -> Path:
    names, name = presets(), spec.removeprefix("preset:")
    if name not in names:
        raise ForesellError("A preset must be one of this release.", spec, f"use one of: {', '.join(names)}")
    return PRESETS / f"{name}.toml"


def _broken(where: str, rule: str, found: str) -> ForesellError:
    return ForesellError(
        f"A standards file {rule}.", f"{found} (in {where})", "correct the file; docs/standards.md shows one"
    )
