"""The checks of a table as SQL: one pass types each row and names the first rule of the contract that it breaks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.sql_text import quoted
from features.ingest.column_parsers import WRONG_TYPE, Zones, family, parser_of, raw_sql
from features.ingest.contract import Table

BROKEN_ROW = "broken row"
UNREAD = ("_unread_column", "_unread_value")  # of an imported folder: a value of a row that could not be read
NO_TIME = "cancelled_by without cancelled_at"
# Rules on several columns of one row: the columns they need, the one that is named, the rule, and its condition.
ROW_RULES: Mapping[str, tuple[tuple[frozenset[str], str, str, str], ...]] = {
    "orders": (
        (
            frozenset({"cancelled_by", "cancelled_at"}),
            "cancelled_by",
            NO_TIME,
            "raw_cancelled_by <> 'unknown' and raw_cancelled_at is null",
        ),
    )
}

# Extra columns while a table is read; they are null in a row that breaks no rule.
STAGING = dict.fromkeys(("_file", "_row", "_column", "_rule", "_value", "_seller"), "varchar")


@dataclass(frozen=True)
class SourcePart:
    """A part of a source table with one layout: a SQL relation, its columns' types, and the SQL of each row's place."""

    relation: str
    columns: Mapping[str, str]
    label: str  # the part's name in errors
    file: str = "cast(null as varchar)"
    row: str = "cast(null as varchar)"
    files: tuple[Path, ...] = ()
    rejects: str = ""  # where the CSV reader puts the rows that it cannot split


def checked(table: Table, part: SourcePart, zones: Zones) -> str:
    """A select of the typed and the staging columns of every row."""
    columns = [c for c in table.columns if c.name in part.columns]
    parsers = {c.name: parser_of(c, part.columns[c.name], zones) for c in columns}
    rules = [(name, rule, condition) for name, p in parsers.items() for rule, condition in p.rules]
    rules += [(name, rule, sql) for needs, name, rule, sql in ROW_RULES.get(table.name, ()) if needs <= {*parsers}]
    raw = [f"{raw_sql(c, part.columns[c.name])} as raw_{c.name}" for c in columns]
    unread = {*UNREAD} <= {*part.columns}
    raw += UNREAD if unread else ()
    parsed = [f"{sql} as {name}" for p in parsers.values() for name, sql in p.parsed.items()]
    typed_sql = {name: sql for p in parsers.values() for name, sql in p.typed.items()}
    typed = [f"{typed_sql.get(name, f'cast(null as {kind})')} as {name}" for name, kind in table.typed.items()]
    texts = {c.name: _text(f"raw_{c.name}", part.columns[c.name]) for c in columns}
    return f"""with source as (select {_listed(raw)}, {part.file} as _at_file, {part.row} as _at_row
from {part.relation}),
parsed as (select {_listed(["*", *parsed])} from source),
judged as (select *, {_first_broken([condition for _, _, condition in rules], unread)} as _broken from parsed)
select {_listed([*typed, *_staging(rules, texts, unread)])} from judged"""


def repeated(table: Table, among: str = "true") -> str:
    """A select of each key and version that occurs more than once among the rows of a condition."""
    key = _listed(table.version_key)
    return f"select {key} from {table.name} where {among} group by {key} having count(*) > 1"


def is_repeated(table: Table) -> str:
    """The condition that a row's key and version are in `doubled`, the table of those that occur more than once."""
    same = " and ".join(f"{table.name}.{k} is not distinct from doubled.{k}" for k in table.version_key)
    return f"exists (select 1 from doubled where {same})"


def place(table: Table) -> str:
    """A row's place among the rows of its key and version; it does not depend on the order in which they were read."""
    return f"row_number() over (partition by {_listed(table.version_key)} order by {_listed(list(table.typed))})"


def known_day(table: Table) -> str:
    """The day on which a row (a version) was known: the later of its own day and the day it was recorded."""
    happened, recorded = f"{table.happened_at}_day", "recorded_at_day"
    return f"greatest(coalesce({happened}, {recorded}), coalesce({recorded}, {happened}))"


def _first_broken(conditions: Sequence[str], unread: bool) -> str:
    first = f"when {UNREAD[0]} is not null then -1 " if unread else ""
    return f"case {first}" + " ".join(f"when {condition} then {i}" for i, condition in enumerate(conditions)) + " end"


def _staging(rules: Sequence[tuple[str, str, str]], texts: Mapping[str, str], unread: bool) -> list[str]:
    column, value = UNREAD if unread else ("", "")
    staging = {
        "_file": "case when _broken is not null then _at_file end",
        "_row": "case when _broken is not null then cast(_at_row as varchar) end",
        "_column": _by_rule([quoted(name) for name, _, _ in rules], column),
        "_rule": _by_rule([quoted(rule) for _, rule, _ in rules], quoted(WRONG_TYPE) if unread else ""),
        "_value": _by_rule([texts[name] for name, _, _ in rules], value),
        "_seller": f"case when _broken is not null then {texts.get('seller_id', 'cast(null as varchar)')} end",
    }
    return [f"{sql} as {name}" for name, sql in staging.items()]


def _text(raw: str, sql_type: str) -> str:
    """A broken value as text; an instant is written in UTC, because engines write its zone in different ways."""
    if family(sql_type) == "instant":
        return f"cast(cast({raw} as timestamp) as varchar) || '+00'"
    return f"cast({raw} as varchar)"


def _by_rule(texts: Sequence[str], unread: str) -> str:
    first = f"when -1 then {unread} " if unread else ""
    return f"case _broken {first}" + " ".join(f"when {i} then {text}" for i, text in enumerate(texts)) + " end"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
