"""The order lines that the feature benchmark runs on: made from hashes of row numbers, the same every time."""

from dataclasses import dataclass
from pathlib import Path

from core.sql_text import quoted
from features.engines.duckdb import connect

FIRST_DAY = "timestamptz '2024-01-01 00:00:00+00'"


@dataclass(frozen=True)
class Size:
    """How much to make: order lines, sellers, and days that the orders are spread over."""

    lines: int
    sellers: int
    days: int = 365

    @property
    def categories(self) -> int:
        """So few that most peer groups are large enough to be used, and some are not."""
        return max(2, self.sellers // 800)

    @property
    def items(self) -> int:
        """A few sellers offer the same item."""
        return 3 * self.sellers


def make_orders(folder: Path, size: Size) -> None:
    """Write a contract folder (orders and sellers, Parquet, times in UTC)."""
    folder.mkdir(parents=True, exist_ok=True)
    with connect() as con:
        # A number in [0, 1) by key and by what it is drawn for; a hash of two values alone hardly mixes them.
        con.execute("create macro draw(key, what) as hash(hash(key, what)) / 18446744073709551616.0")
        for name, query in {"orders": orders_sql(size), "sellers": sellers_sql(size)}.items():
            con.execute(f"copy ({query}) to {quoted(folder / f'{name}.parquet')} (format parquet)")


def sellers_sql(size: Size) -> str:
    """One row per seller."""
    return f"""select {_seller_id("seller")} as seller_id,
            'r' || cast(floor(20 * draw(seller, 'region')) as integer) as region,
            case when draw(seller, 'fulfilment') < 0.2 then 'platform' else 'seller' end as fulfilment
        from range({size.sellers}) as s(seller)"""


def orders_sql(size: Size) -> str:
    """Order lines by the time of ordering, as they would be at the end of the last day: later events are still null."""
    seen = ", ".join(
        f"case when {c} < {_moment(str(size.days))} then {c} end as {c}" for c in ("shipped_at", "delivered_at")
    )
    return f"""select order_id, line_id, seller_id, item_id, category, price, ordered_at, ship_by, promised_at, {seen},
            cancelled_at, cancelled_by
        from (select *, case when cancelled_at is null then ordered_at + to_microseconds(cast(
                    86400e6 * (0.1 + hurry * pace * shipping) as bigint)) end as shipped_at,
                shipped_at + to_microseconds(cast(86400e6 * (0.7 + 4 * transit * transit) as bigint)) as delivered_at
            from ({_placed_sql(size)}) as p) as s
        order by ordered_at"""


def _placed_sql(size: Size) -> str:
    """Lines as ordered, and cancelled within the three days after."""
    day = f"start + draw(number, 'day') * ({size.days} - start)"
    cancelled = f"""case when draw(line, 'cancelled') < 0.02
        then least({_moment(day)} + to_microseconds(cast(3 * 86400e6 * draw(line, 'hour') as bigint)),
            {_moment(str(size.days))} - interval 1 second) end"""
    return f"""select 'o' || number as order_id, case when second then '2' else '1' end as line_id,
            {_seller_id("seller")} as seller_id, 'i' || item as item_id,
            'c' || item // {size.items // size.categories + 1} as category,
            cast(2 + 200 * pow(draw(item, 'price'), 3) as decimal(9, 2)) as price,
            {_moment(day)} as ordered_at, ordered_at + interval 2 day as ship_by,
            ordered_at + interval 1 day * (4 + number % 4) as promised_at,
            {cancelled} as cancelled_at,
            case when cancelled_at is not null
                then ['seller', 'buyer', 'platform'][1 + cast(floor(2.4 * draw(line, 'by')) as integer)]
            end as cancelled_by,
            0.4 + draw(seller, 'pace') as pace, -ln(1 - draw(number, 'shipping')) as shipping,
            0.5 + 0.3 * draw(line, 'hurry') as hurry, draw(number, 'transit') as transit
        from ({_lines_sql(size)}) as l"""


def _lines_sql(size: Size) -> str:
    """Order, seller, item and the seller's first day of each line. Of 25 orders, two have a second line (8%)."""
    few, many = size.sellers / 400, 401  # volume falls with the seller's rank as 1 / (rank + few): 1% sell a quarter
    start = f"case when draw(seller, 'old') < 0.6 then 0 else 0.9 * {size.days} * draw(seller, 'start') end"
    # A dozen items near each other, the first ones sold most: nearly all of a seller's items are of one category.
    item = f"cast(floor({size.items} * draw(seller, 'item') + 7 * floor(12 * pow(draw(line, 'item'), 2))) as integer)"
    return f"""select *, {item} % {size.items} as item, {start} as start
        from (select *, cast(floor({few} * (pow({many}, draw(number, 'seller')) - 1)) as integer) as seller
            from (select line, line % 27 >= 25 as second,
                    line // 27 * 25 + case when second then 7 * (line % 27 - 25) else line % 27 end as number
                from range({size.lines}) as r(line)) as n) as s"""


def _seller_id(seller: str) -> str:
    return f"'s' || lpad(cast({seller} as varchar), 7, '0')"


def _moment(day: str) -> str:
    return f"{FIRST_DAY} + to_microseconds(cast(86400e6 * ({day}) as bigint))"
