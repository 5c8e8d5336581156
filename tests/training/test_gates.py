"""Every gate is passed by a good model, and refuses one made bad on purpose."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from scipy.special import expit

from features.ledger.build import Ledger
from features.standards.standard import Standard
from features.table import FeatureTable, build_table
from tests.support import synthetic_scores
from tests.support.synthetic_scores import Array
from tests.support.training_market import dataset
from training.backtest import groups, leakage
from training.backtest.backtest import risk_body
from training.backtest.leakage import LeakageProbe
from training.promotion import gates
from training.promotion.gates import Gate, judge

pytestmark = pytest.mark.slow

BLIND = {"future_blind": True, "canary_caught": True}
SHAPE = "service: probabilities mean what they say"
SIZE = "service: probabilities are of the right size"
RANKS, ERRS = "service: ranks better than the roll-forward", "service: errs less than the roll-forward"


def verdict(raw: Array, leaks: Mapping[str, bool] = BLIND) -> dict[str, Gate]:
    """The gates on a model that says these log-odds."""
    body = risk_body(dataset(), synthetic_scores.task(), synthetic_scores.with_model(raw), synthetic_scores.OPTIONS)
    report: Any = {"risks": {"service": body}, "leakage": leaks}
    return {gate.name: gate for gate in judge(report)}


def refused(raw: Array) -> set[str]:
    return {name for name, gate in verdict(raw).items() if not gate.passed}


def test_a_good_model_passes_every_gate() -> None:
    assert refused(synthetic_scores.log_odds()) == set()


BAD: dict[str, tuple[Callable[[], Array], set[str]]] = {
    "no better than the roll-forward": (lambda: synthetic_scores.log_odds(0.3), {RANKS, ERRS}),
    "too bold": (lambda: 2.5 * synthetic_scores.log_odds(), {SHAPE}),
    "too timid": (lambda: 0.3 * synthetic_scores.log_odds(), {SHAPE}),
    "twice the risk there is": (lambda: synthetic_scores.log_odds() + 2.5, {SIZE}),
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
    assert "of 3 groups region north differs most" in unfair.found
    assert "95%" in unfair.line()


def test_a_leaky_table_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def ahead(ledger: Ledger, as_of: Sequence[int], standards: Sequence[Standard]) -> FeatureTable:
        table = build_table(ledger, [day + 1 for day in as_of], standards)
        return replace(table, as_of=table.as_of - 1)

    made = dataset()
    days = tuple(made.calendar.as_of(made.calendar.test_from))[-2:]
    probe = LeakageProbe(days[-1], days, synthetic_scores.task().standard, 28, made.calendar.data_end)
    peeking = ahead(made.ledger, list(days), made.standards)
    monkeypatch.setattr(leakage, "build_table", ahead)
    leaks = leakage.gates(made.ledger, peeking, made.standards, probe)
    report: Any = {"risks": {}, "leakage": leaks}
    assert [g.name for g in judge(report) if "future" in g.name and not g.passed] == ["rows are blind to the future"]


def test_a_stale_model_is_refused() -> None:
    assert gates.fresh(date(2024, 1, 1), date(2024, 4, 1)).passed
    old = gates.fresh(date(2024, 1, 1), date(2024, 4, 2))
    assert not old.passed
    assert "92 days before 2024-04-02" in old.found
    assert gates.not_older(date(2024, 1, 1), date(2024, 1, 1)).passed
    assert not gates.not_older(date(2024, 1, 1), date(2024, 1, 2)).passed


def test_a_model_worse_than_the_champion_is_refused() -> None:
    worse: Any = {"ci95": {"average_precision_minus_champion": [-0.2, -0.1], "brier_minus_champion": [0.001, 0.01]}}
    alike: Any = {"ci95": {"average_precision_minus_champion": [-0.2, 0.1], "brier_minus_champion": [-0.01, 0.01]}}
    assert [gate.passed for gate in gates.against("service", worse)] == [False, False]
    assert [gate.passed for gate in gates.against("service", alike)] == [True, True]
    nothing: Any = {"ci95": {}}
    assert "no weeks" in gates.against("service", nothing)[0].found


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
    own: Any = groups.group_figures(halves, seller, same_days, label, score, 0.02)["size"]["small"]
    assert own["overstated"] == pytest.approx((91 / 1) / (91 / 101))  # 90 said, none came; 90 said, 100 came
    assert own["breach_share"] == 0
    assert own["ci95"]["overstated"][0] > 1


def test_what_a_record_cannot_tell_is_not_said_to_be_passed() -> None:
    unknown = gates.not_compared("compared with the champion", "other standards")
    assert unknown.passed, "it bars no model"
    assert unknown.line() == (
        "not judged: compared with the champion. Found other standards; needed a comparison, if one is possible."
    )
    [alone] = gates.against("service", {"ci95": {}})  # type: ignore[typeddict-item]
    assert alone.verdict == "not judged"
