"""Which items come back: the worst item of each seller at each as-of day, and the item-quality view.

Lines and returns count as known at the close of the as-of day, on the day they were delivered or opened; a return that
an appeal took out leaves from the day of the decision. An item needs its own small tables, since the worst of several
does not add up.
"""

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy.special import bdtrc

from features.ledger import Ledger
from features.states import Step

ITEM_DAYS = 60  # the return rate's own window
PRIOR = 20  # deliveries' worth of the market's return rate in the rate of a seller's other items
COLUMNS = (
    "worst_item_returns",  # returns of the item with most of them
    "worst_item_deliveries",
    "item_returns",  # returns of all items
    "item_deliveries",
    "items_with_returns",
)
NEEDS = ("returned", "delivered", "new_item_orders")  # returns, deliveries and items
TABLE = "worst_items"
WORST = "worst_item"  # text: the item itself

RETURNED = """select l.seller_id, l.item_id, r.order_id, r.opened_at_day as day,
        greatest(r.opened_at_day, r.valid_from) as since,
        least(r.valid_to, coalesce(x.decided_day, r.valid_to)) as until
    from returns_versions as r join orders_versions as l on l.order_id = r.order_id and l.line_id = r.line_id
        and l.valid_from <= r.valid_from and r.valid_from < l.valid_to
    left join (select row_key, min(decided_at_day) as decided_day from corrections
        where table_name = 'returns' and effect = 'excluded' group by row_key) as x on x.row_key = r.return_id
    where l.item_id is not null"""
DELIVERED = """select seller_id, item_id, delivered_at_day as day, greatest(delivered_at_day, valid_from) as since,
        valid_to as until, count(*) as units
    from orders_versions where delivered_at_day is not null and item_id is not null
    group by seller_id, item_id, delivered_at_day, valid_from, valid_to"""
AT_AS_OF = f"x.since <= d.as_of and d.as_of < x.until and d.as_of < x.day + {ITEM_DAYS}"


def steps() -> list[Step]:
    """The tables that lead to `worst_items`, in the order of making."""
    return [
        Step("item_returned", RETURNED),
        Step("item_delivered", DELIVERED),
        Step("most_returned", most_returned_sql()),
        Step(TABLE, worst_items_sql()),
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
    """The same with deliveries: of that item, and of all the seller's."""
    of_worst = "case when x.item_id = d.item_id then x.units else 0 end"
    return f"""select d.seller_id, d.as_of, d.item_id as {WORST}, d.returns as worst_item_returns, d.item_returns,
            d.items_with_returns, cast(coalesce(sum({of_worst}), 0) as bigint) as worst_item_deliveries,
            cast(coalesce(sum(x.units), 0) as bigint) as item_deliveries
        from most_returned as d left join item_delivered as x on x.seller_id = d.seller_id and {AT_AS_OF}
        group by d.seller_id, d.as_of, d.item_id, d.returns, d.item_returns, d.items_with_returns"""


def item_quality(ledger: Ledger, as_of: int, market: float | None = None, days: int = ITEM_DAYS) -> pa.Table:
    """Which items drive each seller's returns: one row per seller and item with a return in the days up to as_of.

    returned, delivered: counts of lines; return_rate: returned / delivered (null without a delivery);
    share_of_returns: of the seller's; usual_rate: the rate of the seller's other items, shrunk to the market's
    (`market`, or else that of the ledger) by PRIOR deliveries; expected: returns at that rate; chance: P(as many
    returns or more at that rate), binomial; order_ids: the orders behind returned, newest first. Sellers in order, the
    least likely count of each first.
    """
    counts, behind = (ledger.con.execute(sql(as_of, days)).df() for sql in (item_counts_sql, item_orders_sql))
    return quality(counts, behind, market)


def quality(counts: pd.DataFrame, behind: pd.DataFrame, market: float | None = None) -> pa.Table:
    """The same from what the queries of counts and orders found, for the sellers in them."""
    counts = counts.astype({"delivered": "int64", "returned": "int64"})
    orders = behind.groupby(["seller_id", "item_id"])["order_id"].agg(lambda ids: list(dict.fromkeys(ids)))
    found = _judged(counts[counts["returned"] > 0], counts, market)
    found = found.merge(orders.rename("order_ids").reset_index(), on=["seller_id", "item_id"])
    found = found.sort_values(["seller_id", "chance", "item_id"], ignore_index=True)
    return pa.Table.from_pandas(found[list(VIEW)], preserve_index=False)


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
    """The orders of those that were returned, newest first."""
    return f"""select seller_id, item_id, order_id, day from ({RETURNED}) as r where {_known(as_of, days)}
        order by seller_id, item_id, day desc, order_id"""


def _known(as_of: int, days: int) -> str:
    return f"since <= {as_of} and {as_of} < until and day > {as_of - days}"


def _judged(items: pd.DataFrame, everything: pd.DataFrame, market: float | None) -> pd.DataFrame:
    """The items against what is usual for the rest of their seller's."""
    totals = everything.groupby("seller_id")[["delivered", "returned"]].sum()
    mine = totals.loc[items["seller_id"]].reset_index(drop=True)
    items = items.reset_index(drop=True)
    own = totals["returned"].sum() / max(totals["delivered"].sum(), 1)
    rest_returned, rest_delivered = mine["returned"] - items["returned"], mine["delivered"] - items["delivered"]
    prior = PRIOR * (own if market is None else market)
    usual = np.minimum((rest_returned + prior) / (rest_delivered + PRIOR), 1.0)
    trials = items[["delivered", "returned"]].max(axis=1)  # what came back now may have been delivered before
    return items.assign(
        return_rate=(items["returned"] / items["delivered"]).where(items["delivered"] > 0),
        share_of_returns=items["returned"] / mine["returned"],
        usual_rate=usual,
        expected=usual * items["delivered"],
        chance=bdtrc(items["returned"] - 1, trials, usual),
    )
