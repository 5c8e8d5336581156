"""The SQL of a mapped column: from the texts of a source to texts that the contract reads.

A value that does not have the form it should have stays as it is, so that the checks quarantine it and show it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from core.errors import ForesellError
from core.sql_text import quoted
from features.importing.mapping import EPOCHS, EXCEL, FILE_NAME, ColumnMapping, NumberForm, TableMapping
from features.ingest.contract import Column

CALENDAR, BUSINESS = re.compile(r"(\d{1,3}) days?"), re.compile(r"(\d{1,3}) business days?")
HAS_TIME = ("%H", "%I", "%X", "%c", "%T")  # a form without one of these is of a date
PATH, ROW = "_at_path", "_row"  # columns of every raw table: the file of a row, and its number


@dataclass(frozen=True)
class MappingContext:
    """What an expression needs of its table: the settings, the zones, and how its columns are named in SQL."""

    table: TableMapping
    market_zone: str
    named: Callable[[str], str]

    def text(self, name: str) -> str:
        """A column of the source as text; null where it is empty or a word for an empty value."""
        if name == FILE_NAME:
            return f"regexp_extract({PATH}, '([^/]*?)([.][A-Za-z0-9]+)*$', 1)"
        trimmed = f"nullif(trim({self.named(name)}), '')"
        if not self.table.null:
            return trimmed
        words = ", ".join(quoted(word.lower()) for word in self.table.null)
        return f"case when lower({trimmed}) not in ({words}) then {trimmed} end"


def expression(column: Column, mapping: ColumnMapping, context: MappingContext) -> str:
    """The SQL of the column's value."""
    value = _value(mapping, context)
    if mapping.values:
        value = _replaced(value, mapping)
    if column.kind in ("money", "whole", "share") and mapping.constant is None:
        value = _number(value, mapping, context)
    if column.kind in ("time", "time_or_date"):
        value = _due(column, value, mapping, context) if mapping.plus else _time(value, mapping, context)
    if mapping.prefix:
        value = f"{quoted(mapping.prefix)} || {value}"
    if mapping.when:
        value = f"case when {_chosen(mapping.when, context)} then {value} end"
    return value


def row_conditions(context: MappingContext) -> dict[str, str]:
    """The conditions under which a row is taken, by what the rows are called that are not."""
    table = context.table
    kept = {f"rows without {name}": f"{context.text(name)} is not null" for name in table.needs}
    for name, values in table.only.items():
        kept[f"rows whose {name} is not {' or '.join(values)}"] = _chosen({name: values}, context)
    return kept


def day_counts(mapping: ColumnMapping) -> dict[str, tuple[int, bool]]:
    """By value of the service level, the days to add, and whether they are business days."""
    texts = {**mapping.plus, **({"": mapping.other} if mapping.other else {})}
    return {level: _days(text) for level, text in texts.items()}


def due_table(column: str) -> str:
    """The name of the joined table that has the due dates of a column."""
    return f"due_{column}"


def start_day(mapping: ColumnMapping, context: MappingContext) -> str:
    """The day to which days are added, in the market's zone."""
    instant = f"timezone({quoted(context.market_zone)}, {_instant(_value(mapping, context), mapping, context)})"
    return f"cast({instant} as date)"


def _value(mapping: ColumnMapping, context: MappingContext) -> str:
    if mapping.constant is not None:
        return quoted(mapping.constant)
    if mapping.joined:
        return f"concat_ws('/', {', '.join(map(context.text, mapping.joined))})"
    if mapping.number_within:
        within = ", ".join([*map(context.text, mapping.number_within), PATH])
        return f"cast(row_number() over (partition by {within} order by {ROW}) as varchar)"
    found = [context.text(name) for name in mapping.source]
    return found[0] if len(found) == 1 else f"coalesce({', '.join(found)})"


def _replaced(value: str, mapping: ColumnMapping) -> str:
    cases = " ".join(f"when {quoted(of.lower())} then {quoted(to)}" for of, to in mapping.values.items())
    other = value if mapping.other is None else f"case when {value} is not null then {_or_null(mapping.other)} end"
    return f"case lower({value}) {cases} else {other} end"


def _or_null(text: str) -> str:
    return quoted(text) if text else "null"


def _chosen(conditions: Mapping[str, tuple[str, ...]], context: MappingContext) -> str:
    each = [
        f"lower({context.text(name)}) in ({', '.join(quoted(v.lower()) for v in values)})"
        for name, values in conditions.items()
    ]
    return " and ".join(f"coalesce({one}, false)" for one in each)


def _number(value: str, mapping: ColumnMapping, context: MappingContext) -> str:
    form = mapping.number or context.table.number
    plain = _plain_number(value, form) if form else value
    if not mapping.times:
        return plain
    other = context.text(mapping.times)
    times = _plain_number(other, form) if form else other
    product = f"try_cast({plain} as decimal(18, 4)) * try_cast({times} as decimal(18, 4))"
    return f"coalesce(cast(cast({product} as decimal(18, 2)) as varchar), {value} || ' x ' || {other})"


def _plain_number(value: str, form: NumberForm) -> str:
    """The number with a point and a minus sign in front; what is no number stays as it is."""
    digits = f"regexp_replace({value}, '[^0-9.,()-]', '', 'g')"
    if form.thousands:
        digits = f"replace({digits}, {quoted(form.thousands)}, '')"
    if form.decimal == ",":
        digits = f"replace({digits}, ',', '.')"
    bare = f"regexp_replace({digits}, '[()-]', '', 'g')"
    sign = "''" if form.drop_sign else f"case when regexp_matches({digits}, '[(-]') then '-' else '' end"
    is_number = f"regexp_matches({bare}, '^([0-9]+([.][0-9]*)?|[.][0-9]+)$')"
    return f"case when {is_number} then {sign} || {bare} else {value} end"


def _time(value: str, mapping: ColumnMapping, context: MappingContext) -> str:
    zone = mapping.zone or context.table.zone
    if not mapping.form:
        if not zone:
            return value
        has_zone = f"regexp_matches({value}, ':.*(Z|[+-][0-9]{{2}}(:?[0-9]{{2}})?)$')"
        local = f"cast(timezone({quoted(zone)}, try_cast({value} as timestamp)) as varchar)"
        timed = f"regexp_matches({value}, ':') and not {has_zone}"
        return f"case when {timed} then coalesce({local}, {value}) else {value} end"
    parsed = [f"cast({_parsed(value, form, zone)} as varchar)" for form in mapping.form]
    return f"coalesce({', '.join([*parsed, value])})"


def _parsed(value: str, form: str, zone: str) -> str:
    if form in EPOCHS:
        return f"to_timestamp(try_cast({value} as double) / {EPOCHS[form]})"
    if form == EXCEL:
        days = f"try_cast({value} as double)"
        local = f"timestamp '1899-12-30' + to_microseconds(cast(round({days} * 86400) as bigint) * 1000000)"
        return f"timezone({quoted(zone)}, {local})" if zone else local
    parsed = f"try_strptime({value}, {quoted(form)})"
    if not any(part in form for part in HAS_TIME):
        return f"cast({parsed} as date)"
    return parsed if "%z" in form.lower() or not zone else f"timezone({quoted(zone)}, {parsed})"


def _instant(value: str, mapping: ColumnMapping, context: MappingContext) -> str:
    """The time as an instant; null where it is none."""
    zone = mapping.zone or context.table.zone or context.market_zone
    text = _time(value, mapping, context)
    has_zone = f"regexp_matches({text}, ':.*(Z|[+-][0-9]{{2}}(:?[0-9]{{2}})?)$')"
    local = f"timezone({quoted(zone)}, try_cast({text} as timestamp))"
    return f"case when {has_zone} then try_cast({text} as timestamptz) else {local} end"


def _due(column: Column, value: str, mapping: ColumnMapping, context: MappingContext) -> str:
    """The day that the service level adds up to; an unknown level, or a start that is no time, stays as it is."""
    level, due = f"lower({context.text(mapping.by)})", due_table(column.name)
    counts = list(day_counts(mapping))
    cases = " ".join(
        f"when {quoted(name.lower())} then coalesce(cast({due}.due_{i} as varchar), {value})"
        for i, name in enumerate(counts)
        if name
    )
    if mapping.other is None:
        other = context.text(mapping.by)
    elif mapping.other:
        other = f"coalesce(cast({due}.due_{counts.index('')} as varchar), {value})"
    else:
        other = "null"
    return f"case {level} {cases} else {other} end"


def _days(text: str) -> tuple[int, bool]:
    for pattern, business in ((CALENDAR, False), (BUSINESS, True)):
        if found := pattern.fullmatch(text.strip()):
            return int(found[1]), business
    rule = "Days to add must have a number and `days` or `business days`."
    raise ForesellError(rule, repr(text), "write, for example, 5 business days")
