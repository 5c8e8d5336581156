"""The ledger against the oracle, on many drawn histories: every quantity, in every window, at every as-of day."""

import pytest

from features.ledger.build import Ledger as EngineLedger
from tests.support.engine_ledger import HISTORIES, as_oracle, built, differences, for_histories
from tests.support.histories import History, an_example
from tests.support.oracle import ledger

pytestmark = pytest.mark.slow


def against_oracle(history: History, engine: EngineLedger) -> list[str]:
    return differences(as_oracle(engine), ledger(history.tables, history.zone, engine.quantities))


@HISTORIES
def test_ledger_equals_the_oracle(number: int) -> None:
    def check(history: History, _: int) -> None:
        assert against_oracle(history, built(history)) == []

    for_histories(number, check)


def test_an_entry_one_day_off_is_reported() -> None:
    history = an_example()
    engine = built(history)
    assert against_oracle(history, engine) == []
    engine.con.execute("update ledger set day = day + 1 where late > 0")
    assert any(found.startswith("late of") for found in against_oracle(history, engine))


def test_a_forgotten_correction_is_reported() -> None:
    history = an_example()
    engine = built(history)
    engine.con.execute(
        "delete from ledger_corrections where decided_day = (select max(decided_day) from ledger_corrections)"
    )
    assert against_oracle(history, engine)
