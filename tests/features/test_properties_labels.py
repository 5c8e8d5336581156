"""Labels against the oracle: the standard at the close of as_of + horizon, in whole numbers, or unknown."""

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from random import Random

import pytest

from features.labels import Labels, label
from features.ledger.build import Ledger as EngineLedger
from features.standards.load import parse
from features.standards.standard import Standard
from features.table import HORIZONS, FeatureTable, build_table
from tests.support.engine_ledger import HISTORIES, built, for_histories
from tests.support.histories import History, an_example
from tests.support.market_by_hand import DAY_0, at, ledger_of, order
from tests.support.oracle import Ledger, ledger
from tests.support.random_rows import Row

pytestmark = pytest.mark.slow

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
window_days = 30
limit = 0.5
minimum_volume = 1
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


@dataclass(frozen=True)
class Question:
    """Labels asked of one history: which standard, how far ahead, and the last day of its data."""

    history: History
    known: Ledger
    standard: Standard
    horizon: int
    end: int

    def expected(self, seller: str, as_of: int) -> tuple[float, bool, bool]:
        """Label (nan: past the data, or censored), censored, below the minimum volume."""
        target = as_of + self.horizon
        bad, volume = self.counts(seller, target)
        censored = any(as_of < day <= target for day in left_or_restricted(self.history, seller, target))
        if censored or target > self.end:
            return math.nan, censored, False
        return float(breach(self.standard, bad, volume)), False, volume < self.standard.minimum_volume

    def counts(self, seller: str, day: int) -> tuple[int, int]:
        sums = self.known.window(seller, day, self.standard.window_days)
        parts = (self.standard.numerator, self.standard.denominator)
        bad, volume = (sum(sums.get(quantity, 0) for quantity in part) for part in parts)
        return bad, volume

    def wrong(self, table: FeatureTable, found: Labels) -> list[str]:
        """Where labels differ from what is expected."""
        wrong = []
        values = zip(found.value.tolist(), found.censored.tolist(), found.below_volume.tolist(), strict=True)
        for seller, as_of, value in zip(table.seller_id.tolist(), table.as_of.tolist(), values, strict=True):
            expected = self.expected(seller, as_of)
            if str(value) != str(expected):  # as text, since nan is not equal to itself
                wrong.append(f"{self.standard.name} of {seller} at {as_of} + {self.horizon}: {value}, not {expected}")
        return wrong


def breach(standard: Standard, bad: int, volume: int) -> bool:
    if volume < standard.minimum_volume or bad < standard.minimum_events:
        return False
    share, limit = Fraction(bad, volume), Fraction(str(standard.limit))
    rate = 1 - share if standard.complement else share
    return not {"<=": rate <= limit, "<": rate < limit, ">=": rate >= limit, ">": rate > limit}[standard.comparator]


def left_or_restricted(history: History, seller: str, day: int) -> list[int]:
    """The days on which a seller left or was held back, as known at the close of a day."""
    told = [row for row in history.tables["sellers"] if row["seller_id"] == seller and known_by(history, row, day)]
    told.sort(key=lambda row: (row.get("recorded_at") is not None, row.get("recorded_at") or 0))
    left = [row.get("left_at") for row in told[-1:]]
    own = [row for row in history.tables["interventions"] if row["seller_id"] == seller]
    moments = left + [row["started_at"] for row in own if row["kind"] in ("order_cap", "hold")]
    return [history.day(moment) for moment in moments if moment is not None]


def known_by(history: History, row: Row, day: int) -> bool:
    return row.get("recorded_at") is None or history.day(row["recorded_at"]) <= day


def last_order(known: Ledger) -> int:
    return max(day for (_, day), sums in known.entries.items() if sums.get("ordered", 0) > 0)


@HISTORIES
def test_labels_equal_the_oracle(number: int) -> None:
    def check(history: History, seed: int) -> None:
        rng, engine, first = Random(seed), built(history), history.day(history.start)
        known = ledger(history.tables, history.zone, engine.quantities)
        usable = [standard for standard in STANDARDS if set(standard.quantities()) <= set(engine.quantities)]
        table = build_table(engine, sorted(rng.sample(range(first, first + LAST), 5)), usable)
        said = rng.choice((None, first + rng.randint(30, LAST + 20)))  # by default the data end with the last order
        end = last_order(known) if said is None else said
        for standard in usable:
            for horizon in HORIZONS:
                asked = Question(history, known, standard, horizon, end)
                assert asked.wrong(table, label(engine, table, standard, horizon, said)) == []

    for_histories(number, check)


def example(standard: Standard) -> tuple[EngineLedger, FeatureTable, Question]:
    history = an_example()
    engine, first = built(history), history.day(history.start)
    known = ledger(history.tables, history.zone, engine.quantities)
    table = build_table(engine, [first + 5, first + 10, first + 20], STANDARDS)
    return engine, table, Question(history, known, standard, 14, first + 34)


def test_labels_one_day_off_are_reported() -> None:
    engine, table, asked = example(STANDARDS[2])
    right, shifted = (label(engine, table, asked.standard, horizon, asked.end) for horizon in (14, 15))
    assert asked.wrong(table, right) == []
    assert asked.wrong(table, shifted)


def test_labels_past_the_data_are_reported() -> None:
    engine, table, asked = example(STANDARDS[2])
    immature = label(engine, table, asked.standard, asked.horizon, asked.end + 1)
    assert asked.wrong(table, immature) == []
    assert replace(asked, end=asked.end - 1).wrong(table, immature)


def test_labels_of_sellers_who_left_are_reported() -> None:
    engine, table, asked = example(STANDARDS[2])
    engine.con.execute("update sellers_versions set left_at_day = null")
    assert asked.wrong(table, label(engine, table, asked.standard, asked.horizon, asked.end))


@pytest.mark.parametrize(("kind", "expected"), [("hold", "nan"), ("order_cap", "nan"), ("coaching", "1.0")])
def test_a_restriction_censors_and_help_does_not(kind: str, expected: str) -> None:
    orders = [order(f"o{n}", n, promised=n + 1, delivered=n + 2) for n in range(6)]
    begun = {"intervention_id": "i", "seller_id": "anna", "kind": kind, "started_at": at(20)}
    engine, late = ledger_of(orders, interventions=[begun]), replace(STANDARDS[1], window_days=60)
    table = build_table(engine, [DAY_0 + day for day in (5, 6, 19, 20)], [late])
    values = label(engine, table, late, 14, DAY_0 + 40).value.tolist()
    assert [str(value) for value in values] == ["1.0", expected, expected, "1.0"], "20 lies in 7..20 and in 20..33"
