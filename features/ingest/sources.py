"""The source tables: the files of a folder, or frames in memory, as parts that the checks can read."""

import csv
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from core.errors import ForesellError
from core.sql_text import quoted
from features.ingest.checks import SourcePart
from features.ingest.contract import TABLES, Table

OWN_FILES = ("source.toml", "intake.json", "quarantine.parquet")
SUFFIXES = (".csv", ".parquet")
SEPARATORS = {";": "semicolon", "\t": "tab", "|": "vertical bar"}
MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}  # first bytes of a file in another encoding
Columns = tuple[tuple[str, str], ...]  # name and DuckDB type


def folder_parts(con: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, tuple[SourcePart, ...]]:
    """The parts of each table that the folder has."""
    return {name: parts_of(con, TABLES[name], files) for name, files in folder_files(folder).items()}


def check_same_columns(parts: Mapping[str, Sequence[SourcePart]]) -> None:
    """ForesellError if a file lacks a column that other files of its table have: its rows would count as without it."""
    lacks = [line for name, pieces in parts.items() for line in _lacking(TABLES[name], pieces)]
    if lacks:
        step = (
            "write the column in each of these files (empty where it is unknown), or rename the one that has its values"
        )
        raise ForesellError("All files of a table must have the same columns of the contract.", "; ".join(lacks), step)


def _lacking(table: Table, parts: Sequence[SourcePart]) -> list[str]:
    """What the files of each part lack of the other parts' columns."""
    names = [c.name for c in table.columns]
    every = {name for part in parts for name in part.columns if name in names}
    lacks = {part.label: [n for n in names if n in every - {*part.columns}] for part in parts}
    others = {part.label: [n for n in part.columns if n not in names] for part in parts}
    return [
        f"{table.name}: {label} lacks {', '.join(f'{n}{closest(n, others[label])}' for n in missing)}"
        for label, missing in lacks.items()
        if missing
    ]


def folder_files(folder: Path) -> dict[str, tuple[Path, ...]]:
    """The files of each table that the folder has."""
    require_folder(folder)
    found = {name: files for name in TABLES if (files := table_files(folder, name))}
    present = ", ".join(sorted(p.name for p in folder.iterdir())) or "nothing"
    require_tables(set(found), f"{present} in {folder}")
    return found


def require_folder(folder: Path) -> None:
    """ForesellError if there is no such folder."""
    if not folder.is_dir():
        rule = "The data must be a folder of Parquet or CSV files."
        if folder.exists():
            raise ForesellError(rule, f"{folder} is a file", "give the folder of the file")
        raise ForesellError(rule, f"no folder {folder}", "check the path")


def ignored_files(folder: Path) -> tuple[str, ...]:
    """Names in the folder that no table is read from; the report lists them, so that a misspelt name is noticed."""
    read = {p for table in TABLES for p in table_files(folder, table)}
    inside = [p for table in TABLES for p in (folder / table).glob("*")]
    beside = [p for p in folder.iterdir() if p.name not in TABLES or not p.is_dir()]
    unread = [p for p in (*beside, *inside) if p not in read and p.name not in OWN_FILES and not p.name.startswith(".")]
    return tuple(sorted(str(p.relative_to(folder)) for p in unread))


def frame_parts(
    con: duckdb.DuckDBPyConnection, frames: Mapping[str, pd.DataFrame | pa.Table]
) -> dict[str, tuple[SourcePart, ...]]:
    """The frames as parts; each is registered with the connection as frame_<table>."""
    for name in frames:
        if name not in TABLES:
            rule = "A frame must have the name of a table of the contract."
            raise ForesellError(rule, name, f"use one of {', '.join(TABLES)}")
    require_tables(set(frames), ", ".join(frames) or "no frames")
    return {name: (frame_part(con, TABLES[name], frame),) for name, frame in frames.items()}


def find_unreadable(con: duckdb.DuckDBPyConnection, part: SourcePart) -> None:
    """Read the part's files one by one; ForesellError names the first file that cannot be read."""
    for path in part.files:
        reader = _parquet((path,)) if path.suffix == ".parquet" else csv_reader((path,), len(part.columns), "")
        try:
            con.execute(f"select min(columns(*)) from {reader}").fetchall()
        except duckdb.Error as e:
            raise unreadable(path, e) from None


def separator_hint(names: Sequence[str]) -> str:
    """A hint for a first line that is one column with another separator than a comma in it."""
    found = [word for sign, word in SEPARATORS.items() if len(names) == 1 and sign in names[0]]
    return f": its separator is a {found[0]}, and must be a comma (foresell import reads others)" if found else ""


def closest(name: str, names: list[str]) -> str:
    """A hint with the most similar of the names; empty if none is similar."""
    plain = {n.lower().replace(" ", "_").replace("-", "_"): n for n in names}
    found = get_close_matches(name.lower(), list(plain), n=1)
    return f" (did you mean {plain[found[0]]!r}?)" if found else ""


def table_files(folder: Path, table: str) -> tuple[Path, ...]:
    """The files of a table: <table>.csv, <table>.parquet, and the files in a folder <table>/."""
    single = [folder / f"{table}{suffix}" for suffix in SUFFIXES]
    several = [p for p in sorted((folder / table).glob("*")) if p.suffix in SUFFIXES]
    return tuple(p for p in [*single, *several] if p.is_file())


def require_tables(found: set[str], shown: str) -> None:
    """ForesellError if a required table is not among those found; shown: what was found, in words."""
    for table in TABLES.values():
        if table.required and table.name not in found:
            forms = f"{table.name}.parquet, {table.name}.csv, or a folder {table.name}/ of such files"
            step = f"add {forms}; what has another form (.gz, .xlsx, .json) is converted by foresell import"
            raise ForesellError(f"The table {table.name!r} is required.", shown, step)


def parts_of(con: duckdb.DuckDBPyConnection, table: Table, files: tuple[Path, ...]) -> tuple[SourcePart, ...]:
    """One part for all files with the same columns and types, so that thousands of files need few statements."""
    grouped: dict[tuple[str, Columns], list[Path]] = {}
    for path in files:
        columns = csv_columns(path) if path.suffix == ".csv" else _parquet_columns(con, path)
        grouped.setdefault((path.suffix, columns), []).append(path)
    parts = []
    for number, ((suffix, columns), paths) in enumerate(grouped.items()):
        make = _csv_part if suffix == ".csv" else _parquet_part
        parts.append(make(table, columns, tuple(paths), number))
    return tuple(parts)


def _parquet_part(table: Table, columns: Columns, files: tuple[Path, ...], number: int) -> SourcePart:
    row = "file_row_number + 1"
    return SourcePart(_parquet(files), dict(columns), files[0].name, "_at_path", row, files)


def _csv_part(table: Table, columns: Columns, files: tuple[Path, ...], number: int) -> SourcePart:
    """DuckDB's CSV reader has no row numbers, so the key identifies a row."""
    rejects = f"rejects_{table.name}_{number}"
    known = {c.name for c in table.columns}
    usable = known | {name for name, _ in columns if name.lower() not in known}  # names are the same in any case
    named = ", ".join(f'c{i} as "{name}"' for i, (name, _) in enumerate(columns) if name in usable)
    relation = f"(select {named}, _at_path from {csv_reader(files, len(columns), rejects)})"
    key = "concat_ws('/', " + ", ".join(f'"{k}"' for k in table.key) + ")"
    return SourcePart(relation, dict(columns), files[0].name, "_at_path", key, files, rejects)


def csv_reader(files: tuple[Path, ...], columns: int, rejects: str) -> str:
    """SQL that reads all columns as text; rows that cannot be split go to <rejects>_rows, the file to <rejects>_files.

    With rejects = "" such a row is an error instead.
    """
    names = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(columns))
    keep = f", store_rejects = true, rejects_table = '{rejects}_rows', rejects_scan = '{rejects}_files'"
    return f"""read_csv([{_listed(files)}], auto_detect = false, columns = {{{names}}}, header = true, delim = ',',
quote = '"', escape = '"', nullstr = '', filename = '_at_path', hive_partitioning = false{keep if rejects else ""})"""


def _parquet(files: tuple[Path, ...]) -> str:
    options = "filename = '_at_path', file_row_number = true, hive_partitioning = false"
    return f"read_parquet([{_listed(files)}], {options})"


def _listed(files: tuple[Path, ...]) -> str:
    return ", ".join(quoted(path) for path in files)


def _parquet_columns(con: duckdb.DuckDBPyConnection, path: Path) -> Columns:
    reader = f"read_parquet([{_listed((path,))}], hive_partitioning = false)"
    try:
        return tuple((str(row[0]), str(row[1])) for row in con.execute(f"describe select * from {reader}").fetchall())
    except duckdb.Error as e:
        raise unreadable(path, e) from None


def csv_columns(path: Path) -> Columns:
    """The columns in a CSV file's first line; ForesellError if it has none, or one of them twice."""
    with path.open("rb") as start:
        mark = MARKS.get(start.read(2))
    if mark:
        raise unreadable(path, f"its encoding is {mark}, and must be UTF-8 (foresell import reads others)")
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
            header = next(csv.reader(lines), [])
    except (OSError, csv.Error) as e:
        raise unreadable(path, e) from None
    if not header:
        raise unreadable(path, "the first line has no column names")
    names = [name.strip() for name in header]
    twice = [name for i, name in enumerate(names) if name in names[:i]]
    if twice:
        raise unreadable(path, f"the column {twice[0]!r} occurs twice")
    return tuple((name, "VARCHAR") for name in names)


def unreadable(path: Path, why: object) -> ForesellError:
    """The error for a file that cannot be read."""
    first = str(why).strip().split("\n")[0]
    step = "write the file again, or remove it from the folder"
    return ForesellError("Every file must be readable.", f"{path}: {first}", step)


def frame_part(con: duckdb.DuckDBPyConnection, table: Table, frame: pd.DataFrame | pa.Table) -> SourcePart:
    """One frame as a part, registered with the connection as frame_<table>."""
    label, relation = f"the frame {table.name!r}", f"frame_{table.name}"
    names = [str(name) for name in (frame.column_names if isinstance(frame, pa.Table) else frame.columns)]
    if len(set(names)) < len(names):
        rule = f"The columns of {label} must have different names."
        raise ForesellError(rule, ", ".join(names), "rename or remove one of two columns with the same name")
    rows = frame if isinstance(frame, pa.Table) else pa.table({str(n): _arrow(v) for n, v in frame.items()})
    con.register(relation, rows.append_column("_at_number", pa.array(np.arange(1, rows.num_rows + 1))))
    described = con.execute(f"describe select * from {relation}").fetchall()
    columns = {str(row[0]): str(row[1]) for row in described if row[0] != "_at_number"}
    return SourcePart(relation, columns, label, row="_at_number")


def _arrow(values: "pd.Series[Any]") -> pa.Array:
    """A column as Arrow; objects of mixed types, and Python's times with and without zones, become text as in CSV."""
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return pa.array(values.dt.tz_convert(None), pa.timestamp(values.dtype.unit, "UTC"))
    if values.dtype != object or pd.api.types.infer_dtype(values) in ("boolean", "integer", "decimal", "date", "empty"):
        return pa.array(values, from_pandas=True)
    texts = [None if missing else str(v) for v, missing in zip(values, values.isna(), strict=True)]
    return pa.array(texts, pa.string())


def read_text(con: duckdb.DuckDBPyConnection, table: str, path: Path, columns: tuple[str, ...], null: str = "") -> int:
    """Make a text table of the given columns ('' and `null` become null); returns how many rows could not be split."""
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
