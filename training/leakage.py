"""Proof that rows do not look ahead: everything after a day is altered, and the rows up to it must stay bit-equal."""

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit
from sklearn.metrics import roc_auc_score

from features.block import Block
from features.checks import known_day
from features.contract import TABLES, Table
from features.engine import connect
from features.intake import Marketplace
from features.labels import label
from features.ledger import Ledger, build_ledger
from features.standards import Standard
from features.states import NEVER
from features.table import FeatureTable, build_table
from training.fit import Rows, boost, side_by_side, tree_sum

Array = NDArray[np.float64]
DAY = 86_400 * 1_000_000
SHUFFLES = 10

# What a row says of a later day, by table: the time it happened, and the columns known with it (and what they become).
LATER: dict[str, dict[str, dict[str, str]]] = {
    "orders": {
        "shipped_at": {"tracking_valid": "not tracking_valid"},
        "delivered_at": {},
        "cancelled_at": {"cancelled_by": "case when cancelled_by = 'seller' then 'buyer' else 'seller' end"},
    },
    "returns": {
        "refunded_at": {
            "refund_cents": "refund_cents * 3 + 1",
            "fault": "case when fault = 'seller' then 'buyer' else 'seller' end",
        }
    },
    "cases": {
        "first_response_at": {},
        "closed_at": {
            "resolution": "case when resolution = 'seller' then 'platform' else 'seller' end",
            "fault": "case when fault = 'seller' then 'carrier' else 'seller' end",
        },
    },
    "sellers": {"left_at": {}},
    "interventions": {"ended_at": {}},
}


@dataclass(frozen=True)
class Look:
    """Which rows the gate compares: as-of `days`, all up to `day`; and the label that the canary copies."""

    day: int
    days: tuple[int, ...]
    standard: Standard
    horizon: int
    data_end: int


def altered(market: Marketplace, day: int) -> Marketplace:
    """A copy of a marketplace in which everything that became known after the day is another; the rest is the same."""
    con = connect()
    for table in TABLES.values():
        con.register("original", market.con.sql(f"select * from {table.name}").to_arrow_table())
        con.execute(f"create table {table.name} as select * from original")
        con.unregister("original")
        for statement in alterations(table, day):
            con.execute(statement)
    return replace(market, con=con)


def alterations(table: Table, day: int) -> list[str]:
    """SQL that rewrites a table's future: later rows vanish or move to another seller, later values move or vanish."""
    future = f"{known_day(table)} > {day}"
    coin = f"hash(concat_ws('/', {', '.join(table.key)})) % 3"
    moved = f"update {table.name} set seller_id = (select min(seller_id) from {table.name}) where {future}"
    return [
        *(_later(table.name, time, known_with, day, coin) for time, known_with in LATER.get(table.name, {}).items()),
        f"delete from {table.name} where {future} and {coin} = 0",
        *([moved] if "seller_id" in table.typed and table.name != "sellers" else []),
    ]


def _later(table: str, time: str, known_with: dict[str, str], day: int, coin: str) -> str:
    """A time after the day moves two to four days on, or vanishes; what is known with it changes."""
    moved = {
        time: f"case when {coin} = 1 then null else {time} + ({coin} + 2) * {DAY} end",
        f"{time}_day": f"case when {coin} = 1 then null else {time}_day + ({coin} + 2) end",
    }
    sets = ", ".join(f"{column} = {value}" for column, value in {**moved, **known_with}.items())
    # What a version recorded by the day says of a later one was known, right or wrong: it stays.
    return f"update {table} set {sets} where {time}_day > {day} and coalesce(recorded_at_day, {NEVER}) > {day}"


def gates(ledger: Ledger, table: FeatureTable, standards: Collection[Standard], look: Look) -> dict[str, bool]:
    """Whether rows up to look.day are blind to what follows, and whether a planted copy of the label is caught."""
    rows = table.take(np.isin(table.as_of, look.days))
    other = build_ledger(altered(ledger.market, look.day))
    again = build_table(other, look.days, standards)
    planted, planted_again = (with_label(built, t, look) for built, t in ((ledger, rows), (other, again)))
    return {"future_blind": same_rows(rows, again), "canary_caught": not same_rows(planted, planted_again)}


def with_label(ledger: Ledger, table: FeatureTable, look: Look) -> FeatureTable:
    """The rows with a copy of the label planted among their columns."""
    value = label(ledger, table, look.standard, look.horizon, look.data_end).value
    block = Block((*table.block.names, "canary"), np.column_stack([table.block.values, value]))
    return replace(table, block=block)


def same_rows(one: FeatureTable, other: FeatureTable) -> bool:
    """Whether two tables are equal to the bit: keys, texts and every number (nan equals nan)."""
    texts = [(one.seller_id, other.seller_id), *((one.text[name], other.text[name]) for name in one.text)]
    if one.block.names != other.block.names or not np.array_equal(one.as_of, other.as_of):
        return False
    values = one.block.values, other.block.values
    return all(np.array_equal(a, b) for a, b in texts) and np.array_equal(*values, equal_nan=True)


def shuffled_label_auc(train: Rows, test: Rows) -> tuple[float, float]:
    """Mean and standard deviation of the AUC on true test labels of trees (no offset) that learned shuffled labels.

    Labels are shuffled within each as-of day. Far from 0.5 means that the level of a week alone ranks, or that
    something leaks; reported, not gated. nan where the test labels are of one class.
    """
    if not 0 < test.label.mean() < 1:
        return float("nan"), float("nan")
    level = logit(np.clip(train.label.mean(), 1e-6, 1 - 1e-6))  # from 0, trees would first have to learn the level

    def auc(seed: int) -> float:
        mixed = replace(train, label=_shuffled(train, seed), offset=np.full_like(train.offset, level))
        return float(roc_auc_score(test.label, tree_sum(boost(mixed, seed), test)))

    found = side_by_side(auc, range(SHUFFLES))
    return float(np.mean(found)), float(np.std(found, ddof=1))


def _shuffled(rows: Rows, seed: int) -> Array:
    rng = np.random.default_rng(seed)
    order = np.lexsort((rng.random(len(rows.label)), rows.as_of))
    out = np.empty_like(rows.label)
    out[np.argsort(rows.as_of, kind="stable")] = rows.label[order]
    return out
