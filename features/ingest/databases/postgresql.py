"""Intake from PostgreSQL: the contract's tables in a database, read at one moment and checked like files."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from features.engines.duckdb import connect
from features.ingest.checks import SourcePart
from features.ingest.contract import TABLES, Table
from features.ingest.databases.schema import SNAPSHOT, Kind, check_name, part, query, table_columns, unreadable
from features.ingest.intake import QUARANTINE_SHARE, Marketplace, accepted, read_parts, zones_from
from features.ingest.source_settings import SourceSettings
from features.ingest.subsets import with_frames


def open_database(
    name: str,
    zone: str | None = None,
    quarantine_share: float = QUARANTINE_SHARE,
    quarantine_to: Path | None = None,
    times_zone: str | None = None,
    added: Mapping[str, pa.Table] | None = None,
    all_days: bool = False,
) -> Marketplace:
    """Read the tables on a database's search path, as `intake.open_folder` reads a folder."""
    con = connect()
    with _snapshot(name) as cursor:
        tables = table_columns(cursor, name)
        parts = {table: (_staged(con, cursor, name, TABLES[table], columns),) for table, columns in tables.items()}
    market = read_parts(
        con, name, zones_from(SourceSettings(), zone, times_zone), with_frames(con, parts, added or {}), (), all_days
    )
    for pieces in parts.values():
        con.execute(f"drop table {pieces[0].relation}")
    return accepted(market, quarantine_share, quarantine_to)


@contextmanager
def _snapshot(name: str) -> Iterator[Any]:
    """A cursor in a read-only transaction that sees one moment."""
    from adbc_driver_postgresql import dbapi

    check_name(name)
    try:
        with dbapi.connect(f"dbname='{name}' application_name=foresell") as database, database.cursor() as cursor:
            cursor.execute(SNAPSHOT)
            yield cursor
    except dbapi.Error as error:
        raise unreadable(error) from None


def _staged(
    con: duckdb.DuckDBPyConnection, cursor: Any, name: str, table: Table, columns: Mapping[str, Kind]
) -> SourcePart:
    """Copy the table's rows into the engine, in batches."""
    cursor.execute(query(table, columns))
    relation, rows = f"staged_{table.name}", cursor.fetch_record_batch()
    con.register("batches", rows)
    con.execute(f"create table {relation} as select * from batches")
    con.unregister("batches")
    return part(relation, table, columns, name)
