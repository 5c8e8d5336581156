"""Leakage checks: alter all data after a day; the rows up to that day must stay equal to the bit."""

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit
from sklearn.metrics import roc_auc_score

from core.block import Block
from features.engines.duckdb import connect
from features.ingest.checks import known_day
from features.ingest.contract import TABLES, Table
from features.ingest.intake import Marketplace
from features.labels import label
from features.ledger.build import Ledger, build_ledger
from features.ledger.order_versions import NEVER
from features.standards.standard import Standard
from features.table import FeatureTable, build_table
from training.fit.boosting import TrainingMatrix, boost, side_by_side, tree_sum
from training.report_schema import LeakageGates

Array = NDArray[np.float64]
DAY = 86_400 * 1_000_000
SHUFFLES = 10
FEWEST_BREACHES = 10  # among the planted labels: with fewer, another future may change none of them

# By table: times that may lie after a day, and the columns that become known with each (with their altered value).
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
class LeakageProbe:
    """Which rows the gate compares: those of as-of `days`, none later than `day`; and the label that is planted."""

    day: int
    days: tuple[int, ...]
    standard: Standard
    horizon: int
    data_end: int


def altered(market: Marketplace, day: int) -> Marketplace:
    """A copy of a marketplace in which everything that became known after the day differs; the rest is the same."""
    con = connect()
    for table in TABLES.values():
        con.register("original", market.con.sql(f"select * from {table.name}").to_arrow_table())
        con.execute(f"create table {table.name} as select * from original")
        con.unregister("original")
        for statement in alterations(table, day):
            con.execute(statement)
    return replace(market, con=con)


def alterations(table: Table, day: int) -> list[str]:
    """SQL that alters what a table says after the day: rows are deleted or get another seller, values change."""
    future = f"{known_day(table)} > {day}"
    coin = f"hash(concat_ws('/', {', '.join(table.key)})) % 3"
    moved = f"update {table.name} set seller_id = (select min(seller_id) from {table.name}) where {future}"
    return [
        *(_later(table.name, time, known_with, day, coin) for time, known_with in LATER.get(table.name, {}).items()),
        f"delete from {table.name} where {future} and {coin} = 0",
        *([moved] if "seller_id" in table.typed and table.name != "sellers" else []),
    ]


def _later(table: str, time: str, known_with: dict[str, str], day: int, coin: str) -> str:
    """A time after the day becomes two to four days later, or null; the columns known with it change."""
    moved = {
        time: f"case when {coin} = 1 then null else {time} + ({coin} + 2) * {DAY} end",
        f"{time}_day": f"case when {coin} = 1 then null else {time}_day + ({coin} + 2) end",
    }
    sets = ", ".join(f"{column} = {value}" for column, value in {**moved, **known_with}.items())
    # A version recorded by that day may name a later time (a forecast). That was known, so it stays.
    return f"update {table} set {sets} where {time}_day > {day} and coalesce(recorded_at_day, {NEVER}) > {day}"


def gates(ledger: Ledger, table: FeatureTable, standards: Collection[Standard], probe: LeakageProbe) -> LeakageGates:
    """Whether rows up to probe.day ignore later data, and whether a planted copy of the label is detected.

    canary_judged is false where the copy is not detected and nearly all labels are 0: then nothing can be concluded.
    """
    rows = table.take(np.isin(table.as_of, probe.days))
    other = build_ledger(altered(ledger.market, probe.day))
    altered_rows = build_table(other, probe.days, standards)
    planted, planted_again = (with_label(built, t, probe) for built, t in ((ledger, rows), (other, altered_rows)))
    caught = not same_rows(planted, planted_again)
    judged = caught or bool((planted.block["canary"] == 1).sum() >= FEWEST_BREACHES)
    return {"future_blind": same_rows(rows, altered_rows), "canary_caught": caught, "canary_judged": judged}


def with_label(ledger: Ledger, table: FeatureTable, probe: LeakageProbe) -> FeatureTable:
    """The rows with a copy of the label added as a column."""
    value = label(ledger, table, probe.standard, probe.horizon, probe.data_end).value
    block = Block((*table.block.names, "canary"), np.column_stack([table.block.values, value]))
    return replace(table, block=block)


def same_rows(one: FeatureTable, other: FeatureTable) -> bool:
    """Whether two tables are equal to the bit: keys, texts and every number (nan equals nan)."""
    texts = [(one.seller_id, other.seller_id), *((one.text[name], other.text[name]) for name in one.text)]
    if one.block.names != other.block.names or not np.array_equal(one.as_of, other.as_of):
        return False
    values = one.block.values, other.block.values
    return all(np.array_equal(a, b) for a, b in texts) and np.array_equal(*values, equal_nan=True)


def shuffled_label_auc(train: TrainingMatrix, test: TrainingMatrix) -> tuple[float, float]:
    """Mean and standard deviation of the AUC on true test labels of trees (no offset) that learned shuffled labels.

    Labels are shuffled within each as-of day. A mean far from 0.5 means that weeks differ in level, or that something
    leaks; so it is reported and is no gate. nan where the test labels are of one class.
    """
    if not 0 < test.label.mean() < 1:
        return float("nan"), float("nan")
    level = logit(
        np.clip(train.label.mean(), 1e-6, 1 - 1e-6)
    )  # starting from 0, the trees would first have to learn the level

    def auc(seed: int) -> float:
        mixed = replace(train, label=_shuffled(train, seed), offset=np.full_like(train.offset, level))
        return float(roc_auc_score(test.label, tree_sum(boost(mixed, seed), test)))

    aucs = side_by_side(auc, range(SHUFFLES))
    return float(np.mean(aucs)), float(np.std(aucs, ddof=1))


def _shuffled(rows: TrainingMatrix, seed: int) -> Array:
    rng = np.random.default_rng(seed)
    order = np.lexsort((rng.random(len(rows.label)), rows.as_of))
    out = np.empty_like(rows.label)
    out[np.argsort(rows.as_of, kind="stable")] = rows.label[order]
    return out
