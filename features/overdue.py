"""Orders past their ship-by time: a slow seller ships them late in the end, one without stock cancels them.

Those still waiting are put down to the one or the other as the seller's overdue orders have lately ended, so that each
counts once.
"""

from features.feature import Feature

PRIOR = 2  # endings' worth of the peer group's share of cancellations in a seller's
LASTING = 28  # days over which a seller's endings are counted
WAITING = "(overdue_to_ship_all - overdue_cleared_all)"
USUAL = "coalesce(peer_overdue_cancelled_60 / nullif(cast(peer_overdue_cleared_60 as double), 0), 0)"
CANCELLED_SHARE = (
    f"least((overdue_cancelled_{LASTING} + {PRIOR}.0 * {USUAL}) / (overdue_cleared_{LASTING} + {PRIOR}.0), 1)"
)
WAIT = (
    "{overdue_to_ship_all-overdue_cleared_all|no order is past its/1 order is past its/# orders are past their} "
    "ship-by time and not yet shipped"
)
ENDED = (
    f"of {{overdue_cleared_{LASTING}|none/1/#}} that no longer waited in the last {LASTING} days, the seller cancelled "
    f"{{overdue_cancelled_{LASTING}|none/1/#}}"
)
OVERDUE = Feature(
    name="overdue",
    title="Orders past their ship-by time and not yet shipped, against the pace of the last 28 days",
    family="handling",
    unit="ratio",
    direction="up",
    formula=f"{WAITING} / (ordered_28 + 5.0)",
    sentence=f"{WAIT}; {{ordered_28|none/1/#}} came in the last 28 days.",
    evidence="overdue_to_ship_28",
    unless="overdue_cancelled",
)
TO_BE_SHIPPED = Feature(
    name="overdue_to_be_shipped",
    title="The same, less the share that the seller cancels",
    family="handling",
    unit="ratio",
    direction="up",
    formula=f"{WAITING} * (1 - {CANCELLED_SHARE}) / (ordered_28 + 5.0)",
    sentence=f"{WAIT}; {ENDED}.",
    evidence="overdue_to_ship_28",
)
TO_BE_CANCELLED = Feature(
    name="overdue_to_be_cancelled",
    title="Orders past their ship-by time and not yet shipped, of them the share that the seller cancels, against the "
    "pace of the last 28 days",
    family="cancellation",
    unit="ratio",
    direction="up",
    formula=f"{WAITING} * {CANCELLED_SHARE} / (ordered_28 + 5.0)",
    sentence=f"{WAIT}; {ENDED}.",
    evidence="overdue_cancelled_28",
)
BACKLOG = Feature(
    name="backlog",
    title="Open orders against the pace of the last 28 days",
    family="handling",
    unit="ratio",
    direction="up",
    formula="(ordered_all - closed_all) / (ordered_28 + 5.0)",
    sentence="{ordered_all-closed_all|no order is/1 order is/# orders are} open; "
    "{ordered_28|none/1/#} came in the last 28 days.",
    unless="overdue_cancelled",
)
