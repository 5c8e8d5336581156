"""Inputs that once lost rows or meanings without a word, each with what is right for it."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.errors import ForesellError
from features.incremental.read import incremental_blocks
from features.incremental.update import grow
from features.ingest.far_days import usual_days
from features.ingest.intake import Marketplace, open_folder, open_frames
from features.ledger.build import build_ledger
from tests.support.market_rows import counts, folder, quarantined, rows

HEAD = "order_id,line_id,seller_id,ordered_at\n"
TWO = "seller_id\nA\nB\n"
VERSION_HEAD = "order_id,line_id,seller_id,price,ordered_at,cancelled_at,cancelled_by\n"


def lines(number: int, **columns: Any) -> pd.DataFrame:
    """Order lines of seller A, ten a day from 2024-01-01 on; a function gives a column's value for a line's moment."""
    moments = [datetime(2024, 1, 1, 10) + timedelta(hours=2.4 * i) for i in range(number)]
    rest = {name: [value(moment) for moment in moments] for name, value in columns.items()}
    ids = [f"o{i}" for i in range(number)]
    times = [f"{moment.isoformat()}Z" for moment in moments]
    return pd.DataFrame({"order_id": ids, "line_id": "1", "seller_id": "A", "ordered_at": times, **rest})


def market(orders: pd.DataFrame, **more: Any) -> Marketplace:
    tables: dict[str, pd.DataFrame] = {
        name: more.pop(name) for name in ("returns", "cases", "feedback", "aliases") if name in more
    }
    sellers = more.pop("sellers", pd.DataFrame({"seller_id": ["A", "B"]}))
    return open_frames({"orders": orders, "sellers": sellers, **tables}, **more)


def total(opened: Marketplace, quantity: str) -> int:
    return int(build_ledger(opened).con.execute(f"select sum({quantity}) from ledger").fetchall()[0][0])


def test_a_key_of_two_sellers_stops_the_run_and_shows_both_rows(tmp_path: Path) -> None:
    text = HEAD + "#1001,1,A,2024-01-01T10:00:00Z\n#1001,1,B,2024-01-01T11:00:00Z\n"
    with pytest.raises(ForesellError, match=r"same order_id and line_id .* 1 key .*#1001/1: .*A.*beside.*B.*prefix"):
        open_folder(folder(tmp_path, orders=text, sellers=TWO), quarantine_share=1)


def test_a_key_of_two_moments_is_no_version_either(tmp_path: Path) -> None:
    text = "order_id,line_id,seller_id,ordered_at,recorded_at\n"
    text += "1,1,A,2024-01-01T10:00:00Z,2024-01-01T10:00:00Z\n1,1,A,2024-01-02T10:00:00Z,2024-01-03T10:00:00Z\n"
    with pytest.raises(ForesellError, match=r"same seller_id and ordered_at.*2024-01-01 10.*beside.*2024-01-02 10"):
        open_folder(folder(tmp_path, orders=text, sellers=TWO), quarantine_share=1)


def test_ids_that_a_spreadsheet_rounded_stop_the_run() -> None:
    with pytest.raises(ForesellError, match=r"same order_id and line_id"):
        market(lines(180).assign(order_id="4.05808E+16"))


def test_a_second_shop_s_file_does_not_vanish_in_a_growing_ledger(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "orders").mkdir(parents=True)
    folder(data, sellers=TWO)
    (data / "orders.csv").unlink()
    lines(100).to_csv(data / "orders" / "one.csv", index=False)
    grow(tmp_path / "ledger", data)
    lines(100).assign(seller_id="B").to_csv(data / "orders" / "two.csv", index=False)
    with pytest.raises(ForesellError, match=r"same order_id and line_id.*100 keys.*A.*beside.*B"):
        grow(tmp_path / "ledger", data)


def re_exports(path: Path, rule: str) -> Path:
    """Two daily exports of the same orders; in the second, all are cancelled by the seller."""
    (path / "orders").mkdir(exist_ok=True)
    for day, price, end in ((1, 10, ",,"), (2, 99, ",2024-01-01T12:00:00Z,seller")):
        body = "".join(f"{i},1,A,{price},2024-01-01T10:00:00Z{end}\n" for i in range(90)).replace("Z,,\n", "Z,,\n")
        (path / "orders" / f"d-2024-01-0{day}.csv").write_text(VERSION_HEAD + body)
    (path / "source.toml").write_text(rule)
    (path / "sellers.csv").write_text(TWO)
    return path


def test_re_exports_without_an_order_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ForesellError, match=r"180 of 180 rows of 'orders'.*rows of one key differ"):
        open_folder(re_exports(tmp_path, ""))


@pytest.mark.parametrize("rule", ["file name", "file time", "column price"])
def test_re_exports_are_versions_in_the_order_that_the_source_states(tmp_path: Path, rule: str) -> None:
    if rule.startswith("column"):
        rule = "column changed"
    path = re_exports(tmp_path, f'[orders]\nrecorded_at = "{rule}"\n')
    for day, file in enumerate(sorted((path / "orders").iterdir()), 1):
        file.write_text(
            "\n".join(
                f"{line},{'changed' if i == 0 else f'2024-01-0{day}T20:00:00Z'}"
                for i, line in enumerate(file.read_text().splitlines())
            )
        )
    opened = open_folder(path)
    assert counts(opened, "orders") == {"read": 180, "kept": 180, "duplicates": 0, "quarantined": 0}
    assert total(opened, "cancelled_by_seller") == 90


def test_a_file_without_a_date_in_its_name_is_named(tmp_path: Path) -> None:
    path = re_exports(tmp_path, '[orders]\nrecorded_at = "file name"\n')
    (path / "orders" / "d-2024-01-02.csv").rename(path / "orders" / "d.csv")
    with pytest.raises(ForesellError, match=r"must have a date.*d\.csv"):
        open_folder(path)


def test_a_seller_who_loses_its_rows_is_named_whatever_the_share_of_the_table() -> None:
    orders = lines(1_000).assign(seller_id=["B"] * 4 + ["A"] * 996, price=["-1"] * 4 + ["5"] * 996)
    report = market(orders).report
    assert [(s.seller_id, s.table, s.lost, s.read) for s in report.incomplete] == [("B", "orders", 4, 4)]
    assert "scores incomplete, because too many rows were lost: B (4 of 4 orders)" in report.lines()


def test_a_lost_return_counts_for_the_seller_of_its_line() -> None:
    returns = pd.DataFrame(
        {"return_id": ["r0", "r1"], "order_id": ["o0", "o1"], "line_id": "1", "opened_at": "2024-01-20T10:00:00Z"}
    ).assign(refund_amount=["-1", "3"])
    report = market(lines(20), returns=returns, quarantine_share=0.6).report
    assert report.table("returns").quarantined == {"refund_amount: below 0": 1}


@pytest.mark.parametrize("far", ["2042-05-01T10:00:00Z", "1980-05-01T10:00:00Z"])
def test_a_day_far_from_the_rest_is_held_back_and_named(far: str) -> None:
    orders = pd.concat([lines(400), lines(1).assign(order_id="far", ordered_at=far)])
    opened = market(orders)
    assert (opened.report.table("orders").far, opened.report.table("orders").kept) == (1, 400)
    assert opened.report.far_days == (far[:10],)
    assert f"days far from the rest, held back: {far[:10]}" in opened.report.lines()
    assert rows(opened, "far_orders", "order_id") == [("far",)]


def test_a_business_that_pauses_and_comes_back_keeps_all_days() -> None:
    later = lines(50).assign(ordered_at=lambda t: t["ordered_at"].str.replace("2024-", "2025-"))
    later["order_id"] = "later-" + later["order_id"]
    assert market(pd.concat([lines(400), later])).report.far_days == ()


def test_a_day_that_is_not_complete_is_no_last_day() -> None:
    assert usual_days([1, 2, 3, 4], [100, 100, 100, 4]).outside == (4,)
    assert usual_days([1, 2, 3, 4], [100, 100, 100, 5]).outside == ()
    assert usual_days([7], [1]).outside == ()
    assert usual_days([1, 400], [1, 1]).outside == ()


DEADLINE = ("ship_by", "promised_at")
DONE = {"ship_by": "shipped_at", "promised_at": "delivered_at"}
MISSED = {"ship_by": "overdue_to_ship", "promised_at": "late"}


def with_deadline(name: str, form: str) -> pd.DataFrame:
    """Orders whose deadline is the day after, done in the afternoon of that day."""
    after = "%Y-%m-%d" + form
    due = {name: lambda moment: (moment + timedelta(days=1)).strftime(after)}
    done = {DONE[name]: lambda moment: (moment + timedelta(days=1)).strftime("%Y-%m-%dT23:30:00Z")}
    return lines(180, **due, **done)


@pytest.mark.parametrize("name", DEADLINE)
def test_a_deadline_that_is_a_date_is_kept_until_its_day_has_passed(name: str) -> None:
    assert total(market(with_deadline(name, "")), MISSED[name]) == 0
    early = with_deadline(name, "").assign(**{name: lambda t: t["ordered_at"].str[:10]})
    assert total(market(early), MISSED[name]) == 180


@pytest.mark.parametrize("name", DEADLINE)
def test_a_deadline_that_is_always_midnight_must_be_explained(name: str, tmp_path: Path) -> None:
    midnight = with_deadline(name, "T00:00:00Z")
    with pytest.raises(ForesellError, match=rf"whether orders\.{name} holds days.*180 times.*date_only"):
        market(midnight)
    assert total(market(midnight, date_only=[name]), MISSED[name]) == 0
    assert total(market(midnight, date_only=[]), MISSED[name]) == 180
    midnight.to_csv(tmp_path / "orders.csv", index=False)
    (tmp_path / "sellers.csv").write_text(TWO)
    (tmp_path / "source.toml").write_text(f'[orders]\ndate_only = ["{name}"]\n')
    assert total(open_folder(tmp_path), MISSED[name]) == 0


@pytest.mark.parametrize("zone", ["UTC", "Europe/Paris", "America/New_York"])
def test_one_frame_counts_the_same_as_csv_and_as_parquet(tmp_path: Path, zone: str) -> None:
    frame = with_deadline("promised_at", "T00:00:00Z")
    for column in ("ordered_at", "promised_at", "delivered_at"):
        frame[column] = pd.to_datetime(frame[column])
    found = set()
    for kind in ("csv", "parquet"):
        path = tmp_path / kind
        path.mkdir()
        (path / "sellers.csv").write_text(TWO)
        (path / "source.toml").write_text('[orders]\ndate_only = ["promised_at"]\n')
        if kind == "csv":
            frame.to_csv(path / "orders.csv", index=False)
        else:
            pq.write_table(pa.table({str(n): [*values] for n, values in frame.items()}), path / "orders.parquet")
        opened = open_folder(path, zone=zone)
        found.add((rows(opened, "orders", "promised_at_day")[0], total(opened, "late")))
    assert len(found) == 1


def test_files_of_a_table_must_have_the_same_columns(tmp_path: Path) -> None:
    (tmp_path / "orders").mkdir()
    (tmp_path / "sellers.csv").write_text(TWO)
    done = with_deadline("promised_at", "")
    done.to_csv(tmp_path / "orders" / "d1.csv", index=False)
    renamed = done.rename(columns={"delivered_at": "delivery_date"}).assign(order_id=lambda t: "b" + t["order_id"])
    renamed.to_csv(tmp_path / "orders" / "d2.csv", index=False)
    with pytest.raises(ForesellError, match=r"d2\.csv lacks delivered_at .did you mean 'delivery_date'"):
        open_folder(tmp_path)


def test_a_later_file_without_a_column_is_refused_by_grow(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "orders").mkdir(parents=True)
    (data / "sellers.csv").write_text(TWO)
    done = with_deadline("promised_at", "")
    done.to_csv(data / "orders" / "d1.csv", index=False)
    grow(tmp_path / "ledger", data)
    renamed = done.rename(columns={"delivered_at": "delivery_date"}).assign(order_id=lambda t: "b" + t["order_id"])
    renamed.to_csv(data / "orders" / "d2.csv", index=False)
    with pytest.raises(ForesellError, match=r"d2\.csv lacks delivered_at"):
        grow(tmp_path / "ledger", data)


def rating(order_id: str, seller_id: str) -> pd.DataFrame:
    values = {"feedback_id": "f1", "order_id": order_id, "seller_id": seller_id, "rating": "1"}
    return pd.DataFrame([values | {"created_at": "2024-01-05T10:00:00Z"}])


def test_a_rating_that_names_another_seller_s_order_is_quarantined() -> None:
    opened = market(lines(20), feedback=rating("o1", "B"), quarantine_share=1)
    assert quarantined(opened) == [("feedback", None, "f1", "order_id", "names an order of another seller", "o1")]


def test_a_rating_of_an_unknown_order_or_seller_stays_and_is_counted() -> None:
    odd = market(lines(20), feedback=rating("nowhere", "C")).report.table("feedback").noted
    assert odd == {"order_id that the table orders lacks": 1, "seller_id that the table sellers lacks": 1}


def test_sellers_that_differ_by_leading_zeros_are_counted() -> None:
    sellers = pd.DataFrame({"seller_id": ["A", "0", "00"]})
    noted = market(lines(20), sellers=sellers).report.table("sellers").noted
    assert noted == {"seller_id that differs from another by leading zeros only": 2}


def test_events_before_the_order_stay_and_are_counted() -> None:
    orders = lines(20, delivered_at=lambda moment: f"{(moment - timedelta(days=2)).isoformat()}Z")
    assert market(orders).report.table("orders").noted == {"delivered_at before ordered_at": 20}


def test_a_canceller_without_a_time_is_quarantined() -> None:
    cancellers = iter(["seller"] * 19 + ["unknown"])
    orders = lines(20, cancelled_by=lambda _: next(cancellers), cancelled_at=lambda _: "")
    opened = market(orders, quarantine_share=1)
    assert opened.report.table("orders").quarantined == {"cancelled_by: cancelled_by without cancelled_at": 19}


def test_a_return_of_a_line_that_never_arrived_is_return_to_origin() -> None:
    orders = lines(90, delivered_at=lambda moment: f"{(moment + timedelta(days=2)).isoformat()}Z")
    orders.loc[72:, "delivered_at"] = ""
    back = orders.iloc[68:]
    returns = pd.DataFrame({"return_id": back["order_id"], "order_id": back["order_id"], "line_id": "1"})
    opened = market(orders, returns=returns.assign(opened_at="2024-02-01T10:00:00Z"))
    assert (total(opened, "returned"), total(opened, "returned_to_origin")) == (4, 18)


def test_replacements_and_tests_are_in_no_standard_and_counted() -> None:
    kinds = iter(["sale"] * 8 + ["replacement", "test"])
    opened = market(lines(10, kind=lambda _: next(kinds)), feedback=rating("o9", "A"))
    assert total(opened, "ordered") == 8
    assert (opened.report.table("orders").not_sales, opened.report.table("feedback").not_sales) == (2, 1)


def test_mixed_currencies_are_refused() -> None:
    currencies = iter(["EUR"] * 8 + ["USD"] * 2)
    with pytest.raises(ForesellError, match=r"one currency.*EUR \(8 lines\), USD \(2 lines\)"):
        market(lines(10, currency=lambda _: next(currencies)))


def test_a_renamed_seller_keeps_its_history() -> None:
    aliases = pd.DataFrame({"old_seller_id": ["A", "B"], "new_seller_id": ["B", "C"]})
    orders = lines(20).assign(seller_id=["A"] * 8 + ["B"] * 6 + ["C"] * 6)
    sellers = pd.DataFrame({"seller_id": ["A", "B"], "region": ["old", "newer"]})
    opened = market(orders, sellers=sellers, aliases=aliases.assign(valid_from="2024-01-02T00:00:00Z"))
    assert rows(opened, "orders", "distinct seller_id") == [("C",)]
    assert rows(opened, "sellers", "seller_id", "region") == [("C", "old")]
    assert opened.report.table("sellers").duplicates == 1


def test_a_seller_renamed_to_itself_is_refused() -> None:
    aliases = pd.DataFrame({"old_seller_id": ["A", "B"], "new_seller_id": ["B", "A"]})
    with pytest.raises(ForesellError, match="A to B to A"):
        market(lines(5), aliases=aliases.assign(valid_from="2024-01-02T00:00:00Z"))


def test_a_growing_ledger_says_that_it_cannot_follow_an_alias(tmp_path: Path) -> None:
    data = folder(tmp_path, aliases="old_seller_id,new_seller_id,valid_from\nanna,b,2024-01-01T00:00:00Z\n")
    with pytest.raises(ForesellError, match=r"cannot follow renamed sellers.*aliases.*foresell score"):
        grow(tmp_path / "ledger", data)


@pytest.mark.parametrize(("sign", "word"), [(";", "semicolon"), ("\t", "tab")])
def test_another_separator_and_all_missing_columns_are_named(tmp_path: Path, sign: str, word: str) -> None:
    text = (HEAD + "1,1,A,2024-01-01T10:00:00Z\n").replace(",", sign)
    with pytest.raises(ForesellError, match=rf"order_id.*line_id.*seller_id.*ordered_at.*separator is a {word}"):
        open_folder(folder(tmp_path, orders=text))


def test_the_faults_of_all_tables_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ForesellError, match=r"2 faults.*orders\.ordered_at.*sellers\.seller_id"):
        open_folder(folder(tmp_path, orders="order_id,line_id,seller_id\n1,1,A\n", sellers="id\nA\n"))


def test_another_encoding_is_named(tmp_path: Path) -> None:
    folder(tmp_path)
    (tmp_path / "orders.csv").write_text(HEAD + "1,1,A,2024-01-01T10:00:00Z\n", encoding="utf-16")
    with pytest.raises(ForesellError, match=r"orders\.csv.*encoding is UTF-16.*UTF-8"):
        open_folder(tmp_path)


@pytest.mark.parametrize("time", ["04-08-2022", "2024-01-01 11:17:00 -0500", "2024-01-01T10:00:00+99:99"])
def test_the_accepted_forms_of_a_time_are_named(time: str) -> None:
    with pytest.raises(ForesellError, match=r"ordered_at: wrong type.*times such as 2024-01-31T12:30:00Z"):
        market(lines(20).assign(ordered_at=time))


def test_returns_that_come_before_their_order_line_are_counted_by_a_growing_ledger(tmp_path: Path) -> None:
    data, returns = tmp_path / "data", "return_id,order_id,line_id,opened_at\n"
    (data / "orders").mkdir(parents=True)
    (data / "returns").mkdir()
    (data / "sellers.csv").write_text("seller_id\nA\n")
    (data / "orders/1.csv").write_text(HEAD + "1,1,A,2024-01-01T10:00:00Z\n")
    (data / "returns/1.csv").write_text(returns + "r1,1,1,2024-01-09T10:00:00Z\nr2,2,1,2024-01-09T10:00:00Z\n")
    first = grow(tmp_path / "ledger", data).report.table("returns")
    assert (first.kept, dict(first.noted)) == (2, {"no order line when they came": 1})
    (data / "orders/2.csv").write_text(HEAD + "2,1,A,2024-01-02T10:00:00Z\n")
    (data / "returns/2.csv").write_text(returns + "r3,1,1,2024-01-10T10:00:00Z\nr4,7,1,2024-01-10T10:00:00Z\n")
    second = grow(tmp_path / "ledger", data).report.table("returns")
    assert dict(second.noted) == {"no order line when they came": 1}
    with incremental_blocks(tmp_path / "ledger", ()) as blocks:
        assert blocks.ledger.market.report.table("returns").noted == {"no order line when they came": 2}


def test_an_order_in_a_far_year_is_refused_by_a_growing_ledger(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "orders").mkdir(parents=True)
    (data / "sellers.csv").write_text("seller_id\nA\n")
    usual = [f"{n},1,A,2024-01-{1 + n % 28:02d}T10:00:00Z\n" for n in range(280)]
    (data / "orders/1.csv").write_text(HEAD + "".join(usual))
    grow(tmp_path / "ledger", data)
    (data / "orders/2.csv").write_text(HEAD + "900,1,A,2024-01-29T10:00:00Z\n901,1,A,2042-01-29T10:00:00Z\n")
    with pytest.raises(ForesellError, match=r"2042-01-29 \(1 order\)"):
        grow(tmp_path / "ledger", data)
    (data / "orders/2.csv").write_text(HEAD + "900,1,A,2024-01-29T10:00:00Z\n")
    assert grow(tmp_path / "ledger", data).files == 1
    (data / "orders/3.csv").write_text(HEAD + "".join(line.replace("2024-01", "2024-06") for line in usual[:99]))
    with pytest.raises(ForesellError, match="same order_id"):
        grow(tmp_path / "ledger", data)
    (data / "orders/3.csv").write_text(HEAD + "902,1,A,2099-01-01T10:00:00Z\n")
    with pytest.raises(ForesellError, match=r"2099-01-01 \(1 order\)"):
        grow(tmp_path / "another", data)
