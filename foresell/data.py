"""`foresell import` and `foresell features`: from a source to the contract, and from there to the feature table."""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from features import postgresql
from features.appeals import known_by
from features.database import PREFIX
from features.engine import Engine, connect, quoted
from features.errors import ForesellError
from features.grown import grown_blocks, is_grown
from features.importing import import_source
from features.intake import Marketplace, open_folder
from features.ledger import Ledger, build_ledger
from features.quarantine import IntakeReport
from features.settings import Settings
from features.standards import StandardsFile
from features.standards_file import load
from features.table import Plan, make_rows, plan, usable, written_sql
from foresell.console import Outcome, Say, steps
from foresell.decided import decided

EPOCH = date(1970, 1, 1)
FIRST_WINDOW_DAYS = 60  # as-of days begin once the headline windows of the built-in standards are full


def import_data(source: str, folder: Path, source_format: str) -> Outcome:
    """Read a source into a contract folder."""
    with steps() as say:
        say(f"importing {source}")
        report = import_source(source, folder, source_format)
    return Outcome({"folder": str(folder), **report.as_json()}, (*report.lines(), f"Written to {folder}"))


@dataclass(frozen=True)
class Run:
    """What runs the SQL: duckdb, or spark with settings such as spark.master=yarn."""

    engine: str = "duckdb"
    spark_conf: tuple[str, ...] = ()


EMBEDDED = Run()


def write_features(
    data: Path, out: Path, every: str, standards: str | None, zone: str | None, run: Run = EMBEDDED
) -> Outcome:
    """Build the ledger and the feature table and write it as Parquet: one file, or Spark's folder of files."""
    days, file = parse_days(every), load(standards)
    if is_grown(data):
        return _write_grown(data, out, file, run)
    with steps() as say, opened(run, data, zone, say) as market:
        say("building the ledger")
        ledger = build_ledger(market)
        say("building the features")
        needs = plan(ledger.quantities, usable(file.standards, ledger.quantities))
        make_rows(ledger.con, needs, as_of_days(ledger, days))
        say("writing")
        write_rows(ledger.con, written_sql(needs), out, run.engine)
    return _written(ledger.market.report, needs, out)


def _write_grown(data: Path, out: Path, file: StandardsFile, run: Run) -> Outcome:
    """The rows of the last day of a grown ledger."""
    refuse_spark(run)
    with steps() as say:
        say("building the features of the last day")
        with grown_blocks(data, file.standards) as blocks:
            say("writing")
            write_rows(blocks.ledger.con, written_sql(blocks.needs), out, run.engine)
            return _written(blocks.ledger.market.report, blocks.needs, out)


def refuse_spark(run: Run) -> None:
    """ForesellError where a grown ledger is to be read by Spark."""
    if run.engine != "duckdb":
        raise ForesellError("A grown ledger is read by DuckDB.", f"--engine {run.engine}", "leave --engine out")


@contextmanager
def opened(run: Run, data: Path, zone: str | None, say: Say) -> Iterator[Marketplace]:
    """The typed tables of a contract folder in the engine that was asked for."""
    if run.engine == "duckdb":
        yield open_market(data, zone, Settings(), say)
        return
    from features import spark, spark_intake, spark_postgresql

    conf, database = spark.parse_conf(run.spark_conf), _database(data)
    say("starting Spark")
    with spark.connect(conf if database is None else spark_postgresql.with_driver(conf)) as con:
        say("reading and checking")
        settings = Settings()
        kept = _quarantine(data, settings)
        share, added = settings.quarantine_share, decided(data, settings)
        if database is None:
            yield spark_intake.open_folder(con, data, zone, share, quarantine_to=kept, added=added)
        else:
            yield spark_postgresql.open_database(con, database, zone, share, quarantine_to=kept, added=added)


def open_market(data: Path, zone: str | None, settings: Settings, say: Say) -> Marketplace:
    """The typed tables of a contract folder or database, with what reviewers decided; what breaks a rule is kept."""
    say("reading and checking")
    kept, share, added = _quarantine(data, settings), settings.quarantine_share, decided(data, settings)
    database = _database(data)
    if database is not None:
        return postgresql.open_database(database, zone, share, quarantine_to=kept, added=added)
    return open_folder(data, zone, share, quarantine_to=kept, added=added)


def _database(data: Path) -> str | None:
    """The name of the database that the data lies in; None of a folder."""
    return str(data).removeprefix(PREFIX) if str(data).startswith(PREFIX) else None


def _quarantine(data: Path, settings: Settings) -> Path:
    return settings.home / "quarantine" / f"{data.resolve().name}.parquet"


def read_ledger(data: Path, zone: str | None, settings: Settings, say: Say, present: bool = False) -> Ledger:
    """The ledger of a contract folder; present: its last day is scored now, and heeds the appeals decided since."""
    market = open_market(data, zone, settings, say)
    if present:
        known_by(market.con, last_order_day(market))
    say("building the ledger")
    return build_ledger(market)


def last_order_day(market: Marketplace) -> int:
    """The last day on which an order was placed: the last ledger day."""
    return int(market.con.execute("select max(ordered_at_day) from orders").fetchall()[0][0])


def as_of_days(ledger: Ledger, every: int) -> list[int]:
    """Day numbers from the last ledger day back, while the windows before them are full; the last day in any case."""
    full = ledger.first_day + FIRST_WINDOW_DAYS
    return [*range(ledger.last_day - every, full - 1, -every)[::-1], ledger.last_day]


def parse_days(text: str) -> int:
    """Days from text such as 7d."""
    match = re.fullmatch(r"([1-9]\d{0,2})d", text)
    if not match:
        raise ForesellError("A time between as-of dates is a whole number of days, 1d to 999d.", repr(text), "use 7d")
    return int(match[1])


def iso(day: int) -> str:
    """A day number as an ISO date."""
    return (EPOCH + timedelta(days=day)).isoformat()


def write_rows(con: Engine, query: str, out: Path, engine: str) -> None:
    """What the query finds as Parquet; complete or not there. Spark leaves the rows as they come: sorting is dear."""
    ordered = query if engine == "spark" else f"{query} order by as_of, seller_id"
    in_whole(out, lambda part: con.execute(f"copy ({ordered}) to {quoted(part)} (format parquet)"))


def in_whole(out: Path, write: Callable[[Path], object]) -> None:
    """Write a file, or a folder of Parquet files, beside its place, and put it there when it is complete."""
    part = out.with_name(f".{out.name}.part")
    out.parent.mkdir(parents=True, exist_ok=True)
    remove(part)
    write(part)
    remove(out)
    part.replace(out)


def remove(path: Path) -> None:
    """Remove a file, or a folder of Parquet files; nothing where there is none."""
    if path.is_dir():
        foreign = [p.name for p in path.iterdir() if not p.name.endswith((".parquet", ".crc", "_SUCCESS"))]
        if foreign:
            raise ForesellError(
                "Only a folder of Parquet files is replaced.", f"{foreign[0]} in {path}", "choose another"
            )
        shutil.rmtree(path)
    path.unlink(missing_ok=True)


def _written(report: IntakeReport, needs: Plan, out: Path) -> Outcome:
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
        "intake": report.as_json(),
    }
    line = f"{rows:,} rows, {sellers:,} sellers, {len(needs.features)} features, {days} as-of dates"
    return Outcome(data, (*report.lines(), f"{line}; written to {out}"))
