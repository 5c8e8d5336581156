"""The parser of one source column: the SQL that parses it, the rules it may break, and its typed columns."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from core.sql_text import quoted
from features.ingest.contract import Column

# Text must match a pattern before it is cast, because engines differ in what else they accept as a time or a number.
DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
OFFSET = "(Z|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?)"
TIME = f"^{DATE}([ T][0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}}([.][0-9]{{1,9}})?)?{OFFSET}?)?$"
ZONED = f":.*{OFFSET}$"
NUMBER = "^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]{1,2})?$"
NO_NUMBER = "^[+-]?(nan|inf|infinity)$"  # engines read these as numbers; the contract does not accept them

DAY_MICROS = 86_400_000_000
LAST_DAY = 84_005  # 2199-12-31; times outside 1970 to 2199 are placeholders

REQUIRED = "required value missing"
WRONG_TYPE = "wrong type"
NAIVE_TIME = "time without a zone"
FAR_TIME = "time outside 1970 to 2199"
NOT_FINITE = "not a finite number"
UNKNOWN_CHOICE = "unknown value"

# The forms in which a source column may hold each kind of contract column; errors list them in this order.
NUMBERS = ("decimal", "whole", "float", "text")
TIMES = ("instant", "naive", "date", "text")
ACCEPTED: Mapping[str, tuple[str, ...]] = {
    "text": ("text", "whole"),
    "choice": ("text",),
    "boolean": ("boolean", "whole", "text"),
    "whole": NUMBERS,
    "share": NUMBERS,
    "money": NUMBERS,
    "time": TIMES,
    "time_or_date": TIMES,
}
FORMS: Mapping[str, str] = {
    "text": "text",
    "whole": "whole numbers",
    "decimal": "decimals",
    "float": "binary numbers",
    "boolean": "booleans",
    "instant": "timestamps with a zone",
    "naive": "timestamps",
    "date": "dates",
}


@dataclass(frozen=True)
class Zones:
    """The zone in which days are counted, and the zone of times without one (None: such times are refused).

    dates: the columns whose times at midnight mean the day; None: the source does not say.
    """

    market: str = "UTC"
    times: str | None = None
    dates: frozenset[str] | None = None


@dataclass(frozen=True)
class ColumnParser:
    """SQL by name: `parsed` over raw_<column>; `rules` (name, condition) and `typed` over raw and parsed."""

    typed: Mapping[str, str]
    parsed: Mapping[str, str]
    rules: tuple[tuple[str, str], ...] = ()


def parser_of(column: Column, sql_type: str, zones: Zones) -> ColumnParser:
    """The parser of a column that has this type in the source."""
    form = "text" if family(sql_type) == "null" else family(sql_type)
    parser = PARSERS[column.kind](column, form, zones)
    missing = ((REQUIRED, f"raw_{column.name} is null"),) if column.required else ()
    return ColumnParser(parser.typed, parser.parsed, missing + parser.rules)


def raw_sql(column: Column, sql_type: str) -> str:
    """SQL for the source's value; an empty text is null."""
    name = f'"{column.name}"'
    return f"nullif(cast({name} as varchar), '')" if family(sql_type) in ("text", "null") else name


def day_of(instant: str, zone: str) -> str:
    """The day number of an instant in a zone."""
    local = instant if zone == "UTC" else f"from_utc_timestamp({instant}, {quoted(zone)})"
    return f"cast(unix_micros({local}) // {DAY_MICROS} as integer)"


def family(sql_type: str) -> str:
    """The form of a DuckDB type: one of FORMS, null or other."""
    head = sql_type.upper().split("(")[0].strip('"')
    if "[" in sql_type:
        return "other"
    if head.startswith("TIMESTAMP"):
        return "instant" if "TZ" in head or "ZONE" in head else "naive"
    if head.removeprefix("U") in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"):
        return "whole"
    return FAMILIES.get(head, "other")


FAMILIES: Mapping[str, str] = {
    "VARCHAR": "text",
    "ENUM": "text",
    "UUID": "text",
    "DECIMAL": "decimal",
    "FLOAT": "float",
    "DOUBLE": "float",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "NULL": "null",
}


def _text(column: Column, held: str, zones: Zones) -> ColumnParser:
    return ColumnParser({next(iter(column.typed)): f"cast(raw_{column.name} as varchar)"}, {})


def _choice(column: Column, held: str, zones: Zones) -> ColumnParser:
    raw, known = f"raw_{column.name}", ", ".join(quoted(c) for c in column.choices)
    return ColumnParser({next(iter(column.typed)): raw}, {}, ((UNKNOWN_CHOICE, f"{raw} not in ({known})"),))


def _boolean(column: Column, held: str, zones: Zones) -> ColumnParser:
    raw, got = f"raw_{column.name}", f"got_{column.name}"
    text = f"lower(cast({raw} as varchar))"
    parsed = f"case when {text} in ('true', '1') then true when {text} in ('false', '0') then false end"
    return ColumnParser({column.name: got}, {got: raw if held == "boolean" else parsed}, (_unparsed(raw, got),))


def _number(column: Column, held: str, zones: Zones) -> ColumnParser:
    raw, got, typed = f"raw_{column.name}", f"number_{column.name}", f"got_{column.name}"
    number = f"cast({raw} as double)"
    if held == "text":
        number = f"case when {_matches(raw, NUMBER)} or {_is_no_number(raw)} then try_cast({raw} as double) end"
    fractional = f"{got} <> floor({got})" if column.kind == "whole" else "false"
    rules = (
        _unparsed(raw, got),
        (NOT_FINITE, f"isnan({got}) or abs({got}) = cast('Infinity' as double)"),
        (f"below {column.minimum:g}", f"{got} < {column.minimum:g}"),
        (f"above {column.maximum:g}", f"{got} > {column.maximum:g}"),
        (WRONG_TYPE, f"{fractional} or ({raw} is not null and {typed} is null)"),
    )
    return ColumnParser({next(iter(column.typed)): typed}, {got: number, typed: _exact(column, raw, held)}, rules)


def _exact(column: Column, raw: str, held: str) -> str:
    """SQL for the exact number; text and decimals become cents exactly, binary numbers are rounded to the cent."""
    if column.kind != "money":
        return f"try_cast({raw} as {'integer' if column.kind == 'whole' else 'double'})"
    if held == "float":
        return f"try_cast(round({raw} * 100) as bigint)"
    return f"cast(try_cast({raw} as decimal(18, 2)) * 100 as bigint)"


def _time(column: Column, held: str, zones: Zones) -> ColumnParser:
    raw, at = f"raw_{column.name}", f"at_{column.name}"
    micros, day = column.typed
    typed = {micros: f"unix_micros({at})", day: day_of(at, zones.market)}
    if held == "naive" and zones.times == zones.market:  # its date is the day, which saves a slow conversion
        typed[day] = f"unix_date(cast({raw} as date))"
    far = (FAR_TIME, f"unix_micros({at}) not between 0 and {(LAST_DAY + 1) * DAY_MICROS - 1}")
    return ColumnParser(typed, {at: _instant(raw, held, zones)}, (*_naive(raw, held, zones), _unparsed(raw, at), far))


def _time_or_date(column: Column, held: str, zones: Zones) -> ColumnParser:
    """A time, or a date without a time: it has a day and no instant."""
    full, raw, date = _time(column, held, zones), f"raw_{column.name}", f"date_{column.name}"
    if column.name in (zones.dates or ()):
        return _date(column, held, zones)
    if held not in ("text", "date"):
        return full
    micros, day = column.typed
    bare = _matches(raw, f"^{DATE}$") if held == "text" else f"{raw} is not null"
    parsed = {name: f"case when not ({bare}) then {sql} end" for name, sql in full.parsed.items()}
    parsed[date] = f"case when {bare} then unix_date(try_cast({raw} as date)) end"
    rules = [(rule, f"not ({bare}) and ({condition})") for rule, condition in full.rules]
    rules += [(WRONG_TYPE, f"{bare} and {date} is null"), (FAR_TIME, f"{date} not between 0 and {LAST_DAY}")]
    return ColumnParser({micros: full.typed[micros], day: f"coalesce({full.typed[day]}, {date})"}, parsed, tuple(rules))


def _date(column: Column, held: str, zones: Zones) -> ColumnParser:
    """The date of each value as it is written, whatever its time; an instant's is the day on which it is midnight."""
    raw, date = f"raw_{column.name}", f"date_{column.name}"
    parsed = f"unix_date({_written_date(raw, held, zones)})"
    rules = (_unparsed(raw, date), (FAR_TIME, f"{date} not between 0 and {LAST_DAY}"))
    micros, day = column.typed
    return ColumnParser({micros: "cast(null as bigint)", day: date}, {date: parsed}, rules)


def _written_date(raw: str, held: str, zones: Zones) -> str:
    if held == "text":
        return f"case when {_matches(raw, TIME)} then try_cast(substr({raw}, 1, 10) as date) end"
    if held != "instant":
        return f"cast({raw} as date)"
    local, utc = (f"from_utc_timestamp({raw}, {quoted(zone)})" for zone in (zones.market, "UTC"))
    return f"cast(case when cast({local} as date) = {local} then {local} else {utc} end as date)"


def _instant(raw: str, held: str, zones: Zones) -> str:
    if held == "instant":
        return f"cast({raw} as timestamptz)"
    local = "cast(null as timestamptz)"
    if zones.times:
        local = f"to_utc_timestamp(try_cast({raw} as timestamp), {quoted(zones.times)})"
    if held != "text":
        return local
    zoned = f"when {_matches(raw, ZONED)} then try_cast({raw} as timestamptz)"
    return f"case when not {_matches(raw, TIME)} then null {zoned} else {local} end"


def _naive(raw: str, held: str, zones: Zones) -> tuple[tuple[str, str], ...]:
    refused = held == "text" and not zones.times
    return ((NAIVE_TIME, f"{_matches(raw, TIME)} and not {_matches(raw, ZONED)}"),) if refused else ()


def _matches(raw: str, pattern: str) -> str:
    return f"regexp_matches({raw}, {quoted(pattern)})"


def _is_no_number(raw: str) -> str:
    return _matches(f"lower({raw})", NO_NUMBER)


def _unparsed(raw: str, got: str) -> tuple[str, str]:
    return WRONG_TYPE, f"{raw} is not null and {got} is null"


PARSERS: Mapping[str, Callable[[Column, str, Zones], ColumnParser]] = {
    "text": _text,
    "choice": _choice,
    "boolean": _boolean,
    "whole": _number,
    "share": _number,
    "money": _number,
    "time": _time,
    "time_or_date": _time_or_date,
}
