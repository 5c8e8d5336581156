"""`foresell simulate`: a marketplace to measure against, since public data has none with returns, cases and causes."""

from pathlib import Path

from foresell.console import Outcome, counted, table
from simulation.market import Run, simulate
from simulation.parameters import load


def write_simulation(folder: Path, sellers: int, days: int, seed: int, interventions: bool) -> Outcome:
    """Simulate into a folder in the data contract."""
    run, version = Run(sellers, days, seed, interventions), load().version
    with counted(f"simulating {sellers:,} sellers") as tell:
        rows = simulate(folder, run, tell)
    data = {"folder": str(folder), "version": version, "seed": seed, "sellers": sellers, "days": days, "rows": rows}
    shown = table({"table": "left", "rows": "right"}, [(name, f"{count:,}") for name, count in rows.items()])
    return Outcome(data, (shown, f"Version {version} of the simulation, seed {seed}; written to {folder}"))
