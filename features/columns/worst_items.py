"""Returned items: the most returned item of each seller at each as-of day, and the returns by item.

A line counts on the day of its delivery and a return on the day it was opened, as known at the close of the as-of day.
A return that an appeal excluded counts until the day of the decision. Items need tables of their own, because the
maximum of several counts is not a sum.
"""

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy.special import bdtrc

from core.sql_text import Step
from features.ledger.build import Ledger

ITEM_DAYS = 60  # the window of the built-in return rate
PRIOR = 20  # prior strength of the rate of a seller's other items, in deliveries at the market's return rate
COLUMNS = (
    "worst_item_returns",  # returns of the item with most of them
    "worst_item_deliveries",
    "item_returns",  # returns of all items
    "item_deliveries",
    "items_with_returns",
)
NEEDS = ("returned", "delivered", "new_item_orders")  # returns, deliveries and items
WORST = "worst_item"  # text: the item with most returns

RETURNED = """select l.seller_id, l.item_id, r.order_id, r.opened_at_day as day,
        greatest(r.opened_at_day, r.valid_from) as since,
        least(r.valid_to, coalesce(x.decided_day, r.valid_to)) as until
    from returns_versions as r join orders_versions as l on l.order_id = r.order_id and l.line_id = r.line_id
        and l.valid_from <= r.valid_from and r.valid_from < l.valid_to
    left join (select row_key, min(decided_at_day) as decided_day from corrections
        where table_name = 'returns' and effect = 'excluded' group by row_key) as x on x.row_key = r.return_id
    where l.item_id is not null and not r.to_origin"""
DELIVERED = """select seller_id, item_id, delivered_at_day as day, greatest(delivered_at_day, valid_from) as since,
        valid_to as until, count(*) as units
    from orders_versions where delivered_at_day is not null and item_id is not null
    group by seller_id, item_id, delivered_at_day, valid_from, valid_to"""
AT_AS_OF = f"x.since <= d.as_of and d.as_of < x.until and d.as_of < x.day + {ITEM_DAYS}"


def steps(into: str) -> list[Step]:
    """The steps that make the worst items, in order; the last makes `into`."""
    most = "the item with most returns, with the returns of all the seller's items"
    return [
        Step(
            "item_returned",
            RETURNED,
            "returned lines with their item, and when the return was known",
            "a return version",
        ),
        Step(
            "item_delivered",
            DELIVERED,
            "delivered lines of each item, and when the delivery was known",
            "a seller, item, day of delivery and time during which it is known",
        ),
        Step("most_returned", most_returned_sql(), most, "a seller and as-of day"),
        Step(into, worst_items_sql(), f"{most}, and the deliveries of both", "a seller and as-of day"),
    ]


def most_returned_sql() -> str:
    """Each seller's item with the most returns (ties: the first by name) at each as-of day, and the seller's total."""
    counted = f"""select x.seller_id, d.as_of, x.item_id, count(*) as returns
        from item_returned as x join as_of_days as d on {AT_AS_OF} group by x.seller_id, d.as_of, x.item_id"""
    mine = "partition by seller_id, as_of"
    return f"""select seller_id, as_of, item_id, returns, item_returns, items_with_returns from (
            select *, row_number() over ({mine} order by returns desc, item_id) as place,
                cast(sum(returns) over ({mine}) as bigint) as item_returns,
                count(*) over ({mine}) as items_with_returns from ({counted}) as c) as r
        where place = 1"""


def worst_items_sql() -> str:
    """The most returned items with the deliveries of that item, and of all the seller's items."""
    of_worst = "case when x.item_id = d.item_id then x.units else 0 end"
    return f"""select d.seller_id, d.as_of, d.item_id as {WORST}, d.returns as worst_item_returns, d.item_returns,
            d.items_with_returns, cast(coalesce(sum({of_worst}), 0) as bigint) as worst_item_deliveries,
            cast(coalesce(sum(x.units), 0) as bigint) as item_deliveries
        from most_returned as d left join item_delivered as x on x.seller_id = d.seller_id and {AT_AS_OF}
        group by d.seller_id, d.as_of, d.item_id, d.returns, d.item_returns, d.items_with_returns"""


def item_quality(ledger: Ledger, as_of: int, market: float | None = None, days: int = ITEM_DAYS) -> pa.Table:
    """Each seller's returns by item: one row per seller and item with a return in the last `days` days up to as_of.

    returned, delivered: counts of lines; return_rate: returned / delivered (null without a delivery);
    share_of_returns: the item's share in the seller's returns; usual_rate: the rate of the seller's other items, with
    PRIOR more deliveries at the market's rate (`market`, or else the ledger's); expected: returns at that rate; chance:
    P(this many returns or more at that rate), binomial; order_ids: the returned orders, newest first. Sorted by seller,
    then by chance, the smallest first.
    """
    counts, orders = (ledger.con.execute(sql(as_of, days)).df() for sql in (item_counts_sql, item_orders_sql))
    return quality(counts, orders, market)


def quality(counts: pd.DataFrame, orders: pd.DataFrame, market: float | None = None) -> pa.Table:
    """The returns by item from the results of `item_counts_sql` (counts) and `item_orders_sql` (orders)."""
    counts = counts.astype({"delivered": "int64", "returned": "int64"})
    order_ids = orders.groupby(["seller_id", "item_id"])["order_id"].agg(lambda ids: list(dict.fromkeys(ids)))
    items = _compared(counts[counts["returned"] > 0], counts, market)
    items = items.merge(order_ids.rename("order_ids").reset_index(), on=["seller_id", "item_id"])
    items = items.sort_values(["seller_id", "chance", "item_id"], ignore_index=True)
    return pa.Table.from_pandas(items[list(VIEW)], preserve_index=False)


VIEW = (
    *("seller_id", "item_id", "delivered", "returned", "return_rate", "share_of_returns"),
    *("usual_rate", "expected", "chance", "order_ids"),
)


def item_counts_sql(as_of: int, days: int = ITEM_DAYS) -> str:
    """Lines delivered and returned by seller and item, as known at as_of."""
    known = _known(as_of, days)
    return f"""select seller_id, item_id, sum(delivered) as delivered, sum(returned) as returned from (
            select seller_id, item_id, units as delivered, 0 as returned from ({DELIVERED}) as a where {known}
            union all select seller_id, item_id, 0, 1 from ({RETURNED}) as b where {known}) as c
        group by seller_id, item_id"""


def item_orders_sql(as_of: int, days: int = ITEM_DAYS) -> str:
    """The orders of the returned lines, newest first."""
    return f"""select seller_id, item_id, order_id, day from ({RETURNED}) as r where {_known(as_of, days)}
        order by seller_id, item_id, day desc, order_id"""


def _known(as_of: int, days: int) -> str:
    return f"since <= {as_of} and {as_of} < until and day > {as_of - days}"


def _compared(items: pd.DataFrame, everything: pd.DataFrame, market: float | None) -> pd.DataFrame:
    """The items with the usual rate of their seller's other items."""
    totals = everything.groupby("seller_id")[["delivered", "returned"]].sum()
    mine = totals.loc[items["seller_id"]].reset_index(drop=True)
    items = items.reset_index(drop=True)
    own = totals["returned"].sum() / max(totals["delivered"].sum(), 1)
    rest_returned, rest_delivered = mine["returned"] - items["returned"], mine["delivered"] - items["delivered"]
    prior = PRIOR * (own if market is None else market)
    usual = np.minimum((rest_returned + prior) / (rest_delivered + PRIOR), 1.0)
    trials = items[["delivered", "returned"]].max(axis=1)  # a returned line may have been delivered before the window
    return items.assign(
        return_rate=(items["returned"] / items["delivered"]).where(items["delivered"] > 0),
        share_of_returns=items["returned"] / mine["returned"],
        usual_rate=usual,
        expected=usual * items["delivered"],
        chance=bdtrc(items["returned"] - 1, trials, usual),
    )
