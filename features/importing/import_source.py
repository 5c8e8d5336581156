"""Import: write a source into a contract folder, by a mapping or, for a public record, by code of its own."""

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import duckdb

from core.errors import ForesellError
from core.sql_text import quoted
from features.engines.duckdb import connect
from features.importing import flights, olist
from features.importing.mapped_tables import MappedRows, write_mapped, write_quarantine
from features.importing.mapping import SourceMapping, profile, profiles
from features.ingest import quarantine
from features.ingest.checks import BROKEN_ROW
from features.ingest.contract import TABLES
from features.ingest.intake import QUARANTINE_SHARE, open_folder
from features.ingest.quarantine import IntakeReport, TableReport
from features.ingest.sources import OWN_FILES

Reader = Callable[[duckdb.DuckDBPyConnection, str], Mapping[str, int]]

# Each makes the contract's tables in the connection and returns the number of rows left out, by reason.
READERS: Mapping[str, Reader] = {
    "olist": olist.read,
    "flights-route": partial(flights.read, view="route"),
    "flights-aircraft": partial(flights.read, view="aircraft"),
}
ZONES = {"olist": olist.ZONE, "flights-route": flights.ZONE, "flights-aircraft": flights.ZONE}


def formats() -> list[str]:
    """The names that `--format` takes: of the mappings that come with Foresell, and of the public records."""
    return [*profiles(), *READERS]


def import_source(source: str, out: Path, fmt: str) -> IntakeReport:
    """Write a source of a known format into the folder `out`; an earlier import there is replaced."""
    if fmt in profiles():
        return import_mapped(source, out, profile(fmt))
    if fmt not in READERS:
        raise ForesellError("The format must be a known one.", repr(fmt), f"use one of {', '.join(formats())}")
    return _replacing(out, partial(_import, source, fmt))


def import_mapped(source: str, out: Path, mapping: SourceMapping, share: float = QUARANTINE_SHARE) -> IntakeReport:
    """Write a source into the folder `out` by a mapping; an earlier import there is replaced."""
    return _replacing(out, partial(_import_mapped, source, mapping, share))


def _replacing(out: Path, write: Callable[[Path], IntakeReport]) -> IntakeReport:
    """Write a folder completely or not at all."""
    _check_replaceable(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as scratch:
        draft = Path(scratch) / out.name
        draft.mkdir()
        report = write(draft)
        if out.exists():
            shutil.move(out, Path(scratch) / "replaced")
        draft.rename(out)
    return report


def _import(source: str, fmt: str, folder: Path) -> IntakeReport:
    left_out = _write(source, folder, fmt)
    (folder / "source.toml").write_text(f'name = "{fmt}"\nzone = "{ZONES[fmt]}"\ntimes_zone = "{ZONES[fmt]}"\n')
    return _checked(folder, MappedRows(dict(left_out)), QUARANTINE_SHARE)


def _import_mapped(source: str, mapping: SourceMapping, share: float, folder: Path) -> IntakeReport:
    with tempfile.TemporaryDirectory(prefix="foresell-import-") as scratch, connect() as con:
        rows = write_mapped(con, source, mapping, folder, Path(scratch))
        (folder / "source.toml").write_text(_settings_of(mapping, Path(source).stem), encoding="utf-8")
        report = _checked(folder, rows, share)
        write_quarantine(con, folder / "quarantine.parquet")
    return report


def _settings_of(mapping: SourceMapping, name: str) -> str:
    """The source.toml of an imported folder."""
    lines = [
        f"{key} = {json.dumps(value)}" for key, value in {"name": mapping.name or name, "zone": mapping.zone}.items()
    ]
    lines.append(f"times_zone = {json.dumps(mapping.zone)}")
    for label, table in mapping.tables.items():
        lines += [f"\n[{label}]", f"date_only = {json.dumps(table.date_only)}"] if table.date_only else []
    return "\n".join(lines) + "\n"


def _checked(folder: Path, rows: MappedRows, share: float) -> IntakeReport:
    """The report of the checks on an imported folder, with the rows that did not come into it."""
    market = open_folder(folder, quarantine_share=share, quarantine_to=folder / "quarantine.parquet")
    report = market.report
    broken = [TableReport(name, n, 0, quarantined={BROKEN_ROW: n}) for name, n in rows.broken.items()]
    report = report.plus(IntakeReport(report.source, report.zone, tuple(broken), left_out=rows.left_out))
    quarantine.refuse_many(market.con, report.tables, share)
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
