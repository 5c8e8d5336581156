"""Feature rows against the oracle, and what must leave past rows alone, on many drawn histories."""

import math
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from changes import other_future, overwritten, shuffled_and_doubled, with_late_versions
from engine_side import HISTORIES, built, for_histories
from histories import VERSIONED, History, an_example
from hypothesis import strategies as st
from oracle import ledger
from oracle_features import Rows, evaluate, expected_rows

from features.ledger import Ledger as EngineLedger
from features.standards import load
from features.table import FeatureTable, build_table

STANDARDS = load().standards
LAST = 75  # days after the start of a history within which features still change


def some_days(history: History, rng: Random, number: int = 3) -> list[int]:
    first = history.day(history.start)
    return sorted(rng.sample(range(first, first + LAST), number))


def table_of(history: History, days: list[int]) -> FeatureTable:
    return build_table(built(history), days, STANDARDS)


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
    wrong = {name: (row[name], value) for name, value in exact.items() if not same(row[name], value, 0)}
    wrong |= {name: (row[name], value) for name, value in formulas.items() if not same(row[name], value, 1e-9)}
    said = {name: table.text[name][number] for name in texts}
    wrong |= {name: (said[name], text) for name, text in texts.items() if said[name] != text}
    who = f"{table.seller_id[number]} at {table.as_of[number]}"
    return [f"{name} of {who}: {ours}, expected {theirs}" for name, (ours, theirs) in wrong.items()]


def same(a: float, b: float, tolerance: float) -> bool:
    return math.isclose(a, b, rel_tol=tolerance, abs_tol=tolerance) or (math.isnan(a) and math.isnan(b))


def unequal_rows(one: FeatureTable, other: FeatureTable, known_by: float = math.inf) -> list[str]:
    """Columns of the rows up to a day that are not equal bit for bit."""
    one, other = (table.take(table.as_of <= known_by) for table in (one, other))
    if one.seller_id.tolist() != other.seller_id.tolist() or one.as_of.tolist() != other.as_of.tolist():
        return ["the rows"]
    names = [name for name in one.block.names if one.block[name].tobytes() != other.block[name].tobytes()]
    return names + [name for name in one.text if one.text[name].tolist() != other.text[name].tolist()]


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


def test_oracle_reports_windows_one_day_off() -> None:
    engine, table, rows = example_rows([20, 40])
    assert wrong_values(table, rows) == []
    engine.con.execute("update ledger set day = day - 1")
    shifted = build_table(engine, sorted(set(table.as_of.tolist())), STANDARDS)
    assert any(found.startswith("late_14 of") for found in wrong_values(shifted, rows))


def test_oracle_reports_a_wrong_formula() -> None:
    _, table, rows = example_rows([30])
    wrong = [replace(f, formula=f"{f.formula} + 0.00001") if f.name == "late_rate_28" else f for f in table.features]
    found = wrong_values(replace(table, features=tuple(wrong)), rows)
    assert {text.split(" of ")[0] for text in found} == {"late_rate_28"}


@HISTORIES
def test_past_rows_are_blind_to_the_future(number: int) -> None:
    def check(history: History, seed: int) -> None:
        days = some_days(history, Random(seed))
        other = other_future(history, days[1], Random(seed))
        assert unequal_rows(table_of(other, days), table_of(history, days), known_by=days[1]) == []

    for_histories(number, check)


def test_blindness_reports_a_peer_group_counted_over_all_days() -> None:
    history = an_example()
    first = history.day(history.start)
    other = other_future(history, first + 20, Random(1))
    leaky = [with_final_figures(table_of(h, [first + 20, first + 70])) for h in (other, history)]
    assert unequal_rows(*leaky, known_by=first + 20) == ["market_late_60"]


def with_final_figures(table: FeatureTable) -> FeatureTable:
    """A planted leak: the market's figure of the last day stands in every row."""
    values = table.block.values.copy()
    column = table.block.index["market_late_60"]
    values[:, column] = values[np.argmax(table.as_of), column]
    return replace(table, block=replace(table.block, values=values))


@HISTORIES
def test_order_of_rows_and_duplicates_change_no_feature(number: int) -> None:
    def check(history: History, seed: int) -> None:
        days = some_days(history, Random(seed))
        other = shuffled_and_doubled(history, Random(seed))
        assert unequal_rows(table_of(other, days), table_of(history, days)) == []

    for_histories(number, check)


def test_a_row_that_depends_on_the_order_of_rows_is_reported() -> None:
    history = an_example(alike=False)
    table = table_of(history, [history.day(history.start) + 30])
    backwards = replace(table, text={**table.text, "category": table.text["category"][::-1]})
    assert unequal_rows(backwards, table) == ["category"]


@HISTORIES
def test_a_late_version_touches_only_the_rows_after_it(number: int) -> None:
    def check(history: History, seed: int) -> None:
        days = some_days(history, Random(seed))
        other = with_late_versions(history, days[1], Random(seed))
        assert unequal_rows(table_of(other, days), table_of(history, days), known_by=days[1]) == []

    for_histories(number, check, versioned=st.just(frozenset(VERSIONED)))


def test_a_late_version_that_rewrites_past_rows_is_reported() -> None:
    history = an_example(versioned=frozenset(VERSIONED))
    days = [history.day(history.start) + day for day in (20, 60)]
    late = with_late_versions(history, days[0], Random(1))
    rewritten = [h.with_tables({**h.tables, "orders": overwritten(h.tables["orders"])}) for h in (late, history)]
    assert unequal_rows(*(table_of(h, days) for h in rewritten), known_by=days[0])


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
