"""Every gate is passed by a good model, and refuses one made bad on purpose."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import forged
import numpy as np
import pytest
from forged import Array
from scipy.special import expit
from training_market import material

from features.table import build_table
from training import gates, groups, leakage
from training.backtest import body_of
from training.gates import Gate, judge
from training.leakage import Look

pytestmark = pytest.mark.slow

BLIND = {"future_blind": True, "canary_caught": True}
SHAPE = "service: probabilities mean what they say"
SIZE = "service: probabilities are of the right size"
RANKS, ERRS = "service: ranks better than the roll-forward", "service: errs less than the roll-forward"


def verdict(raw: Array, leaks: Mapping[str, bool] = BLIND) -> dict[str, Gate]:
    """The gates on a model that says these log-odds."""
    body = body_of(material(), forged.goal(), forged.with_model(raw), forged.OPTIONS)
    return {gate.name: gate for gate in judge({"risks": {"service": body}, "leakage": leaks})}


def refused(raw: Array) -> set[str]:
    return {name for name, gate in verdict(raw).items() if not gate.passed}


def test_a_good_model_passes_every_gate() -> None:
    assert refused(forged.log_odds()) == set()


BAD: dict[str, tuple[Callable[[], Array], set[str]]] = {
    "no better than the roll-forward": (lambda: forged.log_odds(0.3), {RANKS, ERRS}),
    "too bold": (lambda: 2.5 * forged.log_odds(), {SHAPE}),
    "too timid": (lambda: 0.3 * forged.log_odds(), {SHAPE}),
    "twice the risk there is": (lambda: forged.log_odds() + 2.5, {SIZE}),
}


@pytest.mark.parametrize("fault", BAD)
def test_a_model_made_bad_is_refused(fault: str) -> None:
    raw, expected = BAD[fault]
    assert expected <= refused(raw())


def thirds(raised: float) -> dict[str, dict[str, Any]]:
    """Three regions of 200 sellers and ten weeks whose risks hold but for the north's, which is said too high."""
    rng = np.random.default_rng(0)
    region = np.tile(np.repeat(np.array(["north", "south", "west"], dtype=object), 200), 10)
    seller = np.tile(np.array([f"s{i}" for i in range(600)], dtype=object), 10)
    truth = rng.normal(-2.5, 1, 600)[np.tile(np.arange(600), 10)]
    label = (rng.random(len(truth)) < expit(truth)).astype(float)
    said = expit(truth + raised * (region == "north"))
    return groups.group_figures({"region": region}, seller, np.repeat(np.arange(10) * 7, 600), label, said, 0.02)


def test_a_model_unfair_to_a_group_is_refused_with_the_group_s_name() -> None:
    fair, unfair = (gates.no_group_misjudged("service", thirds(raised)) for raised in (0.0, 1.0))
    assert fair.passed
    assert not unfair.passed
    assert "of 3 groups region north furthest off" in unfair.found
    assert "95%" in unfair.line()


def test_a_leaky_table_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def ahead(ledger, as_of, standards):
        table = build_table(ledger, [day + 1 for day in as_of], standards)
        return replace(table, as_of=table.as_of - 1)

    made = material()
    days = tuple(made.moments.as_of(made.moments.test_from))[-2:]
    look = Look(days[-1], days, forged.goal().standard, 28, made.moments.data_end)
    peeking = ahead(made.ledger, list(days), made.standards)
    monkeypatch.setattr(leakage, "build_table", ahead)
    leaks = leakage.gates(made.ledger, peeking, made.standards, look)
    assert [g.name for g in judge({"risks": {}, "leakage": leaks}) if "future" in g.name and not g.passed] == [
        "rows are blind to the future"
    ]


def test_a_stale_model_is_refused() -> None:
    assert gates.fresh(date(2024, 1, 1), date(2024, 4, 1)).passed
    old = gates.fresh(date(2024, 1, 1), date(2024, 4, 2))
    assert not old.passed
    assert "92 days before 2024-04-02" in old.found
    assert gates.not_older(date(2024, 1, 1), date(2024, 1, 1)).passed
    assert not gates.not_older(date(2024, 1, 1), date(2024, 1, 2)).passed


def test_a_model_worse_than_the_champion_is_refused() -> None:
    worse = {"average_precision_minus_champion": [-0.2, -0.1], "brier_minus_champion": [0.001, 0.01]}
    alike = {"average_precision_minus_champion": [-0.2, 0.1], "brier_minus_champion": [-0.01, 0.01]}
    assert [gate.passed for gate in gates.against("service", {"ci95": worse})] == [False, False]
    assert [gate.passed for gate in gates.against("service", {"ci95": alike})] == [True, True]
    assert "no weeks" in gates.against("service", {"ci95": {}})[0].found


def test_a_group_is_judged_only_with_enough_readings_and_sellers() -> None:
    label, score = np.zeros(200), np.full(200, 0.9)
    label[100:] = 1
    seller = np.array([f"s{i % 40}" for i in range(200)], dtype=object)
    halves = {"size": np.repeat(np.array(["small", "large"], dtype=object), 100)}
    few = {"size": np.repeat(np.array(["small", "large"], dtype=object), [99, 101])}
    for group, measured in ((halves, True), (few, False)):
        cell = groups.group_figures(group, seller, np.zeros(200, dtype=int), label, score, 0.02)["size"]["small"]
        assert ("overstated" in cell) == measured
    same_days = np.zeros(200, dtype=int)
    own = groups.group_figures(halves, seller, same_days, label, score, 0.02)["size"]["small"]
    assert own["overstated"] == pytest.approx((91 / 1) / (91 / 101))  # 90 said, none came; 90 said, 100 came
    assert own["breach_share"] == 0
    assert own["ci95"]["overstated"][0] > 1
