"""The true probabilities of what happens to an order, computed from the hidden rates, not from draws."""

from collections.abc import Mapping

import numpy as np

from simulation.conditions import Conditions
from simulation.draws import Floats, log_logistic, log_logistic_above
from simulation.parameters import Parameters

NODES = 12  # points of the mid-point rule over handling times; 24 change no probability by 0.001


def truth(p: Parameters, c: Conditions) -> dict[str, Floats]:
    """Columns of truth.parquet, each of shape (sellers, days): for an order placed on that day."""
    shipped = 1 - c.cancelled - p.fulfilment.cancelled_by_buyer - c.unshipped
    slow, slow_though_shipped = late(p, c)
    own = np.where(c.sellers.platform[:, None], 0, slow)
    any_late = slow + slow_though_shipped
    lost = c.cancelled + c.unshipped
    fine = shipped * (1 - any_late) * no_failure(p, c, is_late=False, own=False)
    fine_own = shipped * (1 - any_late) * no_failure(p, c, is_late=False, own=True)
    excused = shipped * (any_late - own) * no_failure(p, c, is_late=True, own=True)
    ends_well = p.fulfilment.cancelled_by_buyer
    return {
        "late": c.unshipped + shipped * any_late,
        "late_own": c.unshipped + shipped * own,
        "cancelled": c.cancelled,
        "returned": shipped * returned(p, c, any_late),
        "low_rating": lost * p.feedback.low_cancelled * c.sellers.feedback[:, None] + shipped * low(p, c, any_late),
        "service_failure": 1 - ends_well - fine,
        "service_failure_seller_fault": 1 - ends_well - fine_own - excused,
        "orders": c.orders,
    }


def late(p: Parameters, c: Conditions) -> tuple[Floats, Floats]:
    """P(late and handed over after ship_by), P(late though handed over in time), of shipped orders.

    Late: handling + transit > both windows together. The mid-point rule runs over the quantiles of handling time on
    either side of the window, so that both parts keep the exact mass of their side.
    """
    shape, transit = p.fulfilment.handling_shape, p.fulfilment.transit_shape
    missed = log_logistic_above(c.ship_window, c.handling, shape)
    whole = c.ship_window + c.sellers.transit_window[:, None]
    slow, in_time = np.zeros_like(missed), np.zeros_like(missed)
    for node in (np.arange(NODES) + 0.5) / NODES:
        behind = whole - log_logistic(1 - missed * (1 - node), c.handling, shape)
        ahead = whole - log_logistic((1 - missed) * node, c.handling, shape)
        slow += log_logistic_above(behind, c.transit, transit)
        in_time += log_logistic_above(ahead, c.transit, transit)
    return missed * slow / NODES, (1 - missed) * in_time / NODES


def returned(p: Parameters, c: Conditions, any_late: Floats) -> Floats:
    """P(a line comes back) of delivered orders; a second line comes back independently of the first."""
    rates, disappoints = p.returns, c.disappoints
    unspoilt = c.sellers.change_of_mind[:, None] + rates.after_late * any_late
    one = disappoints * rates.after_disappointment + (1 - disappoints) * unspoilt
    return np.asarray(1 - (1 - one) * (1 - p.volume.second_line_share * one))


def low(p: Parameters, c: Conditions, any_late: Floats) -> Floats:
    """P(rated 1 or 2) of shipped orders."""
    rates, disappoints = p.feedback, c.disappoints
    otherwise = any_late * rates.low_late + (1 - any_late) * c.sellers.low[:, None]
    rating = disappoints * rates.low_disappointed + (1 - disappoints) * otherwise
    return np.asarray(c.sellers.feedback[:, None] * rating)


def no_failure(p: Parameters, c: Conditions, is_late: bool, own: bool) -> Floats:
    """P(no part of service failure but lateness itself) of shipped orders; with own, only parts of the seller's."""
    total = np.zeros_like(c.orders)
    for disappointed, weight in ((True, c.disappoints), (False, 1 - c.disappoints)):
        parts = failing(p, c, is_late, disappointed, own).values()
        total += weight * np.prod([1 - part for part in np.broadcast_arrays(*parts)], axis=0)
    return total


def failing(p: Parameters, c: Conditions, is_late: bool, disappointed: bool, own: bool) -> Mapping[str, Floats]:
    """Independent failures of a shipped order and their probabilities; shapes broadcast to (sellers, days)."""
    contacts, ratings = p.contacts, p.feedback
    low_rated = c.sellers.low[:, None]
    if disappointed or is_late:
        low_rated = np.full_like(low_rated, ratings.low_disappointed if disappointed else ratings.low_late)
    asks = c.inquiry + contacts.inquiry_late * is_late + contacts.inquiry_disappointed * disappointed
    complains = contacts.not_described * disappointed * (1 - contacts.not_described_buyer * own)
    missing = contacts.not_received_late if is_late else contacts.not_received_in_time
    return {
        "low_rating": c.sellers.feedback[:, None] * low_rated,
        "case_unresolved": np.minimum(asks, 1) * c.unanswered * c.silent,
        "not_as_described": np.full((1, 1), complains),
        "item_not_received": np.full((1, 1), 0.0 if own else missing),  # by then the carrier's fault, or the platform's
    }
