"""The orders behind a count: which orders, cases and ratings a reason speaks of."""

from collections.abc import Collection

import pyarrow as pa

from features.chains import Chain
from features.ledger import Ledger
from features.units import UNITS, Fact, Unit

KEPT_DAYS = 180  # no sentence counts further back


def evidence_orders(ledger: Ledger, as_of: int, quantities: Collection[str]) -> pa.Table:
    """Columns seller_id, quantity, day, order_id: what entered the windows that close at as_of, newest first.

    Cases without an order are counted in their own quantity and have no order to show.
    """
    wanted = [q for q in ledger.quantities if q in quantities]
    return ledger.con.sql(evidence_sql(wanted, as_of)).to_arrow_table()


def newest_sql(quantities: Collection[str], as_of: int, kept: int) -> str:
    """The same query, cut to the newest orders of each seller and quantity."""
    newest = "partition by seller_id, quantity order by day desc, order_id"
    return f"""select * exclude (place) from (select *, row_number() over ({newest}) as place
        from ({evidence_sql(quantities, as_of)}) as e) as n where place <= {kept}"""


def evidence_sql(quantities: Collection[str], as_of: int) -> str:
    """The query behind `evidence_orders`."""
    found = [
        entered
        for unit in UNITS
        for fact in unit.facts
        for quantity, amount in fact.adds.items()
        if quantity in quantities
        for entered in _entered(unit, fact, quantity, amount, as_of)
    ]
    none = "select 0 as seller, '' as quantity, cast(null as integer) as day, '' as order_id"
    return f"""select c.seller_id, quantity, day, order_id from ({" union all ".join([*found, none])}) as e
        join seller_codes as c on c.seller = e.seller
        where day > {as_of - KEPT_DAYS} and day <= {as_of} and order_id is not null
        order by seller_id, quantity, day desc, order_id"""


def _entered(unit: Unit, fact: Fact, quantity: str, amount: str, as_of: int) -> list[str]:
    """The entries of one quantity that stand at as_of, on the days on which the ledger counts them.

    A later version of an order that leaves the entry as it was does not move it.
    """
    told, chain = f"select seller, '{quantity}' as quantity", Chain(unit, ((fact.day, amount),), "order_id")
    known = f"{unit.since} <= {as_of} and {as_of} < {unit.until}"
    return [
        f"{told}, greatest({fact.day}, {unit.since}) as day, order_id from {unit.table} "
        f"where lone and {fact.day} is not null and {amount} > 0 and {known}",
        f"{told}, day, beside as order_id from ({chain.entries(f'({chain.changes})')[0]}) as x "
        f"where day <= {as_of} and {as_of} < replaced and added > 0",
    ]
