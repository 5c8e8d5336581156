"""Opens the marketplace that a command reads: its tables with the reviewers' decisions, and its ledger."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from core.days import EPOCH, DayChoice
from core.errors import ForesellError
from core.settings import Settings
from features.ingest.databases import postgresql
from features.ingest.databases.schema import PREFIX
from features.ingest.intake import Marketplace, hold_back, open_folder
from features.ingest.source_settings import read_settings
from features.ledger.appeals import known_by
from features.ledger.build import Ledger, build_ledger
from foresell.console import StepReporter
from serving.casework.exports import tables
from serving.database.connection import address, open_database


@dataclass(frozen=True)
class EngineChoice:
    """The engine that runs the SQL: duckdb, or spark with settings such as spark.master=yarn."""

    engine: str = "duckdb"
    spark_conf: tuple[str, ...] = ()


EMBEDDED = EngineChoice()


def refuse_day(days: DayChoice) -> None:
    """Raise ForesellError if a stored ledger is to be read at another day than its last."""
    if days.as_of is not None:
        step = "leave --as-of out, or give the folder of the data itself"
        raise ForesellError("A stored ledger is read at its last day only.", f"--as-of {days.as_of}", step)


def refuse_spark(run: EngineChoice) -> None:
    """Raise ForesellError if a stored ledger is to be read by Spark."""
    if run.engine != "duckdb":
        raise ForesellError("Only DuckDB reads an incremental ledger.", f"--engine {run.engine}", "leave --engine out")


@contextmanager
def opened(run: EngineChoice, data: Path, days: DayChoice, progress: StepReporter) -> Iterator[Marketplace]:
    """The typed tables of a folder or database, in the chosen engine."""
    if run.engine == "duckdb":
        yield open_market(data, days, Settings(), progress)
        return
    if days.as_of is not None:
        step = "use --engine duckdb, or give Spark files that end on that day"
        raise ForesellError("Only DuckDB takes --as-of.", f"--engine {run.engine}", step)
    from features.engines import spark
    from features.ingest import spark_folder
    from features.ingest.databases import spark_postgresql

    conf, database = spark.parse_conf(run.spark_conf), _database(data)
    progress("starting Spark")
    with spark.connect(conf if database is None else spark_postgresql.with_driver(conf)) as con:
        progress("reading and checking")
        settings = Settings()
        kept = _quarantine(data, settings)
        share, added = settings.quarantine_share, decided_tables(data, settings)
        if database is None:
            yield spark_folder.open_folder(con, data, days.zone, share, quarantine_to=kept, added=added)
        else:
            yield spark_postgresql.open_database(con, database, days.zone, share, quarantine_to=kept, added=added)


def open_market(data: Path, days: DayChoice, settings: Settings, progress: StepReporter) -> Marketplace:
    """The typed tables in DuckDB, with the reviewers' decisions; rows that break a rule go to quarantine.

    Rows from after the day that the caller chose are held back; without one, those of days far from the rest.
    """
    progress("reading and checking")
    kept, share, added = _quarantine(data, settings), settings.quarantine_share, decided_tables(data, settings)
    database, chosen = _database(data), days.as_of is not None
    read = open_folder if database is None else postgresql.open_database
    source: Any = data if database is None else database
    market = read(source, days.zone, share, quarantine_to=kept, added=added, all_days=chosen)
    return market if days.as_of is None else hold_back(market, days.as_of.toordinal() - EPOCH.toordinal())


def _database(data: Path) -> str | None:
    """The name of the PostgreSQL database; None for a folder."""
    return str(data).removeprefix(PREFIX) if str(data).startswith(PREFIX) else None


def _quarantine(data: Path, settings: Settings) -> Path:
    return settings.home / "quarantine" / f"{data.resolve().name}.parquet"


def decided_tables(data: Path, settings: Settings) -> Mapping[str, pa.Table]:
    """The reviewers' corrections and interventions as tables of the contract; empty without a database."""
    if not _exists(settings):
        return {}
    engine = open_database(settings)
    try:
        return tables(engine, dataset_of(data), datetime.now(UTC))
    finally:
        engine.dispose()


def _exists(settings: Settings) -> bool:
    """Whether there is a database; reading data must not create one."""
    url = address(settings)
    return url.get_backend_name() != "sqlite" or Path(str(url.database)).exists()


def dataset_of(data: Path) -> str:
    """The name under which a folder's corrections are stored: from its source.toml, or the folder's name."""
    return read_settings(data).texts.get("name", data.resolve().name)


def read_ledger(
    data: Path, days: DayChoice, settings: Settings, progress: StepReporter, present: bool = False
) -> Ledger:
    """The ledger of a folder or database; present: appeals decided since the last day count too, for scoring today."""
    market = open_market(data, days, settings, progress)
    if present:
        known_by(market.con, last_order_day(market))
    progress("building the ledger")
    return build_ledger(market)


def last_order_day(market: Marketplace) -> int:
    """The last day on which an order was placed: the last ledger day."""
    return int(market.con.execute("select max(ordered_at_day) from orders").fetchall()[0][0])
