"""The leakage gate: it passes on real rows, and fails on a table that looks ahead."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from core.block import Block
from features.ingest.contract import TABLES
from features.ledger.build import Ledger, build_ledger
from features.standards.standard import Standard
from features.table import FeatureTable, build_table
from tests.support.market_by_hand import DAY_0, ledger_of, order
from tests.support.training_market import dataset
from training.backtest import leakage
from training.backtest.leakage import LeakageProbe, altered, gates, same_rows, shuffled_label_auc, with_label
from training.dataset.dataset import headline_standards, labelled_task

pytestmark = pytest.mark.slow


def probe() -> LeakageProbe:
    """The last three as-of days up to the middle of the test period."""
    made = dataset()
    days = [day for day in made.calendar.as_of(made.calendar.data_end) if day <= made.calendar.test_from + 30][-3:]
    return LeakageProbe(days[-1], tuple(days), headline_standards(made)["service"], 28, made.calendar.data_end)


def test_rows_are_blind_to_the_future_and_a_planted_label_is_caught() -> None:
    made = dataset()
    assert gates(made.ledger, made.whole, made.standards, probe()) == {
        "future_blind": True,
        "canary_judged": True,
        "canary_caught": True,
    }


def test_a_table_that_reads_one_day_ahead_fails_the_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    made = dataset()

    def ahead(ledger: Ledger, as_of: Sequence[int], standards: Sequence[Standard]) -> FeatureTable:
        table = build_table(ledger, [day + 1 for day in as_of], standards)
        return replace(table, as_of=table.as_of - 1)

    monkeypatch.setattr(leakage, "build_table", ahead)
    peeking = ahead(made.ledger, made.calendar.as_of(made.calendar.data_end), made.standards)
    assert not gates(made.ledger, peeking, made.standards, probe())["future_blind"]


def test_everything_known_later_is_altered_and_nothing_known_before() -> None:
    orders = [
        order(f"o{i}", ordered=i, seller_id=f"s{i % 3}", promised=i + 4, delivered=i + 8, shipped=i + 2)
        for i in range(40)
    ]
    returns = [
        {"return_id": f"r{i}", "order_id": f"o{i}", "line_id": "1", "opened_at": orders[i]["delivered_at"]}
        for i in range(0, 40, 2)
    ]
    market = ledger_of(orders, returns=returns).market
    day = DAY_0 + 20
    other = altered(market, day)
    placed = f"select order_id, promised_at_day, seller_id from orders where ordered_at_day <= {day} order by all"
    assert market.con.execute(placed).fetchall() == other.con.execute(placed).fetchall()
    for table, column in (("orders", "delivered_at_day"), ("orders", "shipped_at_day"), ("returns", "opened_at_day")):
        known, later = (
            f"select {column} from {table} where {column} {side} {day} order by all" for side in ("<=", ">")
        )
        assert market.con.execute(known).fetchall() == other.con.execute(known).fetchall()
        assert market.con.execute(later).fetchall() != other.con.execute(later).fetchall()


def test_what_was_recorded_by_the_day_stays_though_it_speaks_of_a_later_one() -> None:
    def told(order_id: str, recorded: float) -> dict[str, object]:
        return order(order_id, ordered=10, shipped=11, delivered=25, recorded=recorded)

    market = ledger_of([told(f"before{i}", 20) for i in range(9)] + [told(f"after{i}", 21) for i in range(9)]).market
    rows = "select * from orders where order_id like '{}%' order by order_id"
    other = altered(market, DAY_0 + 20)
    before, after = (
        [m.con.execute(rows.format(told_when)).fetchall() for m in (market, other)] for told_when in ("before", "after")
    )
    assert before[0] == before[1]
    assert after[0] != after[1]


def test_every_table_of_the_contract_has_a_future_to_alter() -> None:
    for table in TABLES.values():
        assert any("delete" in statement for statement in leakage.alterations(table, 0))


def test_rows_that_differ_in_one_bit_are_not_the_same() -> None:
    rows = dataset().whole.take(np.arange(20))
    values = rows.block.values.copy()
    values[3, 5] = np.nextafter(values[3, 5], np.inf)
    assert same_rows(rows, rows)
    assert not same_rows(rows, replace(rows, block=Block(rows.block.names, values)))
    assert not same_rows(rows, replace(rows, seller_id=np.roll(rows.seller_id, 1)))


def test_the_planted_label_is_the_label() -> None:
    made, seen = dataset(), probe()
    rows = made.active.take(np.isin(made.active.as_of, seen.days))
    task = labelled_task(made, seen.standard, seen.horizon)
    planted = with_label(made.ledger, rows, seen)
    expected = task.labels.value[np.isin(made.active.as_of, seen.days)]
    np.testing.assert_array_equal(planted.block["canary"], expected)


def test_shuffled_labels_teach_nothing_about_sellers() -> None:
    made = dataset()
    task = labelled_task(made, headline_standards(made)["service"], 28)
    rows = task.rows.only(task.feature_lists[0])
    known = np.isfinite(rows.label)
    late = rows.as_of >= made.calendar.test_from
    mean, sd = shuffled_label_auc(rows.take(task.known_by(made.calendar.test_from)), rows.take(known & late))
    assert 0.3 < mean < 0.7
    assert sd > 0


def test_the_altered_copy_leaves_the_original_alone() -> None:
    market = dataset().ledger.market
    before = market.con.execute("select count(*), max(delivered_at) from orders").fetchall()
    build_ledger(altered(market, probe().day))
    assert market.con.execute("select count(*), max(delivered_at) from orders").fetchall() == before
