"""Spark as an engine: it translates DuckDB's statements and runs them in a Spark session.

Tables are Parquet files in the session's own folder (on a cluster: in its warehouse), so that each step reads the files
of the steps before and query plans stay short. Only the results that the caller fetches reach the driver.
"""

import os
import shutil
import sys
import tempfile
import uuid
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import pandas as pd
import pyarrow as pa
import sqlglot
from sqlglot import exp
from sqlglot.generators.spark import SparkGenerator

from core.errors import ForesellError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

HOME = "foresell"  # the schema of the tables
BATCH = 100_000  # rows
WAREHOUSE = "spark.sql.warehouse.dir"
SETTINGS: Mapping[str, str] = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.sql.codegen.logLevel": "TRACE",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
LOCAL: Mapping[str, str] = {  # on one machine
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "4g",
    "spark.sql.shuffle.partitions": "8",
}


@dataclass(frozen=True)
class SparkResult:
    """The result of a statement."""

    frame: "DataFrame"

    def fetchall(self) -> list[tuple[Any, ...]]:
        """The rows as tuples."""
        return [tuple(row) for row in self.frame.collect()]

    def to_arrow_table(self) -> pa.Table:
        """The rows as Arrow."""
        return self.frame.toArrow()

    def to_arrow_reader(self, batch_size: int = BATCH) -> pa.RecordBatchReader:
        """The rows as Arrow, in batches."""
        return self.to_arrow_table().to_reader(batch_size)

    def df(self) -> pd.DataFrame:
        """The rows as a frame."""
        rows: pd.DataFrame = self.to_arrow_table().to_pandas()
        return rows


@dataclass(frozen=True)
class Spark:
    """A Spark session that takes DuckDB's statements: create table or view as, insert, select, copy to Parquet."""

    session: "SparkSession"

    def execute(self, query: str, parameters: list[Any] | None = None) -> SparkResult:
        """Run one statement; a `?` in a query is a parameter."""
        statement = sqlglot.parse_one(query, read="duckdb")
        if isinstance(statement, exp.Copy):
            return self._write(statement)
        if isinstance(statement, exp.Create) and statement.kind == "TABLE":
            return self._materialise(statement)
        return SparkResult(self.session.sql(spark_sql(statement), parameters))

    sql = execute

    def register(self, name: str, rows: pa.Table) -> Self:
        """Make a view over a few rows in memory, such as published figures."""
        with quiet_pandas():
            self.session.createDataFrame(rows).createOrReplaceTempView(name)
        return self

    def cursor(self) -> "Spark":
        """The same tables through a session with a current schema, and views of rows in memory, of its own."""
        return Spark(self.session.newSession())

    def _materialise(self, statement: exp.Create) -> SparkResult:
        if not statement.expression:
            return self._run(f"{spark_sql(statement)} using parquet")
        name = statement.this.sql("spark")
        if statement.args.get("replace"):
            self._run(f"drop table if exists {name}")
        return self._run(f"create table {name} using parquet as {spark_sql(statement.expression)}")

    def _write(self, statement: exp.Copy) -> SparkResult:
        frame = self.session.sql(spark_sql(statement.this.unnest()))
        frame.write.mode("overwrite").parquet(statement.args["files"][0].name)
        return SparkResult(frame.limit(0))

    def _run(self, query: str) -> SparkResult:
        return SparkResult(self.session.sql(query))


class Translator(SparkGenerator):
    """Writes Spark's SQL and leaves each `with` in its place; at the front, two of the same name would clash."""

    EXPRESSIONS_WITHOUT_NESTED_CTES: ClassVar[set[type[exp.Expr]]] = set()


def spark_sql(statement: exp.Expr) -> str:
    """A DuckDB statement in Spark's SQL.

    A literal such as 5.0 is a decimal in both engines, but only Spark divides decimals as decimals, to six digits. So
    the literal becomes a binary number there.
    """
    translator = Translator(dialect="spark", unsupported_level=sqlglot.ErrorLevel.RAISE)
    return translator.generate(statement.transform(_binary), copy=False)


def _binary(node: exp.Expr) -> exp.Expr:
    fraction = isinstance(node, exp.Literal) and not node.is_string and not node.is_int
    return exp.cast(node.copy(), "double") if fraction else node


@contextmanager
def connect(conf: Mapping[str, str]) -> Iterator[Spark]:
    """A session with our settings and the given ones, on this machine unless they name a master; drops its tables."""
    master = conf.get("spark.master", "local[*]")
    local = LOCAL if master.startswith("local") else {}
    scratch = Path(tempfile.mkdtemp(prefix="foresell-spark-"))
    warehouse = f"{conf.get(WAREHOUSE, str(scratch)).rstrip('/')}/{uuid.uuid4().hex[:8]}"
    settings = {"spark.master": master, **SETTINGS, **local, **conf, WAREHOUSE: warehouse}
    try:
        session = _start(settings, scratch / "spark.log")
        try:
            session.sql(f"create schema {HOME}")
            session.sql(f"use {HOME}")
            yield Spark(session)
        finally:
            _drop(session)
            _stop(session)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _start(settings: Mapping[str, str], log: Path) -> "SparkSession":
    """The session; the output of its Java process goes to a file and is shown only if the session does not start."""
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        rule, step = "Spark needs Java 17 or newer.", "install it (Debian: apt-get install openjdk-17-jre-headless)"
        raise ForesellError(rule, "no java on PATH and no JAVA_HOME", step)
    with quiet_pandas():
        pyspark, launch = _pyspark()
        conf = pyspark.SparkConf(loadDefaults=False).setAll(list(settings.items())).setAppName(HOME)
        if settings["spark.master"].startswith("local"):
            # Otherwise Spark takes the first python3 on PATH, which lacks our packages.
            os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        try:
            with log.open("wb") as output:
                gateway = pyspark.SparkContext._gateway or launch(conf, {"stdout": output, "stderr": output})
            context = pyspark.SparkContext(conf=conf, gateway=gateway)
        except Exception as error:  # whatever Py4J, Spark or the operating system raise
            raise _not_started(error, log) from None
        context.setLogLevel("ERROR")
        session: SparkSession = pyspark.sql.SparkSession(context)
        return session


def _pyspark() -> tuple[Any, Any]:
    try:
        import pyspark.sql
        from pyspark.java_gateway import launch_gateway
    except ImportError as error:
        rule, step = "The Spark engine needs pyspark 4.", "install the extra `spark` (pip install 'foresell[spark]')"
        raise ForesellError(rule, str(error), step) from None
    return pyspark, launch_gateway


def _not_started(error: Exception, log: Path) -> ForesellError:
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    lines = [line for line in lines if "WARN" not in line]
    found = str(error).strip().split("\n")[0]
    last = next((line for line in reversed(lines) if "Exception" in line or "Error" in line), "")
    step = "check the settings given with --spark-conf, and that their master can be reached"
    return ForesellError("Spark must start with the given settings.", f"{found} {last}".strip(), step)


def cause(error: Exception) -> str:
    """The first cause of a Java error, or else its first line."""
    lines = str(error).strip().split("\n")
    causes = [line for line in lines if line.startswith("Caused by: ")]
    return (causes or lines[:1])[-1].removeprefix("Caused by: ")


def _drop(session: "SparkSession") -> None:
    with suppress(Exception):  # a session that has died has nothing to drop
        for row in session.sql("show schemas").collect():
            if row[0] != "default":
                session.sql(f"drop schema {row[0]} cascade")


def _stop(session: "SparkSession") -> None:
    with quiet_pandas():
        session.stop()


@contextmanager
def quiet_pandas() -> Iterator[None]:
    """Silence pyspark's warnings about pandas 3; only Arrow is used here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield


def parse_conf(given: Sequence[str]) -> dict[str, str]:
    """Settings from texts such as spark.driver.memory=8g."""
    for text in given:
        if not text.partition("=")[0].startswith("spark.") or "=" not in text:
            raise ForesellError("A Spark setting is written spark.name=value.", repr(text), "correct --spark-conf")
    return dict(text.split("=", 1) for text in given)
