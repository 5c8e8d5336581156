"""docs/scale.md: how far one machine goes, what a million sellers cost, and what would break at a billion lines."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.markdown import markdown

NOT_MEASURED = "not measured yet"
SIZES = (1, 10, 100)  # millions of order lines
GROWTH = (
    ("ledger built, s", "seconds", ",.0f"),
    ("peak memory, GB", "peak_gb", ".1f"),
    ("on disk, GB", "disk_gb", ".2f"),
    ("a day added, s", "day_seconds", ",.1f"),
    ("that day's feature rows, s", "rows_seconds", ",.1f"),
    ("their peak memory, GB", "rows_peak_gb", ".1f"),
)
INSTANCE, DOLLARS_AN_HOUR = "AWS m7g.large (2 vCPU, 8 GB, us-east-1, Linux, on demand)", 0.0816
PRICE_SOURCE = "June 2026, https://www.factualminds.com/blog/amazon-ec2-on-demand-pricing-instance-families-2026/"
COSTS = (
    ("a million sellers' feature rows made", "batch_1m_rows_seconds"),
    ("a million sellers scored and explained", "batch_1m_seconds"),
    ("a million sellers' online store written", "store_1m_seconds"),
    ("a ledger of 100 million lines built", "ledger_100m_seconds"),
    ("a day added to it", "ledger_100m_day_seconds"),
)
LIMITS = (
    (
        "checks and ledger (`foresell grow`)",
        "memory holds: 8 million lines are worked out at once. Time and disk grow; the first build is the longest "
        "step, and DuckDB's file takes one writer",
        "build it once on Spark or in a night, then add days; past the disk, archive years before the longest window",
    ),
    (
        "a day added",
        "finding what the day touches reads a short key of every stored order once; the rest costs the day",
        "the same, while that scan takes minutes; then partition by year",
    ),
    (
        "feature rows of one day",
        "a slice of a million seller-days is worked out at once; groups' figures are sums over all slices",
        "the same: time grows with seller-days, memory does not",
    ),
    (
        "feature rows of many days (training)",
        "the embedded engine holds the order lines in its own memory and spills to disk past it",
        "`--engine spark`, or train on a sample of sellers",
    ),
    (
        "batch scores",
        "40,000 sellers are in memory at once; cores beside each other",
        "the same: sellers, not lines, count here",
    ),
    (
        "online store",
        "memory-mapped and shared by all workers of a machine; its size is that of the sellers",
        "the same: 4 KB and the orders behind the reasons for each seller",
    ),
)


def scale_page(results: Path) -> str:
    """The page, with the figures that were measured last."""
    path = results / "scale.json"
    found: Mapping[str, Any] = json.loads(path.read_bytes()) if path.exists() else {"figures": {}, "notes": ""}
    figures: Mapping[str, float] = found["figures"]
    machine = found.get("machine")
    parts = [
        "# Scale",
        "How far one machine goes, and what comes after it. Written by `make docs` from "
        "`benchmarks/results/scale.json`; `make bench ONLY=scale` measures anew (30 GB of disk).",
        f"Measured on {machine['cores']} cores ({machine['cpu']}), {found['date']}."
        if machine
        else "Not measured yet.",
        "## Growth",
        markdown(["", *(f"{size} million lines" for size in SIZES), "1 billion: extrapolated"], _growth(figures)),
        _exponent(figures),
        "## What a million sellers cost",
        f"Seconds as measured here, at the price of one {INSTANCE}: ${DOLLARS_AN_HOUR} an hour ({PRICE_SOURCE}). The "
        "instance was not measured; its cores are taken to be as fast as those here.",
        markdown(["", "seconds", "dollars"], [_cost(title, figures.get(name)) for title, name in COSTS]),
        "## What breaks at a billion lines",
        "By reasoning from how each part works, not by measurement.",
        markdown(["part", "what grows", "what to do then"], [list(limit) for limit in LIMITS]),
        found["notes"],
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _growth(figures: Mapping[str, float]) -> list[list[str]]:
    return [_line(title, [figures.get(f"ledger_{size}m_{name}") for size in SIZES], how) for title, name, how in GROWTH]


def _line(title: str, values: list[float | None], how: str) -> list[str]:
    """A line of the table; what was not measured says so, and the last column goes on as the last two grew."""
    said = [NOT_MEASURED if value is None else format(value, how) for value in values]
    before, last = values[-2:]
    ahead = "-" if before is None or last is None else f"about {format(extrapolated(before, last), how)}"
    return [title, *said, ahead]


def extrapolated(before: float, last: float) -> float:
    """What a figure comes to at ten times the last size, if it grows by as much as it did over the last ten times.

    Both are above 0. The sizes lie ten times apart.

    >>> extrapolated(2.0, 30.0)
    450.0
    """
    return last * last / before


def _exponent(figures: Mapping[str, float]) -> str:
    if "ledger_growth_exponent" not in figures:
        return ""
    return (
        "From 10 to 100 million lines the ledger's time grows as n to the power "
        f"{figures['ledger_growth_exponent']:.2f}; a day is added in {figures['append_day_ratio']:.1%} of a full "
        "build. The last column goes on with the same power of each figure: an extrapolation, not a measurement."
    )


def _cost(title: str, seconds: float | None) -> list[str]:
    if seconds is None:
        return [title, NOT_MEASURED, "-"]
    return [title, f"{seconds:,.0f}", f"{seconds / 3600 * DOLLARS_AN_HOUR:.4f}"]
