"""A seller's ledger by day, with the corrections decided so far; the seller's windows are sums over these days."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from core.block import Block
from features.columns.windows import LONGEST_SPAN, split
from features.engines.duckdb import QueryResult
from features.ledger.build import Ledger

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class SellerDays:
    """What became known of one seller on the last LONGEST_SPAN days up to as_of.

    sums: per quantity, shape (LONGEST_SPAN + 1,): entry j is the sum over the last j days, so sums[span] is a window.
    """

    as_of: int
    sums: Mapping[str, Ints]

    def of_day(self, quantity: str, ago: Ints) -> Ints:
        """The quantity on the day `ago` days before as_of (0: as_of itself), in the shape of `ago`."""
        sums = self.sums[quantity]
        return sums[ago + 1] - sums[ago]

    def add_up_to(self, row: Block) -> bool:
        """Whether these days sum up to a row's windows; not so if a correction was decided between the two."""
        windows = ((name, found) for name in row.names if (found := split(name)) and found[1] != "all")
        return all(self.sums[q][int(span)] == row[name][0] for name, (q, span) in windows if q in self.sums)


def days_of(rows: pa.Table, as_of: int) -> SellerDays:
    """One seller's days, from its rows of `days_rows`; every column but the day is a quantity."""
    ago = as_of - rows["day"].to_numpy().astype(np.int64)
    return SellerDays(as_of, {name: _sums(rows[name], ago) for name in rows.column_names if name != "day"})


def days_rows(ledger: Ledger, as_of: int, schema: str = "") -> QueryResult:
    """Rows of seller_id, day and quantities, sorted by the first two, with the corrections decided by as_of.

    schema: the schema of the ledger's tables, followed by a dot.
    """
    columns = ", ".join(ledger.quantities)
    sums = ", ".join(f"cast(sum({q}) as bigint) as {q}" for q in ledger.quantities)
    return ledger.con.sql(
        f"""select seller_id, cast(day as integer) as day, {sums} from (
            select seller_id, day, {columns} from {schema}ledger union all
            select seller_id, effective_day, {columns} from {schema}ledger_corrections
            where decided_day <= {as_of}) as l
        where day > {as_of - LONGEST_SPAN} and day <= {as_of} group by seller_id, day order by seller_id, day"""
    )


def _sums(column: pa.ChunkedArray, ago: Ints) -> Ints:
    by_day = np.zeros(LONGEST_SPAN + 1, dtype=np.int64)
    np.add.at(by_day, ago + 1, column.to_numpy().astype(np.int64))
    return np.cumsum(by_day)
