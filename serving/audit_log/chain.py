"""Append records and their entries in the chain, in one transaction.

There is one appender at a time: whoever holds the chain's head. On SQLite that is the writer, on PostgreSQL the holder
of the head's row. A record and its entry are committed together or not at all, so a crash leaves nothing to repair, no
record waits outside the chain, and entries are in the order of the commits.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa

from serving.database.chained_table import ChainedTable, chained_table_of, link
from serving.database.tables.chain import CHAIN, CHAIN_HEAD

Row = Mapping[str, Any]
AT_ONCE = 16  # rows of one statement, of which the driver keeps some prepared


class PreparedRow(NamedTuple):
    """A row as it is inserted, and its digests: all of an entry that does not depend on the one before."""

    row: Row
    kept: bytes
    payload: bytes


def prepared(table: sa.Table, rows: Iterable[Row]) -> list[PreparedRow]:
    """Rows of a chained table, made ready before anybody has to wait for the chain's head."""
    kind = chained_table_of(table)
    return [PreparedRow(row, *kind.digests(row)) for row in map(kind.salted, rows)]


def record(con: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> None:
    """Insert rows of a chained table with their entries; durable once the transaction is."""
    append(con, table, prepared(table, rows))


def append(con: sa.Connection, table: sa.Table, ready: Sequence[PreparedRow]) -> None:
    """The same with rows that are prepared."""
    if not ready:
        return
    entries = list(_entries(chained_table_of(table), ready, *lock_head(con)))
    _insert(con, table, [row for row, *_ in ready])
    _insert(con, CHAIN, entries)
    _move(con, entries[-1])


def lock_head(con: sa.Connection) -> tuple[int, bytes]:
    """The end of the chain, held until this transaction ends: seq and link of the last entry."""
    row = con.exec_driver_sql(_head(con.dialect)).one()
    return int(row[0]), bytes(row[1])


def head(con: sa.Connection) -> tuple[int, bytes]:
    """The end of the chain as of now, held by nobody."""
    row = con.execute(sa.select(CHAIN_HEAD.c.seq, CHAIN_HEAD.c.link)).one()
    return int(row.seq), bytes(row.link)


def _entries(kind: ChainedTable, ready: Sequence[PreparedRow], seq: int, before: bytes) -> Iterator[dict[str, Any]]:
    for number, (row, kept, payload) in enumerate(ready, seq + 1):
        before = link(before, number, kind.subject, row[kind.key], kept, payload)
        entry = {"seq": number, "subject": kind.subject, "record_id": row[kind.key], "kept": kept, "payload": payload}
        yield entry | {"link": before}


# The SQL of the hot path is made once a process: compiling it would take longer than running it. Several rows go into
# one statement: after each, SQLite's driver waits for its turn among Python's threads.
def _insert(con: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> None:
    names = tuple(rows[0])
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        values = tuple([row[name] for row in some for name in names])
        con.exec_driver_sql(_inserting(con.dialect, table, names, len(some)), values)


def _move(con: sa.Connection, last: Row) -> None:
    mark = _mark(con.dialect)
    moved = f"update chain_head set seq = {mark}, link = {mark} where id = 1"
    con.exec_driver_sql(moved, (last["seq"], last["link"]))


@cache
def _inserting(dialect: sa.Dialect, table: sa.Table, names: tuple[str, ...], rows: int) -> str:
    columns = ", ".join(dialect.identifier_preparer.quote(name) for name in names)
    row = f"({', '.join([_mark(dialect)] * len(names))})"
    return f"insert into {table.name} ({columns}) values {', '.join([row] * rows)}"


@cache
def _head(dialect: sa.Dialect) -> str:
    wanted = sa.select(CHAIN_HEAD.c.seq, CHAIN_HEAD.c.link).with_for_update()
    return str(wanted.compile(dialect=dialect))


def _mark(dialect: sa.Dialect) -> str:
    return "?" if dialect.paramstyle == "qmark" else "%s"
