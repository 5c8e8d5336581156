"""A small local Spark for the tests: one session, and no compiling of plans that run on a handful of rows.

Java's process lives as long as the tests, so what it is started with is the same for all. It stands in a zone of its
own, which nothing may come to depend on.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

import pytest

from features.engines.spark import Spark, connect
from features.ingest.databases.spark_postgresql import with_driver

SETTINGS = {
    "spark.master": "local[2]",
    "spark.driver.memory": "1g",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Duser.timezone=Europe/Amsterdam",
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.constraintPropagation.enabled": "false",
}
SMALL = with_driver(SETTINGS)


@contextmanager
def small_spark() -> Iterator[Spark]:
    """The session; skips where Java or pyspark is not installed."""
    needs_spark()
    with connect(SMALL) as con:
        yield con


def needs_spark() -> None:
    """Skip where Java or pyspark is not installed."""
    if shutil.which("java") is None:
        pytest.skip("Java is not installed (Debian: apt-get install openjdk-17-jre-headless)")
    if find_spec("pyspark") is None:
        pytest.skip("pyspark is not installed (the extra `spark`)")
