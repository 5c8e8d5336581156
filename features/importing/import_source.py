"""Import: write a public record into a contract folder."""

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import duckdb

from core.errors import ForesellError
from core.sql_text import quoted
from features.engines.duckdb import connect
from features.importing import flights, olist
from features.ingest.contract import TABLES
from features.ingest.intake import open_folder
from features.ingest.quarantine import IntakeReport
from features.ingest.sources import OWN_FILES

Reader = Callable[[duckdb.DuckDBPyConnection, str], Mapping[str, int]]

# Each makes the contract's tables in the connection and returns the number of rows left out, by reason.
READERS: Mapping[str, Reader] = {
    "olist": olist.read,
    "flights-route": partial(flights.read, view="route"),
    "flights-aircraft": partial(flights.read, view="aircraft"),
}
ZONES = {"olist": olist.ZONE, "flights-route": flights.ZONE, "flights-aircraft": flights.ZONE}


def import_source(source: str, out: Path, fmt: str) -> IntakeReport:
    """Write a source into the folder `out`, completely or not at all; an earlier import there is replaced."""
    if fmt not in READERS:
        raise ForesellError("The format must be a known one.", repr(fmt), f"use one of {', '.join(READERS)}")
    _check_replaceable(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as scratch:
        draft = Path(scratch) / out.name
        report = _import(source, draft, fmt)
        if out.exists():
            shutil.move(out, Path(scratch) / "replaced")
        draft.rename(out)
    return report


def _import(source: str, folder: Path, fmt: str) -> IntakeReport:
    folder.mkdir()
    left_out = _write(source, folder, fmt)
    (folder / "source.toml").write_text(f'name = "{fmt}"\nzone = "{ZONES[fmt]}"\ntimes_zone = "{ZONES[fmt]}"\n')
    report = replace(open_folder(folder, quarantine_to=folder / "quarantine.parquet").report, left_out=left_out)
    (folder / "intake.json").write_text(json.dumps(report.as_json(), indent=1) + "\n")
    return report


def _write(source: str, folder: Path, fmt: str) -> Mapping[str, int]:
    con = connect()
    try:
        left_out = READERS[fmt](con, source)
    except duckdb.ConversionException as e:
        rule = f"The source must have the values of the format {fmt!r}."
        raise ForesellError(rule, str(e).split("\n")[0], "use the files of the public release") from None
    tables = {str(row[0]) for row in con.execute("select table_name from duckdb_tables()").fetchall()}
    for table in tables & set(TABLES):
        path = quoted(folder / f"{table}.parquet")
        con.execute(f"copy (select * from {table} order by all) to {path} (format parquet)")
    con.close()
    return {what: n for what, n in left_out.items() if n}


def _check_replaceable(out: Path) -> None:
    """ForesellError if anything but an earlier import would be overwritten."""
    ours = {f"{table}.parquet" for table in TABLES} | set(OWN_FILES)
    others = sorted(p.name for p in out.iterdir() if p.name not in ours) if out.is_dir() else [out.name] * out.exists()
    if others:
        rule = "The folder to import into must be new, empty or an earlier import."
        raise ForesellError(rule, f"{', '.join(others[:5])} in {out}", "choose another folder")
