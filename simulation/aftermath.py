"""What follows an order: returns, cases and ratings, each a table of plain columns.

A row's `order` is its place in Orders; times are seconds since 1970, NULL where it never comes.
"""

import numpy as np
from numpy.random import Generator

from features.ingest.contract import CASE_KINDS, FAULTS
from simulation.conditions import Conditions
from simulation.draws import Bools, Ints, between, generator
from simulation.orders import BUYER, DAY, NULL, PLATFORM, SELLER, UNKNOWN, OrderLines, Orders, seconds
from simulation.parameters import Parameters

Columns = dict[str, Ints]
REASONS = ("defective", "not as described", "wrong item", "changed mind", "does not fit", "arrived too late")
DEFECTS, WHIMS, TOO_LATE = 3, 2, REASONS.index("arrived too late")
INQUIRY, NOT_RECEIVED, NOT_DESCRIBED, OTHER = range(len(CASE_KINDS))
CARRIER = FAULTS.index("carrier")
RESOLVED_BY = ("seller", "platform", "buyer")
HOURS_48 = 2.0


def draw_returns(p: Parameters, seed: int, block: int, c: Conditions, orders: Orders, lines: OrderLines) -> Columns:
    """Returned lines, 3 to 30 days after delivery; `line` is the place in Lines."""
    draws, rates = generator(seed, block, "returns"), p.returns
    unspoilt = c.sellers.change_of_mind[orders.seller[lines.order]]
    is_late = orders.late[lines.order]
    chance = np.where(lines.disappointing, rates.after_disappointment, unspoilt + rates.after_late * is_late)
    delivered = orders.delivered[lines.order] != NULL
    line = np.flatnonzero(delivered & (draws.random(len(lines.order)) < chance))
    order, spoilt = lines.order[line], lines.disappointing[line]
    waits = rates.first_days + (rates.last_days - rates.first_days) * draws.random(len(line)) ** rates.delay_skew
    opened = orders.delivered[order] + seconds(waits)
    late_only = is_late[line] & ~spoilt & (draws.random(len(line)) < 0.5)
    reason = np.where(spoilt, 0, DEFECTS) + draws.integers(0, np.where(spoilt, DEFECTS, WHIMS))
    known = draws.random(len(line)) >= rates.fault_unknown
    return {
        "order": order,
        "line": line,
        "opened_at": opened,
        "reason": np.where(late_only, TOO_LATE, reason),
        "fault": np.where(spoilt | late_only, np.where(known, SELLER, UNKNOWN), BUYER),
        "refunded_at": opened + seconds(between(draws, rates.refund_days, len(line))),
        "refund_amount": lines.price_cents[line],
    }


def draw_feedback(p: Parameters, seed: int, block: int, c: Conditions, orders: Orders) -> Columns:
    """Ratings of orders that the buyer did not cancel, days after delivery or after the customer gave up."""
    draws, rates = generator(seed, block, "feedback"), p.feedback
    asked = orders.cancelled_by != BUYER
    order = np.flatnonzero(asked & (draws.random(len(orders)) < c.sellers.feedback[orders.seller]))
    u, n = draws.random(len(order)), len(order)
    chance = np.select(
        [orders.cancelled[order] != NULL, orders.disappointing[order], orders.late[order]],
        [rates.low_cancelled, rates.low_disappointed, rates.low_late],
        c.sellers.low[orders.seller[order]],
    )
    high = 3 + (draws.random(n) < 0.9) + (draws.random(n) < 0.75)
    waits = np.where(
        orders.cancelled[order] == NULL,
        between(draws, rates.waiting_days, n),
        between(draws, rates.waiting_days_cancelled, n),
    )
    heard = np.where(orders.unshipped[order], orders.promised[order], orders.cancelled[order])
    heard = np.where(orders.delivered[order] == NULL, heard, orders.delivered[order])
    rating = np.where(u < chance, np.where(u < 0.6 * chance, 1, 2), high)
    return {"order": order, "rating": rating, "created_at": heard + seconds(waits)}


def draw_cases(p: Parameters, seed: int, block: int, c: Conditions, orders: Orders) -> Columns:
    """Inquiries with and without an order, items not received, items not as described; with `seller`."""
    kinds = (
        _inquiries(p, generator(seed, block, "inquiries"), c, orders),
        _presale(p, generator(seed, block, "presale"), c),
        _not_received(p, generator(seed, block, "not received"), c, orders),
        _not_described(p, generator(seed, block, "not described"), c, orders),
    )
    return {name: np.concatenate([kind[name] for kind in kinds]) for name in kinds[0]}


def _inquiries(p: Parameters, draws: Generator, c: Conditions, orders: Orders) -> Columns:
    """Inquiries about an order: without a special reason, because it is late, or because its line disappoints."""
    rates, n = p.contacts, len(orders)
    plain = c.inquiry[orders.seller, orders.day]
    late, bad = rates.inquiry_late * orders.late, rates.inquiry_disappointed * orders.disappointing
    edges, u = np.cumsum([plain, late, bad], axis=0), draws.random(n)
    reached = ~(orders.disappointing & (orders.delivered == NULL) & (u >= edges[1]))
    order = np.flatnonzero((u < edges[2]) & reached & ((orders.cancelled == NULL) | orders.unshipped))
    why, wait = np.sum(u[order] >= edges[:, order], axis=0), draws.random(len(order))
    window = (orders.promised - orders.ship_by)[order]
    opened = np.select(
        [why == 0, why == 1],
        [
            orders.ordered[order] + (wait * (orders.promised - orders.ordered)[order]).astype(np.int64),
            orders.ship_by[order] + ((0.4 + wait) * window).astype(np.int64),
        ],
        orders.delivered[order] + seconds(0.2 + 1.8 * wait),
    )
    kind = np.where((why == 0) & (draws.random(len(order)) < rates.other), OTHER, INQUIRY)
    return _answered(p, draws, c, orders.seller[order], orders.day[order], order, kind, opened)


def _presale(p: Parameters, draws: Generator, c: Conditions) -> Columns:
    """Inquiries of customers who have not ordered."""
    counts = draws.poisson(c.orders * c.presale)
    seller, day = (place.astype(np.int64) for place in np.nonzero(counts))
    seller, day = (np.repeat(place, counts[counts > 0]) for place in (seller, day))
    opened = ((p.sellers.first_day + day + draws.random(len(day))) * DAY).astype(np.int64)
    nothing, kind = np.full(len(day), NULL), np.full(len(day), INQUIRY)
    return _answered(p, draws, c, seller, day, nothing, kind, opened)


def _answered(
    p: Parameters, draws: Generator, c: Conditions, seller: Ints, day: Ints, order: Ints, kind: Ints, opened: Ints
) -> Columns:
    """Inquiries with their answers: most within two days, some late, some never (these stay open)."""
    n = len(seller)
    missed = draws.random(n) < c.unanswered[seller, day]
    never = missed & (draws.random(n) < c.silent[seller, day])
    quick, slow, closing = (
        HOURS_48 * 0.95 * draws.random(n) ** 2.5,
        between(draws, p.contacts.answer_days, n),
        draws.random(n),
    )
    answer = opened + seconds(np.where(missed, slow, quick))
    answered = np.where(never, NULL, answer)
    closed = np.where(never, NULL, answer + seconds(3 * closing))
    return {
        "seller": seller,
        "order": order,
        "kind": kind,
        "opened_at": opened,
        "first_response_at": answered,
        "closed_at": closed,
        "resolution": np.where(never, NULL, RESOLVED_BY.index("seller")),
        "fault": np.full(n, NULL),
    }


def _not_received(p: Parameters, draws: Generator, c: Conditions, orders: Orders) -> Columns:
    """Claims some days after the promise; their final fault is that of the one who caused the delay."""
    rates = p.contacts
    chance = np.select(
        [orders.unshipped, orders.late, orders.delivered != NULL],
        [rates.not_received_unshipped, rates.not_received_late, rates.not_received_in_time],
        0.0,
    )
    order = np.flatnonzero(draws.random(len(orders)) < chance)
    opened = orders.promised[order] + seconds(between(draws, rates.not_received_days, len(order)))
    slow = (orders.shipped[order] > orders.ship_by[order]) | orders.unshipped[order]
    platform = c.sellers.platform[orders.seller[order]]
    fault = np.where(platform, PLATFORM, np.where(orders.late[order] & slow, SELLER, CARRIER))
    return _claimed(p, draws, c, orders, order, NOT_RECEIVED, opened, fault)


def _not_described(p: Parameters, draws: Generator, c: Conditions, orders: Orders) -> Columns:
    """Claims after delivery of a line that disappoints."""
    rates, came = p.contacts, orders.delivered != NULL
    order = np.flatnonzero(orders.disappointing & came & (draws.random(len(orders)) < rates.not_described))
    opened = orders.delivered[order] + seconds(between(draws, rates.not_described_days, len(order)))
    fault = np.where(draws.random(len(order)) < rates.not_described_buyer, BUYER, SELLER)
    return _claimed(p, draws, c, orders, order, NOT_DESCRIBED, opened, fault)


def _claimed(
    p: Parameters, draws: Generator, c: Conditions, orders: Orders, order: Ints, kind: int, opened: Ints, fault: Ints
) -> Columns:
    """Claims with their resolution: by the seller, or by the platform if the seller did nothing."""
    seller, day, n = orders.seller[order], orders.day[order], len(order)
    unresolved: Bools = draws.random(n) < c.unresolved[seller, day]
    answer = opened + seconds(between(draws, (0.1, 2), n))
    closed = opened + seconds(between(draws, p.contacts.closing_days, n))
    names = np.where(unresolved, RESOLVED_BY.index("platform"), RESOLVED_BY.index("seller"))
    return {
        "seller": seller,
        "order": order,
        "kind": np.full(n, kind),
        "opened_at": opened,
        "first_response_at": np.where(unresolved, NULL, answer),
        "closed_at": closed,
        "resolution": names,
        "fault": fault,
    }
