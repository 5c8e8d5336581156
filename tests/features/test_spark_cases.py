"""What intake refuses, keeps and counts is the same on Spark: each case is read by both engines and compared."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.errors import ForesellError
from features.engines.spark import Spark
from features.ingest import spark_folder
from features.ingest.contract import TABLES
from features.ingest.intake import Marketplace, open_folder
from features.ledger.build import build_ledger
from tests.features.test_intake_cases import lines, rating, with_deadline
from tests.support.spark_session import small_spark

pytestmark = pytest.mark.slow
Frames = dict[str, pd.DataFrame]
SELLERS = pd.DataFrame({"seller_id": ["A", "B"], "region": ["north", "south"]})


@pytest.fixture(scope="module")
def spark() -> Iterator[Spark]:
    with small_spark() as con:
        yield con


def odd() -> Frames:
    """Rows of each kind that is kept, dropped or moved, in one marketplace."""
    orders = lines(400, delivered_at=lambda moment: f"{(moment + timedelta(days=2)).isoformat()}Z")
    orders["kind"] = ["test", "replacement"] + ["sale"] * 398
    orders.loc[50:60, "delivered_at"] = ""
    orders.loc[70, "seller_id"] = "unknown"
    orders.loc[399, "ordered_at"] = "2042-01-01T10:00:00Z"
    again = pd.concat([orders, orders.iloc[5:7], orders.iloc[7:9].assign(kind=None)])
    returns = pd.DataFrame({"return_id": orders["order_id"][45:56], "order_id": orders["order_id"][45:56]})
    feedback = pd.concat([rating("o20", "A"), rating("o30", "B").assign(feedback_id="f2")])
    return {
        "orders": again,
        "sellers": SELLERS,
        "returns": returns.assign(line_id="1", opened_at="2024-02-01T10:00:00Z"),
        "feedback": pd.concat([feedback, rating("nowhere", "A").assign(feedback_id="f3")]),
    }


def renamed() -> Frames:
    aliases = pd.DataFrame({"old_seller_id": ["A"], "new_seller_id": ["B"], "valid_from": ["2024-01-02T00:00:00Z"]})
    return {"orders": lines(30), "sellers": SELLERS, "aliases": aliases}


def dated(name: str, form: str) -> Frames:
    return {"orders": with_deadline(name, form), "sellers": SELLERS}


CASES: dict[str, tuple[Callable[[], Frames], str]] = {
    "odd rows": (odd, ""),
    "a renamed seller": (renamed, ""),
    "ship_by as a date": (lambda: dated("ship_by", ""), ""),
    "midnights that mean days": (lambda: dated("promised_at", "T00:00:00Z"), '[orders]\ndate_only = ["promised_at"]\n'),
}
REFUSED: dict[str, Callable[[], Frames]] = {
    "a key of two sellers": lambda: {
        "orders": pd.concat([lines(9), lines(9).assign(seller_id="B")]),
        "sellers": SELLERS,
    },
    "midnights without a word": lambda: dated("ship_by", "T00:00:00Z"),
    "two currencies": lambda: {"orders": lines(10).assign(currency=["EUR"] * 5 + ["USD"] * 5), "sellers": SELLERS},
    "too many that differ": lambda: {
        "orders": pd.concat([lines(9).assign(price="2"), lines(9).assign(price="3")]),
        "sellers": SELLERS,
    },
}


def written(frames: Frames, settings: str, folder: Path) -> Path:
    for name, frame in frames.items():
        texts = {str(column): pa.array([v or None for v in values], pa.string()) for column, values in frame.items()}
        pq.write_table(pa.table(texts), folder / f"{name}.parquet")
    (folder / "source.toml").write_text(settings)
    return folder


def content(market: Marketplace) -> dict[str, Any]:
    """Every typed row, the quarantine without files, and the ledger's sums."""
    built = build_ledger(market)
    sums = ", ".join(f"sum({q})" for q in built.quantities)
    tables = {name: f"select {', '.join(table.typed)} from {name}" for name, table in TABLES.items()}
    tables["quarantine"] = "select table_name, row, column_name, rule, value, seller_id from quarantine"
    rows = {name: sorted(map(repr, market.con.execute(sql).fetchall())) for name, sql in tables.items()}
    return rows | {"ledger": built.con.execute(f"select {sums} from ledger").fetchall()}


def emptied(con: Spark) -> Spark:
    """The session without the tables of the case before."""
    for row in con.session.sql("show tables").collect():
        what = "view" if con.session.catalog.getTable(row["tableName"]).tableType in ("VIEW", "TEMPORARY") else "table"
        con.session.sql(f"drop {what} if exists {row['tableName']}")
    return con


@pytest.mark.parametrize("case", CASES)
def test_both_engines_keep_and_count_the_same(spark: Spark, case: str, tmp_path: Path) -> None:
    frames, settings = CASES[case]
    folder = written(frames(), settings, tmp_path)
    here, there = open_folder(folder, quarantine_share=1), spark_folder.open_folder(emptied(spark), folder, None, 1)
    assert there.report == here.report
    assert content(there) == content(here)


@pytest.mark.parametrize("case", REFUSED)
def test_both_engines_refuse_the_same(spark: Spark, case: str, tmp_path: Path) -> None:
    folder = written(REFUSED[case](), "", tmp_path)
    with pytest.raises(ForesellError) as here:
        open_folder(folder)
    with pytest.raises(ForesellError) as there:
        spark_folder.open_folder(emptied(spark), folder)
    assert str(there.value) == str(here.value)
