"""A marketplace of very many sellers with all tables: the order lines of `orders`, and what came after some of them.

Made from hashes of ids, the same every time. Sellers differ in how often customers complain.
"""

from pathlib import Path

from benchmarks.orders import FIRST_DAY, Size, make_orders
from core.sql_text import quoted
from features.engines.duckdb import connect

DAY_MICROS = "86400e6"


def make_market(folder: Path, size: Size) -> None:
    """Write a contract folder: orders, sellers, returns, cases and feedback, Parquet, times in UTC."""
    make_orders(folder, size)
    end = f"{FIRST_DAY} + interval {size.days} day"
    with connect(4.0) as con:
        con.execute("create macro draw(key, what) as hash(hash(key, what)) / 18446744073709551616.0")
        con.execute("create macro badness(seller_id) as 0.3 + 3 * pow(draw(seller_id, 'bad'), 3)")
        con.execute(f"create view lines as from read_parquet({quoted(folder / 'orders.parquet')})")
        for name, query in {"returns": RETURNS, "cases": CASES, "feedback": FEEDBACK}.items():
            con.execute(f"copy ({query.format(end=end)}) to {quoted(folder / f'{name}.parquet')} (format parquet)")


def _after(moment: str, key: str, what: str, days: float) -> str:
    """SQL for a moment up to so many days later."""
    return f"{moment} + to_microseconds(cast({days} * {DAY_MICROS} * draw({key}, '{what}') as bigint))"


def _seen(column: str) -> str:
    """SQL for a moment that has come by the end of the last day."""
    return f"case when {column} < {{end}} then {column} end as {column}"


RETURNS = f"""
select return_id, order_id, line_id, opened_at, case when draw(return_id, 'fault') < 0.6 then 'seller' else 'buyer' end
    as fault, {_seen("refunded_at")}, price as refund_amount
from (select 'r' || order_id || '-' || line_id as return_id, order_id, line_id, price,
        {_after("delivered_at", "order_id", "return", 14)} as opened_at, opened_at + interval 3 day as refunded_at
    from lines where delivered_at is not null and draw(order_id || line_id, 'back') < 0.05 * badness(seller_id)) as r
where opened_at < {{end}}"""

CASES = f"""
select case_id, seller_id, order_id,
    ['inquiry', 'item_not_received', 'not_as_described', 'other'][1 + cast(floor(4 * kind) as integer)] as kind,
    opened_at, {_seen("first_response_at")}, {_seen("closed_at")},
    case when closed_at < {{end}} then case when draw(case_id, 'won') < 0.8 then 'seller' else 'buyer' end end
        as resolution
from (select 'c' || order_id as case_id, seller_id, order_id, draw(order_id, 'kind') as kind,
        {_after("promised_at", "order_id", "case", 6)} as opened_at,
        {_after("opened_at", "order_id", "answer", 3)} as first_response_at,
        {_after("opened_at", "order_id", "close", 20)} as closed_at
    from lines where line_id = '1' and draw(order_id, 'asked') < 0.03 * badness(seller_id)) as c
where opened_at < {{end}}"""

FEEDBACK = f"""
select * from (select 'f' || order_id as feedback_id, seller_id, order_id,
        case when draw(order_id, 'low') < 0.06 * badness(seller_id)
            then 1 + cast(floor(2 * draw(order_id, 'one')) as integer)
            else 3 + cast(floor(3 * draw(order_id, 'high')) as integer) end as rating,
        {_after("delivered_at", "order_id", "rating", 10)} as created_at
    from lines where line_id = '1' and delivered_at is not null and draw(order_id, 'rated') < 0.3) as f
where created_at < {{end}}"""
