"""The database of the records: where it is, how it is reached, and that its tables are there.

A commit has reached the disk when it returns, in either database, whatever the server's own default is.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool

from core.errors import ForesellError
from core.file_lock import locked
from core.settings import Settings
from serving.database.migrate import upgrade

BUSY_SECONDS = 5.0
TURN_SECONDS = 0.001  # between two tries for the writer's lock, which a commit holds for some milliseconds
SQLITE, POSTGRESQL = "sqlite", "postgresql"
READS = "foresell_reads"


def address(settings: Settings) -> sa.URL:
    """Where the records are: the setting, or a SQLite file under home."""
    if not settings.database:
        return sa.URL.create(SQLITE, database=str(settings.home.resolve() / "serving" / "records.sqlite"))
    try:
        url = sa.make_url(settings.database)
    except ArgumentError:
        url = sa.URL.create("?")
    match url.get_backend_name():
        case "sqlite" if url.database:
            return url.set(drivername=SQLITE, database=str(Path(url.database).resolve()))
        case "postgresql":
            return url.set(drivername="postgresql+psycopg")
    rule = "The records must be in a SQLite file or in PostgreSQL."
    step = "set FORESELL_DATABASE to sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME, or leave it empty"
    raise ForesellError(rule, f"FORESELL_DATABASE starts with {url.drivername!r}", step)


def open_database(settings: Settings) -> sa.Engine:
    """An engine on the database with the newest tables; of several processes, one makes them."""
    engine = connect(address(settings))
    with locked(settings.home.resolve() / "serving" / "records.lock"):
        upgrade(engine)
    return engine


def connect(url: sa.URL) -> sa.Engine:
    """An engine as durable as the rest relies on; the tables are as they are."""
    return _sqlite(url) if url.get_backend_name() == SQLITE else _postgresql(url)


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection that sees one state of the database and takes no lock."""
    one_state = {} if engine.dialect.name == SQLITE else {"isolation_level": "REPEATABLE READ"}
    with engine.connect().execution_options(**{READS: True}, **one_state) as con:
        yield con


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection whose work is durable when the block ends, or undone when it raises."""
    with engine.begin() as con:
        yield con


@contextmanager
def erasing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """As `writing`; what the block takes out is gone from the database's files too, not only from its tables."""
    with writing(engine) as con:
        yield con
    if engine.dialect.name == SQLITE:
        with closing(engine.raw_connection()) as raw:
            raw.cursor().execute("pragma wal_checkpoint(truncate)").fetchall()
    else:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as con:
            con.exec_driver_sql("vacuum")


def alone(con: sa.Connection, table: sa.Table) -> None:
    """Let nobody else write a table until this transaction ends. On SQLite there is one writer at a time as it is."""
    if con.dialect.name == POSTGRESQL:
        con.exec_driver_sql(f"lock table {table.name} in share row exclusive mode")


def insert_new(con: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows whose key is not there yet; the others stay as they are."""
    dialect = sqlite if con.dialect.name == SQLITE else postgresql
    con.execute(dialect.insert(table).on_conflict_do_nothing(), rows)


def _sqlite(url: sa.URL) -> sa.Engine:
    Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(url, poolclass=QueuePool, connect_args={"timeout": BUSY_SECONDS})
    sa.event.listen(engine, "connect", _prepare)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _: Any) -> None:
    """FULL: a commit has reached the disk. secure_delete: what is deleted is overwritten."""
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(con: sa.Connection) -> None:
    """IMMEDIATE: a writer waits at once, not in the middle, where SQLite would refuse it."""
    if con.get_execution_options().get(READS) or not _waited_for(con.connection.dbapi_connection):
        con.exec_driver_sql("BEGIN" if con.get_execution_options().get(READS) else "BEGIN IMMEDIATE")


def _waited_for(connection: Any) -> bool:
    """Whether the writer's lock came within BUSY_SECONDS.

    SQLite's own wait sleeps longer and longer, up to a tenth of a second, where a commit takes milliseconds.
    """
    end = monotonic() + BUSY_SECONDS
    connection.execute("PRAGMA busy_timeout=0")
    while not (begun := _begun(connection)) and monotonic() < end:
        sleep(TURN_SECONDS)
    connection.execute(f"PRAGMA busy_timeout={int(BUSY_SECONDS * 1000) if begun else 0}")
    return begun


def _begun(connection: Any) -> bool:
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True


def _postgresql(url: sa.URL) -> sa.Engine:
    milliseconds = int(BUSY_SECONDS * 1000)
    options = f"-c synchronous_commit=on -c lock_timeout={milliseconds} -c statement_timeout={6 * milliseconds}"
    arguments = {"connect_timeout": int(BUSY_SECONDS), "options": options}
    return sa.create_engine(url, connect_args=arguments, pool_pre_ping=True)
