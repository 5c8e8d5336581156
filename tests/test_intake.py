"""Intake: what of a marketplace's rows is kept and typed, quarantined, counted once, or refused."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from market_rows import ORDERS, SELLERS, counts, folder, quarantined, rows

from features.errors import ForesellError
from features.intake import Marketplace, hold_back, open_folder, open_frames

ANNA = pd.DataFrame({"seller_id": ["anna"]})
DAY = 19_723  # 2024-01-01
HOUR = 3_600_000_000


def orders(**columns: object) -> pd.DataFrame:
    """One order line with further columns."""
    line = {"order_id": "o1", "line_id": "1", "seller_id": "anna", "ordered_at": "2024-01-01T10:00:00Z"}
    return pd.DataFrame([line | columns])


# What is kept, and how it is typed


def test_a_folder_of_csv_files_becomes_typed_tables(tmp_path: Path):
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


def test_a_table_or_column_that_the_source_lacks_is_empty_and_not_available(tmp_path: Path):
    market = open_folder(folder(tmp_path))
    assert rows(market, "returns", "refund_cents") == []
    assert rows(market, "orders", "shipped_at", "shipped_at_day", "price_cents") == [(None, None, None)]
    assert market.available == {
        *("orders", "orders.order_id", "orders.line_id", "orders.seller_id", "orders.ordered_at"),
        *("sellers", "sellers.seller_id"),
    }


def test_files_of_many_forms_make_one_table(tmp_path: Path):
    folder(tmp_path)
    (tmp_path / "orders").mkdir()
    (tmp_path / "orders" / "january [1].csv").write_text(
        ORDERS.replace("o1", "o2") + "o3,1,anna,2024-01-02T10:00:00Z\n"
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
def test_prices_are_exact_cents(price: object, cents: int | None):
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
        pd.Series(["2024-01-01T10:00:00Z"], dtype="datetime64[us, UTC]").dt.tz_convert("America/Sao_Paulo"),
        pd.Series(["2024-01-01T10:00:00Z"], dtype="category"),
        pd.Series([pd.Timestamp("2024-01-01T10:00:00Z")], dtype="object"),
    ],
    ids=str,
)
def test_one_instant_however_it_is_written(time: object):
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
def test_naive_times_are_meant_in_the_declared_zone(local: str, utc: str, form: str):
    frames = {"orders": orders(ordered_at=local if form == "text" else pd.Timestamp(local)), "sellers": ANNA}
    market = open_frames(frames, zone="America/New_York", times_zone="America/New_York")
    day = (dt.date.fromisoformat(local[:10]) - dt.date(1970, 1, 1)).days
    micros = int(dt.datetime.fromisoformat(utc).timestamp()) * 1_000_000
    assert rows(market, "orders", "ordered_at", "ordered_at_day") == [(micros, day)]


@pytest.mark.parametrize("value", ["2018-01-05", dt.date(2018, 1, 5)], ids=["text", "date"])
def test_a_promise_may_be_a_date_alone_and_needs_no_zone(tmp_path: Path, value: object):
    promised = pa.table({"promised_at": [value]})
    lines = pa.Table.from_pandas(orders()).append_column("promised_at", promised["promised_at"])
    pq.write_table(lines, tmp_path / "orders.parquet")
    (tmp_path / "sellers.csv").write_text(SELLERS)
    market = open_folder(tmp_path, zone="America/Sao_Paulo")
    assert rows(market, "orders", "promised_at", "promised_at_day") == [(None, 17_536)]


def test_source_toml_declares_name_and_zones_and_the_caller_overrules_it(tmp_path: Path):
    folder(tmp_path, orders=ORDERS.replace("10:00:00Z", "23:00:00"))
    (tmp_path / "source.toml").write_text('name = "shop"\nzone = "Asia/Tokyo"\ntimes_zone = "UTC"\n')
    said, overruled = open_folder(tmp_path), open_folder(tmp_path, zone="UTC")
    assert (said.name, said.zone, overruled.zone) == ("shop", "Asia/Tokyo", "UTC")
    assert rows(said, "orders", "ordered_at_day") == [(DAY + 1,)]
    assert rows(overruled, "orders", "ordered_at_day") == [(DAY,)]


def test_ids_may_be_whole_numbers_and_flags_zero_or_one():
    lines = orders(order_id=17, line_id=1, tracking_valid=0)
    market = open_frames({"orders": lines, "sellers": ANNA})
    assert rows(market, "orders", "order_id", "line_id", "tracking_valid") == [("17", "1", False)]


def test_the_tables_that_name_a_table_and_a_key():
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


# What is quarantined: a row with its file, row, column, rule and value

BAD_VALUES = [
    ("orders", "price", "-0.01", "below 0"),
    ("orders", "price", "NaN", "not a finite number"),
    ("orders", "price", "-inf", "not a finite number"),
    ("orders", "price", "1e30", "above 1e+12"),
    ("orders", "price", "12,50", "wrong type"),
    ("orders", "price", "0x1F", "wrong type"),
    ("orders", "ordered_at", "", "required value missing"),
    ("orders", "ordered_at", "yesterday", "wrong type"),
    ("orders", "ordered_at", "2024-02-30T10:00:00Z", "wrong type"),
    ("orders", "ordered_at", "2024-01-01 10:00:00", "time without a zone"),
    ("orders", "ordered_at", "2024-01-01", "time without a zone"),
    ("orders", "shipped_at", "1900-01-01T00:00:00Z", "time outside 1970 to 2199"),
    ("orders", "promised_at", "9999-12-31", "time outside 1970 to 2199"),
    ("orders", "promised_at", "2024-02-30", "wrong type"),
    ("orders", "promised_at", "2024-02-20 12:00:00", "time without a zone"),
    ("orders", "seller_id", "", "required value missing"),
    ("orders", "cancelled_by", "SELLER", "unknown value"),
    ("orders", "tracking_valid", "perhaps", "wrong type"),
    ("feedback", "rating", "9", "above 5"),
    ("feedback", "rating", "0", "below 1"),
    ("feedback", "rating", "4.5", "wrong type"),
    ("feedback", "rating", "good", "wrong type"),
    ("interventions", "propensity", "1.5", "above 1"),
    ("interventions", "kind", "scolding", "unknown value"),
]
GOOD_ROWS = {
    "orders": {"order_id": "o9", "line_id": "1", "seller_id": "anna", "ordered_at": "2024-01-02T10:00:00Z"},
    "feedback": {
        "feedback_id": "f1",
        "order_id": "o1",
        "seller_id": "anna",
        "rating": "5",
        "created_at": "2024-01-09T10:00:00Z",
    },
    "interventions": {
        "intervention_id": "i1",
        "seller_id": "anna",
        "kind": "coaching",
        "started_at": "2024-01-09T10:00:00Z",
    },
}


@pytest.fixture(scope="module")
def bad_values(tmp_path_factory: pytest.TempPathFactory) -> Marketplace:
    """A folder with a file for each bad value, named by its place in the list, beside one good order."""
    path = folder(tmp_path_factory.mktemp("bad"))
    for i, (table, column, value, _) in enumerate(BAD_VALUES):
        bad = GOOD_ROWS[table] | {column: value}
        (path / table).mkdir(exist_ok=True)
        text = ",".join(bad) + "\n" + ",".join(f'"{v}"' for v in bad.values()) + "\n"
        (path / table / f"{i}.csv").write_text(text)
    return open_folder(path, quarantine_share=1)


@pytest.mark.parametrize("number", range(len(BAD_VALUES)), ids=lambda i: "-".join(BAD_VALUES[i]))
def test_a_bad_value_goes_to_quarantine(bad_values: Marketplace, number: int):
    table, column, value, rule = BAD_VALUES[number]
    key = {"orders": "o9/1", "feedback": "f1", "interventions": "i1"}[table]
    found = [row for row in quarantined(bad_values) if row[1] == f"{number}.csv"]
    assert found == [(table, f"{number}.csv", key, column, rule, value or None)]


def test_nothing_else_goes_to_quarantine(bad_values: Marketplace):
    assert len(quarantined(bad_values)) == len(BAD_VALUES)
    assert rows(bad_values, "orders", "order_id") == [("o1",)]
    assert bad_values.report.table("feedback").quarantined == {
        "rating: wrong type": 2,
        "rating: above 5": 1,
        "rating: below 1": 1,
    }


def test_a_parquet_row_is_quarantined_by_its_number(tmp_path: Path):
    lines = pa.table(
        {
            "order_id": ["o1", "o2", "o3"],
            "line_id": ["1", "1", "1"],
            "seller_id": ["anna", "anna", "anna"],
            "price": [1.0, float("nan"), float("-inf")],
            "ordered_at": pa.array([0, 1, 2], pa.timestamp("us", "UTC")),
        }
    )
    folder(tmp_path)
    (tmp_path / "orders.csv").unlink()
    pq.write_table(lines, tmp_path / "orders.parquet")
    market = open_folder(tmp_path, quarantine_share=1, quarantine_to=tmp_path / "out" / "bad.parquet")
    assert quarantined(market) == [
        ("orders", "orders.parquet", "2", "price", "not a finite number", "nan"),
        ("orders", "orders.parquet", "3", "price", "not a finite number", "-inf"),
    ]
    assert pq.read_table(tmp_path / "out" / "bad.parquet").num_rows == 2
    assert counts(market, "orders") == {"read": 3, "kept": 1, "duplicates": 0, "quarantined": 2}


def test_rows_that_cannot_be_split_are_quarantined_with_their_line(tmp_path: Path):
    market = open_folder(
        folder(
            tmp_path,
            sellers="""\
seller_id,name
anna,Anna
bert
carl,Carl,Inc
dora,"Dora ""D"" D"
emil,"Emil
""",
        ),
        quarantine_share=1,
    )
    assert quarantined(market) == [
        ("sellers", "sellers.csv", "3", None, "broken row", "bert"),
        ("sellers", "sellers.csv", "4", None, "broken row", "carl,Carl,Inc"),
        ("sellers", "sellers.csv", "6", None, "broken row", 'emil,"Emil'),
    ]
    assert rows(market, "sellers", "seller_id", "name") == [("anna", "Anna"), ("dora", 'Dora "D" D')]
    assert counts(market, "sellers") == {"read": 5, "kept": 2, "duplicates": 0, "quarantined": 3}


def test_lines_that_an_open_quote_swallows_are_counted(tmp_path: Path):
    lost = "".join(f"s{i},x\n" for i in range(20))
    market = open_folder(folder(tmp_path, sellers=f'seller_id,name\nanna,Anna\nbert,"B\n{lost}'), quarantine_share=1)
    assert counts(market, "sellers") == {"read": 22, "kept": 1, "duplicates": 0, "quarantined": 21}


def test_a_file_swallowed_by_an_open_quote_is_refused(tmp_path: Path):
    lost = "".join(f"s{i},x\n" for i in range(20_000))
    with pytest.raises(ForesellError, match=r"quoted value .* must be closed.*sellers\.csv, line 3"):
        open_folder(folder(tmp_path, sellers=f'seller_id,name\nanna,Anna\nbert,"B\n{lost}'), quarantine_share=1)


def test_text_that_is_not_unicode_is_quarantined(tmp_path: Path):
    folder(tmp_path)
    (tmp_path / "sellers.csv").write_bytes(b"seller_id,name\nanna,Anna\nbert,B\xffrt\n")
    market = open_folder(tmp_path, quarantine_share=1)
    assert [(row, rule) for _, _, row, _, rule, _ in quarantined(market)] == [("3", "broken row")]


def test_a_return_must_refer_to_an_order_line(tmp_path: Path):
    market = open_folder(
        folder(
            tmp_path,
            returns="""\
return_id,order_id,line_id,opened_at
r1,o1,1,2024-01-09T10:00:00Z
r2,o1,2,2024-01-09T10:00:00Z
r3,o7,1,2024-01-09T10:00:00Z
""",
        ),
        quarantine_share=1,
    )
    assert quarantined(market) == [
        ("returns", None, "r2", "line_id", "refers to no order line", "o1/2"),
        ("returns", None, "r3", "line_id", "refers to no order line", "o7/1"),
    ]
    assert rows(market, "returns", "return_id") == [("r1",)]


def test_too_many_bad_rows_stop_the_run_and_are_written_first(tmp_path: Path):
    bad = ORDERS + "o2,1,anna,soon\no3,1,,2024-01-01T10:00:00Z\n"
    path = tmp_path / "bad.parquet"
    with pytest.raises(ForesellError) as e:
        open_folder(folder(tmp_path, orders=bad), quarantine_share=0.5, quarantine_to=path)
    assert e.value.rule == "At most 50.00% of a table's rows may break the contract."
    assert "2 of 3 rows of 'orders'" in e.value.found
    assert "ordered_at: wrong type (1 rows; such as 'soon' in row o2/1" in e.value.found
    assert "seller_id: required value missing (1 rows" in e.value.found
    assert pq.read_table(path).num_rows == 2


# Versions, duplicates and rows from after a day

VERSIONS = """\
order_id,line_id,seller_id,ordered_at,shipped_at,recorded_at
o1,1,anna,2024-01-01T10:00:00Z,,2024-01-01T10:00:00Z
o1,1,anna,2024-01-01T10:00:00Z,2024-01-03T10:00:00Z,2024-01-03T12:00:00Z
o1,1,anna,2024-01-01T10:00:00Z,2024-01-03T10:00:00Z,2024-01-03T12:00:00Z
"""


def test_versions_are_kept_and_duplicates_count_once(tmp_path: Path):
    market = open_folder(folder(tmp_path, orders=VERSIONS))
    assert rows(market, "orders", "recorded_at_day", "shipped_at_day") == [(DAY, None), (DAY + 2, DAY + 2)]
    assert counts(market, "orders") == {"read": 3, "kept": 2, "duplicates": 1, "quarantined": 0}
    assert market.report.table("orders").conflicting == 0


def test_which_of_two_conflicting_rows_stays_does_not_depend_on_their_order(tmp_path: Path):
    first, second = "anna,Berlin\n", "anna,Aachen\n"
    for lines in (first + second, second + first + second):
        market = open_folder(folder(tmp_path, sellers="seller_id,region\n" + lines))
        assert rows(market, "sellers", "region") == [("Aachen",)]
        assert market.report.table("sellers").conflicting == 1


def test_rows_known_only_after_a_day_are_held_back_and_come_back(tmp_path: Path):
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


# What is refused


def test_the_report_reads_well(tmp_path: Path):
    folder(tmp_path, orders=VERSIONS, sellers="seller_id,shoe_size\nanna,38\n", retruns="return_id\n")
    report = open_folder(tmp_path).report
    assert report.lines() == [
        "orders: 3 rows read, 2 kept; 1 duplicates (0 of them differ)",
        "sellers: 1 rows read, 1 kept; not in the contract: shoe_size",
        "files not read: retruns.csv",
    ]
    assert report.as_json()["tables"][0]["duplicates"] == 1


def test_a_missing_folder(tmp_path: Path):
    with pytest.raises(ForesellError, match=r"must be a folder.*no folder .*nowhere.*check the path"):
        open_folder(tmp_path / "nowhere")


def test_a_file_in_place_of_a_folder(tmp_path: Path):
    (tmp_path / "orders.csv").write_text("order_id")
    with pytest.raises(ForesellError, match=r"must be a folder.*orders\.csv is a file.*the folder that it lies in"):
        open_folder(tmp_path / "orders.csv")


def test_an_empty_folder(tmp_path: Path):
    with pytest.raises(ForesellError, match=r"'orders' is required.*nothing in .*add orders\.parquet, orders\.csv"):
        open_folder(tmp_path)


def test_a_missing_required_table(tmp_path: Path):
    folder(tmp_path).joinpath("sellers.csv").rename(tmp_path / "seller.csv")
    with pytest.raises(ForesellError, match=r"'sellers' is required.*seller\.csv"):
        open_folder(tmp_path)


def test_a_missing_required_column_names_the_closest(tmp_path: Path):
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
def test_a_column_of_the_wrong_type(column: str, value: object, found: str):
    lines = pa.table({name: [v] for name, v in (orders().iloc[0].to_dict() | {column: value}).items()})
    with pytest.raises(ForesellError, match=rf"orders\.{column} must hold .*{found}.* in the frame 'orders'"):
        open_frames({"orders": lines, "sellers": ANNA})


def test_naive_times_without_a_declared_zone():
    lines = orders(ordered_at=pd.Timestamp("2024-01-01 10:00"))
    with pytest.raises(ForesellError, match=r"orders\.ordered_at must carry a time zone.*times_zone"):
        open_frames({"orders": lines, "sellers": ANNA})


@pytest.mark.parametrize("where", ["zone", "times_zone"])
def test_an_unknown_zone_names_the_closest(where: str):
    with pytest.raises(ForesellError, match=r"'Europe/Pariss' \(did you mean 'Europe/Paris'\?\)"):
        open_frames({"orders": orders(), "sellers": ANNA}, **{where: "Europe/Pariss"})


@pytest.mark.parametrize("share", [0.2, 0.9, 0.999])
def test_a_truncated_parquet_file_is_named(tmp_path: Path, share: float):
    folder(tmp_path)
    (tmp_path / "orders").mkdir()
    whole = tmp_path / "orders" / "whole.parquet"
    pq.write_table(pa.table(pd.concat([orders(order_id=str(i)) for i in range(50)])), whole)
    (tmp_path / "orders" / "cut.parquet").write_bytes(whole.read_bytes()[: int(whole.stat().st_size * share)])
    with pytest.raises(ForesellError, match=r"must be readable.*cut\.parquet"):
        open_folder(tmp_path)


def test_a_parquet_file_with_damaged_pages_is_named(tmp_path: Path):
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
def test_a_csv_file_without_a_usable_header_is_named(tmp_path: Path, text: str):
    with pytest.raises(ForesellError, match=r"must be readable.*sellers\.csv"):
        open_folder(folder(tmp_path, sellers=text))


def test_a_required_table_without_rows(tmp_path: Path):
    with pytest.raises(ForesellError, match="'orders' must hold at least one row"):
        open_folder(folder(tmp_path, orders="order_id,line_id,seller_id,ordered_at\n"))


@pytest.mark.parametrize("text", ["zone = ", 'timezone = "UTC"', "zone = 3"])
def test_a_broken_source_toml(tmp_path: Path, text: str):
    folder(tmp_path).joinpath("source.toml").write_text(text)
    with pytest.raises(ForesellError, match=r"source\.toml"):
        open_folder(tmp_path)


def test_frames_are_named_like_tables():
    with pytest.raises(ForesellError, match=r"named like a table.*order"):
        open_frames({"order": orders(), "sellers": ANNA})
    with pytest.raises(ForesellError, match="'orders' is required"):
        open_frames({"sellers": ANNA})
    with pytest.raises(ForesellError, match="is named once"):
        open_frames({"orders": pd.concat([orders(), orders()], axis=1), "sellers": ANNA})
