"""Feature rows against the oracle, on many drawn histories: counts and texts exactly, formulas within 1e-9."""

import math
from dataclasses import replace
from random import Random

import pytest

from features.ledger.build import Ledger as EngineLedger
from features.standards.load import load
from features.table import FeatureTable, build_table
from tests.support.engine_ledger import HISTORIES, built, for_histories
from tests.support.histories import History, an_example
from tests.support.market_by_hand import DAY_0, ledger_of, order
from tests.support.oracle import ledger
from tests.support.oracle_features import Rows, evaluate, expected_rows

pytestmark = pytest.mark.slow

STANDARDS = load().standards
LAST = 75  # days after the start of a history within which features still change


def some_days(history: History, rng: Random) -> list[int]:
    first = history.day(history.start)
    return sorted(rng.sample(range(first, first + LAST), 3))


def expected(history: History, table: FeatureTable, quantities: tuple[str, ...], days: list[int]) -> Rows:
    """The oracle's rows with every column of the engine's table but the features themselves."""
    names = set(table.block.names) - {f.name for f in table.features} - {"active", "tenure_days", "peer_sellers"}
    return expected_rows(history.tables, history.zone, ledger(history.tables, history.zone, quantities), days, names)


def wrong_values(table: FeatureTable, rows: Rows) -> list[str]:
    """What differs from the oracle's rows; counts and texts exactly, formulas within 1e-9."""
    keys = list(zip(table.seller_id.tolist(), table.as_of.tolist(), strict=True))
    found = [f"row {key} is only on one side" for key in sorted(set(keys) ^ set(rows.numbers))]
    for number, key in enumerate(keys):
        if key in rows.numbers:
            found += wrong_in_row(table, number, rows.numbers[key], rows.texts[key])
    return found


def wrong_in_row(table: FeatureTable, number: int, counts: dict[str, float], texts: dict[str, str]) -> list[str]:
    row = table.block.row(number)
    still_open = counts.get("closed_all", counts["ordered_all"]) < counts["ordered_all"]
    exact = {**counts, "active": counts["ordered_28"] > 0 or still_open}
    formulas = {f.name: evaluate(f.formula, counts) for f in table.features}
    wrong: dict[str, tuple[object, object]] = {
        name: (row[name], value) for name, value in exact.items() if not same(row[name], value, 0)
    }
    wrong |= {name: (row[name], value) for name, value in formulas.items() if not same(row[name], value, 1e-9)}
    said = {name: table.text[name][number] for name in texts}
    wrong |= {name: (said[name], text) for name, text in texts.items() if said[name] != text}
    who = f"{table.seller_id[number]} at {table.as_of[number]}"
    return [f"{name} of {who}: {ours}, expected {theirs}" for name, (ours, theirs) in wrong.items()]


def same(a: float, b: float, tolerance: float) -> bool:
    return math.isclose(a, b, rel_tol=tolerance, abs_tol=tolerance) or (math.isnan(a) and math.isnan(b))


@HISTORIES
def test_features_equal_the_oracle(number: int) -> None:
    def check(history: History, seed: int) -> None:
        engine, days = built(history), some_days(history, Random(seed))
        table = build_table(engine, days, STANDARDS)
        assert wrong_values(table, expected(history, table, engine.quantities, days)) == []

    for_histories(number, check)


def example_rows(days: list[int]) -> tuple[EngineLedger, FeatureTable, Rows]:
    history = an_example()
    days = [history.day(history.start) + day for day in days]
    engine = built(history)
    table = build_table(engine, days, STANDARDS)
    return engine, table, expected(history, table, engine.quantities, days)


def test_windows_one_day_off_are_reported() -> None:
    engine, table, rows = example_rows([20, 40])
    assert wrong_values(table, rows) == []
    engine.con.execute("update ledger set day = day - 1")
    shifted = build_table(engine, sorted(set(table.as_of.tolist())), STANDARDS)
    assert any(found.startswith("late_14 of") for found in wrong_values(shifted, rows))


def test_a_wrong_formula_is_reported() -> None:
    _, table, rows = example_rows([30])
    wrong = [
        replace(f, formula=f"{f.formula} + 0.00001") if f.name == "service_failure_rate_28" else f
        for f in table.features
    ]
    found = wrong_values(replace(table, features=tuple(wrong)), rows)
    assert {text.split(" of ")[0] for text in found} == {"service_failure_rate_28"}


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("late_14 / nullif(ordered_14, 0)", 0.25),
        ("late_14 / nullif(returned_14, 0)", math.nan),
        ("coalesce(late_14 / nullif(returned_14, 0), 7) - 2 * late_14", 5.0),
        ("case when late_14 > 3 then 1.0 when ordered_14 >= 4 then 2.0 end", 2.0),
        ("greatest(late_14, ordered_14) + least(late_14, ordered_14)", 5.0),
        ("sqrt(cast(ordered_14 as double)) + ln(late_14)", 2.0),
        ("(late_14 + 20.0 * coalesce(late_14 / nullif(ordered_14, 0), 0)) / (ordered_14 + 20.0)", 0.25),
    ],
)
def test_formulas_by_hand(formula: str, value: float) -> None:
    assert same(evaluate(formula, {"late_14": 1, "ordered_14": 4, "returned_14": 0}), value, 1e-12)


def test_five_features_by_hand() -> None:
    orders = [
        order("o0", 0, shipped=1, delivered=2),
        order("o1", 60, ship_by=62, shipped=61, promised=65, delivered=69),  # late
        order("o2", 61, ship_by=62, shipped=64, promised=80, delivered=69),  # overdue for two days, and then in time
        order("o3", 62, ship_by=64, promised=90),  # overdue, open
        order("o4", 70, ship_by=99, promised=99),  # open
    ]
    row = build_table(ledger_of(orders), [DAY_0 + 70], STANDARDS).block.row(0)
    assert row["service_failure_rate_28"] == (1 + 20 * 1 / 4) / (
        4 + 20
    )  # a market of one seller: its rate of 60 days is the prior
    assert row["backlog"] == 2 / (4 + 5)
    assert row["overdue"] == 1 / (4 + 5)
    assert row["handling_slowdown"] == pytest.approx(2 / ((1 + 1 + 3) / 3), abs=1e-12)
    assert row["order_growth"] == pytest.approx((4 + 5) / (5 * 28 / 90 + 5), abs=1e-12)


def test_overdue_orders_are_put_down_to_how_they_have_lately_ended() -> None:
    waiting = [order(f"w{day}", day, ship_by=day + 1, promised=99) for day in (64, 65, 66, 67, 68)]
    ended = [
        order("o1", 60, ship_by=61, shipped=63, promised=99),
        order("o2", 60, ship_by=61, cancelled=62, cancelled_by="seller", promised=99),
        order("o3", 60, ship_by=61, cancelled=64, cancelled_by="seller", promised=99),
    ]
    row = build_table(ledger_of([*waiting, *ended]), [DAY_0 + 70], STANDARDS).block.row(0)
    cancelled = (2 + 2 * 2 / 3) / (3 + 2)  # the market's share, two of three, weighs as two more
    assert row["overdue_to_be_cancelled"] == pytest.approx(5 * cancelled / (8 + 5), abs=1e-12)
    assert row["overdue_to_be_shipped"] == pytest.approx(5 * (1 - cancelled) / (8 + 5), abs=1e-12)
    assert not {"overdue", "backlog"} & {*row}, "they would say it twice"


def test_an_items_rate_is_that_of_the_other_sellers() -> None:
    """Two of two orders late, none of three, and one of one."""
    mine = [order(f"m{day}", day, item_id="hat", promised=60, delivered=65) for day in (50, 51)]
    theirs = [order(f"t{day}", day, "1", "bob", item_id="hat", promised=99) for day in (50, 51, 52)]
    alone = [order("a1", 50, "1", "carl", item_id="cap", promised=60, delivered=65)]
    table = build_table(ledger_of([*mine, *theirs, *alone]), [DAY_0 + 70], STANDARDS)
    rate = dict(zip(table.seller_id, table.block["item_service_failure_rate_28"], strict=True))
    market = 3 / 6
    assert rate["anna"] == pytest.approx((0 + 5 * market) / (3 + 5), abs=1e-12)
    assert rate["bob"] == pytest.approx((2 + 5 * market) / (2 + 5), abs=1e-12)
    assert rate["carl"] == pytest.approx(market, abs=1e-12), "nobody else sells it: its own failures tell nothing here"
