"""Labels against the oracle: the standard at the close of as_of + horizon, in whole numbers, or unknown."""

import math
from fractions import Fraction
from random import Random

from drawn_rows import Row
from engine_side import HISTORIES, built, for_histories
from histories import History, an_example
from oracle import Ledger, ledger

from features.labels import Labels, label
from features.standards import Standard, parse
from features.table import HORIZONS, FeatureTable, build_table

LAST = 75
STANDARDS = parse(
    """
[[standard]]
name = "returns"
version = "1"
title = "Returns"
risk = "returns"
numerator = ["returned"]
denominator = ["delivered"]
window_days = 15
limit = 0.5
minimum_volume = 2
source = "a test"

[[standard]]
name = "on_time"
version = "1"
title = "On time"
risk = "service"
numerator = ["late"]
denominator = ["ordered"]
complement = true
window_days = 20
limit = 0.5
comparator = ">"
minimum_volume = 1
source = "a test"

[[standard]]
name = "trouble"
version = "1"
title = "Complaints of any kind"
risk = "service"
numerator = ["item_not_received", "not_as_described"]
denominator = ["ordered", "delivered"]
window_days = 60
limit = 0.2
comparator = "<"
minimum_volume = 3
minimum_events = 2
source = "a test"
""",
    "a test",
).standards


def expected_label(
    history: History, known: Ledger, standard: Standard, seller: str, as_of: int, target: int, end: int
) -> float:
    """1, 0, or nan where the day is past the data or the seller left or was held back before it."""
    if target > end or censored(history, seller, as_of, target):
        return math.nan
    sums = known.window(seller, target, standard.window_days)
    bad = sum(sums.get(quantity, 0) for quantity in standard.numerator)
    volume = sum(sums.get(quantity, 0) for quantity in standard.denominator)
    if volume < standard.minimum_volume or bad < standard.minimum_events:
        return 0.0
    return float(not keeps(standard, Fraction(bad, volume)))


def keeps(standard: Standard, share: Fraction) -> bool:
    rate, limit = (1 - share if standard.complement else share), Fraction(str(standard.limit))
    return {"<=": rate <= limit, "<": rate < limit, ">=": rate >= limit, ">": rate > limit}[standard.comparator]


def censored(history: History, seller: str, as_of: int, target: int) -> bool:
    """Whether the seller left, or was restricted, after as_of and by the target day."""
    told = [row for row in history.tables["sellers"] if row["seller_id"] == seller and known(history, row, target)]
    told.sort(key=lambda row: (row.get("recorded_at") is not None, row.get("recorded_at") or 0))
    moments = [row.get("left_at") for row in told[-1:]]
    holds = [row for row in history.tables["interventions"] if row["seller_id"] == seller]
    moments += [row["started_at"] for row in holds if row["kind"] in ("order_cap", "hold")]
    return any(as_of < history.day(moment) <= target for moment in moments if moment is not None)


def known(history: History, row: Row, day: int) -> bool:
    return row.get("recorded_at") is None or history.day(row["recorded_at"]) <= day


def wrong_labels(
    history: History, known: Ledger, table: FeatureTable, found: Labels, standard: Standard, horizon: int, end: int
) -> list[str]:
    wrong = []
    for seller, as_of, value in zip(table.seller_id.tolist(), table.as_of.tolist(), found.value.tolist(), strict=True):
        expected = expected_label(history, known, standard, seller, as_of, as_of + horizon, end)
        if value != expected and not (math.isnan(value) and math.isnan(expected)):
            wrong.append(f"{standard.name} of {seller} at {as_of} in {horizon} days: {value}, expected {expected}")
    return wrong


def some_days(history: History, rng: Random, number: int = 5) -> list[int]:
    first = history.day(history.start)
    return sorted(rng.sample(range(first, first + LAST), number))


@HISTORIES
def test_labels_equal_the_oracle(number: int) -> None:
    def check(history: History, seed: int) -> None:
        rng, engine = Random(seed), built(history)
        known = ledger(history.tables, history.zone, engine.quantities)
        usable = [standard for standard in STANDARDS if set(standard.quantities()) <= set(engine.quantities)]
        table = build_table(engine, some_days(history, rng), usable)
        end = history.day(history.start) + rng.randint(30, LAST + 20)
        for standard in usable:
            for horizon in HORIZONS:
                found = label(engine, table, standard, horizon, end)
                assert wrong_labels(history, known, table, found, standard, horizon, end) == []

    for_histories(number, check)


def example_labels(horizon: int, taken_at: int) -> list[str]:
    """What is wrong with the labels of an example when they are taken at another horizon."""
    history = an_example()
    engine, first = built(history), history.day(history.start)
    table = build_table(engine, [first + 5, first + 10, first + 20], STANDARDS)
    known = ledger(history.tables, history.zone, engine.quantities)
    wrong = []
    for standard in STANDARDS:
        found = label(engine, table, standard, taken_at, first + LAST)
        wrong += wrong_labels(history, known, table, found, standard, horizon, first + LAST)
    return wrong


def test_oracle_reports_labels_one_day_off() -> None:
    assert example_labels(14, taken_at=14) == []
    assert example_labels(14, taken_at=15)
