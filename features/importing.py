"""Import: a public record, read into a folder of the contract."""

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import duckdb

from features import flights, olist
from features.contract import TABLES
from features.engine import connect, quoted
from features.errors import ForesellError
from features.intake import open_folder
from features.quarantine import IntakeReport
from features.sources import OWN_FILES

Reader = Callable[[duckdb.DuckDBPyConnection, str], Mapping[str, int]]

# Each makes the contract's tables in the connection and counts what it had to leave out.
READERS: Mapping[str, Reader] = {
    "olist": olist.read,
    "flights-route": partial(flights.read, view="route"),
    "flights-aircraft": partial(flights.read, view="aircraft"),
}
ZONES = {"olist": olist.ZONE, "flights-route": flights.ZONE, "flights-aircraft": flights.ZONE}


def import_source(source: str, out: Path, fmt: str) -> IntakeReport:
    """Read a source into the folder `out`, which appears whole or not at all; an earlier import there is replaced."""
    if fmt not in READERS:
        raise ForesellError("The format must be a known one.", repr(fmt), f"use one of {', '.join(READERS)}")
    _check_replaceable(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as scratch:
        made = Path(scratch) / out.name
        report = _import(source, made, fmt)
        if out.exists():
            shutil.move(out, Path(scratch) / "replaced")
        made.rename(out)
    return report


def _import(source: str, made: Path, fmt: str) -> IntakeReport:
    made.mkdir()
    left_out = _write(source, made, fmt)
    (made / "source.toml").write_text(f'name = "{fmt}"\nzone = "{ZONES[fmt]}"\ntimes_zone = "{ZONES[fmt]}"\n')
    report = replace(open_folder(made, quarantine_to=made / "quarantine.parquet").report, left_out=left_out)
    (made / "intake.json").write_text(json.dumps(report.as_json(), indent=1) + "\n")
    return report


def _write(source: str, made: Path, fmt: str) -> Mapping[str, int]:
    con = connect()
    try:
        left_out = READERS[fmt](con, source)
    except duckdb.ConversionException as e:
        rule = f"The source must hold the values that the format {fmt!r} says."
        raise ForesellError(rule, str(e).split("\n")[0], "use the files of the public release") from None
    made_tables = {str(row[0]) for row in con.execute("select table_name from duckdb_tables()").fetchall()}
    for table in made_tables & set(TABLES):
        path = quoted(made / f"{table}.parquet")
        con.execute(f"copy (select * from {table} order by all) to {path} (format parquet)")
    con.close()
    return {what: n for what, n in left_out.items() if n}


def _check_replaceable(out: Path) -> None:
    """Nothing but an earlier import may be overwritten."""
    ours = {f"{table}.parquet" for table in TABLES} | set(OWN_FILES)
    others = sorted(p.name for p in out.iterdir() if p.name not in ours) if out.is_dir() else [out.name] * out.exists()
    if others:
        rule = "The folder to import into must be new, empty or an earlier import."
        raise ForesellError(rule, f"{', '.join(others[:5])} in {out}", "choose another folder")
