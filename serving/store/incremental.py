"""The online store of a ledger that grew: rows, and the orders and items behind them, a block of sellers at a time."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from core.sql_text import Step, quoted
from features.columns.worst_items import item_counts_sql, item_orders_sql, quality
from features.incremental.read import incremental_blocks
from features.ledger.evidence import EVIDENCE_DAYS, newest_sql
from features.ledger.order_versions import MATURITY_DAYS
from features.table import FeatureTable, Plan, RowBlocks
from models.bundle.bundle import Bundle, check_catalogue
from serving.store.evidence import NEWEST_ORDERS, items_by_seller, market_rate, orders_by_seller
from serving.store.online_store import RowContext, as_known, sellers_sql, write_blocks

BLOCK = 20_000
BACK = EVIDENCE_DAYS + MATURITY_DAYS  # a fact may fall on a day so long after its order's last
WHOLE = "kept."  # the schema of the whole ledger
COUNTS, ORDERS = "item_counts", "item_orders"


def write_incremental_store(place: Path, bundle: Bundle, folder: Path, size: int = BLOCK) -> Path:
    """Write the store of a grown ledger's last day, and point to it; returns its folder."""
    standards = [model.standard for model in bundle.models]
    with incremental_blocks(place, standards, size, back=BACK, more_steps=_beside) as blocks:
        check_catalogue(bundle, blocks.needs.features)
        ledger, rows = blocks.ledger, _with_behind(blocks)
        return write_blocks(ledger, ledger.last_day, blocks.tables.figures, rows, folder, WHOLE)


def _beside(needs: Plan, day: int) -> Sequence[Step]:
    """What lies behind the rows of a slice."""
    quantities = {f.evidence_quantity for f in needs.features if f.evidence}
    of_items = [Step(COUNTS, item_counts_sql(day)), Step(ORDERS, item_orders_sql(day))] if needs.items else []
    return [
        Step("evidence", newest_sql(quantities, day, NEWEST_ORDERS)),
        Step("sellers_known", sellers_sql(day)),
        *of_items,
    ]


def _with_behind(blocks: RowBlocks) -> Iterator[tuple[FeatureTable, RowContext]]:
    return ((table, _behind(blocks, table)) for table in blocks if len(table))


def _behind(blocks: RowBlocks, table: FeatureTable) -> RowContext:
    ids, con = table.seller_id, blocks.ledger.con
    mine = f"where seller_id >= {quoted(ids[0])} and seller_id <= {quoted(ids[-1])}"
    evidence = con.sql(f"select * from evidence {mine} order by seller_id, quantity, day desc, order_id")
    known = as_known(con.execute(f"select * from sellers_known {mine}").fetchall())
    if not blocks.needs.items:
        return RowContext(orders_by_seller(evidence.to_arrow_table()), {}, known)
    counts = con.execute(f"select * from {COUNTS} {mine}").df()
    behind = con.execute(f"select * from {ORDERS} {mine} order by seller_id, item_id, day desc, order_id").df()
    items = items_by_seller(quality(counts, behind, market_rate(table)))
    return RowContext(orders_by_seller(evidence.to_arrow_table()), items, known)
