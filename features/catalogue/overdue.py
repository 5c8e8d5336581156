"""Orders past their ship-by time: a slow seller ships them late, a seller without stock cancels them.

The orders that still wait are split between the two in the proportion in which the seller's overdue orders ended
recently, so that each order counts once.
"""

from features.catalogue.feature import Feature

PRIOR = 2  # prior strength of a seller's share of cancellations, in ended orders at the peer group's share
ENDED_DAYS = 28  # days over which a seller's ended orders are counted
WAITING = "(overdue_to_ship_all - overdue_cleared_all)"
USUAL = "coalesce(peer_overdue_cancelled_60 / nullif(cast(peer_overdue_cleared_60 as double), 0), 0)"
CANCELLED_SHARE = (
    f"least((overdue_cancelled_{ENDED_DAYS} + {PRIOR}.0 * {USUAL}) / (overdue_cleared_{ENDED_DAYS} + {PRIOR}.0), 1)"
)
WAIT = (
    "{overdue_to_ship_all-overdue_cleared_all|no order is past its/1 order is past its/# orders are past their} "
    "ship-by time and not yet shipped"
)
ENDED = (
    f"of {{overdue_cleared_{ENDED_DAYS}|no overdue order/1 overdue order/# overdue orders}} shipped or cancelled "
    f"in the last {ENDED_DAYS} days, the seller cancelled {{overdue_cancelled_{ENDED_DAYS}|none/1/#}}"
)
OVERDUE = Feature(
    name="overdue",
    title="Orders past their ship-by time and not yet shipped, against the orders of the last 28 days",
    family="handling",
    unit="ratio",
    direction="up",
    formula=f"{WAITING} / (ordered_28 + 5.0)",
    sentence=f"{WAIT}; {{ordered_28|no order was/1 order was/# orders were}} placed in the last 28 days.",
    evidence="overdue_to_ship_28",
    unless="overdue_cancelled",
)
TO_BE_SHIPPED = Feature(
    name="overdue_to_be_shipped",
    title="Orders past their ship-by time that the seller will probably ship, against its recent orders",
    family="handling",
    unit="ratio",
    direction="up",
    formula=f"{WAITING} * (1 - {CANCELLED_SHARE}) / (ordered_28 + 5.0)",
    sentence=f"{WAIT}; {ENDED}.",
    evidence="overdue_to_ship_28",
)
TO_BE_CANCELLED = Feature(
    name="overdue_to_be_cancelled",
    title="Orders past their ship-by time that the seller will probably cancel, against the orders of the last 28 days",
    family="cancellation",
    unit="ratio",
    direction="up",
    formula=f"{WAITING} * {CANCELLED_SHARE} / (ordered_28 + 5.0)",
    sentence=f"{WAIT}; {ENDED}.",
    evidence="overdue_cancelled_28",
)
BACKLOG = Feature(
    name="backlog",
    title="Open orders against the orders of the last 28 days",
    family="handling",
    unit="ratio",
    direction="up",
    formula="(ordered_all - closed_all) / (ordered_28 + 5.0)",
    sentence="{ordered_all-closed_all|no order is/1 order is/# orders are} open; "
    "{ordered_28|no order was/1 order was/# orders were} placed in the last 28 days.",
    unless="overdue_cancelled",
)
