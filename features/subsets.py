"""Parts of a source put together or narrowed: rows from elsewhere beside a folder's own, or one seller's rows alone."""

from collections.abc import Mapping
from dataclasses import replace

import duckdb
import pyarrow as pa

from features.checks import Part
from features.contract import TABLES
from features.sources import frame_part

Parts = Mapping[str, tuple[Part, ...]]


def with_frames(
    con: duckdb.DuckDBPyConnection, parts: Parts, added: Mapping[str, pa.Table]
) -> dict[str, tuple[Part, ...]]:
    """The parts with each added table beside its own; a table of no rows adds nothing, not even the table."""
    found = dict(parts)
    for name, rows in added.items():
        if rows.num_rows:
            found[name] = (*found.get(name, ()), frame_part(con, TABLES[name], rows))
    return found


def of_seller(parts: Parts, seller_id: str) -> dict[str, tuple[Part, ...]]:
    """The parts narrowed to one seller's rows; corrections stay whole, since a row's key says whose row it is."""
    return {name: tuple(_narrowed(name, part, parts, seller_id) for part in pieces) for name, pieces in parts.items()}


def _narrowed(name: str, part: Part, parts: Parts, seller_id: str) -> Part:
    if name == "corrections":
        return part
    mine = f"cast(seller_id as varchar) = {_literal(seller_id)}"
    if name == "returns":
        lines = " union all ".join(f"select order_id, line_id from {p.relation} where {mine}" for p in parts["orders"])
        mine = f"(order_id, line_id) in ({lines})"
    return replace(part, relation=f"(select * from {part.relation} where {mine})")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
