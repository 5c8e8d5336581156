"""The simulated marketplace: how fast and in how much memory it is written, and whether it is calibrated.

Every run is a process of its own, so that its peak memory is its own.
"""

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.run import HERE, Measurement
from features.ingest.intake import open_folder
from features.labels import label
from features.ledger.build import Ledger, build_ledger
from features.standards.load import load
from features.standards.standard import Standard
from features.table import FeatureTable, build_table
from simulation.market import Run, simulate

USUAL = Run(sellers=2_000, days=400, seed=1)
LARGE = Run(sellers=260_000, days=400, seed=1)  # 100 million order lines
SEEDS = (1, 2, 3)
WARM_UP_DAYS = 180
HORIZON_DAYS = 28
IN_BREACH, NEWLY_BREACH = (0.05, 0.15), (0.02, 0.06)  # what the shares must keep to
LIMITS = {"in_breach_share": IN_BREACH, "newly_breach_share": NEWLY_BREACH}


def measure() -> Measurement:
    """Seconds of the usual size, peak memory of the large one, and the shares in breach for three seeds."""
    with tempfile.TemporaryDirectory() as scratch:
        usual = [apart(USUAL, Path(scratch) / "usual") for _ in SEEDS]
        large = apart(LARGE, Path(scratch) / "large")
    found = {seed: simulated_shares(Run(USUAL.sellers, USUAL.days, seed)) for seed in SEEDS}
    figures = {
        "simulate_2000x400_seconds": statistics.median(run["seconds"] for run in usual),
        "simulate_2000x400_lines": usual[0]["lines"],
        "simulate_100m_peak_gb": large["peak_gb"],
        "simulate_100m_seconds": large["seconds"],
        "simulate_100m_lines": large["lines"],
    }
    for name in found[SEEDS[0]]:
        figures[name] = statistics.mean(found[seed][name] for seed in SEEDS)
        figures |= {f"{name}_seed_{seed}": found[seed][name] for seed in SEEDS}
    return Measurement(figures, notes=NOTES)


NOTES = (
    f"{USUAL.sellers:,} sellers over {USUAL.days} days, simulated and written, median of {len(SEEDS)} runs; "
    f"{LARGE.sellers:,} sellers for the large run. Shares: of eligible sellers (active, with the minimum volume), "
    f"averaged over the weeks after the first {WARM_UP_DAYS} days, mean of the seeds. Newly in breach: within "
    f"{HORIZON_DAYS} days."
)


def apart(run: Run, folder: Path) -> dict[str, float]:
    """One run in a process of its own."""
    words = [sys.executable, "-m", "benchmarks.simulation", *map(str, (run.sellers, run.days, run.seed, folder))]
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=HERE.parent)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def timed(run: Run, folder: Path) -> dict[str, float]:
    """Seconds, order lines, and this process's peak memory."""
    start = time.perf_counter()
    rows = simulate(folder, run)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    return {"seconds": seconds, "lines": rows["orders"], "peak_gb": peak}


def simulated_shares(run: Run) -> dict[str, float]:
    """The shares of a marketplace simulated for this alone."""
    with tempfile.TemporaryDirectory() as scratch:
        simulate(Path(scratch) / "market", run)
        return shares(Path(scratch) / "market")


def shares(folder: Path) -> dict[str, float]:
    """For each headline, the share of eligible sellers in breach, and of the others those in breach 28 days later."""
    ledger = build_ledger(open_folder(folder))
    days = range(ledger.first_day + WARM_UP_DAYS, ledger.last_day - HORIZON_DAYS + 1, 7)
    heads = [head for risk in ("returns", "service") if (head := load().headline(risk))]
    table = build_table(ledger, days, heads)
    return {f"{name}_{head.risk}": value for head in heads for name, value in _shares_of(ledger, table, head).items()}


def _shares_of(ledger: Ledger, table: FeatureTable, head: Standard) -> dict[str, float]:
    bad, volume = head.counts(table.block)
    breach = head.breach(bad, volume)
    eligible = (table.block["active"] > 0) & (volume >= head.minimum_volume)
    later = label(ledger, table, head, HORIZON_DAYS).value
    return {
        "in_breach_share": _weekly(table.as_of, eligible, breach.astype(np.float64)),
        "newly_breach_share": _weekly(table.as_of, eligible & ~breach & ~np.isnan(later), later),
    }


def _weekly(as_of: NDArray[np.int64], rows: NDArray[np.bool_], value: NDArray[np.float64]) -> float:
    """The mean over as-of days of each day's mean over the rows."""
    return float(np.mean([np.mean(value[rows & (as_of == day)]) for day in np.unique(as_of)]))


if __name__ == "__main__":
    sellers, days, seed = map(int, sys.argv[1:4])
    print(json.dumps(timed(Run(sellers, days, seed), Path(sys.argv[4]))))
