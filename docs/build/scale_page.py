"""docs/scale.md: how far one machine goes, what a million sellers cost, and what would break at a billion lines."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.markdown import markdown

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
    ("the feature rows of a million sellers", "batch_1m_rows_seconds"),
    ("a million sellers scored and explained", "batch_1m_seconds"),
    ("the online store of a million sellers written", "store_1m_seconds"),
    ("a ledger of 100 million lines built", "ledger_100m_seconds"),
    ("one day added to it", "ledger_100m_day_seconds"),
)
LIMITS = (
    (
        "checks and ledger (`foresell grow`)",
        "memory stays the same: 8 million lines are processed at a time. Time and disk grow. The first build is the "
        "longest step, and a DuckDB file has one writer",
        "build it once, on Spark or overnight, then add days; if the disk is too small, archive the years before the "
        "longest window",
    ),
    (
        "a day added",
        "to find what a day affects, a short key of every stored order is read once; everything else depends on the "
        "size of the day",
        "nothing while that scan takes minutes; after that, partition by year",
    ),
    (
        "feature rows of one day",
        "a million seller-days are processed at a time; the figures of groups are sums over all slices",
        "nothing: time grows with seller-days, memory does not",
    ),
    (
        "feature rows of many days (training)",
        "DuckDB keeps the order lines in memory, and writes to disk what does not fit",
        "`--engine spark`, or train on a sample of sellers",
    ),
    (
        "batch scores",
        "40,000 sellers are in memory at a time; all cores work in parallel",
        "nothing: the number of sellers counts here, not the number of lines",
    ),
    (
        "online store",
        "it is memory-mapped and shared by all workers of a machine; its size grows with the number of sellers",
        "nothing: each seller needs 4 KB and the orders behind its reasons",
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
        "How much data one machine can process, and what to do with more. Written by `make docs` from "
        "`benchmarks/results/scale.json`; `make bench ONLY=scale` measures again (30 GB of disk).",
        f"Measured on {machine['cores']} cores ({machine['cpu']}), {found['date']}."
        if machine
        else "Not measured yet.",
        "## Growth",
        markdown(["", *(f"{size} million lines" for size in SIZES), "1 billion: extrapolated"], _growth(figures)),
        _exponent(figures),
        "## What a million sellers cost",
        f"The seconds measured here, at the price of one {INSTANCE}: ${DOLLARS_AN_HOUR} an hour ({PRICE_SOURCE}). The "
        "instance was not measured; we assume that its cores are as fast as those here.",
        markdown(["", "seconds", "dollars"], [_cost(title, figures.get(name)) for title, name in COSTS]),
        "## What breaks at a billion lines",
        "This follows from how each part works. It was not measured.",
        markdown(["part", "what grows", "what to do then"], [list(limit) for limit in LIMITS]),
        found["notes"],
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _growth(figures: Mapping[str, float]) -> list[list[str]]:
    return [_line(title, [figures.get(f"ledger_{size}m_{name}") for size in SIZES], how) for title, name, how in GROWTH]


def _line(title: str, values: list[float | None], how: str) -> list[str]:
    """A line of the table; the last column extrapolates the growth between the last two sizes."""
    said = [NOT_MEASURED if value is None else format(value, how) for value in values]
    before, last = values[-2:]
    ahead = "-" if before is None or last is None else f"about {format(extrapolated(before, last), how)}"
    return [title, *said, ahead]


def extrapolated(before: float, last: float) -> float:
    """A figure at ten times the last size, if it grows by the same factor as over the last two sizes.

    Both are above 0. The two sizes differ by a factor of ten.

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
        "build. The last column continues each figure with the same power: an extrapolation, not a measurement."
    )


def _cost(title: str, seconds: float | None) -> list[str]:
    if seconds is None:
        return [title, NOT_MEASURED, "-"]
    return [title, f"{seconds:,.0f}", f"{seconds / 3600 * DOLLARS_AN_HOUR:.4f}"]
