"""The main benchmark: ledger and rows of 5 million order lines beside two hand-written engines, and whole commands.

Every engine starts from the same typed tables in Parquet, runs in a process of its own, and must give the same rows.
"""

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks import by_hand_duckdb, by_hand_polars
from benchmarks.orders import Size, make_orders
from benchmarks.run import HERE, Measurement
from features.engine import connect, quoted
from features.intake import IntakeReport, Marketplace, open_folder
from features.ledger import build_ledger
from features.quantities import available_quantities
from features.standards import load
from features.table import Plan, make_rows, plan, usable

SIZE = Size(lines=5_000_000, sellers=20_000)
AS_OF = tuple(range(19_723 + 98, 19_723 + 365, 7))  # 39 weekly as-of days from the 98th day of 2024 on
ROUNDS = 3
MEMORY_GB = 3.5  # past it our engine spills to disk
OURS = "foresell"
ENGINES = (OURS, "duckdb_by_hand", "polars_by_hand")
COMMANDS = {"demo_seconds": ["demo", "ARGS=--exit"], "test_suite_seconds": ["test"], "check_seconds": ["check"]}
TIMES = ("ship_by", "shipped_at", "promised_at", "delivered_at", "cancelled_at")
HAS = ("item_id", "category", "price", *TIMES, "cancelled_by")
AVAILABLE = frozenset({"orders", "sellers", "sellers.region", "sellers.fulfilment", *(f"orders.{c}" for c in HAS)})


def measure() -> Measurement:
    """Features of 5 million lines by each engine in turn, then the commands of the README."""
    with tempfile.TemporaryDirectory() as scratch:
        figures, peers = features(Path(scratch), SIZE, ROUNDS)
    notes = (
        f"{SIZE.lines:,} lines, {SIZE.sellers:,} sellers, {len(AS_OF)} as-of days; medians of {ROUNDS} runs in turn."
    )
    return Measurement(figures | {name: command(words) for name, words in COMMANDS.items()}, peers, notes)


def features(scratch: Path, size: Size, rounds: int) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """Our figures and the peers'; a difference between any two engines' rows ends the benchmark."""
    intake = prepare(scratch, size)
    runs = [{engine: apart(engine, scratch) for engine in ENGINES} for _ in range(rounds)]
    for engine in ENGINES[1:]:
        check_same(scratch, engine)
    seconds = {e: statistics.median(run[e]["seconds"] for run in runs) for e in ENGINES}
    peak = {e: max(run[e]["peak_gb"] for run in runs) for e in ENGINES}
    fastest = min(seconds[e] for e in ENGINES[1:])
    ours = {"intake_5m_seconds": intake, "features_5m_seconds": seconds[OURS], "features_5m_peak_gb": peak[OURS]}
    ours["features_5m_ratio_to_fastest"] = seconds[OURS] / fastest
    return ours, {e: {"features_5m_seconds": seconds[e], "features_5m_peak_gb": peak[e]} for e in ENGINES[1:]}


def prepare(scratch: Path, size: Size) -> float:
    """Make the data, and the typed tables from it; the seconds that the checks take."""
    make_orders(scratch / "raw", size)
    start = time.perf_counter()
    market = open_folder(scratch / "raw")
    seconds = time.perf_counter() - start
    for name in ("orders", "sellers", "returns", "cases", "feedback", "corrections"):
        market.con.execute(f"copy {name} to {quoted(scratch / f'{name}.parquet')} (format parquet)")
    return seconds


def apart(engine: str, scratch: Path) -> dict[str, float]:
    """One run in a process of its own."""
    words = [sys.executable, "-m", "benchmarks.main", engine, str(scratch)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=HERE.parent)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def run(engine: str, scratch: Path) -> dict[str, float]:
    """Seconds from opened tables to written rows, and this process's peak memory."""
    needs, out = needed(), scratch / engine
    out.mkdir(exist_ok=True)
    work = {OURS: ours, "duckdb_by_hand": duckdb_by_hand, "polars_by_hand": polars_by_hand}[engine]
    seconds = work(scratch, needs, out)
    return {"seconds": seconds, "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6}


def needed() -> Plan:
    """What the built-in standards and the catalogue need of this source."""
    quantities = available_quantities(AVAILABLE)
    return plan(quantities, usable(load().standards, quantities))


def ours(scratch: Path, needs: Plan, out: Path) -> float:
    """The product's own ledger and rows."""
    con = connect(MEMORY_GB)
    for name in ("orders", "sellers", "returns", "cases", "feedback", "corrections"):
        con.execute(f"create table {name} as from read_parquet({quoted(scratch / f'{name}.parquet')})")
    start = time.perf_counter()
    ledger = build_ledger(Marketplace(con, "benchmark", "UTC", AVAILABLE, IntakeReport("benchmark", "UTC", ())))
    make_rows(ledger.con, needs, AS_OF)
    con.execute(f"copy feature_rows to {quoted(out / 'rows.parquet')} (format parquet)")
    return time.perf_counter() - start


def duckdb_by_hand(scratch: Path, needs: Plan, out: Path) -> float:
    """Running sums and ASOF joins in DuckDB, written by hand."""
    con = by_hand_duckdb.open_tables(scratch)
    start = time.perf_counter()
    by_hand_duckdb.write_rows(con, needs, AS_OF, out)
    return time.perf_counter() - start


def polars_by_hand(scratch: Path, needs: Plan, out: Path) -> float:
    """The same in polars, written by hand."""
    tables = by_hand_polars.open_tables(scratch)
    start = time.perf_counter()
    by_hand_polars.write_rows(tables, needs, AS_OF, out)
    return time.perf_counter() - start


def check_same(scratch: Path, engine: str) -> None:
    """Every row and column of an engine equals ours: whole numbers and texts exactly, the rest within 1e-9."""
    con = connect()
    a, b = (f"read_parquet({quoted(scratch / e / 'rows.parquet')})" for e in (OURS, engine))
    kinds: Mapping[str, str] = dict(r[:2] for r in con.execute(f"describe select * from {b}").fetchall())
    shared = {n: t for n, t, *_ in con.execute(f"describe select * from {a}").fetchall() if n in kinds}
    near = "abs(cast(a.{0} as double) - cast(b.{0} as double)) <= 1e-9 * greatest(1, abs(a.{0}))"
    tests = {n: near.format(n) if t == "DOUBLE" else "false" for n, t in shared.items()}
    same = " and ".join(f"coalesce(a.{n} is not distinct from b.{n} or {test}, false)" for n, test in tests.items())
    query = f"select count(*), sum(case when {same} then 1 else 0 end) from {a} a full join {b} b"
    rows, equal = con.execute(f"{query} on a.seller_id = b.seller_id and a.as_of = b.as_of").fetchall()[0]
    if rows != equal:
        sys.exit(f"{engine}: {rows - (equal or 0):,} of {rows:,} rows differ from ours: the work would be unlike")


def command(words: list[str]) -> float:
    """Seconds that a make target takes, from the environment that is installed."""
    start = time.perf_counter()
    subprocess.run(["make", *words], cwd=HERE.parent, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], Path(sys.argv[2]))))
