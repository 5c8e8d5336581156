"""The example of docs/architecture.md: one order followed from its rows to a reason, by the product's own code."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pandas as pd

from core.markdown import markdown
from features.catalogue.feature import Feature
from features.ingest.intake import open_frames
from features.labels import label
from features.ledger.build import Ledger, build_ledger
from features.ledger.order_versions import NEVER
from features.standards.load import load
from features.standards.standard import Standard
from features.table import FeatureTable, build_table
from models.arithmetic.roll_forward import project
from models.score import row_of

EPOCH = date(1970, 1, 1)
START = pd.Timestamp("2024-01-01 12:00", tz="UTC")
BEFORE, AFTER = 6, 8  # as-of days, counted from the first: the promise has passed; it was put off
HORIZON = 14
QUANTITIES = ("ordered", "shipped", "late_seller_fault", "delivered")


def at(day: float) -> pd.Timestamp:
    """Noon of a day, counted from the first of January."""
    return START + pd.Timedelta(days=day)


def versions() -> list[dict[str, Any]]:
    """The order as the marketplace handed it over on three days."""
    first = {"order_id": "1001", "line_id": "1", "seller_id": "anna", "price": 20, "ordered_at": at(0)}
    first |= {"ship_by": at(2), "promised_at": at(5), "shipped_at": None, "delivered_at": None, "recorded_at": at(0)}
    second = first | {"shipped_at": at(3), "recorded_at": at(4)}
    return [first, second, second | {"promised_at": at(8), "delivered_at": at(7), "recorded_at": at(7)}]


def late_standard() -> Standard:
    """The built-in standard for late orders, with a minimum volume that one order meets."""
    [found] = [s for s in load().standards if s.part == "late_delivery"]
    return replace(found, numerator=("late_seller_fault",), denominator=("ordered",), window_days=28, minimum_volume=1)


def one_order() -> Mapping[str, str]:
    """A Markdown table for each step, by the name of its mark in the page."""
    market = open_frames({"orders": pd.DataFrame(versions()), "sellers": pd.DataFrame([{"seller_id": "anna"}])}, "UTC")
    ledger = build_ledger(market)
    standard = late_standard()
    days = [ledger.first_day + BEFORE, ledger.first_day + AFTER]
    rows = build_table(ledger, days, [standard])
    return {
        "one order: rows": _shown(versions()),
        **_ledger_tables(ledger),
        "one order: window": _window(rows),
        "one order: score": _score(ledger, rows, standard),
        "one order: reason": _reason(rows),
    }


def _ledger_tables(ledger: Ledger) -> dict[str, str]:
    read = _reader(ledger)
    sums = ", ".join(QUANTITIES)
    some = " or ".join(f"{q} <> 0" for q in QUANTITIES)
    return {
        "one order: order versions": read(
            "select valid_from, valid_to, promised_at_day, shipped_at_day, delivered_at_day from orders_versions "
            "order by valid_from"
        ),
        "one order: facts": read(
            "select since, until, ordered_day, shipped_day, late_own_day, delivered_day from order_facts order by since"
        ),
        "one order: restatements": read(
            f"select effective_day, decided_day, {sums} from ledger_corrections where {some} order by 1, 2", days=2
        ),
        "one order: ledger": read(f"select day, {sums} from ledger where {some} order by day", days=1),
    }


def _reader(ledger: Ledger) -> Callable[..., str]:
    """Queries as Markdown; the first columns, all unless `days` says how many, are day numbers, shown as dates."""

    def read(query: str, days: int = 99) -> str:
        found = ledger.con.sql(query).to_arrow_table()
        lines = [[_day(v) if i < days else str(v) for i, v in enumerate(row.values())] for row in found.to_pylist()]
        return markdown(found.column_names, lines)

    return read


def _day(number: int | None) -> str:
    if number is None:
        return ""
    return "never" if number >= NEVER else (EPOCH + timedelta(days=number)).isoformat()


def _shown(rows: Sequence[Mapping[str, Any]]) -> str:
    columns = ("ordered_at", "promised_at", "shipped_at", "delivered_at", "recorded_at")
    lines = [["" if row[c] is None else f"{row[c]:%Y-%m-%d %H:%M}" for c in columns] for row in rows]
    return markdown(["order_id", *columns], [["1001", *line] for line in lines])


def _window(rows: FeatureTable) -> str:
    columns = ("ordered_28", "late_seller_fault_28")
    matrix = rows.block.matrix(columns)
    lines = [[_day(int(day)), *(f"{v:.0f}" for v in line)] for day, line in zip(rows.as_of, matrix, strict=True)]
    return markdown(["as_of", *columns], lines)


def _score(ledger: Ledger, rows: FeatureTable, standard: Standard) -> str:
    labels = label(ledger, rows, standard, HORIZON, data_end=int(rows.as_of[-1]) + HORIZON)
    chances = project(standard, rows.block, HORIZON).probability
    lines = [
        [_day(int(day)), _day(int(day) + HORIZON), f"{value:.0f}", f"{chance:.2f}"]
        for day, value, chance in zip(rows.as_of, labels.value, chances, strict=True)
    ]
    return markdown(["as_of", "label speaks of", "label", "roll-forward's probability"], lines)


def _reason(rows: FeatureTable) -> str:
    feature = _late_feature(rows)
    lines = [[_day(int(day)), feature.sentence_of(row_of(rows, i))] for i, day in enumerate(rows.as_of)]
    return markdown(["as_of", f"sentence of the feature `{feature.name}`"], lines)


def _late_feature(rows: FeatureTable) -> Feature:
    """The first feature whose evidence is late orders that are the seller's fault."""
    return next(f for f in rows.features if f.evidence.startswith("late_"))
