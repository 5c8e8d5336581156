"""The SQL of a mapped column: from the texts of a source to values that the contract reads.

Nothing that does not have the form it should have is lost: a count stays the text that it is, so that the checks
quarantine it; an amount or a time that could not be read stands beside its row, in the columns UNREAD, and they do too.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from core.errors import ForesellError
from core.sql_text import quoted
from features.importing.mapping import EPOCHS, EXCEL, FILE_NAME, ColumnMapping, NumberForm, TableMapping
from features.ingest.checks import UNREAD
from features.ingest.contract import Column

CALENDAR, BUSINESS = re.compile(r"(\d{1,3}) days?"), re.compile(r"(\d{1,3}) business days?")
HAS_TIME = ("%H", "%I", "%X", "%c", "%T")  # a form without one of these is of a date
FILE_STEM = "regexp_extract(_at_path, '([^/]*?)([.][A-Za-z0-9]+)*$', 1)"
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
            return FILE_STEM
        trimmed = f"nullif({_trimmed(self.named(name))}, '')"
        if not self.table.null:
            return trimmed
        words = ", ".join(quoted(word.lower()) for word in self.table.null)
        return f"case when lower({trimmed}) not in ({words}) then {trimmed} end"


def _trimmed(text: str) -> str:
    """The text without blanks around it; few values of a column have any, and trimming them all takes longer."""
    return f"case when {text} like ' %' or {text} like '% ' then trim({text}) else {text} end"


@dataclass(frozen=True)
class MappedValue:
    """The SQL of a value, and, over the row with the value as `read(column)`, of the text that was not read as one.

    unread: "" for a value that always stays what it is.
    """

    sql: str
    unread: str = ""


def expression(column: Column, mapping: ColumnMapping, context: MappingContext) -> MappedValue:
    """The SQL of the column's value."""
    text = _value(mapping, context)
    if mapping.values:
        text = _replaced(text, mapping)
    value = MappedValue(text)
    if column.kind in ("money", "whole", "share") and mapping.constant is None:
        number = _number(text, mapping, context)
        shown = f"concat_ws(' x ', {text}, {context.text(mapping.times)})" if mapping.times else text
        value = _amount(column, number, f"case when {text} is not null then {shown} end")
    if column.kind in ("time", "time_or_date"):
        value = _due(column, text, mapping, context) if mapping.plus else _time(column, text, mapping, context)
    if mapping.prefix:
        value = MappedValue(f"{quoted(mapping.prefix)} || {value.sql}")
    if mapping.when:
        chosen = _chosen(mapping.when, context)
        value = MappedValue(*(f"case when {chosen} then {sql} end" if sql else "" for sql in (value.sql, value.unread)))
    return value


def read(column: str) -> str:
    """The name of a column's value in the rows that `unread` is computed over."""
    return f"read_{column}"


def unread_columns(values: Mapping[str, MappedValue]) -> dict[str, str]:
    """The columns UNREAD of a table, if any of its values can be unread: the first such column, and its text."""
    found = {name: value.unread for name, value in values.items() if value.unread}
    if not found:
        return {}
    names = " ".join(f"when {sql} is not null then {quoted(name)}" for name, sql in found.items())
    return dict(zip(UNREAD, (f"case {names} end", f"coalesce({', '.join(found.values())}, null)"), strict=True))


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
    """The number as text, times another where the mapping says so; null where one is none."""
    form = mapping.number or context.table.number
    plain = _plain_number(value, form) if form else value
    if not mapping.times:
        return plain
    other = context.text(mapping.times)
    times = _plain_number(other, form) if form else other
    return f"try_cast({plain} as decimal(18, 4)) * try_cast({times} as decimal(18, 4))"


def _amount(column: Column, number: str, text: str) -> MappedValue:
    """An amount as a decimal, which the checks read faster than text; counts stay text, because casts round them."""
    if column.kind != "money":
        return MappedValue(f"coalesce(cast({number} as varchar), {text})")
    unread = f"case when {read(column.name)} is null then {text} end"
    return MappedValue(f"try_cast({number} as decimal(18, 2))", unread)


def _plain_number(value: str, form: NumberForm) -> str:
    """The number with a point and a minus sign in front; null for what is no number of this form."""
    bare = f"regexp_replace({value}, '[^0-9.,{form.thousands.replace(chr(39), chr(39) * 2)}]', '', 'g')"
    # Without the groups of three, 12.50 would be read as 1,250 where the point is the sign between thousands.
    groups = f"(([{form.thousands}][0-9]{{2,3}})*[{form.thousands}][0-9]{{3}})" if form.thousands else "()"
    whole = f"([0-9]{{1,3}}{groups}|[0-9]*)"
    is_number = f"regexp_matches({bare}, {quoted(f'^{whole}([{form.decimal}][0-9]*)?$')})"
    is_number = f"{is_number} and regexp_matches({bare}, '[0-9]')"
    plain = f"replace({bare}, {quoted(form.thousands)}, '')" if form.thousands else bare
    plain = f"replace({plain}, ',', '.')" if form.decimal == "," else plain
    sign = "''" if form.drop_sign else f"case when regexp_matches({value}, '[(-]') then '-' else '' end"
    return f"case when {is_number} then {sign} || {plain} end"


def _time(column: Column, text: str, mapping: ColumnMapping, context: MappingContext) -> MappedValue:
    zone = mapping.zone or context.table.zone
    if mapping.form:
        bare = len(mapping.source) == 1 and not mapping.values and mapping.source[0] != FILE_NAME
        plain = context.named(mapping.source[0]) if bare else text  # a form allows blanks, so nothing is trimmed
        parsed = [_parsed(plain, form, zone) for form in mapping.form]
        kinds = {_kind(form, zone) for form in mapping.form}
        parsed = parsed if len(kinds) == 1 else [f"cast({sql} as varchar)" for sql in parsed]
        value = parsed[0] if len(parsed) == 1 else f"coalesce({', '.join(parsed)})"
        return MappedValue(value, f"case when {read(column.name)} is null then {text} end")
    if not zone:
        return MappedValue(text)  # in a form of the contract
    local = f"cast(timezone({quoted(zone)}, try_cast({text} as timestamp)) as varchar)"
    timed = f"regexp_matches({text}, ':') and not {_has_zone(text)}"
    return MappedValue(f"case when {timed} then coalesce({local}, {text}) else {text} end")


def _has_zone(text: str) -> str:
    return f"regexp_matches({text}, ':.*(Z|[+-][0-9]{{2}}(:?[0-9]{{2}})?)$')"


def _kind(form: str, zone: str) -> str:
    """The SQL type that a form gives."""
    if form in EPOCHS or "%z" in form.lower():
        return "timestamptz"
    if form != EXCEL and not any(part in form for part in HAS_TIME):
        return "date"
    return "timestamptz" if zone else "timestamp"


def _parsed(value: str, form: str, zone: str) -> str:
    if form in EPOCHS:
        return f"to_timestamp(try_cast({value} as double) / {EPOCHS[form]})"
    if form == EXCEL:
        days = f"try_cast({value} as double)"
        local = f"timestamp '1899-12-30' + to_microseconds(cast(round({days} * 86400) as bigint) * 1000000)"
        return f"timezone({quoted(zone)}, {local})" if zone else local
    parsed = f"try_strptime({value}, {quoted(form)})"
    match _kind(form, zone):
        case "date":
            return f"cast({parsed} as date)"
        case "timestamptz" if "%z" not in form.lower():
            return f"timezone({quoted(zone)}, {parsed})"
    return parsed


def _instant(text: str, mapping: ColumnMapping, context: MappingContext) -> str:
    """The time as an instant; null where it is none."""
    zone = mapping.zone or context.table.zone or context.market_zone
    if mapping.form:
        each = [
            f"cast({_parsed(text, form, zone)} as timestamptz)"
            if _kind(form, zone) == "timestamptz"
            else f"timezone({quoted(zone)}, cast({_parsed(text, form, zone)} as timestamp))"
            for form in mapping.form
        ]
        return f"coalesce({', '.join([*each, 'null'])})"
    local = f"timezone({quoted(zone)}, try_cast({text} as timestamp))"
    return f"case when {_has_zone(text)} then try_cast({text} as timestamptz) else {local} end"


def _due(column: Column, text: str, mapping: ColumnMapping, context: MappingContext) -> MappedValue:
    """The day that the service level adds up to; an unknown level, and a start that is no time, is unread."""
    by, due, counts = context.text(mapping.by), due_table(column.name), list(day_counts(mapping))
    days = {name.lower(): f"{due}.due_{i}" for i, name in enumerate(counts)}
    other = days.pop("", "null")
    cases = " ".join(f"when {quoted(name)} then {day}" for name, day in days.items())
    value = f"case lower({by}) {cases} else case when {by} is not null then {other} end end"
    named = f"lower({by}) in ({', '.join(map(quoted, days))})"
    must = f"{by} is not null" if mapping.other else f"coalesce({named}, false)"
    unread = f"case when {must} and {read(column.name)} is null then {text} end"
    if mapping.other is None:
        unread = f"case when {by} is not null and not {named} then {by} else {unread} end"
    return MappedValue(value, unread)


def _days(text: str) -> tuple[int, bool]:
    for pattern, business in ((CALENDAR, False), (BUSINESS, True)):
        if found := pattern.fullmatch(text.strip()):
            return int(found[1]), business
    rule = "Days to add must have a number and `days` or `business days`."
    raise ForesellError(rule, repr(text), "write, for example, 5 business days")
