"""SQL that turns a source table into a typed one, and marks each row with the first rule it breaks. Generated from the contract."""

from collections.abc import Mapping
from dataclasses import dataclass

from features.contract import Table
from features.engine import quoted
from features.readings import Zones, raw_sql, reading

UNKNOWN_LINE = "refers to no order line"
BROKEN_ROW = "broken row"

STAGING = {"_file": "varchar", "_row": "varchar", "_column": "varchar", "_rule": "varchar", "_value": "varchar"}


@dataclass(frozen=True)
class Part:
    """A piece of a source table with one layout: a SQL relation, its columns with their families, and where its rows stand."""

    relation: str
    columns: Mapping[str, str]
    label: str
    file: str = "cast(null as varchar)"
    row: str = "cast(null as varchar)"


def checked(table: Table, part: Part, zones: Zones) -> str:
    """A select of every typed column of the table; the staging columns say what is broken, and are null where nothing is."""
    columns = [c for c in table.columns if c.name in part.columns]
    readings = {c.name: reading(c, part.columns[c.name], zones) for c in columns}
    rules = [(name, rule, condition) for name, r in readings.items() for rule, condition in r.rules]
    raw = [f"{raw_sql(c, part.columns[c.name])} as raw_{c.name}" for c in columns]
    parsed = [f"{sql} as {name}" for r in readings.values() for name, sql in r.parsed.items()]
    typed = {name: sql for r in readings.values() for name, sql in r.typed.items()}
    found = [f"{typed.get(name, f'cast(null as {kind})')} as {name}" for name, kind in table.typed.items()]
    return f"""with source as (select {", ".join([*raw, f"{part.file} as _at_file", f"{part.row} as _at_row"])} from {part.relation}),
parsed as (select {", ".join(["*", *parsed])} from source),
judged as (select *, {_first_broken(rules)} as _broken from parsed)
select {", ".join([*found, *_staging(rules)])} from judged"""


def unknown_lines(table: str, key: str) -> str:
    """A select of the quarantine entries of rows that refer to no order line."""
    return f"""select {quoted(table)} as table_name, cast(null as varchar) as file, {key} as row, 'line_id' as column_name,
{quoted(UNKNOWN_LINE)} as rule, concat_ws('/', order_id, line_id) as value from {table} where {NO_LINE.format(table=table)}"""


NO_LINE = "not exists (select 1 from orders where orders.order_id = {table}.order_id and orders.line_id = {table}.line_id)"


def repeated(table: Table) -> str:
    """A select of the keys (with version) that occur more than once."""
    key = ", ".join([*table.key, "recorded_at"])
    return f"select {key} from {table.name} group by {key} having count(*) > 1"


def known_day(table: Table) -> str:
    """The day on which a row (a version) was known: the later of the day it speaks of and the day it was recorded."""
    born, recorded = f"{table.born}_day", "recorded_at_day"
    return f"greatest(coalesce({born}, {recorded}), coalesce({recorded}, {born}))"


def _first_broken(rules: list[tuple[str, str, str]]) -> str:
    return "case " + " ".join(f"when {condition} then {i}" for i, (_, _, condition) in enumerate(rules)) + " end"


def _staging(rules: list[tuple[str, str, str]]) -> list[str]:
    def by_rule(texts: list[str]) -> str:
        return "case _broken " + " ".join(f"when {i} then {text}" for i, text in enumerate(texts)) + " end"

    shown = {
        "_file": "case when _broken is not null then _at_file end",
        "_row": "case when _broken is not null then _at_row end",
        "_column": by_rule([quoted(name) for name, _, _ in rules]),
        "_rule": by_rule([quoted(rule) for _, rule, _ in rules]),
        "_value": by_rule([f"cast(raw_{name} as varchar)" for name, _, _ in rules]),
    }
    return [f"{sql} as {name}" for name, sql in shown.items()]
