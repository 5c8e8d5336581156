"""How one source column is read: the SQL that parses it, the rules it may break, and its typed columns."""

from collections.abc import Mapping
from dataclasses import dataclass

from features.contract import Column
from features.engine import quoted

# Text is checked by shape before it is cast: engines differ in what else they would take for a time or a number.
TIME = "^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?)?$"
ZONED = ":.*(Z|[+-][0-9]{2}(:?[0-9]{2})?)$"
DATE = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
NUMBER = "^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]{1,2})?$|^[+-]?(nan|NaN|NAN|inf|Inf|INF|infinity|Infinity)$"

DAY_MICROS = 86_400_000_000
LAST_DAY = 84_005  # 2199-12-31; times outside 1970 to 2199 are placeholders, not times

REQUIRED = "required value missing"
WRONG_TYPE = "wrong type"
NAIVE_TIME = "time without a zone"
FAR_TIME = "time outside 1970 to 2199"
NOT_FINITE = "not a finite number"
UNKNOWN_CHOICE = "unknown value"


@dataclass(frozen=True)
class Zones:
    """The zone that days are counted in, and the one that naive times are meant in (None: naive times are refused)."""

    market: str = "UTC"
    times: str | None = None


@dataclass(frozen=True)
class Reading:
    """How one source column is read: parsed pieces, rules it may break (over raw and parsed), typed columns."""

    typed: Mapping[str, str]
    parsed: Mapping[str, str]
    rules: tuple[tuple[str, str], ...] = ()


def day_of(instant: str, zone: str) -> str:
    """Day number in the zone of an instant."""
    local = instant if zone == "UTC" else f"from_utc_timestamp({instant}, {quoted(zone)})"
    return f"cast(unix_micros({local}) // {DAY_MICROS} as integer)"


def family(sql_type: str) -> str:
    """What a DuckDB type holds: text, whole, decimal, float, boolean, date, naive, instant, null or other."""
    head = sql_type.upper().split("(")[0].strip('"')
    if head.startswith("TIMESTAMP"):
        return "instant" if "TZ" in head or "ZONE" in head else "naive"
    if "[" in sql_type:
        return "other"
    return next((f for f, heads in FAMILIES.items() if head in heads), "other")


FAMILIES = {
    "text": ("VARCHAR", "ENUM", "UUID"),
    "whole": ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"),
    "decimal": ("DECIMAL",),
    "float": ("FLOAT", "DOUBLE"),
    "boolean": ("BOOLEAN",),
    "date": ("DATE",),
    "null": ("NULL",),
}

ACCEPTED = {
    "text": ("text", "whole"),
    "choice": ("text",),
    "boolean": ("boolean", "text", "whole"),
    "whole": ("whole", "decimal", "float", "text"),
    "share": ("decimal", "float", "whole", "text"),
    "money": ("decimal", "float", "whole", "text"),
    "time": ("instant", "naive", "date", "text"),
    "time_or_date": ("instant", "naive", "date", "text"),
}


def raw_sql(column: Column, found: str) -> str:
    name = '"' + column.name + '"'
    return f"nullif(cast({name} as varchar), '')" if found in ("text", "null") else name


def reading(column: Column, found: str, zones: Zones) -> Reading:
    parts = READERS[column.kind](column, "text" if found == "null" else found, zones)
    missing = ((REQUIRED, f"raw_{column.name} is null"),) if column.required else ()
    return Reading(parts.typed, parts.parsed, missing + parts.rules)


def _text(column: Column, found: str, zones: Zones) -> Reading:
    return Reading({next(iter(column.typed)): f"cast(raw_{column.name} as varchar)"}, {})


def _choice(column: Column, found: str, zones: Zones) -> Reading:
    known = ", ".join(quoted(c) for c in column.choices)
    rule = (UNKNOWN_CHOICE, f"raw_{column.name} not in ({known})")
    return Reading({next(iter(column.typed)): f"raw_{column.name}"}, {}, (rule,))


def _boolean(column: Column, found: str, zones: Zones) -> Reading:
    raw, got = f"raw_{column.name}", f"got_{column.name}"
    text = f"case when lower(cast({raw} as varchar)) in ('true', '1') then true when lower(cast({raw} as varchar)) in ('false', '0') then false end"
    return Reading({column.name: got}, {got: raw if found == "boolean" else text}, (_unparsed(raw, got),))


def _number(column: Column, found: str, zones: Zones) -> Reading:
    raw, got, typed = f"raw_{column.name}", f"number_{column.name}", f"got_{column.name}"
    number = f"case when regexp_matches({raw}, {quoted(NUMBER)}) then try_cast({raw} as double) end" if found == "text" else f"cast({raw} as double)"
    rules = (
        _unparsed(raw, got),
        (NOT_FINITE, f"isnan({got}) or abs({got}) = cast('Infinity' as double)"),
        (f"below {column.minimum:g}", f"{got} < {column.minimum:g}"),
        (f"above {column.maximum:g}", f"{got} > {column.maximum:g}"),
        (WRONG_TYPE, f"{raw} is not null and ({typed} is null or ({column.kind == 'whole'} and {got} <> floor({got})))"),
    )
    name = next(iter(column.typed))
    return Reading({name: typed}, {got: number, typed: _exact(column.kind, number, raw, found)}, rules)


def _exact(kind: str, number: str, raw: str, found: str) -> str:
    if kind == "share":
        return number
    if kind == "whole":
        return f"try_cast({number} as integer)"
    # Binary fractions are rounded to the cent; decimals and text are read as decimals, so that no cent is lost.
    return f"try_cast(round({raw} * 100.0) as bigint)" if found == "float" else f"cast(try_cast({raw} as decimal(18, 2)) * 100 as bigint)"


def _time(column: Column, found: str, zones: Zones) -> Reading:
    raw, at = f"raw_{column.name}", f"at_{column.name}"
    typed = {column.name: f"unix_micros({at})", f"{column.name}_day": day_of(at, zones.market)}
    far = (FAR_TIME, f"unix_micros({at}) not between 0 and {(LAST_DAY + 1) * DAY_MICROS - 1}")
    return Reading(typed, {at: _instant(raw, found, zones)}, (*_naive(raw, found, zones), _unparsed(raw, at), far))


def _time_or_date(column: Column, found: str, zones: Zones) -> Reading:
    """A date without a time has a day and no instant."""
    raw, day, full = f"raw_{column.name}", f"date_{column.name}", _time(column, found, zones)
    if found not in ("text", "date"):
        return full
    bare = f"regexp_matches({raw}, {quoted(DATE)})" if found == "text" else f"{raw} is not null"
    at = {name: f"case when not ({bare}) then {sql} end" for name, sql in full.parsed.items()}
    date = f"case when {bare} then unix_date(try_cast({raw} as date)) end"
    rules = [(rule, f"not ({bare}) and ({condition})") for rule, condition in full.rules]
    rules += [(WRONG_TYPE, f"{bare} and {day} is null"), (FAR_TIME, f"{day} not between 0 and {LAST_DAY}")]
    typed = full.typed | {f"{column.name}_day": f"coalesce({full.typed[f'{column.name}_day']}, {day})"}  # type: ignore[operator]
    return Reading(typed, at | {day: date}, tuple(rules))


def _instant(raw: str, found: str, zones: Zones) -> str:
    local = f"to_utc_timestamp(try_cast({raw} as timestamp), {quoted(zones.times)})" if zones.times else "cast(null as timestamptz)"
    if found == "instant":
        return f"cast({raw} as timestamptz)"
    if found != "text":
        return local
    zoned = f"case when regexp_matches({raw}, {quoted(ZONED)}) then try_cast({raw} as timestamptz) else {local} end"
    return f"case when regexp_matches({raw}, {quoted(TIME)}) then {zoned} end"


def _naive(raw: str, found: str, zones: Zones) -> tuple[tuple[str, str], ...]:
    if found != "text" or zones.times:
        return ()
    return ((NAIVE_TIME, f"regexp_matches({raw}, {quoted(TIME)}) and not regexp_matches({raw}, {quoted(ZONED)})"),)


READERS = {
    "text": _text,
    "choice": _choice,
    "boolean": _boolean,
    "whole": _number,
    "share": _number,
    "money": _number,
    "time": _time,
    "time_or_date": _time_or_date,
}


def _unparsed(raw: str, got: str) -> tuple[str, str]:
    return WRONG_TYPE, f"{raw} is not null and {got} is null"
