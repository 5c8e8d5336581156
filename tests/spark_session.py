"""A small local Spark for the tests: one session, and no compiling of plans that run on a handful of rows."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

import pytest

from features.spark import Spark, connect

SMALL = {
    "spark.master": "local[2]",
    "spark.driver.memory": "1g",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.constraintPropagation.enabled": "false",
}


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
