"""The embedded engine: a DuckDB connection that reads days and times as Spark does."""

import os
import tempfile
import uuid
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pandas as pd
import pyarrow as pa

from core.errors import ForesellError
from core.settings import Settings

# Spark has functions of these names and DuckDB does not; sqlglot leaves the names unchanged.
SPARK_FUNCTIONS = (
    "create macro unix_micros(t) as epoch_us(t)",
    "create macro unix_date(d) as cast(date_diff('day', date '1970-01-01', d) as integer)",
    "create macro date_from_unix_date(n) as date '1970-01-01' + cast(n as integer)",
    "create macro to_utc_timestamp(t, zone) as timezone(zone, cast(t as timestamp))",
    "create macro from_utc_timestamp(t, zone) as timezone(zone, cast(t as timestamptz))",
)


class QueryResult(Protocol):
    """The result of a statement."""

    def fetchall(self) -> list[Any]:
        """The rows."""

    def to_arrow_table(self) -> pa.Table:
        """The rows as Arrow."""

    def to_arrow_reader(self, batch_size: int = ..., /) -> pa.RecordBatchReader:
        """The rows as Arrow, in batches."""

    def df(self) -> pd.DataFrame:
        """The rows as a frame."""


class Engine(Protocol):
    """Runs statements in DuckDB's SQL: a DuckDB connection, or features.engines.spark.Spark."""

    def execute(self, query: str, parameters: Any = None, /) -> QueryResult:
        """Run one statement."""

    def sql(self, query: str, /) -> QueryResult:
        """Run one query."""

    def register(self, view_name: str, python_object: object, /) -> object:
        """Make a view over a table in memory."""

    def cursor(self) -> "Engine":
        """The same database through a connection with a current schema of its own."""


def with_own_schema(con: Engine, name: str) -> Engine:
    """A connection to the same database that makes and finds its tables in a new, empty schema of this name."""
    con.execute(f"create schema {name}")
    inner = con.cursor()
    inner.execute(f"use {name}")
    return inner


def connect(memory_gb: float | None = None, keeps: bool = False) -> duckdb.DuckDBPyConnection:
    """An in-memory database in UTC; beyond memory_gb or FORESELL_MEMORY, the smaller, it writes to disk.

    keeps: keep all memory until the end, which saves a tenth of the time of a process that does nothing else.
    """
    con = duckdb.connect(config=_config(memory_gb, keeps))
    con.execute("set global timezone = 'UTC'")  # global, so that cursors have it too
    for macro in SPARK_FUNCTIONS:
        con.execute(macro)
    return con


def _config(memory_gb: float | None, keeps: bool) -> dict[str, str | bool | int | float | list[str]]:
    # Each connection has a temporary folder of its own (made only when needed), never the working directory.
    settings = Settings()
    spill = (settings.temp or Path(tempfile.gettempdir())) / f"foresell-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    config: dict[str, str | bool | int | float | list[str]] = {
        "preserve_insertion_order": False,
        "temp_directory": str(spill),
        "autoinstall_known_extensions": False,  # no downloads
    }
    limits = ["memory_limit", *(["block_allocator_memory"] if keeps else [])]
    most = min((gb for gb in (memory_gb, settings.memory) if gb is not None), default=None)
    return config if most is None else config | dict.fromkeys(limits, f"{most}GB")


def out_of_memory(error: Exception) -> ForesellError:
    """The error for people when a statement needs more memory than the engine may use."""
    step = "give more with FORESELL_MEMORY (GB), or name a folder with free space as FORESELL_TEMP"
    found = str(error).strip().split("\n")[0]
    return ForesellError("The data must fit into the memory and the temporary folder of the engine.", found, step)
