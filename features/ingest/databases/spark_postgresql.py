"""Intake from PostgreSQL on Spark, through its JDBC connector: the same checks on rows that were read at one moment.

Spark opens its own connections. So a connection of ours exports a snapshot and stays open until all tables are read,
and each of Spark's connections uses that snapshot.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pyarrow as pa

from core.errors import ForesellError
from core.sql_text import quoted
from features.engines.spark import Spark
from features.ingest import spark_folder
from features.ingest.checks import SourcePart
from features.ingest.contract import TABLES, Table
from features.ingest.databases.schema import SNAPSHOT, Kind, check_name, part, query, table_columns, unreadable
from features.ingest.intake import QUARANTINE_SHARE, Marketplace, accepted, zones_from
from features.ingest.source_settings import SourceSettings

if TYPE_CHECKING:
    import psycopg

JARS = "spark.jars"
JAR = Path("/usr/share/java/postgresql.jar")  # of Debian's libpostgresql-jdbc-java
DRIVER = "org.postgresql.Driver"
SAME_NAMES = ("sslmode", "sslrootcert", "sslcert", "sslkey", "options")  # options with one name in libpq and the driver
ROWS = "10000"  # rows fetched at a time; Spark opens the transaction that a snapshot needs only if this is set
STREAM, STREAMS = 16_384, 16  # pages of 8 KB for which a stream is worthwhile, and the most streams at once
PAGES = """with parts (part) as (
    select to_regclass('{0}') union select relid from pg_partition_tree(to_regclass('{0}'))),
sizes as (select pg_relation_size(part) / current_setting('block_size')::bigint as pages from parts)
select coalesce(sum(pages), 0), coalesce(max(pages), 0) from sizes"""
TIMES: Mapping[str, tuple[str, str]] = {  # the SQL that selects each as text, and Spark's type for it
    "DATE": ("({})::text", "date"),
    "TIMESTAMP": ("({})::text", "timestamp_ntz"),
    "TIMESTAMP WITH TIME ZONE": ("(({}) at time zone 'UTC')::text || 'Z'", "timestamp"),
}


def with_driver(conf: Mapping[str, str]) -> dict[str, str]:
    """The settings with this machine's JDBC driver, unless they name other jars."""
    return ({JARS: str(JAR)} if JAR.is_file() else {}) | dict(conf)


def open_database(
    con: Spark,
    name: str,
    zone: str | None = None,
    quarantine_share: float = QUARANTINE_SHARE,
    quarantine_to: Path | None = None,
    times_zone: str | None = None,
    added: Mapping[str, pa.Table] | None = None,
    all_days: bool = False,
) -> Marketplace:
    """Read the tables of a database as `postgresql.open_database` does; `quarantine_to` becomes a folder."""
    zones = zones_from(SourceSettings(), zone, times_zone)
    with _snapshot(name) as connection:
        tables, options = table_columns(connection.cursor(), name), _options(connection, name)
        parts = {t: (_part(con, options, name, TABLES[t], tables[t], _ranges(connection, t)),) for t in tables}
        market = spark_folder.read_parts(
            con, name, zones, spark_folder.with_frames(con, parts, added or {}), (), all_days
        )
    return accepted(market, quarantine_share, quarantine_to)


@contextmanager
def _snapshot(name: str) -> Iterator["psycopg.Connection"]:
    """A connection in a read-only transaction that sees one moment."""
    import psycopg

    check_name(name)
    try:
        with psycopg.connect(dbname=name, application_name="foresell") as connection:
            connection.execute(SNAPSHOT)
            yield connection
    except psycopg.Error as error:
        raise unreadable(error) from None


def _options(connection: "psycopg.Connection", name: str) -> dict[str, str]:
    """Spark's options to connect as libpq did. The password is an option, because Spark hides options in its logs."""
    info, parameters = connection.info, connection.info.get_parameters()
    if info.host.startswith(("/", "@")):
        rule, step = "Spark must reach PostgreSQL by TCP.", "set PGHOST to the server's address, such as localhost"
        raise ForesellError(rule, f"the socket in {info.host}", step)
    host = f"[{info.host}]" if ":" in info.host else info.host
    options = {
        "url": f"jdbc:postgresql://{host}:{info.port}/{quote(name, safe='')}",
        "driver": DRIVER,
        "user": info.user,
        "password": info.password,
        "ApplicationName": "foresell",
        "fetchsize": ROWS,
        "sessionInitStatement": _use_snapshot(connection),
    }
    return {k: v for k, v in options.items() if v} | {k: parameters[k] for k in SAME_NAMES if k in parameters}


def _use_snapshot(connection: "psycopg.Connection") -> str:
    """A statement with which another transaction uses this connection's snapshot."""
    rows = connection.execute("select pg_export_snapshot()").fetchall()
    return f"{SNAPSHOT}; set transaction snapshot {quoted(rows[0][0])}"


def _ranges(connection: "psycopg.Connection", table: str) -> list[str]:
    """Conditions that split a large table by the place of its rows, which does not change within the snapshot."""
    pages, longest = map(int, connection.execute(PAGES.format(table)).fetchall()[0])
    streams = min(max(pages // STREAM, 1), STREAMS)
    cuts = [f"'({longest * i // streams},0)'" for i in range(1, streams)]
    from_here = ["true", *(f"at >= {cut}" for cut in cuts)]
    to_there = [*(f"at < {cut}" for cut in cuts), "true"]
    return [f"{first} and {last}" for first, last in zip(from_here, to_there, strict=True)]


def _part(
    con: Spark, options: Mapping[str, str], name: str, table: Table, columns: Mapping[str, Kind], ranges: list[str]
) -> SourcePart:
    """A view of the table in the database, with one stream for each range; no rows are read yet."""
    place = ("ctid as at",) if len(ranges) > 1 else ()  # a view has no ctid, and is read in one stream
    selected = query(table, {c: _as_text(kind) for c, kind in columns.items()}, *place)
    try:
        rows = con.session.read.options(**options).jdbc(options["url"], f"({selected}) as asked", predicates=ranges)
    except Exception as error:  # whatever Spark or the driver raise
        raise _refused(error) from None
    relation = f"database_{table.name}"
    rows.selectExpr(*(_from_text(c, columns) for c in rows.columns if c != "at")).createOrReplaceTempView(relation)
    return part(relation, table, columns, name)


def _as_text(kind: Kind) -> Kind:
    """Select days and times as text: Java's times skip hours of its process's zone, and change calendars in 1582."""
    return replace(kind, select=TIMES[kind.result][0].format(kind.select)) if kind.result in TIMES else kind


def _from_text(column: str, columns: Mapping[str, Kind]) -> str:
    result = columns[column].result if column in columns else ""
    return f"cast(`{column}` as {TIMES[result][1]}) as `{column}`" if result in TIMES else f"`{column}`"


def _refused(error: Exception) -> ForesellError:
    if "ClassNotFoundException" in str(error):
        rule = "Spark must have PostgreSQL's JDBC driver."
        step = f"install it (Debian: apt-get install libpostgresql-jdbc-java), or name it with --spark-conf {JARS}=..."
        return ForesellError(rule, f"no {DRIVER} in Spark", step)
    return unreadable(error)
