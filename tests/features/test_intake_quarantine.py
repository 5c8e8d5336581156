"""Intake: what is quarantined: a row with its file, row, column, rule and value."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.errors import ForesellError
from features.ingest.intake import Marketplace, open_folder
from tests.support.market_rows import ORDERS, counts, folder, quarantined, rows

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


def write_row(path: Path, table: str, name: str, row: dict[str, str]) -> None:
    """A file of one row with all columns that any file of the table has."""
    columns = dict.fromkeys([*GOOD_ROWS[table], *(column for t, column, _, _ in BAD_VALUES if t == table)])
    (path / table).mkdir(exist_ok=True)
    text = ",".join(columns) + "\n" + ",".join(f'"{row.get(column, "")}"' for column in columns) + "\n"
    (path / table / f"{name}.csv").write_text(text)


@pytest.fixture(scope="module")
def bad_values(tmp_path_factory: pytest.TempPathFactory) -> Marketplace:
    """A folder with a file for each bad value, named by its place in the list, beside one good order."""
    path = folder(tmp_path_factory.mktemp("bad"))
    (path / "orders.csv").unlink()
    write_row(path, "orders", "good", GOOD_ROWS["orders"] | {"order_id": "o1"})
    for i, (table, column, value, _) in enumerate(BAD_VALUES):
        write_row(path, table, str(i), GOOD_ROWS[table] | {column: value})
    return open_folder(path, quarantine_share=1)


@pytest.mark.parametrize("number", range(len(BAD_VALUES)), ids=lambda i: "-".join(BAD_VALUES[i]))
def test_a_bad_value_goes_to_quarantine(bad_values: Marketplace, number: int) -> None:
    table, column, value, rule = BAD_VALUES[number]
    key = {"orders": "o9/1", "feedback": "f1", "interventions": "i1"}[table]
    found = [row for row in quarantined(bad_values) if row[1] == f"{number}.csv"]
    assert found == [(table, f"{number}.csv", key, column, rule, value or None)]


def test_nothing_else_goes_to_quarantine(bad_values: Marketplace) -> None:
    assert len(quarantined(bad_values)) == len(BAD_VALUES)
    assert rows(bad_values, "orders", "order_id") == [("o1",)]
    assert bad_values.report.table("feedback").quarantined == {
        "rating: wrong type": 2,
        "rating: above 5": 1,
        "rating: below 1": 1,
    }


def test_a_parquet_row_is_quarantined_by_its_number(tmp_path: Path) -> None:
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


def test_rows_that_cannot_be_split_are_quarantined_with_their_line(tmp_path: Path) -> None:
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


def test_lines_that_an_open_quote_swallows_are_counted(tmp_path: Path) -> None:
    lost = "".join(f"s{i},x\n" for i in range(20))
    market = open_folder(folder(tmp_path, sellers=f'seller_id,name\nanna,Anna\nbert,"B\n{lost}'), quarantine_share=1)
    assert counts(market, "sellers") == {"read": 22, "kept": 1, "duplicates": 0, "quarantined": 21}


def test_a_file_swallowed_by_an_open_quote_is_refused(tmp_path: Path) -> None:
    lost = "".join(f"s{i},x\n" for i in range(20_000))
    with pytest.raises(ForesellError, match=r"quoted value .* must be closed.*sellers\.csv, line 3"):
        open_folder(folder(tmp_path, sellers=f'seller_id,name\nanna,Anna\nbert,"B\n{lost}'), quarantine_share=1)


def test_text_that_is_not_unicode_is_quarantined(tmp_path: Path) -> None:
    folder(tmp_path)
    (tmp_path / "sellers.csv").write_bytes(b"seller_id,name\nanna,Anna\nbert,B\xffrt\n")
    market = open_folder(tmp_path, quarantine_share=1)
    assert [(row, rule) for _, _, row, _, rule, _ in quarantined(market)] == [("3", "broken row")]


def test_a_return_must_refer_to_an_order_line(tmp_path: Path) -> None:
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


def test_too_many_bad_rows_stop_the_run_and_are_written_first(tmp_path: Path) -> None:
    bad = ORDERS + "o2,1,anna,soon\no3,1,,2024-01-01T10:00:00Z\n"
    path = tmp_path / "bad.parquet"
    with pytest.raises(ForesellError) as e:
        open_folder(folder(tmp_path, orders=bad), quarantine_share=0.5, quarantine_to=path)
    assert e.value.rule == "At most 50.00% of a table's rows may break the contract."
    assert "2 of 3 rows of 'orders'" in e.value.found
    assert "ordered_at: wrong type (1 row; such as 'soon' in row o2/1" in e.value.found
    assert "seller_id: required value missing (1 row" in e.value.found
    assert pq.read_table(path).num_rows == 2
