"""Intake from PostgreSQL on Spark, through its JDBC connector: the same checks over the same rows of one moment.

Spark opens connections of its own, so one of ours holds the moment until all tables are read: it exports its snapshot,
and each of Spark's adopts it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pyarrow as pa

from features import spark_intake
from features.checks import Part
from features.contract import TABLES, Table
from features.database import SNAPSHOT, Kind, check_name, held_tables, part, query, unreadable
from features.engine import quoted
from features.errors import ForesellError
from features.intake import QUARANTINE_SHARE, Marketplace, accepted, said_zones
from features.spark import Spark

if TYPE_CHECKING:
    import psycopg

JARS = "spark.jars"
JAR = Path("/usr/share/java/postgresql.jar")  # of Debian's libpostgresql-jdbc-java
DRIVER = "org.postgresql.Driver"
CARRIED = ("sslmode", "sslrootcert", "sslcert", "sslkey", "options")  # what libpq and the driver call alike
ROWS = "10000"  # fetched at a time; only with some number does Spark open the transaction that a snapshot needs
STREAM, STREAMS = 16_384, 16  # pages of 8 KB that are worth a stream of their own, and streams at once
PAGES = """with parts (part) as (
    select to_regclass('{0}') union select relid from pg_partition_tree(to_regclass('{0}'))),
sizes as (select pg_relation_size(part) / current_setting('block_size')::bigint as pages from parts)
select coalesce(sum(pages), 0), coalesce(max(pages), 0) from sizes"""
TIMES: Mapping[str, tuple[str, str]] = {  # how each is asked for as text, and what Spark makes of it
    "DATE": ("({})::text", "date"),
    "TIMESTAMP": ("({})::text", "timestamp_ntz"),
    "TIMESTAMP WITH TIME ZONE": ("(({}) at time zone 'UTC')::text || 'Z'", "timestamp"),
}


def with_driver(conf: Mapping[str, str]) -> dict[str, str]:
    """The settings with the driver of this machine, where they name no jars of their own."""
    return ({JARS: str(JAR)} if JAR.is_file() else {}) | dict(conf)


def open_database(
    con: Spark,
    name: str,
    zone: str | None = None,
    quarantine_share: float = QUARANTINE_SHARE,
    quarantine_to: Path | None = None,
    times_zone: str | None = None,
    added: Mapping[str, pa.Table] | None = None,
) -> Marketplace:
    """Read the tables of a database as `postgresql.open_database` does; `quarantine_to` becomes a folder."""
    zones = said_zones({}, zone, times_zone)
    with _moment(name) as holder:
        held, options = held_tables(holder.cursor(), name), _options(holder, name)
        parts = {t: (_part(con, options, name, TABLES[t], held[t], _ranges(holder, t)),) for t in held}
        market = spark_intake.read_parts(con, name, zones, spark_intake.with_frames(con, parts, added or {}))
    return accepted(market, quarantine_share, quarantine_to)


@contextmanager
def _moment(name: str) -> Iterator["psycopg.Connection"]:
    """A connection in one transaction that only reads and sees one moment."""
    import psycopg

    check_name(name)
    try:
        with psycopg.connect(dbname=name, application_name="foresell") as holder:
            holder.execute(SNAPSHOT)
            yield holder
    except psycopg.Error as error:
        raise unreadable(error) from None


def _options(holder: "psycopg.Connection", name: str) -> dict[str, str]:
    """How Spark connects: as libpq did, which knows the environment. The password is an option: Spark hides those."""
    at, said = holder.info, holder.info.get_parameters()
    if at.host.startswith(("/", "@")):
        rule, step = "Spark reaches PostgreSQL by TCP.", "set PGHOST to the server's address, such as localhost"
        raise ForesellError(rule, f"the socket in {at.host}", step)
    host = f"[{at.host}]" if ":" in at.host else at.host
    options = {
        "url": f"jdbc:postgresql://{host}:{at.port}/{quote(name, safe='')}",
        "driver": DRIVER,
        "user": at.user,
        "password": at.password,
        "ApplicationName": "foresell",
        "fetchsize": ROWS,
        "sessionInitStatement": _adopted(holder),
    }
    return {k: v for k, v in options.items() if v} | {k: said[k] for k in CARRIED if k in said}


def _adopted(holder: "psycopg.Connection") -> str:
    """The statement that takes another transaction to the holder's moment."""
    found = holder.execute("select pg_export_snapshot()").fetchall()
    return f"{SNAPSHOT}; set transaction snapshot {quoted(found[0][0])}"


def _ranges(holder: "psycopg.Connection", table: str) -> list[str]:
    """Conditions that split a large table by where its rows lie, which does not change while it is held."""
    pages, longest = map(int, holder.execute(PAGES.format(table)).fetchall()[0])
    streams = min(max(pages // STREAM, 1), STREAMS)
    cuts = [f"'({longest * i // streams},0)'" for i in range(1, streams)]
    from_here = ["true", *(f"at >= {cut}" for cut in cuts)]
    to_there = [*(f"at < {cut}" for cut in cuts), "true"]
    return [f"{first} and {last}" for first, last in zip(from_here, to_there, strict=True)]


def _part(
    con: Spark, options: Mapping[str, str], name: str, table: Table, columns: Mapping[str, Kind], ranges: list[str]
) -> Part:
    """A view of the table in the database, in a stream for each range; nothing of it is read yet."""
    place = ("ctid as at",) if len(ranges) > 1 else ()  # a view has none, and is read in one stream
    asked = query(table, {c: _as_text(kind) for c, kind in columns.items()}, *place)
    try:
        rows = con.session.read.options(**options).jdbc(options["url"], f"({asked}) as asked", predicates=ranges)
    except Exception as error:  # whatever Spark or the driver raise
        raise _refused(error) from None
    relation = f"database_{table.name}"
    rows.selectExpr(*(_back(c, columns) for c in rows.columns if c != "at")).createOrReplaceTempView(relation)
    return part(relation, table, columns, name)


def _as_text(kind: Kind) -> Kind:
    """Days and times come as text: Java's own skip hours, as its process's zone does, and change calendars in 1582."""
    return replace(kind, asked=TIMES[kind.holds][0].format(kind.asked)) if kind.holds in TIMES else kind


def _back(column: str, columns: Mapping[str, Kind]) -> str:
    holds = columns[column].holds if column in columns else ""
    return f"cast(`{column}` as {TIMES[holds][1]}) as `{column}`" if holds in TIMES else f"`{column}`"


def _refused(error: Exception) -> ForesellError:
    if "ClassNotFoundException" in str(error):
        rule = "Spark reads PostgreSQL through its JDBC driver."
        step = f"install it (Debian: apt-get install libpostgresql-jdbc-java), or name it with --spark-conf {JARS}=..."
        return ForesellError(rule, f"no {DRIVER} in Spark", step)
    return unreadable(error)
