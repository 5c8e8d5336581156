"""Intake from PostgreSQL: the contract's tables in a database, as they stood at one moment, into the same checks.

Only the database's name is given. Host, user and password are libpq's own business (PGHOST, PGUSER, PGPASSWORD,
PGSERVICE, ~/.pgpass), so that no secret is ever on a command line.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from features.checks import Part
from features.contract import TABLES, Table
from features.engine import connect, quoted
from features.errors import ForesellError
from features.intake import QUARANTINE_SHARE, Marketplace, accepted, read_parts, said_zones
from features.sources import require_tables
from features.subsets import with_frames

PREFIX = "postgresql:"
SNAPSHOT = "set transaction isolation level repeatable read, read only"
COLUMNS = """select a.attname, format_type(a.atttypid, null), t.typtype = 'e' from pg_attribute as a
    join pg_type as t on t.oid = a.atttypid
    where a.attrelid = to_regclass('{}') and a.attnum > 0 and not a.attisdropped order by a.attnum"""
AS_TEXT = ("numeric", "uuid", "character varying", "character", "name", "citext")
TIMES = ("timestamp with time zone", "timestamp without time zone", "date")
EARLIEST, LATEST = "0001-01-01", "9999-12-31"  # what stands for -infinity and infinity: both are refused as too far


def open_database(
    name: str,
    zone: str | None = None,
    quarantine_share: float = QUARANTINE_SHARE,
    quarantine_to: Path | None = None,
    times_zone: str | None = None,
    added: Mapping[str, pa.Table] | None = None,
) -> Marketplace:
    """Read the tables of a database (those on its search path) as `intake.open_folder` reads a folder."""
    con = connect()
    with _snapshot(name) as cursor:
        parts = {table.name: (part,) for table in TABLES.values() if (part := _staged(con, cursor, name, table))}
    require_tables(set(parts), f"{', '.join(parts) or 'none of them'} in the database {name!r}")
    market = read_parts(con, name, said_zones({}, zone, times_zone), with_frames(con, parts, added or {}))
    for pieces in parts.values():
        con.execute(f"drop table {pieces[0].relation}")
    return accepted(market, quarantine_share, quarantine_to)


@contextmanager
def _snapshot(name: str) -> Iterator[Any]:
    """A cursor in one transaction that only reads and sees one moment."""
    from adbc_driver_postgresql import dbapi

    if "=" in name or "/" in name or not name:
        rule, step = (
            "Only the database is named; the rest comes from the environment.",
            "set PGHOST, PGUSER, PGPASSWORD",
        )
        raise ForesellError(rule, f"{PREFIX} and more than a name", step)
    try:
        with dbapi.connect(f"dbname='{name}' application_name=foresell") as database, database.cursor() as cursor:
            cursor.execute(SNAPSHOT)
            yield cursor
    except dbapi.Error as error:
        step = "check PGHOST, PGPORT, PGUSER and PGPASSWORD or ~/.pgpass, and the rights of the user"
        found = " ".join(str(error).split("\n")[:2])
        raise ForesellError("The database must be readable.", found, step) from None


def _staged(con: duckdb.DuckDBPyConnection, cursor: Any, name: str, table: Table) -> Part | None:
    """The table's rows in the engine, streamed in batches; None where the database lacks it."""
    cursor.execute(COLUMNS.format(table.name))
    held = {str(column): (str(kind), bool(enum)) for column, kind, enum in cursor.fetchall()}
    if not held:
        return None
    known = {c.name for c in table.columns}
    read = ", ".join(_read(column, kind, enum) for column, (kind, enum) in held.items() if column in known)
    cursor.execute(f"select {read or 'null as nothing'} from {table.name}")
    relation, rows = f"staged_{table.name}", cursor.fetch_record_batch()
    con.register("batches", rows)
    con.execute(f"create table {relation} as select * from batches")
    con.unregister("batches")
    return _part(con, relation, held, name, table)


def _read(column: str, kind: str, enum: bool) -> str:
    """How a column is asked for: exact numbers and names as text, infinite times as ones that are too far."""
    if enum or kind in AS_TEXT:
        return f'"{column}"::text as "{column}"'
    if kind in TIMES:
        return f"""greatest(least("{column}", '{LATEST}'), '{EARLIEST}') as "{column}\""""
    return f'"{column}"'


def _part(con: duckdb.DuckDBPyConnection, relation: str, held: Mapping[str, object], name: str, table: Table) -> Part:
    """The staged rows, each named by its key."""
    types = {str(row[0]): str(row[1]) for row in con.execute(f"describe {relation}").fetchall()}
    columns = {column: types.get(column, "VARCHAR") for column in held}
    key = ", ".join(f'"{k}"' for k in table.key if k in types)
    row = f"concat_ws('/', {key})" if key else "cast(null as varchar)"
    return Part(relation, columns, f"the table {table.name} of {name!r}", quoted(f"{PREFIX}{name}/{table.name}"), row)
