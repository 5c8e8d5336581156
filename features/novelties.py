"""SQL of what is new to a seller: orders of items, and in categories, that it took on a short time before.

A line counts as it was first recorded, so that later versions and appeals change nothing here.
"""

from features.quantities import FIRST_STOCK_DAYS, NEW_CATEGORY_DAYS, NEW_ITEM_DAYS
from features.states import EVER, NEVER

KINDS = {"item_id": ("new_item_day", NEW_ITEM_DAYS), "category": ("new_category_day", NEW_CATEGORY_DAYS)}


def taken_on_sql(column: str, history: str = "known_lines") -> str:
    """Items (categories) of a seller that it did not begin with, and the day it took each on.

    history: lines that hold the first of each seller, item and category.
    """
    firsts = f"select seller, {column}, min(day) as first_day from {history} group by seller, {column}"
    return f"""select seller, {column}, first_day
        from (select *, min(first_day) over (partition by seller) as began from ({firsts}) as f) as b
        where {column} is not null and first_day >= began + {FIRST_STOCK_DAYS}"""


def novelties_sql(history: str = "known_lines") -> str:
    """Orders with the first day on which a line of something new to the seller was known; one state each."""
    days = {
        name: f"min(case when l.day < {column}_on.first_day + {span} then l.day end) as {name}"
        for column, (name, span) in KINDS.items()
    }
    joins = " ".join(
        f"left join ({taken_on_sql(column, history)}) as {column}_on "
        f"on {column}_on.seller = l.seller and {column}_on.{column} = l.{column}"
        for column in KINDS
    )
    some = " or ".join(f"{column}_on.first_day is not null" for column in KINDS)
    return f"""select l.seller, l.order_id, {EVER} as since, {NEVER} as until, true as lone, {", ".join(days.values())}
        from known_lines as l {joins} where {some} group by l.seller, l.order_id"""
