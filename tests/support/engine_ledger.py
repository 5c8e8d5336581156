"""The engine's ledger and rows in the oracle's shape, and how the two differ."""

import math
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from features.ingest.intake import open_frames
from features.ledger.build import Ledger as EngineLedger
from features.ledger.build import build_ledger
from tests.support.histories import History, marketplaces
from tests.support.oracle import Ledger

SELLERS, MANY_SELLERS = 60, 300  # to a table; an engine takes about as long for either
# The number of seller histories a property is tried on: 500 in the suite, 10,000 with the long tests.
FEW, LOTS = 500, 10_000
HISTORIES = pytest.mark.parametrize("number", [FEW, pytest.param(LOTS, marks=pytest.mark.long)])


def for_histories(number: int, check: Callable[[History, int], None], **fixed: Any) -> None:
    """Try a property on marketplaces that together hold so many seller histories; the same ones each time."""
    sellers = MANY_SELLERS if number > FEW else SELLERS
    run = settings(
        max_examples=math.ceil(number / sellers),
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],  # shrinking so many rows takes minutes; the difference names its seller
        suppress_health_check=list(HealthCheck),
    )
    run(given(marketplaces(sellers, **fixed), st.integers(0, 2**32 - 1))(check))()


def built(history: History) -> EngineLedger:
    """The engine's ledger of a history, however many of its rows are quarantined (a return may have lost its line)."""
    return build_ledger(open_frames(history.frames(), history.zone, quarantine_share=1.0, all_days=True))


def as_oracle(ledger: EngineLedger) -> Ledger:
    """The engine's two tables as the oracle writes them."""
    names = ", ".join(ledger.quantities)
    result = Ledger()
    for seller, day, *values in ledger.con.execute(f"select seller_id, day, {names} from ledger").fetchall():
        put(result.entries[seller, day], ledger.quantities, values)
    corrections = f"select seller_id, effective_day, decided_day, {names} from ledger_corrections"
    for seller, effective, decided, *values in ledger.con.execute(corrections).fetchall():
        put(result.corrections[seller, effective, decided], ledger.quantities, values)
    return result


def put(sums: dict[str, int], names: Iterable[str], values: Iterable[int]) -> None:
    for name, value in zip(names, values, strict=True):
        sums[name] += value


def differences(found: Ledger, expected: Ledger, known_by: float = math.inf) -> list[str]:
    """What differs in any window at any as-of day up to `known_by`; empty when nothing does."""
    ours, theirs = found.known(), expected.known()
    return [
        f"{quantity} of {seller} on day {day}, known from {known}: {ours.get(key, 0)}, expected {theirs.get(key, 0)}"
        for key in sorted(ours.keys() | theirs.keys())
        for seller, day, known, quantity in [key]
        if known <= known_by and ours.get(key, 0) != theirs.get(key, 0)
    ]
