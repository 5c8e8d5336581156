"""The contract's tables in a PostgreSQL database: which exist, and how either engine selects each column.

The user gives only the database's name. libpq finds host, user and password (PGHOST, PGUSER, PGPASSWORD, PGSERVICE,
~/.pgpass), so that no secret is on a command line.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import ForesellError
from core.sql_text import quoted
from features.ingest.checks import SourcePart
from features.ingest.contract import TABLES, Table
from features.ingest.sources import require_tables

PREFIX = "postgresql:"
SNAPSHOT = "set transaction isolation level repeatable read, read only"
# Enums and citext are read as text, domains as their base type.
COLUMNS = """with recursive found as (
    select attname, attnum, atttypid as type from pg_attribute
    where attrelid = to_regclass('{}') and attnum > 0 and not attisdropped
    union all
    select f.attname, f.attnum, t.typbasetype from found as f join pg_type as t on t.oid = f.type where t.typtype = 'd')
select f.attname, case when t.typtype = 'e' or t.typname = 'citext' then 'text' else format_type(t.oid, null) end
from found as f join pg_type as t on t.oid = f.type where t.typtype <> 'd' order by f.attnum"""
LOCK = "select from {} limit 0"  # locks the table against alter and truncate, which a snapshot does not


@dataclass(frozen=True)
class Kind:
    """A type of PostgreSQL: the SQL that selects a column of it, and the DuckDB type of the result."""

    result: str
    select: str = "{0}"


TEXT = Kind("VARCHAR", "{0}::text")
EARLIEST, LATEST = "'0001-01-01 00:00Z'", "'9999-12-31 00:00Z'"
# Infinite times become times that the contract refuses; `greatest` and `least` would turn a null into such a time.
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


def table_columns(cursor: Any, name: str) -> Mapping[str, Mapping[str, Kind]]:
    """The columns, by table, of the contract's tables in the database; locks the tables against changes of columns."""
    tables = {table: columns for table in TABLES if (columns := _columns(cursor, table))}
    require_tables(set(tables), f"{', '.join(tables) or 'none of them'} in the database {name!r}")
    return tables


def _columns(cursor: Any, table: str) -> dict[str, Kind]:
    cursor.execute(COLUMNS.format(table))
    columns = {str(column): _kind(str(kind)) for column, kind in cursor.fetchall()}
    if columns:
        cursor.execute(LOCK.format(table))
    return columns


def _kind(name: str) -> Kind:
    """The kind of a type; a type that the contract cannot use is read as null, under its own name for errors."""
    return KINDS.get(name, Kind(name.upper(), "null"))


def query(table: Table, columns: Mapping[str, Kind], *also: str) -> str:
    """A select of the columns that the contract has; also: more columns."""
    known = {c.name for c in table.columns}
    selected = [kind.select.format(f'"{c}"') + f' as "{c}"' for c, kind in columns.items() if c in known]
    return f"select {', '.join((*selected, *also)) or 'null as nothing'} from {table.name}"


def part(relation: str, table: Table, columns: Mapping[str, Kind], name: str) -> SourcePart:
    """The relation as a part of a source; its rows are identified by their keys."""
    key = ", ".join(f'"{column}"' for column in table.key if column in columns)
    row, file = f"concat_ws('/', {key})" if key else "cast(null as varchar)", quoted(f"{PREFIX}{name}/{table.name}")
    types = {column: kind.result for column, kind in columns.items()}
    return SourcePart(relation, types, f"the table {table.name} of {name!r}", file, row)


def check_name(name: str) -> None:
    """ForesellError if more than a name is given; the error does not repeat it, because it may be a secret."""
    if "=" in name or "/" in name or not name:
        rule = "A database must be given by its name alone; the environment gives host, user and password."
        raise ForesellError(rule, f"{PREFIX} and more than a name", "set PGHOST, PGUSER, PGPASSWORD")


def unreadable(error: Exception) -> ForesellError:
    """The error for a database that cannot be read."""
    step = "check PGHOST, PGPORT, PGUSER and PGPASSWORD or ~/.pgpass, and the rights of the user"
    return ForesellError("The database must be readable.", " ".join(str(error).split("\n")[:2]), step)
