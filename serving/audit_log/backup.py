"""Backup and restore while the service runs. A backup is one SQLite file, whichever database it is of.

So it needs no program of the database's own, can be opened and verified anywhere, and can be restored into either.
"""

import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from core.errors import ForesellError
from serving.audit_log.chain import head
from serving.audit_log.verify import Verification, verify
from serving.database.connection import SQLITE, connect, reading, writing
from serving.database.metadata import all_tables
from serving.database.migrate import upgrade
from serving.database.tables.chain import CHAIN_HEAD
from serving.store.pointer import sync_folder

AT_ONCE = 1000


def back_up(engine: sa.Engine, file: Path) -> Verification:
    """Write the records as of one moment to a file that must not exist, and verify what was written."""
    if file.exists():
        raise ForesellError("A backup must not overwrite a file.", file, "give the name of a new file")
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent) as scratch:
        draft = Path(scratch) / "records.sqlite"
        (_copy_sqlite if engine.dialect.name == SQLITE else _copy_rows)(engine, draft)
        verified = _verified(draft)
        _alone(draft)
        draft.rename(file)
        sync_folder(file.parent)
    return verified


def restore(engine: sa.Engine, file: Path) -> Verification:
    """Put the records of a backup into a database that has none, all of them or nothing; verify what is there then."""
    if not file.is_file():
        raise ForesellError("A backup must be a file.", file, "give the file that `foresell records backup` wrote")
    with tempfile.TemporaryDirectory() as scratch:
        source = _open(Path(shutil.copy(file, scratch)))
        upgrade(source)  # a backup may be of an older version
        with reading(source) as old, writing(engine) as new:
            _check_empty(new)
            _move(old, new)
        source.dispose()
    return verify(engine)


def _open(file: Path) -> sa.Engine:
    return connect(sa.URL.create(SQLITE, database=str(file)))


def _copy_sqlite(engine: sa.Engine, file: Path) -> None:
    with closing(engine.raw_connection()) as raw, closing(sqlite3.connect(file)) as copy:
        raw.driver_connection.backup(copy)  # type: ignore[union-attr]


def _copy_rows(engine: sa.Engine, file: Path) -> None:
    target = _open(file)
    upgrade(target)
    with reading(engine) as old, writing(target) as new:
        _move(old, new)
    target.dispose()


def _verified(file: Path) -> Verification:
    engine = _open(file)
    with reading(engine) as con:
        said = con.exec_driver_sql("pragma integrity_check").scalar()
    if said != "ok":
        raise ForesellError(
            "A backup must pass the integrity check of SQLite.", said, "check the disk and the database"
        )
    verified = verify(engine)
    engine.dispose()
    return verified


def _alone(file: Path) -> None:
    """Make it one file, without a journal beside it, that is on the disk."""
    with closing(sqlite3.connect(file)) as con:
        con.execute("pragma journal_mode = delete")
    with file.open("rb") as handle:
        os.fsync(handle.fileno())


def _move(old: sa.Connection, new: sa.Connection) -> None:
    """Every row of every table, in an order that foreign keys allow."""
    new.execute(sa.delete(CHAIN_HEAD))
    for table in all_tables().sorted_tables:
        found = old.execution_options(yield_per=AT_ONCE).execute(sa.select(table)).mappings()
        for rows in found.partitions(AT_ONCE):
            new.execute(sa.insert(table), [dict(row) for row in rows])
        _continue(new, table)


def _continue(con: sa.Connection, table: sa.Table) -> None:
    """PostgreSQL's own numbering goes on after the numbers that were put in."""
    column = table.autoincrement_column
    if column is not None and con.dialect.name != SQLITE:
        last = con.scalar(sa.select(sa.func.max(column)))
        sequence = sa.func.pg_get_serial_sequence(table.name, column.name)
        if last is not None:
            con.execute(sa.select(sa.func.setval(sequence, last)).where(sequence.is_not(None)))


def _check_empty(con: sa.Connection) -> None:
    there = {t.name: _count(con, t) for t in all_tables().sorted_tables if t is not CHAIN_HEAD}
    full = {name: count for name, count in there.items() if count}
    if head(con)[0] or full:
        said = ", ".join(f"{count} {name}" for name, count in full.items())
        step = "stop the service and move the old database away, or name an empty one in FORESELL_DATABASE"
        raise ForesellError("A backup can be restored only into an empty database.", said, step)


def _count(con: sa.Connection, table: sa.Table) -> int:
    return con.scalar(sa.select(sa.func.count()).select_from(table)) or 0
