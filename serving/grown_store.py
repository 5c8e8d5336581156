"""The online store of a ledger that grew: rows, and the orders and items behind them, a block of sellers at a time."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from features.engine import quoted
from features.evidence import KEPT_DAYS, newest_sql
from features.grown import grown_blocks
from features.items import item_counts_sql, item_orders_sql, quality
from features.row_blocks import RowBlocks
from features.states import MATURITY_DAYS, Step
from features.table import FeatureTable, Plan
from models.bundle import Bundle, check_catalogue
from serving.evidence import KEPT, items_by_seller, market_rate, orders_by_seller
from serving.store import Behind, as_known, sellers_sql, write_blocks

BLOCK = 20_000
BACK = KEPT_DAYS + MATURITY_DAYS  # a fact may fall on a day so long after its order's last
WHOLE = "kept."  # the schema of the whole ledger
COUNTS, ORDERS = "item_counts", "item_orders"


def write_grown_store(place: Path, bundle: Bundle, folder: Path, size: int = BLOCK) -> Path:
    """Write the store of a grown ledger's last day, and point to it; returns its folder."""
    standards = [model.standard for model in bundle.models]
    with grown_blocks(place, standards, size, back=BACK, beside=_beside) as blocks:
        check_catalogue(bundle, blocks.needs.features)
        return write_blocks(blocks.ledger, blocks.ledger.last_day, _with_behind(blocks), folder, WHOLE)


def _beside(needs: Plan, day: int) -> Sequence[Step]:
    """What lies behind the rows of a slice."""
    quantities = {f.evidence_quantity for f in needs.features if f.evidence}
    of_items = [Step(COUNTS, item_counts_sql(day)), Step(ORDERS, item_orders_sql(day))] if needs.items else []
    return [Step("evidence", newest_sql(quantities, day, KEPT)), Step("sellers_known", sellers_sql(day)), *of_items]


def _with_behind(blocks: RowBlocks) -> Iterator[tuple[FeatureTable, Behind]]:
    return ((table, _behind(blocks, table)) for table in blocks if len(table))


def _behind(blocks: RowBlocks, table: FeatureTable) -> Behind:
    ids, con = table.seller_id, blocks.ledger.con
    mine = f"where seller_id >= {quoted(ids[0])} and seller_id <= {quoted(ids[-1])}"
    evidence = con.sql(f"select * from evidence {mine} order by seller_id, quantity, day desc, order_id")
    known = as_known(con.execute(f"select * from sellers_known {mine}").fetchall())
    if not blocks.needs.items:
        return Behind(orders_by_seller(evidence.to_arrow_table()), {}, known)
    counts = con.execute(f"select * from {COUNTS} {mine}").df()
    behind = con.execute(f"select * from {ORDERS} {mine} order by seller_id, item_id, day desc, order_id").df()
    items = items_by_seller(quality(counts, behind, market_rate(table)))
    return Behind(orders_by_seller(evidence.to_arrow_table()), items, known)
