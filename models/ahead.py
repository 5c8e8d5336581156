"""A seller's ledger carried to a later day at the expected pace, as things go or with some successes more.

The days ahead repeat the volumes of as many days before, as the roll-forward expects; what goes wrong among them goes
wrong at the seller's rate over 60 days, drawn to its peers' by PRIOR orders, and the standard's own bad events at the
roll-forward's. What ripens is known: deliveries mature on the 30th day. Other sellers' figures stay as published, and
each item keeps the share of returns and troubles that it has.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features import failures, items, troubles
from features.block import Block
from features.days import Days
from features.failures import Failure
from features.since import since_of
from features.standards import Standard
from features.states import MATURITY_DAYS
from features.windows import LONGEST_SPAN, quantity_of, span_of, split
from models.roll_forward import PRIOR, project

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
RATE_DAYS = 60
FAILURES: tuple[Failure, ...] = tuple(f for f in vars(failures).values() if isinstance(f, Failure))
FAILED = ("service_failure", "service_failure_seller_fault")
SPLIT = ("late_seller_fault", "late_carrier_fault", "late_platform_fault")
ENDED = ("overdue_shipped", "overdue_cancelled")


@dataclass(frozen=True)
class Success:
    """What a seller can do about an order that would count against it.

    counts: the quantity that no longer counts; takes: what leaves the ledger with it, beside the failures; brings: the
    order's way that then goes on, quantity by quantity of the minutes that it takes.
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
class Pace:
    """What the days ahead bring as things go; by quantity: daily volumes of shape (days,), and counts of what fails.

    orders: those among which the successes fall; bad: how many of them are expected to count against the standard.
    """

    days: int
    volumes: Mapping[str, Array]
    failing: Mapping[str, int]
    orders: int
    bad: int
    can: tuple[tuple[Success, int], ...]  # what would help, and how many orders of each there are


def pace(standard: Standard, row: Block, past: Days, days: int) -> Pace:
    """The expected pace of the days ahead. row: the seller's one row at as_of; past: its ledger to that day."""
    ahead = project(standard, row, min(days, standard.window_days))
    coming = float(sum(past.sums[q][days] for q in standard.denominator))
    bad = _whole(coming * ahead.a[0] / (ahead.a[0] + ahead.b[0]))
    counts = _failing(standard, row, past, days, bad)
    can = _can(standard, counts)
    return Pace(days, _volumes(past, days), counts, int(coming), min(bad, sum(n for _, n in can)), can)


def carried(pace: Pace, row: Block, past: Days, successes: Ints) -> Block:
    """The row at as_of + days once for each number of successes, features left as they were (see features.derived)."""
    brought = _brought(pace, allot(pace, successes), len(successes))
    values = np.repeat(row.values, len(successes), axis=0)
    sums = {q: np.cumsum(_newest_first(flow), axis=1) for q, flow in brought.items()}
    for name in row.names:
        if (found := split(name)) and found[0] in sums:
            values[:, row.index[name]] = _window(name, row, past, sums[found[0]], pace.days)
        elif (quantity := since_of(name)) and quantity in brought:
            values[:, row.index[name]] = _since(row[name][0], _newest_first(brought[quantity]), pace.days)
    if "tenure_days" in row:
        values[:, row.index["tenure_days"]] += pace.days
    return Block(row.names, _items_along(Block(row.names, values), row))


def allot(pace: Pace, successes: Ints) -> dict[str, Ints]:
    """How many of the successes are of each kind, by code: first of what fails most, then of what comes next."""
    left, found = successes.copy(), {}
    for success, count in pace.can:
        found[success.code] = np.minimum(left, count)
        left = left - found[success.code]
    return found


def spread(totals: Array, volume: Array) -> Array:
    """Whole events, shape (rows,), over days as their volume comes, shape (days,): (rows, days), evenly rounded."""
    share = np.cumsum(volume) / volume.sum() if volume.sum() else np.linspace(0, 1, len(volume) + 1)[1:]
    upto = np.floor(totals[:, None] * share[None] + 0.5)
    return np.diff(upto, axis=1, prepend=0.0)


def _volumes(past: Days, days: int) -> dict[str, Array]:
    """Each quantity of the days before, oldest first; what matures is known from the deliveries."""
    ago = np.arange(days)[::-1]
    found = {q: past.of_day(q, ago % LONGEST_SPAN).astype(np.float64) for q in past.sums}
    if {"delivered", "matured_delivered"} <= {*found}:
        known = past.of_day("delivered", np.arange(MATURITY_DAYS)[::-1]).astype(np.float64)
        found["matured_delivered"] = np.concatenate([known, found["delivered"]])[:days]
    return found


def _failing(standard: Standard, row: Block, past: Days, days: int, bad: int) -> dict[str, int]:
    """How many of each failure are to be expected, the standard's own as the roll-forward has it."""
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


def _rate(failure: Failure, row: Block, past: Days) -> float:
    bad, volume = (float(past.sums[q][RATE_DAYS]) for q in (failure.bad, failure.volume))
    peers = [f"peer_{q}_{RATE_DAYS}" for q in (failure.bad, failure.volume)]
    usual = float(row[peers[0]][0] / row[peers[1]][0]) if {*peers} <= {*row.names} and row[peers[1]][0] else 0.0
    return min((bad + PRIOR * usual) / (volume + PRIOR), 1.0)


def _can(standard: Standard, counts: Mapping[str, int]) -> tuple[tuple[Success, int], ...]:
    """What a seller can do about the standard's bad events, what there is most of first."""
    overall = {*FAILED} & {*standard.numerator}
    beside = {"returned"} | ({"late"} if "late_seller_fault" in counts else set())
    useful = [
        (s, counts[s.counts])
        for s in SUCCESSES
        if s.counts in counts and (s.counts in standard.numerator or (overall and s.counts not in beside))
    ]
    return tuple(sorted((pair for pair in useful if pair[1]), key=lambda pair: -pair[1]))


def _brought(pace: Pace, allotted: Mapping[str, Ints], rows: int) -> dict[str, Array]:
    """What each of the days ahead brings, by quantity, shape (rows, days)."""
    found = {q: np.repeat(volume[None], rows, axis=0) for q, volume in pace.volumes.items()}
    totals = {q: np.full(rows, float(n)) for q, n in {**pace.failing, **_following(pace)}.items()}
    for success, count in pace.can:
        _succeed(found, totals, success, allotted[success.code], count)
    if "overdue_cleared" in found and "overdue_to_ship" in totals:
        totals["overdue_cleared"] = totals["overdue_to_ship"]  # as many end as begin
    return found | {q: spread(n, pace.volumes[_volume_of(q, pace)]) for q, n in totals.items()}


def _succeed(found: dict[str, Array], totals: dict[str, Array], success: Success, done: Ints, count: int) -> None:
    """Take out what the successes avoid, in proportion where it is not one an order, and bring what they lead to."""
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
            found[orders] = found[orders] + spread(done.astype(np.float64), found[orders][0])


def _following(pace: Pace) -> dict[str, float]:
    """What follows from the failures: cancellations with those of others, and the money refunded, both as lately."""
    lately = {q: float(volume.sum()) for q, volume in pace.volumes.items()}
    found: dict[str, float] = {}
    if {"cancelled", "cancelled_by_seller"} <= {*lately}:
        others = lately["cancelled"] - lately["cancelled_by_seller"]
        found["cancelled"] = max(others, 0) + pace.failing.get("cancelled_by_seller", 0)
    if lately.get("returned") and "refund_cents" in lately:
        found["refund_cents"] = lately["refund_cents"] * pace.failing["returned"] / lately["returned"]
    return found


def _volume_of(quantity: str, pace: Pace) -> str:
    wanted = next((f.volume for f in FAILURES if f.bad == quantity), "ordered")
    return "delivered" if quantity == "refund_cents" and "delivered" in pace.volumes else wanted


def _newest_first(flow: Array) -> Array:
    return flow[:, ::-1]


def _window(name: str, row: Block, past: Days, ahead: Array, days: int) -> Array:
    """A window sum at the later day: what of the past it still holds, and what of the days ahead it reaches."""
    if span_of(name) == "all":
        return np.asarray(row[name][0] + ahead[:, -1])
    span = int(span_of(name))
    held = past.sums[quantity_of(name)][min(max(span - days, 0), LONGEST_SPAN)]
    return np.asarray(held + ahead[:, min(span, days) - 1])


def _since(before: float, newest_first: Array, days: int) -> Array:
    happened = newest_first > 0
    return np.where(happened.any(axis=1), happened.argmax(axis=1), before + days)


ALONG: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("worst_item_returns", "item_returns"), ("returned_60",)),
    **dict.fromkeys(("worst_item_deliveries", "item_deliveries"), ("delivered_60",)),
    **dict.fromkeys(
        (c for c in troubles.COLUMNS if c != "worst_item_units"),
        ("returned_28", "not_as_described_28", "low_rating_28"),
    ),
    "worst_item_units": ("units_60",),
}


def _items_along(later: Block, row: Block) -> Array:
    """What is counted by item moves as the seller's own counts do."""
    values = later.values
    for name in (*items.COLUMNS, *troubles.COLUMNS):
        named: Sequence[str] = [c for c in ALONG.get(name, ()) if c in row]
        if name in row and named:
            before = row.matrix(named).sum()
            if before:
                values[:, row.index[name]] *= later.matrix(named).sum(axis=1) / before
    return values


def _whole(number: float) -> int:
    return int(np.floor(number + 0.5))
