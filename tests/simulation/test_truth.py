"""The truth beside the tables is what the draws come to, path by path."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest

from simulation.aftermath import INQUIRY, NOT_DESCRIBED, NOT_RECEIVED, Columns, draw_cases, draw_feedback, draw_returns
from simulation.conditions import Conditions
from simulation.draws import Bools, Ints
from simulation.episodes import Disruption
from simulation.market import Run, draw_block
from simulation.orders import BUYER, DAY, NULL, SELLER, Orders, draw_orders
from simulation.parameters import Parameters, load
from simulation.truth import truth

pytestmark = pytest.mark.slow

P = load()

# What the truth says against what is drawn: once as it is, once with rates so high that no path is too rare to see.

LOUD = replace(
    P,
    fulfilment=replace(P.fulfilment, platform_ratio=0.9),
    returns=replace(P.returns, after_late=0.4),
    contacts=replace(
        P.contacts, unanswered=0.4, silent=0.7, not_received_late=0.4, not_received_in_time=0.05, unresolved=0.4
    ),
    feedback=replace(P.feedback, rate=(0.3, 0.6)),
)
RATES = {"as it is": P, "loud": LOUD}


@dataclass(frozen=True)
class Drawn:
    """A block of sellers with everything that can happen, and all that follows."""

    p: Parameters
    c: Conditions
    orders: Orders
    returns: Columns
    cases: Columns
    feedback: Columns

    def hit(self, order: Ints) -> Bools:
        """Which orders are named."""
        out = np.zeros(len(self.orders), dtype=bool)
        out[order[order != NULL]] = True
        return out

    def late_own(self) -> Bools:
        slow = (self.orders.shipped > self.orders.ship_by) & self.orders.late
        return np.asarray((slow & ~self.c.sellers.platform[self.orders.seller]) | self.orders.unshipped)

    def low(self) -> Bools:
        return self.hit(self.feedback["order"][self.feedback["rating"] <= 2])

    def failed(self, own: bool) -> Bools:
        """Service failures counted from the rows alone, once the fault of each case is known."""
        cases = self.cases
        theirs = np.isin(cases["fault"], [SELLER, NULL]) if own else np.ones(len(cases["fault"]), dtype=bool)
        claim = theirs & np.isin(cases["kind"], [NOT_RECEIVED, NOT_DESCRIBED])
        unresolved = theirs & ((cases["closed_at"] == NULL) | (cases["resolution"] != 0))
        late = self.late_own() if own else self.orders.late
        case = self.hit(cases["order"][claim | unresolved])
        return np.asarray(late | (self.orders.cancelled_by == SELLER) | case | self.low())


@cache
def drawn(rates: str = "as it is") -> Drawn:
    p = RATES[rates]
    disruptions = [Disruption(region, 1, 100, 160, 1.9) for region in range(len(p.sellers.regions))]
    c = draw_block(p, Run(1_000, 300, seed=4), 0, disruptions).conditions
    orders, lines = draw_orders(p, 4, 0, c)
    returns = draw_returns(p, 4, 0, c, orders, lines)
    return Drawn(p, c, orders, returns, draw_cases(p, 4, 0, c, orders), draw_feedback(p, 4, 0, c, orders))


HAPPENED: Mapping[str, Callable[[Drawn], Bools]] = {
    "late": lambda d: d.orders.late,
    "late_own": Drawn.late_own,
    "cancelled": lambda d: np.asarray(d.orders.cancelled_by == SELLER),
    "returned": lambda d: d.hit(d.returns["order"]),
    "low_rating": Drawn.low,
    "service_failure": lambda d: d.failed(own=False),
    "service_failure_seller_fault": lambda d: d.failed(own=True),
}


@pytest.mark.parametrize("rates", RATES)
@pytest.mark.parametrize("rate", HAPPENED)
def test_the_truth_is_what_the_draws_come_to(rate: str, rates: str) -> None:
    """Overall, in ten groups of orders by their true probability, and where the platform ships: 4 standard errors."""
    d = drawn(rates)
    p = truth(d.p, d.c)[rate][d.orders.seller, d.orders.day]
    groups = np.array_split(np.argsort(p, kind="stable"), 10)
    for group in (np.arange(len(p)), np.flatnonzero(d.c.sellers.platform[d.orders.seller]), *groups):
        expected, seen = p[group].sum(), HAPPENED[rate](d)[group].sum()
        error = np.sqrt((p[group] * (1 - p[group])).sum())
        assert abs(seen - expected) <= 4 * error + 0.003 * expected, (expected, seen)


def test_the_truth_of_orders_is_how_many_come() -> None:
    expected = truth(P, drawn().c)["orders"].sum()
    assert abs(len(drawn().orders) - expected) < 4 * np.sqrt(expected)


def test_an_order_goes_through_its_stages_in_time() -> None:
    orders = drawn().orders
    gone = orders.cancelled != NULL
    assert (orders.ordered < orders.ship_by).all()
    assert (orders.ship_by < orders.promised).all()
    assert (orders.shipped[~gone] >= orders.ordered[~gone]).all()
    assert (orders.delivered[~gone] > orders.shipped[~gone]).all()
    assert (orders.shipped[gone] == NULL).all()
    assert (orders.cancelled_by[~gone] == NULL).all()
    waited = orders.cancelled[orders.cancelled_by == SELLER] > orders.ship_by[orders.cancelled_by == SELLER]
    assert 0.3 < waited.mean() < 0.9, "most are overdue before the seller cancels"


def test_buyers_who_cancel_do_not_rate() -> None:
    d = drawn()
    assert not (d.hit(d.feedback["order"]) & (d.orders.cancelled_by == BUYER)).any()
    assert (d.cases["opened_at"][d.cases["kind"] == INQUIRY] >= P.sellers.first_day * DAY).all()
