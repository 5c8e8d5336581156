"""How a ledger grows, how a day is added and read, and a million sellers scored and looked up.

`python -m benchmarks.scale [PART ...]` runs parts alone; their figures are then put among those of the others. Each
step runs in a process of its own; data are made for it and removed after it. It needs 30 GB of disk.
"""

import json
import math
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks import main as of_main
from benchmarks import run
from benchmarks.run import HERE, Measurement
from benchmarks.scale_steps import WORKERS

HISTORIES = {1: 2_000, 10: 20_000, 100: 200_000}  # millions of order lines: sellers
MILLION = (20_000_000, 1_050_000, 200)  # lines, sellers and days of the marketplace that is scored
TRAINED_ON = (600_000, 4_000, 300)
LEAST = 1_000_000  # sellers that must be scored
ROUNDS = 2
Found = tuple[dict[str, float], dict[str, Mapping[str, float]]]
NOTES = (
    "Ledgers: order lines over a year with versions, added by `foresell grow`. A day contains its new lines, and new "
    "versions of the older lines that were shipped, delivered or cancelled on it. The exponent is from 10 to 100 "
    f"million lines. Features: 5 million lines, 39 as-of days, medians of {ROUNDS} rounds in turn. Ratios are our "
    "seconds over the other engine's; ours runs in a connection that keeps its memory until it ends, as `foresell "
    "grow` does. The tables of all engines are equal in every row. Spark: local[2], from its own checked tables. "
    "Batch: a million sellers of an incremental ledger, both risks with reasons and sentences, from existing feature "
    "rows to one Parquet file; the time to make the rows is batch_1m_rows_seconds. The ratio to pred_contrib is for "
    "the contributions of one block, both on all cores. Two workers' memory: the sum of proportional set sizes once "
    "each has read the whole store, over one worker's."
)


def measure() -> Measurement:
    """Every part; about 45 minutes on two cores that do nothing else."""
    figures: dict[str, float] = {}
    peers: dict[str, Mapping[str, float]] = {}
    for name in PARTS:
        found, others = measured(name)
        figures |= found
        peers |= others
    return Measurement(figures, peers, NOTES)


def measured(name: str) -> Found:
    """The figures of one part, and those of its peers; what it makes is removed after it."""
    with tempfile.TemporaryDirectory() as folder:
        return PARTS[name](Path(folder) / name)


def ledgers(scratch: Path) -> Found:
    """Ledgers of growing size, and what their figures say of each other."""
    figures: dict[str, float] = {}
    for millions, sellers in HISTORIES.items():
        figures |= ledger(scratch, millions, sellers)
    figures["ledger_growth_exponent"] = math.log10(figures["ledger_100m_seconds"] / figures["ledger_10m_seconds"])
    figures["append_day_ratio"] = figures["ledger_100m_day_seconds"] / figures["ledger_100m_seconds"]
    figures["day_rows_ratio"] = figures["ledger_100m_rows_seconds"] / figures["ledger_100m_seconds"]
    return figures, {}


def step(name: str, *arguments: object) -> dict[str, float]:
    """What a step finds, in a process of its own; its figures are printed as they come."""
    words = [sys.executable, "-m", "benchmarks.scale_steps", name, *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, text=True, cwd=HERE.parent, check=False)
    if done.returncode:
        sys.exit(f"{name} failed: {done.stderr.strip()[-2_000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    said = ", ".join(f"{key} {value:.3g}" for key, value in found.items())
    print(f"  {name} {' '.join(str(a) for a in arguments if '/' not in str(a))}: {said}", flush=True)
    return found


def ledger(scratch: Path, millions: int, sellers: int) -> dict[str, float]:
    """A ledger of so many lines built, a day added to it, and the rows of that day."""
    with emptied(scratch):
        step("history", scratch, millions * 1_000_000, sellers)
        whole = step("growth", scratch / "ledger", scratch / "history")
        day = step("growth", scratch / "ledger", scratch / "day")
        rows = step("rows", scratch / "ledger")
    figures = {"seconds": whole["seconds"], "peak_gb": whole["peak_gb"], "disk_gb": whole["disk_gb"]}
    figures |= {"day_seconds": day["seconds"], "day_peak_gb": day["peak_gb"]}
    figures |= {"rows_seconds": rows["seconds"], "rows_peak_gb": rows["peak_gb"]}
    return {f"ledger_{millions}m_{name}": value for name, value in figures.items()}


def features(scratch: Path) -> Found:
    """Ours beside engines written by hand, and the same statements on Spark where there is one."""
    with emptied(scratch):
        found, by_hand = of_main.features(scratch, of_main.SIZE, ROUNDS, of_main.ALL_ENGINES)
        peers: dict[str, Mapping[str, float]] = dict(by_hand)
        seconds = found["features_5m_seconds"]
        found["features_5m_ratio_to_pandas"] = seconds / by_hand["pandas_by_hand"]["features_5m_seconds"]
        if has_spark():
            found["spark_local_seconds"] = step("on_spark", scratch / "raw", scratch / "spark")["seconds"]
            same_on_spark(scratch)
    return found, peers


def has_spark() -> bool:
    """Whether Java and pyspark are here."""
    import importlib.util

    return bool(shutil.which("java") and importlib.util.find_spec("pyspark"))


def same_on_spark(scratch: Path) -> None:
    """Spark's ledger and rows equal ours, or the benchmark ends."""
    for name, key in of_main.WRITTEN.items():
        ours, sparks = scratch / of_main.OURS / f"{name}.parquet", scratch / "spark" / name / "*.parquet"
        unlike = of_main.differing(ours, sparks, key)
        if unlike:
            sys.exit(f"Spark has other {name} than ours in {', '.join(unlike)}")


def million(scratch: Path) -> Found:
    """A million sellers: scored in one batch, and kept in an online store."""
    with emptied(scratch):
        step("market", scratch / "small", *TRAINED_ON)
        step("train", scratch / "small", scratch / "bundle")
        step("market", scratch / "large", *MILLION)
        step("growth", scratch / "ledger", scratch / "large")
        shutil.rmtree(scratch / "large")
        scored = step("score", scratch / "ledger", scratch / "bundle", scratch / "scores.parquet")
        written = step("store", scratch / "ledger", scratch / "bundle", scratch / "store")
        looked = step("look_up", scratch / "store")
        ratio = memory(scratch, WORKERS) / memory(scratch, 1)
    if min(scored["sellers"], looked["sellers"]) < LEAST or scored["slow"]:
        sys.exit(f"A million sellers must be scored, the fast way: {scored}")
    figures = {
        "batch_1m_seconds": scored["seconds"],
        "batch_1m_rows_seconds": scored["rows_seconds"],
        "batch_1m_peak_gb": scored["peak_gb"],
        "batch_1m_sellers": scored["sellers"],
        "batch_ratio_to_contrib": scored["batch_seconds"] / scored["contrib_seconds"],
        "store_1m_seconds": written["seconds"],
        "store_1m_peak_gb": written["peak_gb"],
        "store_1m_disk_gb": written["disk_gb"],
        "lookup_ms": looked["lookup_ms"],
        "two_worker_memory_ratio": ratio,
    }
    return figures, {}


def memory(scratch: Path, workers: int) -> float:
    """GB that so many serving processes take together, once each has read the whole store."""
    words = [sys.executable, "-m", "benchmarks.scale_steps", "worker", str(scratch / "store"), str(scratch / "bundle")]
    with ExitStack() as stack:
        started = [
            stack.enter_context(
                subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=HERE.parent)
            )
            for _ in range(workers)
        ]
        for process in started:
            if process.stdout is None or process.stdout.readline() != "ready\n":
                sys.exit("A worker did not start.")
        found = sum(proportional(process.pid) for process in started)
        for process in started:
            process.communicate()  # its end
        return found


def proportional(pid: int) -> float:
    """A process's memory in GB; what it shares with others counts in parts."""
    said = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
    found = re.search(r"^Pss: +(\d+) kB", said, re.MULTILINE)
    return int(found[1]) * 1024 / 1e9 if found else math.nan


@contextmanager
def emptied(folder: Path) -> Iterator[None]:
    """A new folder, removed with all that was made in it."""
    folder.mkdir()
    try:
        yield
    finally:
        shutil.rmtree(folder)


PARTS: Mapping[str, Callable[[Path], Found]] = {"features": features, "million": million, "ledgers": ledgers}


def main(names: list[str]) -> int:
    """Run the named parts, or all, and put their figures into results/scale.json."""
    if strange := [name for name in names if name not in PARTS]:
        sys.exit(f"usage: python -m benchmarks.scale [{' '.join(PARTS)}], not {' '.join(strange)}")
    for name in names or PARTS:
        _keep(*measured(name))
    return 0


def _keep(figures: Mapping[str, float], peers: Mapping[str, Mapping[str, float]]) -> None:
    """Put the figures of one part among those of the others."""
    path = run.RESULTS / "scale.json"
    before = json.loads(path.read_bytes()) if path.exists() else {"figures": {}, "peers": {}}
    joined = Measurement({**before["figures"], **figures}, {**before["peers"], **peers}, NOTES)
    run.record("scale", lambda: joined)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
