"""Where the source tables lie: a folder's files, or frames in memory, as parts that the checks can read."""

import csv
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import chain
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from features.checks import Part
from features.contract import TABLES, Table
from features.engine import quoted
from features.errors import ForesellError
from features.readings import family

SETTINGS = ("name", "zone", "times_zone")  # of source.toml
OWN_FILES = ("source.toml", "intake.json", "quarantine.parquet")


@dataclass(frozen=True)
class Layout:
    """Files of one table that have the same columns of the same types."""

    suffix: str
    columns: tuple[tuple[str, str], ...]  # name, DuckDB type
    files: tuple[Path, ...]


def settings_of(folder: Path) -> dict[str, str]:
    """What the folder's source.toml says of itself; empty without one."""
    path = folder / "source.toml"
    if not path.is_file():
        return {}
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise ForesellError("source.toml must be TOML.", f"{path}: {e}", "mend the line it names") from None
    unknown = [k for k, v in said.items() if k not in SETTINGS or not isinstance(v, str)]
    if unknown:
        raise ForesellError(f"source.toml takes texts named {', '.join(SETTINGS)}.", ", ".join(unknown), "take out or rename it")
    return said


def files_of(folder: Path, table: str) -> tuple[Path, ...]:
    """The files of a table: one beside the others, or many in a folder of its name."""
    alone = [folder / f"{table}{suffix}" for suffix in (".csv", ".parquet")]
    many = [p for p in sorted((folder / table).glob("*")) if p.suffix in (".csv", ".parquet")]
    return tuple(p for p in [*alone, *many] if p.is_file())


def ignored_files(folder: Path) -> tuple[str, ...]:
    """Names in the folder that no table is read from."""
    read = {p for table in TABLES for p in files_of(folder, table)}
    found = chain.from_iterable(sorted(p.glob("*")) if p.name in TABLES and p.is_dir() else [p] for p in sorted(folder.iterdir()))
    return tuple(str(p.relative_to(folder)) for p in found if p not in read and p.name not in OWN_FILES and p.name[0] != ".")


def folder_layouts(con: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, tuple[Layout, ...]]:
    """The layouts of each table that the folder has."""
    if not folder.is_dir():
        raise ForesellError("The data must be a folder of Parquet or CSV files.", f"no folder {folder}", "check the path")
    found = {table: files_of(folder, table) for table in TABLES}
    for table in TABLES.values():
        if table.required and not found[table.name]:
            raise _no_table(table, f"{folder} with {', '.join(sorted(p.name for p in folder.iterdir())) or 'nothing in it'}")
    return {table: _layouts(con, files) for table, files in found.items() if files}


def frame_parts(con: duckdb.DuckDBPyConnection, frames: Mapping[str, pd.DataFrame | pa.Table]) -> dict[str, tuple[Part, ...]]:
    """The frames as parts; they are registered with the connection as frame_<table>."""
    for name in frames:
        if name not in TABLES:
            raise ForesellError("Frames are named like the tables of the contract.", name, f"use one of {', '.join(TABLES)}")
    for table in TABLES.values():
        if table.required and table.name not in frames:
            raise _no_table(table, ", ".join(frames) or "no frames")
    return {name: (_frame_part(con, TABLES[name], frame),) for name, frame in frames.items()}


def csv_reader(layout: Layout, rejects: str = "") -> str:
    """read_csv of the layout's files as text alone; broken rows go to the tables rejects_rows and rejects_files."""
    names = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(layout.columns)))
    keep = f", store_rejects = true, rejects_table = '{rejects}_rows', rejects_scan = '{rejects}_files'" if rejects else ""
    return f"""read_csv([{_listed(layout.files)}], auto_detect = false, columns = {{{names}}}, header = true, delim = ',', quote = '"',
escape = '"', nullstr = '', filename = '_at_path', hive_partitioning = false{keep})"""


def parquet_reader(layout: Layout) -> str:
    """read_parquet of the layout's files."""
    return f"read_parquet([{_listed(layout.files)}], filename = '_at_path', file_row_number = true, hive_partitioning = false)"


def layout_part(table: Table, layout: Layout, rejects: str) -> Part:
    """A layout as a part of its table."""
    columns = {name: family(kind) for name, kind in layout.columns}
    label = layout.files[0].name
    if layout.suffix == ".parquet":
        return Part(parquet_reader(layout), columns, label, "_at_path", "cast(file_row_number + 1 as varchar)")
    named = ", ".join(f'c{i} as "{name}"' for i, (name, _) in enumerate(layout.columns) if name in {c.name for c in table.columns})
    key = ", ".join(f'"{name}"' for name in table.key)
    relation = f"(select {named}, _at_path from {csv_reader(layout, rejects)})"
    # A CSV reader knows no row numbers, so a row is named by its key.
    return Part(relation, columns, label, "_at_path", f"concat_ws('/', {key})")


def unreadable(path: Path, why: object) -> ForesellError:
    """A file that cannot be read, by name."""
    first = str(why).strip().split("\n")[0]
    return ForesellError("Every file must be readable.", f"{path}: {first}", "write the file again, or take it out of the folder")


def _no_table(table: Table, found: str) -> ForesellError:
    forms = f"{table.name}.parquet, {table.name}.csv, or a folder {table.name}/ of such files"
    return ForesellError(f"The table {table.name!r} is required.", found, f"add {forms}")


def _layouts(con: duckdb.DuckDBPyConnection, files: tuple[Path, ...]) -> tuple[Layout, ...]:
    grouped: dict[tuple[str, tuple[tuple[str, str], ...]], list[Path]] = {}
    for path in files:
        columns = _csv_columns(path) if path.suffix == ".csv" else _parquet_columns(con, path)
        grouped.setdefault((path.suffix, columns), []).append(path)
    return tuple(Layout(suffix, columns, tuple(paths)) for (suffix, columns), paths in grouped.items())


def _parquet_columns(con: duckdb.DuckDBPyConnection, path: Path) -> tuple[tuple[str, str], ...]:
    try:
        rows = con.execute(f"describe select * from read_parquet({_listed((path,))}, hive_partitioning = false)").fetchall()
    except duckdb.Error as e:
        raise unreadable(path, e) from None
    return tuple((str(row[0]), str(row[1])) for row in rows)


def _csv_columns(path: Path) -> tuple[tuple[str, str], ...]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            header = next(csv.reader(lines), [])
    except (OSError, UnicodeDecodeError, csv.Error) as e:
        raise unreadable(path, e) from None
    if not header:
        raise unreadable(path, "the first line names no columns")
    return tuple((name.strip(), "VARCHAR") for name in header)


def _frame_part(con: duckdb.DuckDBPyConnection, table: Table, frame: pd.DataFrame | pa.Table) -> Part:
    rows = _arrow(table, frame)
    relation = f"frame_{table.name}"
    con.register(relation, rows.append_column("_at_number", pa.array(np.arange(1, rows.num_rows + 1))))
    columns = {str(row[0]): family(str(row[1])) for row in con.execute(f"describe select * from {relation}").fetchall()}
    return Part(relation, columns, f"the frame {table.name!r}", row="cast(_at_number as varchar)")


def _arrow(table: Table, frame: pd.DataFrame | pa.Table) -> pa.Table:
    """The contract's columns, and the names of the others; objects of mixed kinds are read as text, as from a CSV file."""
    if isinstance(frame, pa.Table):
        return frame
    return pa.table({str(name): _arrow_column(frame[name]) for name in _unique(table, frame)})


def _unique(table: Table, frame: pd.DataFrame) -> Iterator[Any]:
    if not frame.columns.is_unique:
        raise ForesellError(f"A column of {table.name!r} is named once.", ", ".join(map(str, frame.columns)), "rename or drop one of the two")
    return iter(frame.columns)


def _arrow_column(values: "pd.Series[Any]") -> pa.Array:
    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([None if v is None or v is pd.NaT or v != v else str(v) for v in values], pa.string())


def _listed(files: tuple[Path, ...]) -> str:
    """The paths as SQL literals, with what a glob would read as a pattern taken literally."""
    return ", ".join(quoted("".join(f"[{c}]" if c in "*?[" else c for c in str(path))) for path in files)


def closest(name: str, names: list[str]) -> str:
    """A hint at the name that was probably meant."""
    lower = {n.lower().replace(" ", "_"): n for n in names}
    found = get_close_matches(name, list(lower), n=1, cutoff=0.6)
    return f" (did you mean {lower[found[0]]!r}?)" if found else ""
