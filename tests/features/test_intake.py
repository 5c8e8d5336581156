"""Intake: what of a marketplace's rows is kept and how it is typed, and which version of a row counts."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.ingest.intake import hold_back, open_folder, open_frames
from tests.support.market_rows import ANNA, ORDERS, SELLERS, counts, folder, orders, rows

DAY = 19_723  # 2024-01-01
HOUR = 3_600_000_000


def test_a_folder_of_csv_files_becomes_typed_tables(tmp_path: Path) -> None:
    market = open_folder(
        folder(
            tmp_path,
            orders="""\
order_id,line_id,seller_id,item_id,price,ordered_at,promised_at,tracking_valid,cancelled_by
o1,1,anna,cup,19.99,2024-01-01T23:30:00-02:00,2024-01-05,true,
o1,2,anna,,0.29,2024-01-01T10:00:00Z,2024-01-05T12:00:00Z,,buyer
""",
        )
    )
    columns = ("line_id", "item_id", "price_cents", "ordered_at", "ordered_at_day", "promised_at", "promised_at_day")
    assert rows(market, "orders", *columns, "tracking_valid", "cancelled_by") == [
        ("1", "cup", 1999, (DAY * 24 + 25) * HOUR + HOUR // 2, DAY + 1, None, DAY + 4, True, None),
        ("2", None, 29, (DAY * 24 + 10) * HOUR, DAY, ((DAY + 4) * 24 + 12) * HOUR, DAY + 4, None, "buyer"),
    ]


def test_a_table_or_column_that_the_source_lacks_is_empty_and_not_available(tmp_path: Path) -> None:
    market = open_folder(folder(tmp_path))
    assert rows(market, "returns", "refund_cents") == []
    assert rows(market, "orders", "shipped_at", "shipped_at_day", "price_cents") == [(None, None, None)]
    assert market.available == {
        *("orders", "orders.order_id", "orders.line_id", "orders.seller_id", "orders.ordered_at"),
        *("sellers", "sellers.seller_id"),
    }


def test_files_of_many_forms_make_one_table(tmp_path: Path) -> None:
    priced = ORDERS.replace("ordered_at", "ordered_at,price").replace("00Z\n", "00Z,\n")
    folder(tmp_path, orders=priced)
    (tmp_path / "orders").mkdir()
    (tmp_path / "orders" / "january [1].csv").write_text(
        priced.replace("o1", "o2") + "o3,1,anna,2024-01-02T10:00:00Z,\n"
    )
    pq.write_table(pa.table(orders(order_id="o4", price=Decimal("1.10"))), tmp_path / "orders" / "more [2*].parquet")
    market = open_folder(tmp_path)
    assert rows(market, "orders", "order_id", "price_cents") == [("o1", None), ("o2", None), ("o3", None), ("o4", 110)]
    assert "orders.price" in market.available


@pytest.mark.parametrize(
    ("price", "cents"),
    [
        ("0.29", 29),
        ("1234567.89", 123456789),
        ("1e2", 10000),
        (".5", 50),
        ("0", 0),
        (0.29, 29),
        (19.99, 1999),
        (7, 700),
        (Decimal("0.295"), 30),
        (None, None),
    ],
)
def test_prices_are_exact_cents(price: object, cents: int | None) -> None:
    assert rows(open_frames({"orders": orders(price=price), "sellers": ANNA}), "orders", "price_cents") == [(cents,)]


TOKYO = dt.timezone(dt.timedelta(hours=9))


@pytest.mark.parametrize(
    "time",
    [
        "2024-01-01T10:00:00Z",
        "2024-01-01 19:00:00+09:00",
        "2024-01-01 19:00+0900",
        dt.datetime(2024, 1, 1, 19, tzinfo=TOKYO),
        pd.Timestamp("2024-01-01T10:00:00Z"),
        pd.Series(["2024-01-01T10:00:00Z"], dtype="datetime64[us, UTC]"),
        pd.Series(["2024-01-01T10:00:00Z"], dtype="datetime64[ns, UTC]"),
        pd.Series(
            pd.DatetimeIndex(["2024-01-01T10:00:00Z"], dtype="datetime64[us, UTC]").tz_convert("America/Sao_Paulo")
        ),
        pd.Series(["2024-01-01T10:00:00Z"], dtype="category"),
        pd.Series([pd.Timestamp("2024-01-01T10:00:00Z")], dtype="object"),
    ],
    ids=str,
)
def test_one_instant_however_it_is_written(time: Any) -> None:
    market = open_frames({"orders": orders().assign(ordered_at=time), "sellers": ANNA}, zone="Asia/Tokyo")
    assert rows(market, "orders", "ordered_at", "ordered_at_day") == [((DAY * 24 + 10) * HOUR, DAY)]


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        ("2024-01-01 10:00:00", "2024-01-01T15:00:00+00:00"),
        ("2024-07-01 10:00:00", "2024-07-01T14:00:00+00:00"),
        ("2024-03-10 02:30:00", "2024-03-10T07:30:00+00:00"),  # not on the clock that day: read as 03:30
        ("2024-11-03 01:30:00", "2024-11-03T06:30:00+00:00"),  # twice on the clock that day: the second
    ],
)
@pytest.mark.parametrize("form", ["text", "timestamp"])
def test_naive_times_are_meant_in_the_declared_zone(local: str, utc: str, form: str) -> None:
    frames = {"orders": orders(ordered_at=local if form == "text" else pd.Timestamp(local)), "sellers": ANNA}
    market = open_frames(frames, zone="America/New_York", times_zone="America/New_York")
    day = (dt.date.fromisoformat(local[:10]) - dt.date(1970, 1, 1)).days
    micros = int(dt.datetime.fromisoformat(utc).timestamp()) * 1_000_000
    assert rows(market, "orders", "ordered_at", "ordered_at_day") == [(micros, day)]


@pytest.mark.parametrize("value", ["2018-01-05", dt.date(2018, 1, 5)], ids=["text", "date"])
def test_a_promise_may_be_a_date_alone_and_needs_no_zone(tmp_path: Path, value: object) -> None:
    promised = pa.table({"promised_at": [value]})
    lines = pa.Table.from_pandas(orders()).append_column("promised_at", promised["promised_at"])
    pq.write_table(lines, tmp_path / "orders.parquet")
    (tmp_path / "sellers.csv").write_text(SELLERS)
    market = open_folder(tmp_path, zone="America/Sao_Paulo")
    assert rows(market, "orders", "promised_at", "promised_at_day") == [(None, 17_536)]


def test_source_toml_declares_name_and_zones_and_the_caller_overrules_it(tmp_path: Path) -> None:
    folder(tmp_path, orders=ORDERS.replace("10:00:00Z", "23:00:00"))
    (tmp_path / "source.toml").write_text('name = "shop"\nzone = "Asia/Tokyo"\ntimes_zone = "UTC"\n')
    said, overruled = open_folder(tmp_path), open_folder(tmp_path, zone="UTC")
    assert (said.name, said.zone, overruled.zone) == ("shop", "Asia/Tokyo", "UTC")
    assert rows(said, "orders", "ordered_at_day") == [(DAY + 1,)]
    assert rows(overruled, "orders", "ordered_at_day") == [(DAY,)]


def test_ids_may_be_whole_numbers_and_flags_zero_or_one() -> None:
    lines = orders(order_id=17, line_id=1, tracking_valid=0)
    market = open_frames({"orders": lines, "sellers": ANNA})
    assert rows(market, "orders", "order_id", "line_id", "tracking_valid") == [("17", "1", False)]


def test_the_tables_that_name_a_table_and_a_key() -> None:
    correction = {
        "correction_id": "c1",
        "seller_id": "anna",
        "table": "orders",
        "row_key": "o1/1",
        "decided_at": "2024-02-01T00:00:00Z",
        "effect": "excluded",
    }
    market = open_frames({"orders": orders(), "sellers": ANNA, "corrections": pd.DataFrame([correction])})
    assert rows(market, "corrections", "table_name", "row_key", "decided_at_day", "new_fault") == [
        ("orders", "o1/1", DAY + 31, None)
    ]
    assert "corrections.table" in market.available


VERSIONS = """\
order_id,line_id,seller_id,ordered_at,shipped_at,recorded_at
o1,1,anna,2024-01-01T10:00:00Z,,2024-01-01T10:00:00Z
o1,1,anna,2024-01-01T10:00:00Z,2024-01-03T10:00:00Z,2024-01-03T12:00:00Z
o1,1,anna,2024-01-01T10:00:00Z,2024-01-03T10:00:00Z,2024-01-03T12:00:00Z
"""


def test_versions_are_kept_and_duplicates_count_once(tmp_path: Path) -> None:
    market = open_folder(folder(tmp_path, orders=VERSIONS))
    assert rows(market, "orders", "recorded_at_day", "shipped_at_day") == [(DAY, None), (DAY + 2, DAY + 2)]
    assert counts(market, "orders") == {"read": 3, "kept": 2, "duplicates": 1, "quarantined": 0}


def test_rows_that_differ_with_nothing_to_order_them_are_all_refused(tmp_path: Path) -> None:
    first, second, other = "anna,Berlin\n", "anna,Aachen\n", "bert,Ulm\n"
    for lines in (first + second + other, other + second + first + second):
        market = open_folder(folder(tmp_path, sellers="seller_id,region\n" + lines), quarantine_share=1.0)
        assert rows(market, "sellers", "region") == [("Ulm",)]
        read = lines.count("\n")
        assert counts(market, "sellers") == {"read": read, "kept": 1, "duplicates": 0, "quarantined": read - 1}


def test_rows_known_only_after_a_day_are_held_back_and_come_back(tmp_path: Path) -> None:
    later = "o2,1,anna,2024-01-02T10:00:00Z,,2024-01-08T10:00:00Z\no3,1,anna,2024-01-02T10:00:00Z,,\n"
    market = open_folder(folder(tmp_path, orders=VERSIONS + later))
    held = hold_back(market, DAY + 1)
    assert rows(held, "orders", "order_id", "recorded_at_day") == [("o1", DAY), ("o3", None)]
    assert rows(held, "held_orders", "order_id") == [("o1",), ("o2",)]
    assert (held.report.table("orders").kept, held.report.table("orders").held_back) == (2, 2)
    assert (held.report.table("sellers").kept, held.report.table("sellers").held_back) == (1, 0)
    later_on = hold_back(held, DAY + 2)
    assert rows(later_on, "orders", "order_id", "recorded_at_day") == [("o1", DAY), ("o1", DAY + 2), ("o3", None)]
    assert (later_on.report.table("orders").kept, later_on.report.table("orders").held_back) == (3, 1)


def test_the_report_reads_well(tmp_path: Path) -> None:
    folder(tmp_path, orders=VERSIONS, sellers="seller_id,shoe_size\nanna,38\n", retruns="return_id\n")
    report = open_folder(tmp_path).report
    assert report.lines() == [
        "orders: 3 rows read, 2 kept; 1 duplicate",
        "sellers: 1 row read, 1 kept; not in the contract: shoe_size",
        "files not read: retruns.csv",
    ]
    assert report.as_json()["tables"][0]["duplicates"] == 1
