"""The contract's tables in a PostgreSQL database: which are there, and how each column is asked for by either engine.

Only the database's name is given. Host, user and password are libpq's own business (PGHOST, PGUSER, PGPASSWORD,
PGSERVICE, ~/.pgpass), so that no secret is ever on a command line.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from features.checks import Part
from features.contract import TABLES, Table
from features.engine import quoted
from features.errors import ForesellError
from features.sources import require_tables

PREFIX = "postgresql:"
SNAPSHOT = "set transaction isolation level repeatable read, read only"
# Enums and citext are read as text, domains as what they are domains of.
COLUMNS = """with recursive found as (
    select attname, attnum, atttypid as type from pg_attribute
    where attrelid = to_regclass('{}') and attnum > 0 and not attisdropped
    union all
    select f.attname, f.attnum, t.typbasetype from found as f join pg_type as t on t.oid = f.type where t.typtype = 'd')
select f.attname, case when t.typtype = 'e' or t.typname = 'citext' then 'text' else format_type(t.oid, null) end
from found as f join pg_type as t on t.oid = f.type where t.typtype <> 'd' order by f.attnum"""
HOLD = "select from {} limit 0"  # keeps it from being altered or emptied, which a snapshot does not


@dataclass(frozen=True)
class Kind:
    """How a column of one of PostgreSQL's types is asked for, and what the answer holds by DuckDB's name."""

    holds: str
    asked: str = "{0}"


TEXT = Kind("VARCHAR", "{0}::text")
EARLIEST, LATEST = "'0001-01-01 00:00Z'", "'9999-12-31 00:00Z'"
# Infinite times become ones that are refused as too far; `greatest` and `least` would make one of a missing time.
IN_REACH = f"case when {{0}} > {LATEST} then {LATEST} when {{0}} < {EARLIEST} then {EARLIEST} else {{0}} end"
KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("text", "character varying", "character", '"char"', "name", "uuid", "numeric"), TEXT),
    "money": Kind("VARCHAR", "{0}::numeric::text"),
    "smallint": Kind("SMALLINT"),
    "integer": Kind("INTEGER"),
    "bigint": Kind("BIGINT"),
    "real": Kind("FLOAT"),
    "double precision": Kind("DOUBLE"),
    "boolean": Kind("BOOLEAN"),
    "date": Kind("DATE", IN_REACH),
    "timestamp without time zone": Kind("TIMESTAMP", IN_REACH),
    "timestamp with time zone": Kind("TIMESTAMP WITH TIME ZONE", IN_REACH),
}
Held = Mapping[str, Mapping[str, Kind]]  # columns by table, in order


def held_tables(cursor: Any, name: str) -> Held:
    """The columns of the contract's tables that the database has, none of which changes its shape from now on."""
    found = {table: columns for table in TABLES if (columns := _columns(cursor, table))}
    require_tables(set(found), f"{', '.join(found) or 'none of them'} in the database {name!r}")
    return found


def _columns(cursor: Any, table: str) -> dict[str, Kind]:
    cursor.execute(COLUMNS.format(table))
    columns = {str(column): _kind(str(kind)) for column, kind in cursor.fetchall()}
    if columns:
        cursor.execute(HOLD.format(table))
    return columns


def _kind(name: str) -> Kind:
    """One that the contract knows no use for is not read; its name then says what was found."""
    return KINDS.get(name, Kind(name.upper(), "null"))


def query(table: Table, columns: Mapping[str, Kind], *also: str) -> str:
    """A select of the columns that the contract knows."""
    known = {c.name for c in table.columns}
    asked = [kind.asked.format(f'"{c}"') + f' as "{c}"' for c, kind in columns.items() if c in known]
    return f"select {', '.join((*asked, *also)) or 'null as nothing'} from {table.name}"


def part(relation: str, table: Table, columns: Mapping[str, Kind], name: str) -> Part:
    """The rows that the relation holds, each named by its key."""
    key = ", ".join(f'"{column}"' for column in table.key if column in columns)
    row, file = f"concat_ws('/', {key})" if key else "cast(null as varchar)", quoted(f"{PREFIX}{name}/{table.name}")
    holds = {column: kind.holds for column, kind in columns.items()}
    return Part(relation, holds, f"the table {table.name} of {name!r}", file, row)


def check_name(name: str) -> None:
    """ForesellError where more than a name is given: it might be a secret, so it is not repeated."""
    if "=" in name or "/" in name or not name:
        rule = "Only the database is named; the rest comes from the environment."
        raise ForesellError(rule, f"{PREFIX} and more than a name", "set PGHOST, PGUSER, PGPASSWORD")


def unreadable(error: Exception) -> ForesellError:
    """The error of a database that refuses."""
    step = "check PGHOST, PGPORT, PGUSER and PGPASSWORD or ~/.pgpass, and the rights of the user"
    return ForesellError("The database must be readable.", " ".join(str(error).split("\n")[:2]), step)
