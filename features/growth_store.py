"""The file that a growing ledger lives in: its rows, its sums, and which files they came from."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from features.engine import connect, quoted
from features.errors import ForesellError
from features.growth_build import CORRECTIONS, LEDGER, Source
from features.growth_rows import ROWS, stored
from features.ledger import ENTRIES
from features.quantities import available_quantities

FILE = "ledger.duckdb"
FORMAT = 4
ROW_GROUP = 122_880  # rows that the file keeps, and closes gaps in, together


@contextmanager
def opened(file: Path, memory_gb: float, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection of its own, in memory, with the file attached as `kept`."""
    with connect(memory_gb, keeps=not read_only) as con:
        attach(con, file, read_only)
        yield con


def attach(con: duckdb.DuckDBPyConnection, file: Path, read_only: bool = False) -> None:
    """Attach the file as `kept`."""
    try:
        con.execute(f"attach {quoted(file)} as kept{' (read_only)' if read_only else ''}")
    except duckdb.IOException as e:
        step = "wait until the other process is done, or name another ledger"
        raise ForesellError("One process at a time adds to a ledger.", str(e).split("\n")[0], step) from e


def create(con: duckdb.DuckDBPyConnection, quantities: tuple[str, ...]) -> None:
    """The tables beside the typed rows."""
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
    """Empty typed tables."""
    for table in ROWS:
        columns = ", ".join(f"{name} {kind}" for name, kind in stored(table).items())
        con.execute(f"create table {schema}.{table} ({columns})")


def source_of(con: duckdb.DuckDBPyConnection) -> Source:
    """What the file says of its source; ForesellError when it is of another format."""
    facts = json.loads(con.execute("select facts from kept.facts").fetchall()[0][0])
    if facts["format"] != FORMAT:
        step = "name a new folder: foresell grow LEDGER DATA builds it from all files of its source"
        raise ForesellError(f"A ledger must be of format {FORMAT}.", f"format {facts['format']}", step)
    available = frozenset(facts["available"])
    return Source(facts["name"], facts["zone"], available, available_quantities(available))


def keep_source(con: duckdb.DuckDBPyConnection, source: Source) -> None:
    """Write what is known of the source."""
    facts = {"format": FORMAT, "name": source.name, "zone": source.zone, "available": sorted(source.available)}
    con.execute("delete from kept.facts")
    con.execute("insert into kept.facts values (?)", [json.dumps(facts)])


def taken(con: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """Digests of the files that are in the ledger."""
    return frozenset(row[0] for row in con.execute("select digest from kept.taken").fetchall())


def put_in_place(draft: Path, file: Path) -> None:
    """The draft under the file's name, durably; whole or not at all."""
    with draft.open("rb") as written:
        os.fsync(written.fileno())
    draft.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def spare(con: duckdb.DuckDBPyConnection) -> None:
    """Let this run close the gaps of deleted rows in a fiftieth of the ledger at most: more than a day leaves."""
    rows = con.execute("select count(*) from kept.ledger").fetchall()[0][0]
    con.execute(f"set max_vacuum_tasks = {1 + int(rows) // (50 * ROW_GROUP)}")


def remove(draft: Path) -> None:
    """Remove what a killed run left of a draft."""
    for path in (draft, draft.with_name(f"{draft.name}.wal")):
        with suppress(FileNotFoundError):
            path.unlink()
