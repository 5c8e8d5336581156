"""Standards files: what they mean, and what is said of a broken one."""

import csv
import re

import numpy as np
import pytest

from core.block import Block
from core.errors import ForesellError
from features.standards.load import from_entry, load, parse, presets
from features.standards.standard import PARTS, BacktestDays, Standard, StandardsFile
from tests.support.paths import ROOT

GOOD = """
[[standard]]
name = "late"
version = "1"
title = "Late"
risk = "service"
headline = true
numerator = ["late"]
denominator = ["ordered"]
window_days = 60
limit = 0.29
source = "a test"
"""


def standard(**changes: str) -> Standard:
    text = GOOD + "".join(f"{key} = {value}\n" for key, value in changes.items())
    return parse(text, "a test").standards[0]


def breaches(s: Standard, *counts: tuple[int, int]) -> list[bool]:
    bad, volume = np.array(counts, dtype=float).T
    return [bool(found) for found in s.breach(bad, volume)]


def test_the_limit_itself_keeps_a_standard() -> None:
    # 0.29 * 100 is 28.999999999999996 in floating point: a breach is decided in whole numbers.
    assert breaches(standard(), (29, 100), (30, 100)) == [False, True]


def test_below_the_limit_is_asked_for_by_a_strict_comparator() -> None:
    assert breaches(standard(comparator='"<"'), (28, 100), (29, 100)) == [False, True]


def test_a_complement_is_breached_from_the_other_side() -> None:
    on_time = parse(GOOD.replace("0.29", "0.90") + 'complement = true\ncomparator = ">="\n', "a test").standards[0]
    assert breaches(on_time, (10, 100), (11, 100)) == [False, True]
    assert on_time.rate(np.array([11.0]), np.array([100.0])).tolist() == [0.89]


def test_minimum_volume_and_minimum_events_must_be_met() -> None:
    s = standard(minimum_volume="20", minimum_events="8")
    assert breaches(s, (7, 20), (8, 20), (19, 19), (0, 0)) == [False, True, False, False]


def test_a_flow_rate_may_exceed_one() -> None:
    assert standard().rate(np.array([30.0]), np.array([20.0])).tolist() == [1.5]


def test_counts_are_read_from_the_window_columns() -> None:
    block = Block(("late_60", "ordered_60"), np.array([[3.0, 40.0]]))
    assert [c.tolist() for c in standard().counts(block)] == [[3.0], [40.0]]


def test_backtest_days_are_counted_from_the_first_ledger_day_or_given_as_dates() -> None:
    days = parse(GOOD + '[backtest]\nfirst = 90\ntest_from = "1970-12-27"\n', "a test").backtest
    assert days is not None
    assert days.on(100) == BacktestDays(190, 360, None, 7)


def test_a_standard_survives_the_way_through_json() -> None:
    for s in load().standards:
        assert from_entry(s.as_json(), "json") == s


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (GOOD.replace("[[standard]]", "[[standard]"), "must be TOML"),
        ("", "at least one"),
        (GOOD.replace('title = "Late"\n', ""), "no title"),
        (GOOD + 'colour = "red"\n', "a field 'colour'"),
        (GOOD.replace('["late"]', '["lateness"]'), "unknown: lateness"),
        (GOOD.replace("0.29", "29"), "between 0 and 1"),
        (GOOD.replace("0.29", "nan"), "between 0 and 1"),
        (GOOD.replace("0.29", "0.1234567"), "six decimals"),
        (GOOD.replace("60", '"60"'), "must be of type int"),
        (GOOD.replace("60", "0"), "between 1 and 365"),
        (GOOD.replace('"service"', '"delivery"'), "risk must be one of"),
        (GOOD + 'comparator = ">="\n', "complement with"),
        (GOOD + GOOD, "one name and version"),
        (GOOD + GOOD.replace('"1"', '"2"'), "at most one headline"),
        (GOOD + '[[unavailable]]\nmetric = "colour"\n', "metric and reason"),
        (GOOD + "[backtest]\nfirst = 3\n", "needs first and test_from"),
        (GOOD + '[backtest]\nfirst = 3\ntest_from = "soon"\n', "day number or an ISO date"),
    ],
)
def test_a_broken_file_is_refused_with_the_rule_and_what_was_found(broken: str, says: str) -> None:
    with pytest.raises(ForesellError, match=says) as error:
        parse(broken, "a test")
    assert error.value.next_step


def test_a_missing_file_is_named() -> None:
    with pytest.raises(ForesellError, match=r"nowhere\.toml"):
        load("nowhere.toml")


def test_an_unknown_preset_is_answered_with_those_there_are() -> None:
    with pytest.raises(ForesellError, match="preset:nowhere") as error:
        load("preset:nowhere")
    assert "amazon, bol, conrad, ebay_minimum" in error.value.next_step


def test_every_part_of_service_has_a_built_in_standard() -> None:
    assert {s.part for s in load().parts("service")} == {*PARTS} - {""}


@pytest.mark.parametrize("name", presets())
def test_a_preset_has_a_headline_and_says_where_its_limits_come_from(name: str) -> None:
    file = load(f"preset:{name}")
    assert file.headline("service")
    assert all(s.source and s.evidence for s in file.standards)


def unaccounted(row: dict[str, str], file: StandardsFile) -> bool:
    """Whether a marketplace's metric is neither listed as unavailable nor there with its limits and window."""
    metric = row["metric"]
    mine = [s for s in file.standards if s.name == metric or s.name.startswith(f"{metric}_")]
    limits = {str(limit) for s in mine for limit in (s.limit, s.warn_limit) if limit}
    asked = set(re.findall(r"0\.\d+", row["limit"]))
    windows = set(re.findall(r"\d+", row["window_days"].split("(")[0]))
    if metric in {u.metric for u in file.unavailable}:
        return False
    known = {limit.rstrip("0") for limit in limits}
    met = {limit.rstrip("0") for limit in asked} <= known and {s.comparator for s in mine} == {row["comparator"]}
    return not (met and windows <= {str(s.window_days) for s in mine})


def reference() -> list[dict[str, str]]:
    with (ROOT / "tests" / "reference" / "standards.csv").open(newline="") as lines:
        return list(csv.DictReader(lines))


def of(row: dict[str, str]) -> StandardsFile:
    return load() if row["marketplace"] == "walmart_us" else load(f"preset:{row['marketplace']}")


def test_every_metric_of_the_reference_is_expressed_or_listed() -> None:
    rows = reference()
    assert [(row["marketplace"], row["metric"]) for row in rows if unaccounted(row, of(row))] == []
    assert {row["marketplace"] for row in rows} == {"walmart_us", *presets()}


def test_a_metric_with_another_limit_or_window_is_noticed() -> None:
    row = reference()[0]
    assert not unaccounted(row, of(row))
    assert all(unaccounted({**row, key: value}, of(row)) for key, value in WRONG.items())


WRONG = {"limit": "0.03", "window_days": "60", "comparator": "<", "metric": "kindness_rate"}
