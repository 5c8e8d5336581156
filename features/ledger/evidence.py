"""The evidence of a count: the orders, cases and ratings that a reason counts."""

from collections.abc import Collection

import pyarrow as pa

from features.ledger.build import Ledger
from features.ledger.facts import UNITS, Fact, Unit
from features.ledger.restatements import Chain

EVIDENCE_DAYS = 180  # the longest window of a sentence


def evidence_orders(ledger: Ledger, as_of: int, quantities: Collection[str]) -> pa.Table:
    """Columns seller_id, quantity, day, order_id: the entries in the windows that close at as_of, newest first.

    Cases without an order are left out, although their quantity counts them.
    """
    wanted = [q for q in ledger.quantities if q in quantities]
    return ledger.con.sql(evidence_sql(wanted, as_of)).to_arrow_table()


def newest_sql(quantities: Collection[str], as_of: int, most: int) -> str:
    """The query of `evidence_orders`, with at most this many of the newest orders of each seller and quantity."""
    newest = "partition by seller_id, quantity order by day desc, order_id"
    return f"""select * exclude (place) from (select *, row_number() over ({newest}) as place
        from ({evidence_sql(quantities, as_of)}) as e) as n where place <= {most}"""


def evidence_sql(quantities: Collection[str], as_of: int) -> str:
    """The query of `evidence_orders`."""
    entries = [
        select
        for unit in UNITS
        for fact in unit.facts
        for quantity, amount in fact.adds.items()
        if quantity in quantities
        for select in _entries(unit, fact, quantity, amount, as_of)
    ]
    none = "select 0 as seller, '' as quantity, cast(null as integer) as day, '' as order_id"
    return f"""select c.seller_id, quantity, day, order_id from ({" union all ".join([*entries, none])}) as e
        join seller_codes as c on c.seller = e.seller
        where day > {as_of - EVIDENCE_DAYS} and day <= {as_of} and order_id is not null
        order by seller_id, quantity, day desc, order_id"""


def _entries(unit: Unit, fact: Fact, quantity: str, amount: str, as_of: int) -> list[str]:
    """Selects of the entries of one quantity that are valid at as_of, on the days on which the ledger counts them.

    A later version of an order that does not change the entry does not change its day.
    """
    select, chain = f"select seller, '{quantity}' as quantity", Chain(unit, ((fact.day, amount),), "order_id")
    known = f"{unit.since} <= {as_of} and {as_of} < {unit.until}"
    return [
        f"{select}, greatest({fact.day}, {unit.since}) as day, order_id from {unit.table} "
        f"where lone and {fact.day} is not null and {amount} > 0 and {known}",
        f"{select}, day, beside as order_id from ({chain.entries(f'({chain.changes})')[0]}) as x "
        f"where day <= {as_of} and {as_of} < replaced and added > 0",
    ]
