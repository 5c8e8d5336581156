"""The file of an incremental ledger: its rows, its sums, and the digests of the files that were added."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb
from pydantic import TypeAdapter

from core.errors import ForesellError
from core.sql_text import quoted
from features.engines.duckdb import connect
from features.incremental.rebuild import CORRECTIONS, LEDGER, Source
from features.incremental.touched import ROWS, stored
from features.ingest.quarantine import IntakeReport
from features.ledger.build import ENTRIES
from features.ledger.quantities import available_quantities

FILE = "ledger.duckdb"
FORMAT = 5
ROW_GROUP = 122_880  # rows of one block of the file; DuckDB closes the gaps in a block at once


@contextmanager
def opened(file: Path, memory_gb: float, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """A new connection, in memory, with the file attached as `kept`."""
    with connect(memory_gb, keeps=not read_only) as con:
        attach(con, file, read_only)
        yield con


def attach(con: duckdb.DuckDBPyConnection, file: Path, read_only: bool = False) -> None:
    """Attach the file as `kept`."""
    try:
        con.execute(f"attach {quoted(file)} as kept{' (read_only)' if read_only else ''}")
    except duckdb.IOException as e:
        step = "wait until the other process is done, or name another ledger"
        raise ForesellError("Only one process may add to a ledger.", str(e).split("\n")[0], step) from e


def create(con: duckdb.DuckDBPyConnection, quantities: tuple[str, ...]) -> None:
    """Make the tables of the ledger, empty; those of the typed rows are made by `create_rows`."""
    days = ", ".join(f"{name} integer" for name in ("day",))
    sums = ", ".join(f"{q} bigint" for q in quantities)
    con.execute(f"create table kept.ledger ({LEDGER[0]} varchar, {days}, {sums}, {ENTRIES} bigint)")
    keys = f"{CORRECTIONS[0]} varchar, {CORRECTIONS[1]} integer, {CORRECTIONS[2]} integer"
    con.execute(f"create table kept.ledger_corrections ({keys}, {sums})")
    con.execute("create table kept.first_lines (seller_id varchar, item_id varchar, category varchar, day integer)")
    con.execute("create table kept.line_counts (seller_id varchar, item_id varchar, category varchar, lines bigint)")
    con.execute("create table kept.taken (digest varchar, table_name varchar, file varchar)")
    con.execute("create table kept.facts (facts varchar)")


def create_rows(con: duckdb.DuckDBPyConnection, schema: str) -> None:
    """Make the typed tables, empty."""
    for table in ROWS:
        columns = ", ".join(f"{name} {kind}" for name, kind in stored(table).items())
        con.execute(f"create table {schema}.{table} ({columns})")


def source_of(con: duckdb.DuckDBPyConnection) -> Source:
    """The source of the file's rows; ForesellError if the file has another format."""
    facts = json.loads(con.execute("select facts from kept.facts").fetchall()[0][0])
    if facts["format"] != FORMAT:
        step = "name a new folder: foresell grow LEDGER DATA builds it from all files of its source"
        raise ForesellError(f"A ledger must have the format {FORMAT}.", f"format {facts['format']}", step)
    available = frozenset(facts["available"])
    intake = TypeAdapter(IntakeReport).validate_json(facts["intake"])
    return Source(facts["name"], facts["zone"], available, available_quantities(available), intake)


def keep_source(con: duckdb.DuckDBPyConnection, source: Source) -> None:
    """Write the source into the file."""
    facts = {"format": FORMAT, "name": source.name, "zone": source.zone, "available": sorted(source.available)}
    facts["intake"] = TypeAdapter(IntakeReport).dump_json(source.intake).decode()
    con.execute("delete from kept.facts")
    con.execute("insert into kept.facts values (?)", [json.dumps(facts)])


def taken(con: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """The digests of the files that were added to the ledger."""
    return frozenset(row[0] for row in con.execute("select digest from kept.taken").fetchall())


def put_in_place(draft: Path, file: Path) -> None:
    """Rename the draft to the file's name, durably, completely or not at all."""
    with draft.open("rb") as written:
        os.fsync(written.fileno())
    draft.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def spare(con: duckdb.DuckDBPyConnection) -> None:
    """Let this run close gaps of deleted rows in at most a fiftieth of the ledger; one day leaves fewer gaps."""
    rows = con.execute("select count(*) from kept.ledger").fetchall()[0][0]
    con.execute(f"set max_vacuum_tasks = {1 + int(rows) // (50 * ROW_GROUP)}")


def remove(draft: Path) -> None:
    """Remove the draft that an interrupted run left."""
    for path in (draft, draft.with_name(f"{draft.name}.wal")):
        with suppress(FileNotFoundError):
            path.unlink()
