"""Import by mapping: what each word of a mapping does, every form of a source, profiles, drafts, and no lost row."""

import gzip
import json
import shutil
import tomllib
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from core.errors import ForesellError
from features.importing.import_source import formats, import_mapped, import_source
from features.importing.look import look
from features.importing.mapping import parse_mapping, profiles
from features.ingest.quarantine import IntakeReport
from tests.support import exports
from tests.support.workbooks import write_workbook

pytestmark = pytest.mark.slow  # an import each; `make check` stays quick
COLUMNS = {"order_id": "Order", "line_id": {"constant": "1"}, "seller_id": "Shop", "ordered_at": "Date"}
ROW = {"Order": "o1", "Shop": "A", "Date": "2024-01-31T10:00:00Z"}


Ask = Callable[[str], list[tuple[Any, ...]]]


def imported(
    tmp_path: Path, mapping: dict[str, Any], source: Path | None = None, share: float = 1.0
) -> tuple[IntakeReport, Ask]:
    """The report of an import into tmp_path/out, and the answers to queries of its tables."""
    out = tmp_path / "out"
    report = import_mapped(str(source or tmp_path / "in"), out, parse_mapping(mapping, "the mapping"), share)

    def ask(sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect() as con:
            for path in out.glob("*.parquet"):
                con.execute(f"create view {path.stem} as from '{path}'")
            return con.execute(sql).fetchall()

    return report, ask


def of_one_row(tmp_path: Path, column: str, how: Any, row: dict[str, Any], **more: Any) -> Any:
    """The value that a mapped column of the orders gets from one row."""
    (tmp_path / "in").mkdir()
    exports.write_rows(
        tmp_path / "in" / "orders 2024-03-01.csv", list(ROW | row), [ROW | row, ROW | {"Order": "another"}]
    )
    table = more.pop("table", {})
    mapping = more | {"orders": table | {"columns": COLUMNS | {column: how}}}
    ask = imported(tmp_path, mapping)[1]
    [(value,)] = ask(f"select cast({column} as varchar) from orders where order_id not like '%another'")
    lost = ask(f"select value from quarantine where column_name = '{column}' and rule = 'wrong type'")
    return f"{lost[0][0]}, quarantined" if lost else value


@pytest.mark.parametrize(
    ("column", "how", "row", "expected"),
    [
        ("item_id", {"from": ["SKU", "Title"]}, {"SKU": " ", "Title": "T"}, "T"),
        ("item_id", {"joined": ["SKU", "Title"]}, {"SKU": "a", "Title": "b"}, "a/b"),
        ("order_id", {"from": "Order", "prefix": "eu-"}, {}, "eu-o1"),
        ("seller_id", "file name", {}, "orders 2024-03-01"),
        ("price", {"from": "P", "number": {"decimal": ",", "thousands": "."}}, {"P": "1.234,50 €"}, "1234.50"),
        ("price", {"from": "P", "number": {"thousands": ","}}, {"P": "$1,234.50"}, "1234.50"),
        ("price", {"from": "P", "number": {"thousands": "'"}}, {"P": "CHF 1'234.50"}, "1234.50"),
        (
            "price",
            {"from": "P", "number": {"decimal": ",", "thousands": "."}},
            {"P": "12.50"},
            "12.50, quarantined",
        ),
        ("price", {"from": "P", "number": {"decimal": ",", "thousands": "."}}, {"P": "1.234"}, "1234.00"),
        ("price", {"from": "P", "number": {"thousands": ","}}, {"P": "1,23,456.5"}, "123456.50"),
        ("price", {"from": "P", "number": {"decimal": ","}}, {"P": "1.234,50"}, "1.234,50, quarantined"),
        ("price", {"from": "P", "number": {}}, {"P": "(12.00)"}, "-12.00"),
        ("price", {"from": "P", "number": {}}, {"P": "12.00-"}, "-12.00"),
        ("price", {"from": "P", "number": {"drop_sign": True}}, {"P": "-12.00"}, "12.00"),
        ("price", {"from": "P", "number": {}}, {"P": "free"}, "free, quarantined"),
        ("price", {"from": "P", "times": "Q"}, {"P": "2.50", "Q": "3"}, "7.50"),
        ("price", {"from": "P", "times": "Q"}, {"P": "2.50", "Q": "some"}, "2.50 x some, quarantined"),
        ("price", {"from": "P", "times": "Q"}, {"P": "", "Q": "3"}, None),
        (
            "cancelled_by",
            {"from": "W", "values": {"Customer": "buyer"}, "other": "unknown"},
            {"W": "CUSTOMER"},
            "buyer",
        ),
        ("cancelled_by", {"from": "W", "values": {"Customer": "buyer"}, "other": ""}, {"W": "us"}, None),
        ("cancelled_at", {"from": "Date", "when": {"S": "Cancelled"}}, {"S": "cancelled"}, "2024-01-31T10:00:00Z"),
        ("cancelled_at", {"from": "Date", "when": {"S": ["Cancelled"]}}, {"S": ""}, None),
        ("shipped_at", {"from": "D", "form": "%d.%m.%Y %H:%M"}, {"D": "05.02.2024 13:30"}, "2024-02-05 13:30:00"),
        ("shipped_at", {"from": "D", "form": ["%d.%m.%Y", "%Y/%m/%d"]}, {"D": "2024/02/05"}, "2024-02-05"),
        ("shipped_at", {"from": "D", "form": "%d.%m.%Y"}, {"D": "soon"}, "soon, quarantined"),
        ("shipped_at", {"from": "D", "form": "%b-%d-%y"}, {"D": "Feb-05-24"}, "2024-02-05"),
        ("shipped_at", {"from": "D", "form": "unix milliseconds"}, {"D": "1707139800000"}, "2024-02-05 13:30:00+00"),
        ("shipped_at", {"from": "D", "form": "excel days"}, {"D": "45327.5625"}, "2024-02-05 13:30:00"),
        (
            "shipped_at",
            {"from": "D", "form": "%m/%d/%Y %I:%M %p", "zone": "America/New_York"},
            {"D": "02/05/2024 01:30 PM"},
            "2024-02-05 18:30:00+00",
        ),
        ("shipped_at", {"from": "D", "zone": "Europe/Paris"}, {"D": "2024-02-05 13:30"}, "2024-02-05 12:30:00+00"),
        ("shipped_at", {"from": "D", "zone": "Europe/Paris"}, {"D": "2024-02-05T13:30:00Z"}, "2024-02-05T13:30:00Z"),
        ("promised_at", {"from": "Date", "plus": {"Fast": "2 days"}, "by": "L"}, {"L": "fast"}, "2024-02-02"),
        ("promised_at", {"from": "Date", "plus": {"Fast": "2 business days"}, "by": "L"}, {"L": "Fast"}, "2024-02-02"),
        ("promised_at", {"from": "Date", "plus": {"Fast": "3 business days"}, "by": "L"}, {"L": "Fast"}, "2024-02-05"),
        ("promised_at", {"from": "Date", "plus": {"Fast": "2 days"}, "by": "L"}, {"L": "drone"}, "drone, quarantined"),
        ("promised_at", {"from": "Date", "plus": {"Fast": "2 days"}, "by": "L", "other": ""}, {"L": "drone"}, None),
        (
            "promised_at",
            {"from": "Date", "plus": {"F": "2 days"}, "by": "L", "other": "9 days"},
            {"L": "x"},
            "2024-02-09",
        ),
    ],
)
def test_a_word_of_a_mapping(tmp_path: Path, column: str, how: Any, row: dict[str, Any], expected: Any) -> None:
    assert of_one_row(tmp_path, column, how, row) == expected


def test_business_days_leave_out_the_country_s_holidays(tmp_path: Path) -> None:
    how = {"from": "D", "plus": {"Std": "3 business days"}, "by": "L"}
    row = {"D": "2024-04-30T10:00:00Z", "L": "Std"}  # then May 1, a holiday in France, and a weekend
    assert of_one_row(tmp_path, "promised_at", how, row, country="FR") == "2024-05-06"


def test_null_words_and_currency(tmp_path: Path) -> None:
    found = of_one_row(tmp_path, "category", "C", {"C": "N/A"}, table={"null": ["n/a"]}, currency="EUR")
    assert found is None
    assert duckdb.read_parquet(str(tmp_path / "out/orders.parquet")).select("currency").distinct().fetchall() == [
        ("EUR",)
    ]


def source_in(tmp_path: Path, name: str, text: str) -> Path:
    (tmp_path / "in").mkdir(exist_ok=True)
    path = tmp_path / "in" / name
    path.write_text(text, encoding="utf-8")
    return path


def test_lines_are_numbered_and_values_filled_down_within_an_order(tmp_path: Path) -> None:
    text = "Order,Shop,Date,C\n1,A,2024-01-01T10:00:00Z,x\n1,,,\n2,B,2024-01-02T10:00:00Z,\n2,,,y\n"
    source_in(tmp_path, "o.csv", text)
    columns = COLUMNS | {"line_id": {"number_within": "Order"}, "category": "C"}
    table = {"fill_down": ["Shop", "Date", "C"], "fill_within": "Order", "columns": columns}
    report, ask = imported(tmp_path, {"orders": table})
    rows = ask("select order_id, line_id, seller_id, category from orders order by 1, 2")
    assert rows == [("1", "1", "A", "x"), ("1", "2", "A", "x"), ("2", "1", "B", None), ("2", "2", "B", "y")]
    assert report.table("orders").kept == 4


def test_rows_left_out_are_counted_by_what_they_are(tmp_path: Path) -> None:
    text = "Order,Shop,Date,Type\n1,A,2024-01-01T10:00:00Z,Order\n2,A,2024-01-02T10:00:00Z,Transfer\n,,,Total\n"
    source_in(tmp_path, "o.csv", text)
    table = {"only": {"Type": "Order"}, "needs": "Order", "columns": COLUMNS}
    report, _ = imported(tmp_path, {"orders": table})
    assert report.left_out == {"rows without Order (orders)": 1, "rows whose Type is not Order (orders)": 1}
    assert report.table("orders").read == 1


def test_returns_are_joined_by_order_and_item_and_cases_by_order(tmp_path: Path) -> None:
    source_in(tmp_path, "o.csv", "Order,Shop,Date,SKU\n1,A,2024-01-01T10:00:00Z,a\n1,A,2024-01-01T10:00:00Z,b\n")
    source_in(tmp_path, "r.csv", "Order,SKU,Back\n1,b,2024-01-09T10:00:00Z\n1,z,2024-01-09T10:00:00Z\n")
    source_in(tmp_path, "c.csv", "Case,Order,Opened\nc1,1,2024-01-03T10:00:00Z\n")
    of_case = {"case_id": "Case", "order_id": "Order", "seller_id": {"of_order": True}, "opened_at": "Opened"}
    mapping = {
        "orders": {"file": "o.csv", "columns": COLUMNS | {"line_id": {"number_within": "Order"}, "item_id": "SKU"}},
        "returns": {
            "file": "r.csv",
            "columns": {
                **{"return_id": {"joined": ["Order", "SKU"]}, "order_id": "Order"},
                **{"line_id": {"of_item": "SKU"}, "opened_at": "Back"},
            },
        },
        "cases": {"file": "c.csv", "columns": of_case | {"kind": {"constant": "inquiry"}}},
    }
    report, ask = imported(tmp_path, mapping)
    assert ask("select return_id, line_id from returns order by 1") == [
        ("1/b", "2"),
        ("1/z", "no line of z"),
    ]
    assert ask("select seller_id from cases") == [("A",)]
    assert sum(report.table("returns").quarantined.values()) == 1, "the item is in no line of the order"


def test_versions_by_the_name_of_the_file(tmp_path: Path) -> None:
    for day, shipped in (("2024-01-05", ""), ("2024-01-09", "2024-01-07T10:00:00Z")):
        source_in(tmp_path, f"o {day}.csv", f"Order,Shop,Date,Sent\n1,A,2024-01-01T10:00:00Z,{shipped}\n")
    table = {"versions": "file name", "columns": COLUMNS | {"shipped_at": "Sent"}}
    report, ask = imported(tmp_path, {"zone": "UTC", "orders": table})
    rows = ask("select shipped_at, recorded_at from orders order by recorded_at nulls first")
    assert rows == [(None, None), ("2024-01-07T10:00:00Z", "2024-01-09T23:59:59+00:00")]
    assert report.table("orders").kept == 2


def as_gz(path: Path, rows: list[dict[str, str]]) -> None:
    plain = exports.write_rows(path.with_suffix(""), list(rows[0]), rows)
    with gzip.open(path, "wb") as packed:
        packed.write(plain.read_bytes())
    plain.unlink()


def as_zip(path: Path, rows: list[dict[str, str]]) -> None:
    plain = exports.write_rows(path.with_suffix(".csv"), list(rows[0]), rows)
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(plain, "inside/orders.csv")
    plain.unlink()


def as_parquet(path: Path, rows: list[dict[str, str]]) -> None:
    plain = exports.write_rows(path.with_suffix(".csv"), list(rows[0]), rows)
    duckdb.sql(f"copy (from read_csv('{plain}', all_varchar = true)) to '{path}'")
    plain.unlink()


def as_workbook(path: Path, rows: list[dict[str, str]]) -> None:
    at = datetime(2024, 1, 31, 10)
    write_workbook(
        path,
        {"Info": [["about"], ["x"]], "Orders": [["Order", "Shop", "Date"], *[[r["Order"], "A", at] for r in rows]]},
    )


FORMS: dict[str, Callable[[Path, list[dict[str, str]]], object]] = {
    "o.csv.gz": as_gz,
    "o.zip": as_zip,
    "o.parquet": as_parquet,
    "o.xlsx": as_workbook,
    "o.json": lambda path, rows: path.write_text(json.dumps(rows)),
    "o.jsonl": lambda path, rows: path.write_text("\n".join(map(json.dumps, rows))),
    "o.txt": lambda path, rows: exports.write_rows(path, list(rows[0]), rows, delimiter="|", encoding="utf-16"),
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_gives_the_same_rows(tmp_path: Path, name: str) -> None:
    rows = [ROW | {"Order": f"ö{n}"} for n in range(3)]
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / name
    FORMS[name](path, rows)
    how = {"o.xlsx": {"sheet": "Orders"}, "o.txt": {"separator": "|", "encoding": "utf-16"}}.get(name, {})
    _, ask = imported(tmp_path, {"orders": {**how, "columns": COLUMNS}}, source=path)
    found = ask("select order_id, seller_id, ordered_at from orders order by 1")
    at = "2024-01-31 10:00:00" if name == "o.xlsx" else ROW["Date"]
    assert found == [(f"ö{n}", "A", at) for n in range(3)]


def test_nested_json_gives_a_row_for_each_entry(tmp_path: Path) -> None:
    source = exports.nested_json(tmp_path / "api.json")
    columns = {
        "order_id": "id",
        "line_id": "line_items.id",
        "seller_id": "line_items.vendor",
        "ordered_at": "created_at",
    }
    table = {"records": "data.orders", "each": "line_items", "columns": columns}
    report, ask = imported(tmp_path, {"orders": table}, source=source)
    orders = list(exports.drawn_orders(sellers=5, days=40))
    assert report.table("orders").kept == sum(len(order.items) for order in orders)
    assert ask("select count(distinct order_id) from orders") == [(len(orders),)]


def test_rows_that_cannot_be_split_are_kept_and_counted(tmp_path: Path) -> None:
    source_in(tmp_path, "o.csv", "Order,Shop,Date\n1,A,2024-01-01T10:00:00Z\n2,A\n3,A,2024-01-03T10:00:00Z,more\n")
    report, ask = imported(tmp_path, {"orders": {"columns": COLUMNS}})
    orders = report.table("orders")
    assert (orders.read, orders.kept, sum(orders.quarantined.values())) == (3, 1, 2)
    assert sorted(ask("select value from quarantine")) == [
        ("2,A",),
        ("3,A,2024-01-03T10:00:00Z,more",),
    ]
    assert json.loads((tmp_path / "out/intake.json").read_text())["tables"][0]["read"] == 3
    with pytest.raises(ForesellError, match="2 of 3 rows"):
        imported(tmp_path, {"orders": {"columns": COLUMNS}}, share=0.01)


def refused(tmp_path: Path, mapping: dict[str, Any]) -> str:
    with pytest.raises(ForesellError) as error:
        imported(tmp_path, mapping)
    return str(error.value)


def test_every_fault_of_a_mapping_is_named_at_once(tmp_path: Path) -> None:
    wrong = {"order_id": "Order", "seller": "Shop", "ordered_at": {"from": "Date", "form": "?"}, "price": {"from": "?"}}
    said = refused(tmp_path, {"orders": {"columns": wrong}, "sales": {"columns": {}}})
    for part in (
        "'seller'",
        "no line_id, seller_id",
        'ordered_at with form = "?"',
        "orders.price must be said",
        "[sales]",
    ):
        assert part in said, part
    said = refused(tmp_path, {"zone": "Europe/Atlantis", "orders": {"seperator": ";", "columns": {"price": {}}}})
    for part in ("'Europe/Atlantis' is no time zone", "seperator", "exactly one of from"):
        assert part in said, part


def test_columns_that_the_source_lacks_are_named_at_once_with_what_they_may_be_called(tmp_path: Path) -> None:
    source_in(tmp_path, "o.csv", "Order no,Shop,Date\n1,A,2024-01-01T10:00:00Z\n")
    said = refused(tmp_path, {"orders": {"columns": COLUMNS | {"order_id": "Order_no", "price": "Amount"}}})
    assert "'Order_no' (did you mean 'Order no'?)" in said
    assert "'Amount'" in said


@pytest.mark.parametrize(
    ("mapping", "text", "said"),
    [
        ({"file": "x*.csv"}, "Order,Shop,Date\n", "x*.csv in o.csv"),
        ({"encoding": "klingon"}, "Order,Shop,Date\n", "unknown encoding: klingon"),
        ({"encoding": "ascii"}, "Order,Shop,Date,ö\n", "foresell import --look"),
        ({}, "Order,Order,Shop\n", "the column 'Order' occurs twice"),
        ({"skip": 9}, "Order,Shop,Date\n", "no column names"),
    ],
)
def test_a_source_that_cannot_be_read_is_refused_in_words(tmp_path: Path, mapping: Any, text: str, said: str) -> None:
    source_in(tmp_path, "o.csv", text)
    assert said in refused(tmp_path, {"orders": mapping | {"columns": COLUMNS}})


def test_an_unknown_country_or_number_of_days_is_refused(tmp_path: Path) -> None:
    source_in(tmp_path, "o.csv", "Order,Shop,Date,L\n1,A,2024-01-01T10:00:00Z,Std\n")
    promise = {"from": "Date", "plus": {"Std": "3 business days"}, "by": "L"}
    said = refused(tmp_path, {"country": "Narnia", "orders": {"columns": COLUMNS | {"promised_at": promise}}})
    assert "'Narnia'" in said
    said = refused(tmp_path, {"orders": {"columns": COLUMNS | {"promised_at": promise | {"plus": {"Std": "a week"}}}}})
    assert "'a week'" in said


@pytest.mark.slow
@pytest.mark.parametrize(("name", "rows"), [("shopify", 11_647), ("amazon-orders", 11_647), ("ebay", 238)])
def test_a_profile_reads_an_export_in_its_documented_layout(tmp_path: Path, name: str, rows: int) -> None:
    (tmp_path / "in").mkdir()
    {
        "shopify": lambda: exports.shopify(tmp_path / "in/orders_export_1.csv"),
        "amazon-orders": lambda: exports.amazon(tmp_path / "in"),
        "ebay": lambda: exports.ebay(tmp_path / "in"),
    }[name]()
    report = import_source(str(tmp_path / "in"), tmp_path / "out", name)
    found = report.table("orders")
    assert (found.read, found.kept) == (rows, rows)
    assert not any(table.quarantined for table in report.tables)


def test_the_command_takes_every_format() -> None:
    from typing import get_args, get_type_hints

    from foresell import cli

    hint = get_type_hints(cli.import_source)["source_format"]
    assert {name for one in get_args(hint) for name in get_args(one)} == {*formats()}
    assert {*profiles()} < {*formats()}


def test_a_draft_of_a_clear_export_needs_no_editing(tmp_path: Path) -> None:
    source = exports.shopify(tmp_path / "orders_export_1.csv")
    seen = look(source, tmp_path)
    assert [question for one in seen.files for question in one.questions] == []
    report, ask = imported(tmp_path, tomllib.loads(seen.draft()), source=source)
    assert report.table("orders").kept == 11_647
    assert ask("select count(*) from orders where ordered_at is null") == [(0,)], "filled down"


def test_a_look_says_what_is_ambiguous_and_its_draft_asks(tmp_path: Path) -> None:
    text = "Order no;Shop;Order date;Ship by\n1;A;04-08-2022;05-08-2022 10:00\n2;A;05-08-2022;06-08-2022 10:00\n"
    source = source_in(tmp_path, "list.csv", text)
    seen = look(source, tmp_path)
    shown = "\n".join(seen.lines())
    assert "encoding utf-8, separator ';'" in shown
    assert "Order date: '04-08-2022' is %d-%m-%Y or %m-%d-%Y; say which" in shown
    assert "not found for orders: line_id" in shown
    said = refused(tmp_path, tomllib.loads(seen.draft()))
    assert 'orders.ordered_at with form = "?"' in said
    edited = seen.draft().replace('form = "?"', 'form = "%d-%m-%Y"', 1).replace('form = "?"', 'form = "%d-%m-%Y %H:%M"')
    assert imported(tmp_path, tomllib.loads(edited))[0].table("orders").kept == 2


def test_a_look_at_a_folder_finds_each_table_and_the_pattern_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    seen = look(exports.amazon(tmp_path / "in"), tmp_path)
    draft = tomllib.loads(seen.draft())
    assert (draft["orders"]["file"], draft["returns"]["file"]) == ("shop*.orders.txt", "shop*.returns.txt")
    assert draft["returns"]["columns"]["line_id"] == {"of_item": "sku"}
    assert [q for one in seen.files for q in one.questions] == ["seller_id: which column gives it? (the seller)"]


def test_what_cannot_be_looked_at_is_named(tmp_path: Path) -> None:
    with pytest.raises(ForesellError, match="nothing at"):
        look(tmp_path / "nowhere", tmp_path)
    source_in(tmp_path, "photo.png", "x")
    with pytest.raises(ForesellError, match=r"photo\.png"):
        look(tmp_path / "in", tmp_path)
    source_in(tmp_path, "o.csv", "Order,Shop,Date\n1,A,2024-01-01T10:00:00Z\n")
    assert "not looked at: photo.png" in look(tmp_path / "in", tmp_path).lines()
    shutil.rmtree(tmp_path / "in")


def test_an_address_is_shown_without_its_password() -> None:
    from foresell.commands.data import _shown, look_at

    assert _shown("postgresql://ana:s3cret@db.example:5432/shop") == "postgresql://ana:***@db.example:5432/shop"
    assert _shown("exports/orders.csv") == "exports/orders.csv"
    with pytest.raises(ForesellError, match="not a database") as error:
        look_at(Path("postgresql://ana:s3cret@db/shop"), None)
    assert "s3cret" not in str(error.value)
