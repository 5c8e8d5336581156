"""The hidden rates: what each cause and each treatment changes, and in what order."""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from simulation.conditions import Conditions, conditions
from simulation.draws import drift, generator, log_logistic, log_logistic_above
from simulation.episodes import Disruption, Episode, draw_episodes
from simulation.parameters import load
from simulation.sellers import Sellers, draw_sellers
from simulation.treatments import Treatment
from simulation.truth import late, returned, truth

P = load()
DAYS = 200
START, END = 60, 139


@cache
def sellers() -> Sellers:
    """Forty sellers who ship themselves and stay throughout."""
    drawn = draw_sellers(P, 1, 0, 40, DAYS)
    everyone = np.ones(40, dtype=bool)
    return replace(drawn, joined=np.full(40, -500), left=np.full(40, 10**6), platform=~everyone)


def rates(*happened: Episode | Treatment) -> Conditions:
    episodes = [e for e in happened if isinstance(e, Episode)]
    treatments = [t for t in happened if isinstance(t, Treatment)]
    return conditions(P, 1, 0, sellers(), episodes, treatments, DAYS)


def episode(cause: str, severity: float, item: int = -1) -> Episode:
    return Episode(3, cause, START, END, P.cause(cause).ramp_days, severity, item)


def test_an_episode_grows_holds_and_fades() -> None:
    short = Episode(0, "stock_out", start=10, end=19, ramp=4, severity=0.2)
    assert short.profile().tolist() == [0.25, 0.5, 0.75, 1, 1, 1, 1, 1, 1, 0.5]
    assert short.profile(lag=3).tolist() == [0, 0, 0, 0.25, 0.5, 0.75, 1, 1, 1, 0.5]


CHANGES = {
    "staff_shortage": (2.5, {"handling"}),
    "stock_out": (0.2, {"cancelled"}),
    "bad_batch": (0.5, {"bad_item", "bad_item_added"}),
    "over_promising": (2.0, {"handling", "orders", "ship_window"}),
    "category_entry": (0.5, {"new_category"}),
    "abandonment": (
        0.9,
        {"unanswered", "silent", "inquiry", "presale", "unresolved", "handling", "unshipped", "orders"},
    ),
    "carrier_disruption": (1.8, {"transit"}),
}


@pytest.mark.parametrize("cause", CHANGES)
def test_a_cause_changes_what_it_says_for_its_seller_and_days(cause: str) -> None:
    severity, names = CHANGES[cause]
    before, after = rates(), rates(episode(cause, severity, item=0 if cause == "bad_batch" else -1))
    changed = {f.name: getattr(before, f.name) != getattr(after, f.name) for f in fields(Conditions)[2:]}
    assert {name for name, where in changed.items() if where.any()} == names
    touched = np.logical_or.reduce([changed[name] for name in names])
    first = START - (P.episodes.growing_days if cause == "over_promising" else 0)
    assert set(np.flatnonzero(touched.any(axis=1))) == {3}
    assert set(np.flatnonzero(touched[3])) <= set(range(first, END + 1))


def test_every_cause_is_tried_here() -> None:
    assert set(CHANGES) == {cause.name for cause in P.causes}


HARMS = {
    "staff_shortage": "late_own",
    "stock_out": "cancelled",
    "bad_batch": "returned",
    "over_promising": "late_own",
    "category_entry": "returned",
    "abandonment": "late_own",
    "carrier_disruption": "late",
}


@pytest.mark.parametrize("cause", HARMS)
def test_a_cause_harms_by_way_of_its_own_rate(cause: str) -> None:
    before = truth(P, rates())
    after = truth(P, rates(episode(cause, CHANGES[cause][0], item=0 if cause == "bad_batch" else -1)))
    middle = (3, (START + END) // 2)
    assert after[HARMS[cause]][middle] > 2 * before[HARMS[cause]][middle]
    if cause == "carrier_disruption":
        own, every = (after[rate][middle] - before[rate][middle] for rate in ("late_own", "late"))
        assert own < 0.3 * every, "most of it was shipped in time"


RISKS: Mapping[str, Callable[[Conditions], NDArray[np.float64]]] = {
    "returns": lambda c: returned(P, c, np.sum(late(P, c), axis=0)),  # of what is delivered, as the standard counts it
    "service": lambda c: truth(P, c)["service_failure_seller_fault"],
}


@pytest.mark.parametrize("cause", CHANGES)
def test_a_cause_names_a_family_for_exactly_the_risks_that_it_raises(cause: str) -> None:
    before, after = rates(), rates(episode(cause, CHANGES[cause][0], item=0 if cause == "bad_batch" else -1))
    inside = np.s_[3, (START + END) // 2 : END]
    raised = {risk for risk, rate in RISKS.items() if (rate(after) > rate(before))[inside].all()}
    unmoved = {risk for risk, rate in RISKS.items() if (rate(after) == rate(before))[inside].all()}
    assert raised == {*P.cause(cause).families}
    assert raised | unmoved == {*RISKS}, "none lowers a risk"


def test_an_abandoned_shop_falls_silent_before_it_fails() -> None:
    plain, left = rates(), rates(episode("abandonment", 0.9))
    silent = first_day(left.unanswered[3] > 0.5)
    slow = first_day(left.handling[3] > 1.05 * plain.handling[3])
    fading = first_day(left.orders[3] < 0.95 * plain.orders[3])
    assert silent + 7 <= slow
    assert slow + 7 <= fading


def test_handling_slows_before_orders_are_late() -> None:
    plain, short = rates(), rates(episode("staff_shortage", 3.0))
    slower = first_day(short.handling[3] > 1.2 * plain.handling[3])
    late = first_day(truth(P, short)["late_own"][3] > truth(P, plain)["late_own"][3] + 0.05)
    assert slower + 7 <= late


def test_orders_grow_before_too_much_is_promised() -> None:
    plain, grown = rates(), rates(episode("over_promising", 2.0))
    assert grown.orders[3, START - 1] == pytest.approx(2 * plain.orders[3, START - 1])
    assert first_day(grown.ship_window[3] < plain.ship_window[3]) == START


def first_day(where: NDArray[np.bool_]) -> int:
    assert where.any()
    return int(np.argmax(where))


@pytest.mark.parametrize(
    ("kind", "cause", "rate"),
    [
        ("handling_time", "staff_shortage", "late_own"),
        ("listing_fix", "bad_batch", "returned"),
        ("coaching", "stock_out", "cancelled"),
        ("carrier", "carrier_disruption", "late"),
    ],
)
def test_a_treatment_helps_while_it_lasts_and_a_holdout_gets_none(kind: str, cause: str, rate: str) -> None:
    ill = episode(cause, CHANGES[cause][0], item=0 if cause == "bad_batch" else -1)
    untreated, held, helped = (
        truth(P, rates(ill, *given))[rate][3]
        for given in ([], [Treatment(3, kind, 90, 110, False, 0.5)], [Treatment(3, kind, 90, 110, True, 0.5)])
    )
    assert np.array_equal(untreated, held)
    assert (helped[90:111] < 0.9 * untreated[90:111]).all()
    assert np.array_equal(np.delete(helped, range(90, 111)), np.delete(untreated, range(90, 111)))


def test_episodes_befall_only_those_they_can_and_while_they_are_there() -> None:
    disruption = Disruption(region=2, carrier=1, start=50, end=70, severity=1.8)
    drawn = draw_sellers(P, 9, 0, 800, DAYS)
    drawn = replace(drawn, left=np.where(np.arange(800) % 3 == 0, 40, drawn.left))
    found = draw_episodes(P, 9, 0, drawn, DAYS, [disruption])
    own = {cause.name for cause in P.causes if cause.needs_own_shipping}
    assert [e for e in found if e.cause in own and drawn.platform[e.seller]] == []
    assert [e for e in found if e.start < drawn.joined[e.seller] or e.end >= drawn.left[e.seller]] == []
    hit = {e.seller for e in found if e.cause == "carrier_disruption"}
    there = (drawn.joined <= 70) & (drawn.left > 50)
    assert hit == set(np.flatnonzero((drawn.region == 2) & (drawn.carrier == 1) & there))


def test_quantiles_and_probabilities_of_times_agree() -> None:
    u = np.linspace(0.001, 0.999, 999)
    above = log_logistic_above(log_logistic(u, np.full(999, 1.7), 5.0), np.full(999, 1.7), 5.0)
    np.testing.assert_allclose(above, 1 - u, atol=1e-12)
    assert log_logistic_above(np.array([-1.0, 0.0]), np.array([2.0, 2.0]), 5.0).tolist() == [1, 1]


def test_drift_is_standard_and_slow() -> None:
    moving = drift(generator(1, 0, "test"), 4_000, 300, step=30, memory=0.8)
    assert abs(moving[:, ::30].std() - 1) < 0.02
    assert np.abs(np.diff(moving, axis=1)).max() < 0.2
    near, far = (np.corrcoef(moving[:, 0], moving[:, day])[0, 1] for day in (30, 240))
    assert near == pytest.approx(0.8, abs=0.05)
    assert far < 0.25
