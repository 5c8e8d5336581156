"""Opens the marketplace that a command reads: its tables with the reviewers' decisions, and its ledger."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from core.errors import ForesellError
from core.settings import Settings
from features.ingest.databases import postgresql
from features.ingest.databases.schema import PREFIX
from features.ingest.intake import Marketplace, open_folder
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


def refuse_spark(run: EngineChoice) -> None:
    """Raise ForesellError if a stored ledger is to be read by Spark."""
    if run.engine != "duckdb":
        raise ForesellError("Only DuckDB reads an incremental ledger.", f"--engine {run.engine}", "leave --engine out")


@contextmanager
def opened(run: EngineChoice, data: Path, zone: str | None, progress: StepReporter) -> Iterator[Marketplace]:
    """The typed tables of a folder or database, in the chosen engine."""
    if run.engine == "duckdb":
        yield open_market(data, zone, Settings(), progress)
        return
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
            yield spark_folder.open_folder(con, data, zone, share, quarantine_to=kept, added=added)
        else:
            yield spark_postgresql.open_database(con, database, zone, share, quarantine_to=kept, added=added)


def open_market(data: Path, zone: str | None, settings: Settings, progress: StepReporter) -> Marketplace:
    """The typed tables in DuckDB, with the reviewers' decisions; rows that break a rule go to quarantine."""
    progress("reading and checking")
    kept, share, added = _quarantine(data, settings), settings.quarantine_share, decided_tables(data, settings)
    database = _database(data)
    if database is not None:
        return postgresql.open_database(database, zone, share, quarantine_to=kept, added=added)
    return open_folder(data, zone, share, quarantine_to=kept, added=added)


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
    data: Path, zone: str | None, settings: Settings, progress: StepReporter, present: bool = False
) -> Ledger:
    """The ledger of a folder or database; present: appeals decided since the last day count too, for scoring today."""
    market = open_market(data, zone, settings, progress)
    if present:
        known_by(market.con, last_order_day(market))
    progress("building the ledger")
    return build_ledger(market)


def last_order_day(market: Marketplace) -> int:
    """The last day on which an order was placed: the last ledger day."""
    return int(market.con.execute("select max(ordered_at_day) from orders").fetchall()[0][0])
