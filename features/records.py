"""CSV files of a public record as text tables."""

from pathlib import Path

import duckdb

from features.engine import quoted
from features.errors import ForesellError
from features.sources import closest, csv_columns, csv_reader


def read_text(con: duckdb.DuckDBPyConnection, table: str, path: Path, columns: tuple[str, ...], null: str = "") -> int:
    """Make a table of the given columns, all text, '' and `null` as null; returns how many rows could not be split."""
    names = [name for name, _ in csv_columns(path)]
    for column in columns:
        if column not in names:
            found = f"{', '.join(names)}{closest(column, names)}"
            step = "use the file of the public release"
            raise ForesellError(f"{path.name} must have the column {column!r}.", found, step)
    wanted = ", ".join(f"nullif(c{names.index(column)}, {quoted(null)}) as {column}" for column in columns)
    con.execute(f"create table {table} as select {wanted} from {csv_reader((path,), len(names), 'broken')}")
    broken = con.execute("select count(distinct line) from broken_rows").fetchall()[0][0]
    con.execute("drop table broken_rows")
    con.execute("drop table broken_files")
    return int(broken)
