"""The embedded engine: one DuckDB connection that reads days and times as Spark would."""

import os
import tempfile
import uuid
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pandas as pd
import pyarrow as pa

# Spark has these by name and DuckDB does not; sqlglot carries the names over unchanged.
SPARK_FUNCTIONS = (
    "create macro unix_micros(t) as epoch_us(t)",
    "create macro unix_date(d) as cast(date_diff('day', date '1970-01-01', d) as integer)",
    "create macro date_from_unix_date(n) as date '1970-01-01' + cast(n as integer)",
    "create macro to_utc_timestamp(t, zone) as timezone(zone, cast(t as timestamp))",
    "create macro from_utc_timestamp(t, zone) as timezone(zone, cast(t as timestamptz))",
)


class Answer(Protocol):
    """What a statement found."""

    def fetchall(self) -> list[Any]:
        """The rows."""

    def to_arrow_table(self) -> pa.Table:
        """The rows as Arrow."""

    def to_arrow_reader(self, batch_size: int = ..., /) -> pa.RecordBatchReader:
        """The rows as Arrow, in batches."""

    def df(self) -> pd.DataFrame:
        """The rows as a frame."""


class Engine(Protocol):
    """What runs the statements, all in DuckDB's SQL: DuckDB's own connection, or features.spark.Spark."""

    def execute(self, query: str, parameters: Any = None, /) -> Answer:
        """Run one statement."""

    def sql(self, query: str, /) -> Answer:
        """Run one query."""

    def register(self, view_name: str, python_object: object, /) -> object:
        """Make a view of a table in memory."""


def connect(memory_gb: float | None = None, keeps: bool = False) -> duckdb.DuckDBPyConnection:
    """An in-memory database whose times are UTC; past memory_gb (default: DuckDB's own share) it spills to disk.

    keeps: it gives no memory back before its end, which saves a process that does nothing else a tenth of its time.
    """
    con = duckdb.connect(config=_config(memory_gb, keeps))
    con.execute("set global timezone = 'UTC'")  # global, so that cursors have it too
    for macro in SPARK_FUNCTIONS:
        con.execute(macro)
    return con


def quoted(text: object) -> str:
    """A SQL string literal."""
    return "'" + str(text).replace("'", "''") + "'"


def _config(memory_gb: float | None, keeps: bool) -> dict[str, str | bool | int | float | list[str]]:
    # Each connection spills into its own folder (made only when needed), never into the working directory.
    spill = Path(tempfile.gettempdir()) / f"foresell-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    config: dict[str, str | bool | int | float | list[str]] = {
        "preserve_insertion_order": False,
        "temp_directory": str(spill),
        "autoinstall_known_extensions": False,  # nothing is fetched from anywhere
    }
    limits = ["memory_limit", *(["block_allocator_memory"] if keeps else [])]
    return config if memory_gb is None else config | dict.fromkeys(limits, f"{memory_gb}GB")
