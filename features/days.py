"""A seller's ledger day by day, with the corrections decided so far already in it: what its windows are sums of."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.block import Block
from features.engine import Answer
from features.ledger import Ledger
from features.windows import LONGEST_SPAN, split

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Days:
    """What became known of one seller on the LONGEST_SPAN days to as_of.

    sums: per quantity, shape (LONGEST_SPAN + 1,): number j is the sum over the last j days, so sums[span] is a window.
    """

    as_of: int
    sums: Mapping[str, Ints]

    def of_day(self, quantity: str, ago: Ints) -> Ints:
        """What came on the day so many days before as_of, shape as given; ago 0 is as_of."""
        sums = self.sums[quantity]
        return sums[ago + 1] - sums[ago]

    def behind(self, row: Block) -> bool:
        """Whether a row's windows are the sums of these days: not so where a correction came between the two."""
        windows = ((name, found) for name in row.names if (found := split(name)) and found[1] != "all")
        return all(self.sums[q][int(span)] == row[name][0] for name, (q, span) in windows if q in self.sums)


def days_of(rows: pa.Table, as_of: int) -> Days:
    """From one seller's rows of `days_rows`; quantities are whatever columns there are beside the day."""
    ago = as_of - rows["day"].to_numpy().astype(np.int64)
    return Days(as_of, {name: _sums(rows[name], ago) for name in rows.column_names if name != "day"})


def days_rows(ledger: Ledger, as_of: int, schema: str = "") -> Answer:
    """Rows of seller_id, day and quantities, sorted by the first two; what corrections undo is taken out.

    schema: where the ledger's tables lie, with its dot.
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
