"""Order lines for the growth of a ledger: a history as known before the last day, and that day's new file."""

from pathlib import Path

from benchmarks.orders import FIRST_DAY, Size, orders_sql, sellers_sql
from core.sql_text import quoted
from features.engines.duckdb import connect

SEEN_LATER = ("shipped_at", "delivered_at", "cancelled_at")
MEMORY_GB = 4.0


def make_history(folder: Path, size: Size) -> None:
    """Write folder/history (a contract folder) and folder/day (orders of the last day), Parquet.

    The day's file holds its new lines, and a new version of each older line that it shipped, delivered or cancelled.
    """
    today = f"{FIRST_DAY} + interval {size.days - 1} day"
    files = {
        "history/orders": _history_sql(size, today),
        "history/sellers": sellers_sql(size),
        "day/orders": _day_sql(size, today),
    }
    with connect(MEMORY_GB) as con:
        con.execute("create macro draw(key, what) as hash(hash(key, what)) / 18446744073709551616.0")
        for name, query in files.items():
            path = folder / f"{name}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            con.execute(f"copy ({query}) to {quoted(path)} (format parquet)")


def _history_sql(size: Size, today: str) -> str:
    known = ", ".join(f"case when {c} < {today} then {c} end as {c}" for c in SEEN_LATER)
    by = "case when cancelled_at < " + today + " then cancelled_by end as cancelled_by"
    return f"""select * replace ({known}, {by}), cast(null as timestamptz) as recorded_at
        from ({orders_sql(size)}) as o where ordered_at < {today} order by ordered_at"""


def _day_sql(size: Size, today: str) -> str:
    last = f"greatest({', '.join(f'case when {c} >= {today} then {c} end' for c in SEEN_LATER)})"
    return f"""select *, case when ordered_at < {today} then {last} end as recorded_at
        from ({orders_sql(size)}) as o where ordered_at >= {today} or {last} is not null order by ordered_at"""
