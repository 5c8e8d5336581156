"""Small marketplaces written as CSV text, one table a file, and order lines as frames."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from features.ingest.intake import Marketplace

ORDERS = """\
order_id,line_id,seller_id,ordered_at
o1,1,anna,2024-01-01T10:00:00Z
"""
SELLERS = """\
seller_id
anna
"""
ANNA = pd.DataFrame({"seller_id": ["anna"]})


def folder(path: Path, **tables: str) -> Path:
    """A contract folder; orders and sellers are given where they are not."""
    for name, text in ({"orders": ORDERS, "sellers": SELLERS} | tables).items():
        (path / f"{name}.csv").write_text(text)
    return path


def rows(market: Marketplace, table: str, *columns: str) -> list[tuple[Any, ...]]:
    """The columns of a typed table, in order of the rows' content."""
    return market.con.execute(f"select {', '.join(columns)} from {table} order by all").fetchall()


def quarantined(market: Marketplace) -> list[tuple[Any, ...]]:
    """(table, file, row, column, rule, value) of each quarantined row."""
    found = rows(market, "quarantine", "table_name", "file", "row", "column_name", "rule", "value")
    return [(table, file and Path(file).name, *rest) for table, file, *rest in found]


def counts(market: Marketplace, table: str) -> Mapping[str, int]:
    """What the report says of a table, without the rules."""
    t = market.report.table(table)
    return {"read": t.read, "kept": t.kept, "duplicates": t.duplicates, "quarantined": sum(t.quarantined.values())}


def orders(**columns: object) -> pd.DataFrame:
    """One order line with further columns."""
    line = {"order_id": "o1", "line_id": "1", "seller_id": "anna", "ordered_at": "2024-01-01T10:00:00Z"}
    return pd.DataFrame([line | columns])
