"""Intake: what is refused, with the rule, the value found and the next step."""

from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.errors import ForesellError
from features.engines.duckdb import connect, out_of_memory
from features.ingest.intake import open_folder, open_frames
from tests.support.market_rows import ANNA, ORDERS, folder, orders


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(ForesellError, match=r"must be a folder.*no folder .*nowhere.*check the path"):
        open_folder(tmp_path / "nowhere")


def test_a_file_in_place_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("order_id")
    with pytest.raises(ForesellError, match=r"must be a folder.*orders\.csv is a file.*the folder of the file"):
        open_folder(tmp_path / "orders.csv")


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(ForesellError, match=r"'orders' is required.*nothing in .*add orders\.parquet, orders\.csv"):
        open_folder(tmp_path)


def test_a_missing_required_table(tmp_path: Path) -> None:
    folder(tmp_path).joinpath("sellers.csv").rename(tmp_path / "seller.csv")
    with pytest.raises(ForesellError, match=r"'sellers' is required.*seller\.csv"):
        open_folder(tmp_path)


def test_a_missing_required_column_names_the_closest(tmp_path: Path) -> None:
    with pytest.raises(ForesellError, match=r"orders\.seller_id is required.*did you mean 'Seller ID'"):
        open_folder(folder(tmp_path, orders=ORDERS.replace("seller_id", "Seller ID")))


@pytest.mark.parametrize(
    ("column", "value", "found"),
    [
        ("ordered_at", 1704103200, "BIGINT"),
        ("price", True, "BOOLEAN"),
        ("cancelled_by", 3, "BIGINT"),
        ("order_id", 17.0, "DOUBLE"),
        ("item_id", {"id": 1}, "STRUCT"),
    ],
)
def test_a_column_of_the_wrong_type(column: str, value: object, found: str) -> None:
    lines = pa.table({name: [v] for name, v in (orders().iloc[0].to_dict() | {column: value}).items()})
    with pytest.raises(ForesellError, match=rf"orders\.{column} must hold .*{found}.* in the frame 'orders'"):
        open_frames({"orders": lines, "sellers": ANNA})


def test_naive_times_without_a_declared_zone() -> None:
    lines = orders(ordered_at=pd.Timestamp("2024-01-01 10:00"))
    with pytest.raises(ForesellError, match=r"orders\.ordered_at must have a time zone.*times_zone"):
        open_frames({"orders": lines, "sellers": ANNA})


@pytest.mark.parametrize("where", ["zone", "times_zone"])
def test_an_unknown_zone_names_the_closest(where: str) -> None:
    wrong: dict[str, Any] = {where: "Europe/Pariss"}
    with pytest.raises(ForesellError, match=r"'Europe/Pariss' \(did you mean 'Europe/Paris'\?\)"):
        open_frames({"orders": orders(), "sellers": ANNA}, **wrong)


@pytest.mark.parametrize("share", [0.2, 0.9, 0.999])
def test_a_truncated_parquet_file_is_named(tmp_path: Path, share: float) -> None:
    folder(tmp_path)
    (tmp_path / "orders").mkdir()
    whole = tmp_path / "orders" / "whole.parquet"
    pq.write_table(pa.table(pd.concat([orders(order_id=str(i)) for i in range(50)])), whole)
    (tmp_path / "orders" / "cut.parquet").write_bytes(whole.read_bytes()[: int(whole.stat().st_size * share)])
    with pytest.raises(ForesellError, match=r"must be readable.*cut\.parquet"):
        open_folder(tmp_path)


def test_a_parquet_file_with_damaged_pages_is_named(tmp_path: Path) -> None:
    folder(tmp_path)
    (tmp_path / "orders").mkdir()
    for name in ("fine", "damaged"):
        pq.write_table(pa.table(orders(order_id=name)), tmp_path / "orders" / f"{name}.parquet")
    bytes_ = bytearray((tmp_path / "orders" / "damaged.parquet").read_bytes())
    bytes_[4:40] = b"\xff" * 36
    (tmp_path / "orders" / "damaged.parquet").write_bytes(bytes_)
    with pytest.raises(ForesellError, match=r"must be readable.*damaged\.parquet"):
        open_folder(tmp_path)


@pytest.mark.parametrize("text", ["", "seller_id,seller_id\nanna,bert\n"], ids=["empty", "a name twice"])
def test_a_csv_file_without_a_usable_header_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(ForesellError, match=r"must be readable.*sellers\.csv"):
        open_folder(folder(tmp_path, sellers=text))


def test_a_required_table_without_rows(tmp_path: Path) -> None:
    with pytest.raises(ForesellError, match="'orders' must have at least one row"):
        open_folder(folder(tmp_path, orders="order_id,line_id,seller_id,ordered_at\n"))


@pytest.mark.parametrize("text", ["zone = ", 'timezone = "UTC"', "zone = 3"])
def test_a_broken_source_toml(tmp_path: Path, text: str) -> None:
    folder(tmp_path).joinpath("source.toml").write_text(text)
    with pytest.raises(ForesellError, match=r"source\.toml"):
        open_folder(tmp_path)


def test_frames_are_named_like_tables() -> None:
    with pytest.raises(ForesellError, match=r"have the name of a table.*order"):
        open_frames({"order": orders(), "sellers": ANNA})
    with pytest.raises(ForesellError, match="'orders' is required"):
        open_frames({"sellers": ANNA})
    with pytest.raises(ForesellError, match="must have different names"):
        open_frames({"orders": pd.concat([orders(), orders()], axis=1), "sellers": ANNA})


def test_too_little_memory_names_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORESELL_MEMORY", "0.01")
    monkeypatch.setenv("FORESELL_TEMP", str(tmp_path))
    with connect() as con:
        con.execute("set max_temp_directory_size = '0B'")
        with pytest.raises(duckdb.OutOfMemoryException) as error:
            con.execute("create table much as select range as a, hash(range) as b from range(3_000_000)")
    assert "FORESELL_MEMORY (GB), or name a folder with free space as FORESELL_TEMP" in str(out_of_memory(error.value))


def test_a_file_in_windows_letters_is_named_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("order_id,line_id,seller_id,ordered_at\n1,1,A,2024-01-01T10:00:00Z\n")
    (tmp_path / "sellers.csv").write_text("seller_id,region\nA,süd\n", encoding="cp1252")
    with pytest.raises(ForesellError, match=r"save sellers\.csv as UTF-8, or use foresell import --look"):
        open_folder(tmp_path)
