"""Parts of a source with more rows from elsewhere, or with the rows of one seller only."""

from collections.abc import Mapping
from dataclasses import replace

import duckdb
import pyarrow as pa

from core.sql_text import quoted
from features.ingest.checks import SourcePart
from features.ingest.contract import TABLES
from features.ingest.sources import frame_part

Parts = Mapping[str, tuple[SourcePart, ...]]


def with_frames(
    con: duckdb.DuckDBPyConnection, parts: Parts, added: Mapping[str, pa.Table]
) -> dict[str, tuple[SourcePart, ...]]:
    """The parts with the rows of each added table; an added table without rows changes nothing."""
    found = dict(parts)
    for name, rows in added.items():
        if rows.num_rows:
            found[name] = (*found.get(name, ()), frame_part(con, TABLES[name], rows))
    return found


def of_seller(parts: Parts, seller_id: str) -> dict[str, tuple[SourcePart, ...]]:
    """The parts with one seller's rows only; all corrections stay, because they find their rows by key."""
    return {name: tuple(_narrowed(name, part, parts, seller_id) for part in pieces) for name, pieces in parts.items()}


def _narrowed(name: str, part: SourcePart, parts: Parts, seller_id: str) -> SourcePart:
    if name == "corrections":
        return part
    mine = f"cast(seller_id as varchar) = {quoted(seller_id)}"
    if name == "returns":
        lines = " union all ".join(f"select order_id, line_id from {p.relation} where {mine}" for p in parts["orders"])
        mine = f"(order_id, line_id) in ({lines})"
    return replace(part, relation=f"(select * from {part.relation} where {mine})")
