"""Small marketplaces drawn as rows in a test: days count from 2024-01-01, in UTC, at noon unless an hour is given."""

from typing import Any

import pandas as pd

from features.ingest.intake import Marketplace, open_frames
from features.ledger.build import Ledger, build_ledger

START = pd.Timestamp("2024-01-01", tz="UTC")
DAY_0 = START.toordinal() - pd.Timestamp("1970-01-01").toordinal()
Row = dict[str, Any]


def at(day: float) -> pd.Timestamp:
    """Noon of a day; a fraction moves the hour (0.25 is six hours later)."""
    return START + pd.Timedelta(days=day, hours=12)


def order(order_id: str, ordered: float, line_id: str = "1", seller_id: str = "anna", **moments: Any) -> Row:
    """An order line; numbers become moments, so `shipped=3` is shipped_at noon of day 3."""
    times = {"ordered": ordered} | {k: v for k, v in moments.items() if isinstance(v, int | float)}
    names = {"ship_by": "ship_by"}
    values = {names.get(k, f"{k}_at"): at(v) for k, v in times.items() if k not in ("price", "tracking_valid")}
    rest = {k: v for k, v in moments.items() if k in ("price", "tracking_valid") or not isinstance(v, int | float)}
    return {"order_id": order_id, "line_id": line_id, "seller_id": seller_id} | values | rest


def market(orders: list[Row], zone: str = "UTC", sellers: list[Row] | None = None, **tables: list[Row]) -> Marketplace:
    """The rows as a marketplace; sellers are those of the orders unless given."""
    named = sellers or [{"seller_id": s} for s in sorted({o["seller_id"] for o in orders})]
    frames = {"orders": orders, "sellers": named} | tables
    return open_frames({name: pd.DataFrame(rows) for name, rows in frames.items()}, zone, quarantine_share=0)


def ledger_of(orders: list[Row], **more: Any) -> Ledger:
    """The ledger of such a marketplace."""
    return build_ledger(market(orders, **more))


def entries(ledger: Ledger, quantity: str) -> dict[int, int]:
    """Day of the test -> amount, where it is not 0, over all sellers."""
    rows = ledger.con.execute(
        f"select day, sum({quantity}) from ledger group by day having sum({quantity}) <> 0"
    ).fetchall()
    return {day - DAY_0: int(amount) for day, amount in sorted(rows)}


def corrections(ledger: Ledger, quantity: str) -> dict[tuple[int, int], int]:
    """(Effective day, decided day) -> amount, where it is not 0."""
    query = f"select effective_day, decided_day, {quantity} from ledger_corrections where {quantity} <> 0"
    return {(e - DAY_0, d - DAY_0): int(amount) for e, d, amount in sorted(ledger.con.execute(query).fetchall())}
