"""A seller's row projected to a later day, with the failures expected or with some of them avoided.

The days ahead repeat the daily volumes of the same number of days before, as in the roll-forward. Failures occur at the
seller's rate over 60 days, shrunk to its peers' rate by PRIOR orders; the standard's own bad events occur at the
roll-forward's rate. Deliveries that reach their 30th day are known already. Other sellers' figures stay as published,
and each item's share of the seller's returns and problems stays the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.block import Block
from features.catalogue import failure_kinds
from features.catalogue.failure_kinds import Failure
from features.columns import problem_orders, worst_items
from features.columns.by_day import SellerDays
from features.columns.time_since import since_of
from features.columns.windows import LONGEST_SPAN, quantity_of, span_of, split
from features.ledger.order_versions import MATURITY_DAYS
from features.standards.standard import Standard
from models.arithmetic.roll_forward import PRIOR, project

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
RATE_DAYS = 60
FAILURES: tuple[Failure, ...] = tuple(f for f in vars(failure_kinds).values() if isinstance(f, Failure))
FAILED = ("service_failure", "service_failure_seller_fault")
SPLIT = ("late_seller_fault", "late_carrier_fault", "late_platform_fault")
ENDED = ("overdue_shipped", "overdue_cancelled")


@dataclass(frozen=True)
class Success:
    """A kind of success: an order goes well that would otherwise count against the seller.

    counts: the quantity that is one lower; takes: other quantities that are lower too, besides the failures; brings:
    the stages that the order then reaches, each quantity with the quantity of its minutes.
    """

    code: str
    counts: str
    takes: tuple[str, ...] = ()
    brings: Mapping[str, str] | None = None


SUCCESSES = (
    Success("not_returned", "returned", ("returned_seller_fault", "refund_cents")),
    Success("shipped_on_time", "late_seller_fault", ("late", "overdue_to_ship", "overdue_cleared", "overdue_shipped")),
    Success("on_time", "late"),
    Success(
        "not_cancelled",
        "cancelled_by_seller",
        ("cancelled", "overdue_cancelled"),
        {"shipped": "handling_minutes", "delivered": "delivery_minutes"},
    ),
    Success("as_described", "not_as_described"),
    Success("received", "item_not_received"),
    Success("resolved", "case_unresolved"),
    Success("not_rated_low", "low_rating"),
)


@dataclass(frozen=True)
class ExpectedFlow:
    """What is expected of the days ahead: daily volumes of shape (days,) and numbers of failures, by quantity.

    orders: the standard's volume; bad: the standard's bad events that the seller can prevent.
    """

    days: int
    volumes: Mapping[str, Array]
    failing: Mapping[str, int]
    orders: int
    bad: int
    preventable: tuple[tuple[Success, int], ...]  # each kind of success, with the number of orders it could apply to


def expected_flow(standard: Standard, row: Block, past: SellerDays, days: int) -> ExpectedFlow:
    """What is expected of the days ahead. row: the seller's row at as_of; past: its ledger up to that day."""
    projection = project(standard, row, min(days, standard.window_days))
    coming = float(sum(past.sums[q][days] for q in standard.denominator))
    bad = _whole(coming * projection.a[0] / (projection.a[0] + projection.b[0]))
    failing = _failing(standard, row, past, days, bad)
    preventable = _preventable(standard, failing)
    return ExpectedFlow(
        days, _volumes(past, days), failing, int(coming), min(bad, sum(n for _, n in preventable)), preventable
    )


def projected_rows(flow: ExpectedFlow, row: Block, past: SellerDays, successes: Ints) -> Block:
    """The row at as_of + days for each number of successes; its features are not computed again (see with_features)."""
    counts = _daily_counts(flow, allot(flow, successes), len(successes))
    values = np.repeat(row.values, len(successes), axis=0)
    sums = {q: np.cumsum(_newest_first(daily), axis=1) for q, daily in counts.items()}
    for name in row.names:
        if (found := split(name)) and found[0] in sums:
            values[:, row.index[name]] = _window(name, row, past, sums[found[0]], flow.days)
        elif (quantity := since_of(name)) and quantity in counts:
            values[:, row.index[name]] = _since(row[name][0], _newest_first(counts[quantity]), flow.days)
    if "tenure_days" in row:
        values[:, row.index["tenure_days"]] += flow.days
    return Block(row.names, _scale_items(Block(row.names, values), row))


def allot(flow: ExpectedFlow, successes: Ints) -> dict[str, Ints]:
    """The number of successes of each kind, by code; the most frequent failure is avoided first, then the next."""
    left, allotted = successes.copy(), {}
    for success, count in flow.preventable:
        allotted[success.code] = np.minimum(left, count)
        left = left - allotted[success.code]
    return allotted


def spread_over_days(totals: Array, volume: Array) -> Array:
    """Whole events on each day, shape (rows, days), in proportion to the day's volume.

    totals: events of each row, shape (rows,); volume: of each day, shape (days,). Rounding does not change the sum.

    >>> spread_over_days(np.array([3.0]), np.array([10.0, 10.0, 20.0]))
    array([[1., 1., 1.]])
    """
    share = np.cumsum(volume) / volume.sum() if volume.sum() else np.linspace(0, 1, len(volume) + 1)[1:]
    upto = np.floor(totals[:, None] * share[None] + 0.5)
    return np.diff(upto, axis=1, prepend=0.0)


def _volumes(past: SellerDays, days: int) -> dict[str, Array]:
    """Each quantity of the days before, oldest first; deliveries that reach their 30th day are known from the past."""
    ago = np.arange(days)[::-1]
    volumes = {q: past.of_day(q, ago % LONGEST_SPAN).astype(np.float64) for q in past.sums}
    if {"delivered", "matured_delivered"} <= {*volumes}:
        known = past.of_day("delivered", np.arange(MATURITY_DAYS)[::-1]).astype(np.float64)
        volumes["matured_delivered"] = np.concatenate([known, volumes["delivered"]])[:days]
    return volumes


def _failing(standard: Standard, row: Block, past: SellerDays, days: int, bad: int) -> dict[str, int]:
    """The expected number of each failure; for the standard's own bad events, the roll-forward's number."""
    known = {f.bad: f for f in FAILURES if {f.bad, f.volume} <= {*past.sums}}
    volumes = _volumes(past, days)
    found = {q: _whole(volumes[f.volume].sum() * _rate(f, row, past)) for q, f in known.items()}
    if len(standard.numerator) == 1:
        found[standard.numerator[0]] = bad
    if "service_failure_seller_fault" in found:
        found["service_failure"] = max(found["service_failure"], found["service_failure_seller_fault"])
    if {*SPLIT} <= {*found} and "late" in found:
        found["late"] = sum(found[q] for q in SPLIT)
    if {*ENDED} <= {*found}:
        found["overdue_to_ship"] = sum(found[q] for q in ENDED)
    return found


def _rate(failure: Failure, row: Block, past: SellerDays) -> float:
    bad, volume = (float(past.sums[q][RATE_DAYS]) for q in (failure.bad, failure.volume))
    peers = [f"peer_{q}_{RATE_DAYS}" for q in (failure.bad, failure.volume)]
    usual = float(row[peers[0]][0] / row[peers[1]][0]) if {*peers} <= {*row.names} and row[peers[1]][0] else 0.0
    return min((bad + PRIOR * usual) / (volume + PRIOR), 1.0)


def _preventable(standard: Standard, counts: Mapping[str, int]) -> tuple[tuple[Success, int], ...]:
    """The standard's bad events that the seller can prevent, the most frequent first."""
    overall = {*FAILED} & {*standard.numerator}
    excluded = {"returned"} | ({"late"} if "late_seller_fault" in counts else set())
    useful = [
        (s, counts[s.counts])
        for s in SUCCESSES
        if s.counts in counts and (s.counts in standard.numerator or (overall and s.counts not in excluded))
    ]
    return tuple(sorted((pair for pair in useful if pair[1]), key=lambda pair: -pair[1]))


def _daily_counts(flow: ExpectedFlow, allotted: Mapping[str, Ints], rows: int) -> dict[str, Array]:
    """The counts of each day ahead, by quantity, shape (rows, days)."""
    found = {q: np.repeat(volume[None], rows, axis=0) for q, volume in flow.volumes.items()}
    totals = {q: np.full(rows, float(n)) for q, n in {**flow.failing, **_dependent_totals(flow)}.items()}
    for success, count in flow.preventable:
        _succeed(found, totals, success, allotted[success.code], count)
    if "overdue_cleared" in found and "overdue_to_ship" in totals:
        totals["overdue_cleared"] = totals["overdue_to_ship"]  # all overdue orders end within the days ahead
    return found | {q: spread_over_days(n, flow.volumes[_volume_of(q, flow)]) for q, n in totals.items()}


def _succeed(found: dict[str, Array], totals: dict[str, Array], success: Success, done: Ints, count: int) -> None:
    """Subtract the failures that the successes avoid (refunds in proportion), and add the stages that they reach."""
    share = done / count
    totals[success.counts] = totals[success.counts] - done
    for q in (*success.takes, *(FAILED if success.counts != "returned" else ())):
        if q in totals:
            less = totals[q] * share if q in ("refund_cents", "returned_seller_fault") else done
            totals[q] = np.maximum(totals[q] - less, 0)
    for orders, minutes in (success.brings or {}).items():
        if orders in found:
            now = found[orders].sum(axis=1)
            found[minutes] = found[minutes] * ((now + done) / np.maximum(now, 1))[:, None]
            found[orders] = found[orders] + spread_over_days(done.astype(np.float64), found[orders][0])


def _dependent_totals(flow: ExpectedFlow) -> dict[str, float]:
    """Totals that depend on the failures, in recent proportion: all cancellations, and the money refunded."""
    recent = {q: float(volume.sum()) for q, volume in flow.volumes.items()}
    totals: dict[str, float] = {}
    if {"cancelled", "cancelled_by_seller"} <= {*recent}:
        others = recent["cancelled"] - recent["cancelled_by_seller"]
        totals["cancelled"] = max(others, 0) + flow.failing.get("cancelled_by_seller", 0)
    if recent.get("returned") and "refund_cents" in recent:
        totals["refund_cents"] = recent["refund_cents"] * flow.failing["returned"] / recent["returned"]
    return totals


def _volume_of(quantity: str, flow: ExpectedFlow) -> str:
    wanted = next((f.volume for f in FAILURES if f.bad == quantity), "ordered")
    return "delivered" if quantity == "refund_cents" and "delivered" in flow.volumes else wanted


def _newest_first(daily: Array) -> Array:
    return daily[:, ::-1]


def _window(name: str, row: Block, past: SellerDays, ahead: Array, days: int) -> Array:
    """A window sum at the later day: the past days that are still in the window, and the days ahead."""
    if span_of(name) == "all":
        return np.asarray(row[name][0] + ahead[:, -1])
    span = int(span_of(name))
    staying = past.sums[quantity_of(name)][min(max(span - days, 0), LONGEST_SPAN)]
    return np.asarray(staying + ahead[:, min(span, days) - 1])


def _since(before: float, newest_first: Array, days: int) -> Array:
    happened = newest_first > 0
    return np.where(happened.any(axis=1), happened.argmax(axis=1), before + days)


SCALED_BY: Mapping[str, tuple[str, ...]] = {  # for a count by item: the seller's counts whose change it follows
    **dict.fromkeys(("worst_item_returns", "item_returns"), ("returned_60",)),
    **dict.fromkeys(("worst_item_deliveries", "item_deliveries"), ("delivered_60",)),
    **dict.fromkeys(
        (c for c in problem_orders.COLUMNS if c != "worst_item_units"),
        ("returned_28", "not_as_described_28", "low_rating_28"),
    ),
    "worst_item_units": ("units_60",),
}


def _scale_items(later: Block, row: Block) -> Array:
    """The values with each count by item changed in proportion to the seller's own counts."""
    values = later.values
    for name in (*worst_items.COLUMNS, *problem_orders.COLUMNS):
        columns: Sequence[str] = [c for c in SCALED_BY.get(name, ()) if c in row]
        if name in row and columns:
            before = row.matrix(columns).sum()
            if before:
                values[:, row.index[name]] *= later.matrix(columns).sum(axis=1) / before
    return values


def _whole(number: float) -> int:
    return int(np.floor(number + 0.5))
