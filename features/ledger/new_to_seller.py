"""SQL of orders new to a seller: of items, and in categories, that it had added a short time before.

A line counts as first recorded, so later versions and appeals change nothing here. A seller adds an item once. It adds
a category again with the first line after a pause. Pauses are found from the first line of each period of days, so an
incremental update needs no other lines.
"""

from core.packed_keys import EARLIEST
from core.sql_text import Step
from features.ledger.order_versions import EVER, NEVER
from features.ledger.quantities import FIRST_STOCK_DAYS, NEW_CATEGORY_DAYS, NEW_ITEM_DAYS, PERIOD_DAYS, PERIODS_WITHOUT

KINDS = {"item_id": ("new_item_day", NEW_ITEM_DAYS), "category": ("new_category_day", NEW_CATEGORY_DAYS)}
NO_PERIOD = "cast(null as bigint)"


def period_of(day: str) -> str:
    """SQL for the number of a day's period."""
    return f"({day} + {EARLIEST}) // {PERIOD_DAYS}"


def firsts_sql(column: str, history: str) -> str:
    """The first day of each of a seller's items, or of each of its categories in each period."""
    period = period_of("day") if column == "category" else NO_PERIOD
    return f"""select seller, {column}, {period} as period, min(day) as first_day
        from {history} group by seller, {column}, {period}"""


def taken_on_sql(column: str, history: str = "known_lines") -> str:
    """Items (or categories) that a seller added after its first days, with the day of each; a category each time.

    history: a table with at least the first line of each seller and item, and of each category in each period.
    """
    before = f"lag(period) over (partition by seller, {column} order by period)" if column == "category" else NO_PERIOD
    return f"""select seller, {column}, first_day
        from (select *, min(first_day) over (partition by seller) as began, {before} as before
            from ({firsts_sql(column, history)}) as f) as b
        where {column} is not null and first_day >= began + {FIRST_STOCK_DAYS}
            and (before is null or period - before > {PERIODS_WITHOUT})"""


def while_new(column: str, line: str, taken_on: str) -> str:
    """SQL that joins a line with the day on which its item (or category) was added, while it is new to the seller."""
    return f"""{taken_on}.seller = {line}.seller and {taken_on}.{column} = {line}.{column}
        and {line}.day >= {taken_on}.first_day and {line}.day < {taken_on}.first_day + {KINDS[column][1]}"""


def new_to_seller_orders(history: str = "known_lines") -> Step:
    """Orders with the first day on which a line with a new item, or in a new category, was known; one state each."""
    days = [f"min(case when {c}_on.first_day is not null then l.day end) as {name}" for c, (name, _) in KINDS.items()]
    joins = " ".join(
        f"left join ({taken_on_sql(column, history)}) as {column}_on on {while_new(column, 'l', f'{column}_on')}"
        for column in KINDS
    )
    some = " or ".join(f"{column}_on.first_day is not null" for column in KINDS)
    query = f"""select l.seller, l.order_id, {EVER} as since, {NEVER} as until, true as lone, {", ".join(days)}
        from known_lines as l {joins} where {some} group by l.seller, l.order_id"""
    makes = "orders of an item, or in a category, that is new to the seller, and the days they were known"
    return Step("novelties", query, makes, "a seller's order of something new")
