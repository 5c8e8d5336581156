"""Standards that nobody foresaw: drawn over all quantities, windows, comparators, volumes and events.

Each is trained, backtested, scored with reasons and explained with what would change the risk. A risk that cannot be
learned is named, and only where neither can be is the training refused.
"""

import json
import re
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from core.errors import ForesellError
from features.ingest.intake import Marketplace, open_folder
from features.ledger.build import build_ledger
from features.ledger.quantities import QUANTITIES
from features.standards.load import parse
from features.standards.standard import PARTS, RISKS
from features.table import build_table
from models.bundle.bundle import Bundle, load
from models.score import Score, score
from serving.scoring.explanation import details
from serving.store.online_store import open_store, write_store
from simulation.market import Run, simulate
from training.backtest.scores import Options
from training.pipeline import train

NAMES = [q.name for q in QUANTITIES]
DAYS = (30, 130, 200)  # first as-of day, first day of the test period, end of the record
QUANTITY_LISTS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True)


@cache
def folder() -> Path:
    """A small simulated marketplace with every table; deleted with the process."""
    place = Path(_scratch().name) / "market"
    simulate(place, Run(sellers=50, days=DAYS[2], seed=5))
    return place


@cache
def _scratch() -> "TemporaryDirectory[str]":
    return TemporaryDirectory()


def market() -> Marketplace:
    """The marketplace, opened anew: a backtest holds back rows of the marketplace it is given."""
    return open_folder(folder())


@cache
def totals() -> dict[str, int]:
    """The sum of each quantity, for limits near which sellers are."""
    ledger = build_ledger(market())
    sums = ", ".join(f"coalesce(sum({q}), 0)" for q in ledger.quantities)
    return dict(zip(ledger.quantities, ledger.con.execute(f"select {sums} from ledger").fetchall()[0], strict=True))


def _limit(entry: dict[str, Any], factor: float) -> float:
    bad, all_of = (sum(totals()[q] for q in entry[side]) for side in ("numerator", "denominator"))
    share = min(max(factor * bad / max(all_of, 1), 0.0001), 0.9999)
    return round(1 - share if entry["complement"] else share, 6)


@st.composite
def entries(draw: st.DrawFn, risk: str, number: int) -> dict[str, Any]:
    """One standard; the first of a risk is its headline."""
    comparator = draw(st.sampled_from(["<=", "<", ">=", ">"]))
    entry = {
        **{"name": f"{risk}_{number}", "version": "1", "title": f"Drawn {risk} {number}", "source": "drawn"},
        **{"risk": risk, "headline": number == 0, "comparator": comparator, "complement": comparator[0] == ">"},
        **{"numerator": draw(QUANTITY_LISTS), "denominator": draw(QUANTITY_LISTS)},
        "window_days": draw(st.sampled_from([1, 7, 10, 28, 45, 60, 90, 180, 365]) | st.integers(1, 365)),
        "minimum_volume": draw(st.sampled_from([1, 2, 10, 20])),
        "minimum_events": draw(st.sampled_from([0, 0, 1, 5])),
    }
    if number and risk == "service":
        entry["part"] = draw(st.sampled_from(PARTS))
    return {**entry, "limit": _limit(entry, draw(st.floats(0.5, 2.0)))}


@st.composite
def standards_files(draw: st.DrawFn) -> str:
    """A standards file with one to two standards of one or both risks."""
    risks = draw(st.sampled_from([RISKS, RISKS, ("returns",), ("service",)]))
    drawn = [draw(entries(risk, number)) for risk in risks for number in range(draw(st.integers(1, 2)))]
    tables = ["\n".join(f"{k} = {json.dumps(v)}" for k, v in entry.items()) for entry in drawn]
    days = f"[backtest]\nfirst = {DAYS[0]}\ntest_from = {DAYS[1]}\ndata_end = {DAYS[2] - 1}\n"
    return "\n".join(f"[[standard]]\n{table}\n" for table in tables) + days


def check(text: str) -> str:
    """Train on the file and use what came of it; returns the words of a refusal, or the risks that were learned."""
    with TemporaryDirectory() as scratch:
        place = Path(scratch)
        try:
            made = train(market(), parse(text, "the drawn file"), place / "run", Options(seeds=(0,)))
        except ForesellError as error:
            refusal = str(error)
        else:
            report = json.loads((place / "run/report.json").read_text())
            assert {*report["risks"], *report["not_learned"]} == {*RISKS}, "each is learned, or named with the reason"
            _use(load(place / "run/bundle", made.bundle.digest), place)
            return ", ".join(sorted(report["risks"]))
    assert "learned" in refusal or "model needs at least" in refusal
    return refusal


def _use(bundle: Bundle, scratch: Path) -> None:
    """Score every seller of the last day from the store, with reasons, and say what would change the risk."""
    ledger = build_ledger(market())
    table = build_table(ledger, [ledger.last_day], [model.standard for model in bundle.models])
    write_store(ledger, table, scratch / "store")
    store = open_store(scratch / "store")
    for horizon in sorted({model.key.horizon for model in bundle.models if not model.key.part}):
        for by_risk in score(bundle, table, horizon):
            for one in by_risk.values():
                _check_score(one)
        for seller in table.seller_id[:: len(table) // 8]:
            rows = store.rows(store.find([seller]))
            json.dumps(details(bundle, rows, store.days(seller), horizon))


def _check_score(one: Score) -> None:
    why = one.explanation
    assert why is not None
    assert 0 <= one.interval_90[0] <= one.probability <= one.interval_90[1] <= 1
    added = why.base + why.arithmetic + sum(r.contribution for r in why.reasons)
    assert np.isclose(added, one.log_odds, atol=1e-6)
    assert not [r.text for r in why.reasons if not r.text or re.search(r"\bnan\b", r.text)]


OWN = """
[[standard]]
name = "cancelled_orders"
version = "1"
title = "Cancelled orders"
risk = "service"
headline = true
numerator = ["cancelled"]
denominator = ["ordered"]
window_days = 37
limit = 0.03
minimum_volume = 5
source = "test"

[[standard]]
name = "kept"
version = "1"
title = "Orders kept"
risk = "returns"
headline = true
numerator = ["returned", "refund_cents"]
denominator = ["gross_cents"]
window_days = 1
limit = 0.98
comparator = ">="
complement = true
minimum_volume = 1
source = "test"

[backtest]
first = 30
test_from = 130
data_end = 199
"""


@pytest.mark.slow
def test_a_standard_of_quantities_that_no_window_of_the_catalogue_has() -> None:
    assert "service" in check(OWN)


@pytest.mark.long
@settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(text=standards_files())
def test_many_standards_that_nobody_foresaw(text: str) -> None:
    check(text)
