"""The feature table of very many sellers, a block of sellers at a time, so that memory does not grow with their number.

A block is the sellers between two ids, so that the same sellers give the same blocks.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from features.engine import quoted
from features.ledger import Ledger
from features.standards import Standard
from features.table import FeatureTable, Plan, make_rows, plan, read_rows, usable

BLOCK = 40_000  # sellers; a row takes about 4 KB


@dataclass(frozen=True)
class RowBlocks:
    """Rows at one as-of day; edges: the first seller_id of each block; sellers: how many there may be in all.

    They are read from the ledger's connection when they are asked for, until other rows are made there.
    """

    ledger: Ledger
    needs: Plan
    edges: tuple[str, ...]
    sellers: int

    def __len__(self) -> int:
        return len(self.edges)

    def __iter__(self) -> Iterator[FeatureTable]:
        for first, past in zip(self.edges, (*self.edges[1:], None), strict=True):
            below = "" if past is None else f" and seller_id < {quoted(past)}"
            yield read_rows(self.ledger.con, self.needs, f"where seller_id >= {quoted(first)}{below}")


def row_blocks(ledger: Ledger, as_of: int, standards: Collection[Standard], size: int = BLOCK) -> RowBlocks:
    """Make the rows of one as-of day, to be read block by block in the order of seller ids."""
    needs = plan(ledger.quantities, usable(standards, ledger.quantities))
    make_rows(ledger.con, needs, [as_of])
    first = f"select seller_id from seller_codes where (seller - 1) % {size} = 0 order by seller_id"
    edges = tuple(row[0] for row in ledger.con.execute(first).fetchall())
    sellers = ledger.con.execute("select count(*) from seller_codes").fetchall()[0][0]
    return RowBlocks(ledger, needs, edges, int(sellers))
