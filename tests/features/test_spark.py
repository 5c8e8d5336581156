"""The same statements on Spark: the ledger equals the oracle's exactly, the features within 1e-9."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyarrow import parquet

from features.engines.spark import Spark
from features.ingest import spark_folder
from features.ledger.build import Ledger, build_ledger
from features.standards.load import load
from features.table import build_table
from tests.features.test_properties_features import wrong_values
from tests.support.engine_ledger import as_oracle, differences
from tests.support.histories import VERSIONED, History, an_example
from tests.support.oracle import ledger
from tests.support.oracle_features import expected_rows
from tests.support.spark_session import small_spark

pytestmark = pytest.mark.slow

STANDARDS = load().standards


@pytest.fixture(scope="module")
def spark() -> Iterator[Spark]:
    with small_spark() as con:
        yield con


def write(history: History, folder: Path) -> Path:
    """A history as a contract folder of Parquet files, its orders in two."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "source.toml").write_text(f'zone = "{history.zone}"\n')
    for name, frame in history.frames().items():
        parquet.write_table(frame, folder / f"{name}.parquet")
    return folder


@pytest.fixture(scope="module")
def history() -> History:
    return an_example(versioned=frozenset(VERSIONED), appeals=True)


@pytest.fixture(scope="module")
def built(spark: Spark, history: History, tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    folder = write(history, tmp_path_factory.mktemp("history") / "data")
    return build_ledger(spark_folder.open_folder(spark, folder, quarantine_share=1.0))


def test_the_ledger_equals_the_oracle(built: Ledger, history: History) -> None:
    expected = ledger(history.tables, history.zone, built.quantities)
    assert expected.corrections, "later versions and appeals change something"
    assert differences(as_oracle(built), expected) == []


def test_features_equal_the_oracle(built: Ledger, history: History) -> None:
    days = [history.day(history.start) + day for day in (20, 40)]
    table = build_table(built, days, STANDARDS)
    names = set(table.block.names) - {f.name for f in table.features} - {"active", "tenure_days", "peer_sellers"}
    sums = ledger(history.tables, history.zone, built.quantities)
    assert wrong_values(table, expected_rows(history.tables, history.zone, sums, days, names)) == []
