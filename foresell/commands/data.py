"""`foresell import`, `simulate`, `features`, `grow` and `export`: data in the contract and tables built from it."""

import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import cast

from core.days import DayChoice
from core.errors import ForesellError
from core.settings import Settings
from core.sql_text import quoted
from core.words import count_of
from features.engines.duckdb import Engine, connect
from features.importing.import_source import import_mapped, import_source
from features.importing.look import look
from features.importing.mapping import read_mapping
from features.incremental.read import incremental_blocks, is_incremental
from features.incremental.update import grow
from features.ingest.quarantine import IntakeReport
from features.ledger.build import Ledger, build_ledger
from features.standards.load import load
from features.standards.standard import StandardsFile
from features.table import Plan, make_rows, plan, usable, written_sql
from foresell.commands.marketplace import (
    EMBEDDED,
    EngineChoice,
    decided_tables,
    opened,
    refuse_day,
    refuse_spark,
)
from foresell.console import CommandResult, counted, steps, table
from simulation import parameters
from simulation.market import Run, simulate

FIRST_WINDOW_DAYS = 60  # no as-of date before a full window of the built-in headline standards


def import_data(source: str, folder: Path | None, source_format: str | None, mapping: Path | None) -> CommandResult:
    """Convert a source into a folder in the data contract, by a known format or by a mapping."""
    if folder is None or (source_format is None) == (mapping is None):
        step = "write foresell import SOURCE DIR --format NAME, or --map FILE.toml, or foresell import --look SOURCE"
        raise ForesellError("An import needs a folder to write and either a format or a mapping.", "not so", step)
    with steps() as progress:
        progress(f"importing {_shown(source)}")
        report = (
            import_source(source, folder, source_format)
            if source_format
            else import_mapped(source, folder, read_mapping(cast(Path, mapping)), Settings().quarantine_share)
        )
    return CommandResult({"folder": str(folder), **report.as_json()}, (*report.lines(), f"Written to {folder}"))


def _shown(source: str) -> str:
    """A source as it may be printed: an address without its password."""
    return re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", source)


def look_at(source: Path, mapping: Path | None) -> CommandResult:
    """Say what a source seems to have, and write a draft of its mapping."""
    if "postgres" in source.parts[0]:
        step = "write the mapping with a query for each table (docs/import.md)"
        raise ForesellError("A look reads files, not a database.", "an address", step)
    draft = mapping or Path(f"{source.name.split('.')[0] or 'source'}.map.toml")
    if draft.exists():
        raise ForesellError("A draft may not replace a file.", f"{draft} exists", "name another with --map FILE.toml")
    with tempfile.TemporaryDirectory(prefix="foresell-look-") as scratch:
        seen = look(source, Path(scratch))
    draft.write_text(seen.draft(), encoding="utf-8")
    asked = [f"{one.table}.{question}" for one in seen.files for question in one.questions]
    after = f"Next: edit {draft}, then run foresell import {source} DIR --map {draft}"
    data = {"draft": str(draft), "asked": asked, "lines": seen.lines()}
    return CommandResult(data, (*seen.lines(), f"Draft of the mapping written to {draft}", after))


def write_simulation(folder: Path, sellers: int, days: int, seed: int, interventions: bool) -> CommandResult:
    """Simulate a marketplace and write it as a folder in the data contract."""
    run, version = Run(sellers, days, seed, interventions), parameters.load().version
    with counted(f"simulating {sellers:,} sellers") as update:
        rows = simulate(folder, run, update)
    data = {"folder": str(folder), "version": version, "seed": seed, "sellers": sellers, "days": days, "rows": rows}
    shown = table({"table": "left", "rows": "right"}, [(name, f"{count:,}") for name, count in rows.items()])
    return CommandResult(data, (shown, f"Version {version} of the simulation, seed {seed}; written to {folder}"))


def write_features(
    data: Path, out: Path, every: str, standards: str | None, days: DayChoice, run: EngineChoice = EMBEDDED
) -> CommandResult:
    """Build the ledger and the feature table, and write the table as Parquet: one file, or a folder from Spark."""
    every_days, file = parse_days(every), load(standards)
    if is_incremental(data):
        refuse_day(days)
        return _write_grown(data, out, file, run)
    with steps() as progress, opened(run, data, days, progress) as market:
        progress("building the ledger")
        ledger = build_ledger(market)
        progress("building the features")
        needs = plan(ledger.quantities, usable(file.standards, ledger.quantities))
        tables = make_rows(ledger.con, needs, as_of_days(ledger, every_days))
        progress("writing")
        write_rows(ledger.con, written_sql(needs, tables), out, run.engine)
    return _features_summary(ledger.market.report, needs, out)


def _write_grown(data: Path, out: Path, file: StandardsFile, run: EngineChoice) -> CommandResult:
    """Write the rows of the last day of a stored ledger."""
    refuse_spark(run)
    with steps() as progress:
        progress("building the features of the last day")
        with incremental_blocks(data, file.standards) as blocks:
            progress("writing")
            write_rows(blocks.ledger.con, written_sql(blocks.needs, blocks.tables), out, run.engine)
            return _features_summary(blocks.ledger.market.report, blocks.needs, out)


def as_of_days(ledger: Ledger, every: int) -> list[int]:
    """Day numbers in steps back from the last ledger day, each after a full window; always with the last day."""
    full = ledger.first_day + FIRST_WINDOW_DAYS
    return [*range(ledger.last_day - every, full - 1, -every)[::-1], ledger.last_day]


def parse_days(text: str) -> int:
    """The number of days in a text such as 7d."""
    match = re.fullmatch(r"([1-9]\d{0,2})d", text)
    if not match:
        raise ForesellError("The time between as-of dates is a whole number of days, 1d to 999d.", repr(text), "use 7d")
    return int(match[1])


def _features_summary(report: IntakeReport, needs: Plan, out: Path) -> CommandResult:
    files = quoted(out / "*.parquet" if out.is_dir() else out)
    counts = "count(*), count(distinct seller_id), count(distinct as_of), min(as_of), max(as_of)"
    with connect() as con:
        rows, sellers, days, first, last = con.execute(f"select {counts} from read_parquet({files})").fetchall()[0]
    data = {
        "out": str(out),
        "rows": rows,
        "sellers": sellers,
        "as_of": [first.isoformat(), last.isoformat()] if rows else [],
        "features": [feature.name for feature in needs.features],
    }
    line = f"{count_of(rows, 'row')}, {count_of(sellers, 'seller')}, {len(needs.features)} features"
    line = f"{line}, {count_of(days, 'as-of date')}"
    return CommandResult(data, (f"{line}; written to {out}",), report)


def grow_ledger(place: Path, data: Path, days: DayChoice) -> CommandResult:
    """Add the files that are not in the ledger yet, and report what was added."""
    refuse_day(days)
    with steps() as progress:
        progress("adding the new files")
        added = grow(place, data, days.zone, Settings().quarantine_share)
    facts = {"ledger": str(place), "files": added.files, "whole": added.whole}
    if not added.files:
        return CommandResult(facts, (f"{place} already has every file of {data}.",), added.report)
    how = "built from the first day on" if added.whole else "updated"
    return CommandResult(facts, (f"{added.files} files added; {place} was {how}",), added.report)


def export(data: Path, out: Path) -> CommandResult:
    """Write corrections and interventions as Parquet files in the data contract."""
    from pyarrow import parquet

    out.mkdir(parents=True, exist_ok=True)
    decided = {name: rows for name, rows in decided_tables(data, Settings()).items() if rows.num_rows}
    for name, rows in decided.items():
        part = out / f".{name}.part"
        parquet.write_table(rows, part)
        part.replace(out / f"{name}.parquet")
    counts = {name: rows.num_rows for name, rows in decided.items()}
    written = ", ".join(f"{n:,} {name}" for name, n in counts.items()) or "no rows: no decision is in effect yet"
    return CommandResult({"out": str(out), "rows": counts}, (f"{written}; written to {out}",))


def write_rows(con: Engine, query: str, out: Path, engine: str) -> None:
    """Write a query's rows as Parquet, complete or not at all; unsorted on Spark, where sorting is slow."""
    ordered = query if engine == "spark" else f"{query} order by as_of, seller_id"
    write_atomically(out, lambda part: con.execute(f"copy ({ordered}) to {quoted(part)} (format parquet)"))


def write_atomically(out: Path, write: Callable[[Path], object]) -> None:
    """Write a file, or a folder of Parquet files, under a temporary name, and rename it when it is complete."""
    part = out.with_name(f".{out.name}.part")
    out.parent.mkdir(parents=True, exist_ok=True)
    remove_output(part)
    write(part)
    remove_output(out)
    part.replace(out)


def remove_output(path: Path) -> None:
    """Remove a file or a folder of Parquet files, if there is one."""
    if path.is_dir():
        others = [p.name for p in path.iterdir() if not p.name.endswith((".parquet", ".crc", "_SUCCESS"))]
        if others:
            raise ForesellError(
                "Only a folder of Parquet files may be replaced.", f"{others[0]} in {path}", "choose another folder"
            )
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
