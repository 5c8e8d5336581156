"""Run benchmarks and keep their figures: `python -m benchmarks.run [--only NAME]`, or `make bench ONLY=NAME`.

A benchmark is a module of this folder with a function `measure() -> Measurement`.
"""

import importlib
import json
import os
import platform
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
MODULES = ("main", "intake", "simulation", "quality", "limits", "serving", "faults", "review", "scale")
LIBRARIES = ("bentoml", "duckdb", "lightgbm", "mlflow", "numpy", "pandas", "polars", "scikit-learn", "shap")


@dataclass(frozen=True)
class Measurement:
    """Figures by name, the same figures of what it is compared with, and what a reader must know."""

    figures: Mapping[str, float]
    peers: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    notes: str = ""


def main(arguments: list[str]) -> int:
    """Run all benchmarks, or the one named after --only; write results and pages."""
    names = _chosen(arguments)
    for name in names:
        print(f"{name} ...", flush=True)
        record(name, _measure(name))
    from docs.build.pages import write_pages

    write_pages(HERE.parent)
    return 0


def record(name: str, measure: Callable[[], Measurement], results: Path = RESULTS) -> Path:
    """Measure and write results/<name>.json."""
    result = measure()
    body = {
        "name": name,
        "command": f"make bench ONLY={name}",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "versions": {"python": platform.python_version()} | {package: version(package) for package in LIBRARIES},
        "figures": dict(result.figures),
        "peers": {peer: dict(figures) for peer, figures in result.peers.items()},
        "notes": result.notes,
    }
    results.mkdir(parents=True, exist_ok=True)
    path = results / f"{name}.json"
    path.write_text(json.dumps(body, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    return path


def machine() -> dict[str, object]:
    """Cores this process may use, memory in GB, and the processor's name."""
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return {"cores": _cores(), "memory_gb": round(gigabytes, 1), "cpu": _cpu()}


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _chosen(arguments: list[str]) -> tuple[str, ...]:
    match arguments:
        case []:
            return MODULES
        case ["--only", name] if name in MODULES:
            return (name,)
    sys.exit(f"usage: python -m benchmarks.run [--only {'|'.join(MODULES)}]")


def _measure(name: str) -> Callable[[], Measurement]:
    measure: Callable[[], Measurement] = importlib.import_module(f"benchmarks.{name}").measure
    return measure


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
