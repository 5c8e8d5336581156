"""The main benchmark: ledger and rows of 5 million order lines beside two hand-written engines, and whole commands.

Every engine runs in a process of its own, begins with the same typed tables in memory, and ends when its ledger and
rows are written as Parquet. They must be equal.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import by_hand_duckdb, by_hand_pandas, by_hand_polars
from benchmarks.orders import Size, make_orders
from benchmarks.run import HERE, Measurement
from core.sql_text import quoted
from features.engines.duckdb import connect
from features.ingest.contract import TABLES
from features.ingest.intake import Marketplace, open_folder
from features.ingest.quarantine import IntakeReport
from features.ledger.build import build_ledger
from features.ledger.quantities import available_quantities
from features.standards.load import load
from features.table import Plan, make_rows, plan, usable

SIZE = Size(lines=5_000_000, sellers=20_000)
AS_OF = tuple(range(19_723 + 98, 19_723 + 365, 7))  # 39 weekly as-of days from the 98th day of 2024 on
ROUNDS = 3
MEMORY_GB = 3.9  # past it our engine spills to disk
OURS = "foresell"
ENGINES = (OURS, "duckdb_by_hand", "polars_by_hand")
ALL_ENGINES = (*ENGINES, "pandas_by_hand")
WRITTEN = {"ledger": ("seller_id", "day"), "rows": ("seller_id", "as_of")}  # what each writes, and its key
COMMANDS = {"demo_seconds": ["demo", "ARGS=--exit"], "test_suite_seconds": ["test"], "check_seconds": ["check"]}
TIMES = ("ship_by", "shipped_at", "promised_at", "delivered_at", "cancelled_at")
HAS = ("item_id", "category", "price", *TIMES, "cancelled_by")
AVAILABLE = frozenset({"orders", "sellers", "sellers.region", "sellers.fulfilment", *(f"orders.{c}" for c in HAS)})


def measure() -> Measurement:
    """Features of 5 million lines by each engine in turn, then the commands of the README."""
    with tempfile.TemporaryDirectory() as scratch:
        figures, peers = features(Path(scratch), SIZE, ROUNDS)
        figures |= {name: command(words, Path(scratch) / name) for name, words in COMMANDS.items()}
    notes = (
        f"{SIZE.lines:,} lines, {SIZE.sellers:,} sellers, {len(AS_OF)} as-of days; medians of {ROUNDS} rounds in turn. "
        "From typed tables in memory to ledger and rows in Parquet, equal in every row. Both peers are written by "
        "hand for this source only; in polars, seller and day are packed into one number. Ours runs in a connection "
        "that keeps its memory until it ends, as `foresell grow` does."
    )
    return Measurement(figures, peers, notes)


def features(
    scratch: Path, size: Size, rounds: int, engines: Sequence[str] = ENGINES
) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """Our figures and the peers'; a difference between any two engines' rows ends the benchmark."""
    intake = prepare(scratch, size)
    runs = [{engine: apart(engine, scratch) for engine in engines} for _ in range(rounds)]
    for engine in engines[1:]:
        check_same(scratch, engine)
    found = {e: {name: statistics.median(run[e][name] for run in runs) for name in runs[0][e]} for e in engines}
    fastest = min(found[e]["features_5m_seconds"] for e in engines[1:])
    ratio = found[OURS]["features_5m_seconds"] / fastest
    figures = {"intake_5m_seconds": intake, **found.pop(OURS), "features_5m_ratio_to_fastest": ratio}
    return figures, found


def prepare(scratch: Path, size: Size) -> float:
    """Make the data, and the typed tables from it; the seconds that the checks take."""
    make_orders(scratch / "raw", size)
    start = time.perf_counter()
    market = open_folder(scratch / "raw")
    seconds = time.perf_counter() - start
    for name in TABLES:
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
    out = scratch / engine
    out.mkdir(exist_ok=True)
    by_hand = {"duckdb_by_hand": duckdb_by_hand, "polars_by_hand": polars_by_hand, "pandas_by_hand": pandas_by_hand}
    seconds = (by_hand | {OURS: ours})[engine](scratch, needed(), out)
    return {
        "features_5m_seconds": seconds,
        "features_5m_peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
    }


def needed() -> Plan:
    """What the built-in standards and the catalogue need of this source."""
    quantities = available_quantities(AVAILABLE)
    return plan(quantities, usable(load().standards, quantities))


def ours(scratch: Path, needs: Plan, out: Path) -> float:
    """The product's own ledger and rows."""
    con = connect(MEMORY_GB, keeps=True)
    for name in TABLES:
        con.execute(f"create table {name} as from read_parquet({quoted(scratch / f'{name}.parquet')})")
    start = time.perf_counter()
    ledger = build_ledger(Marketplace(con, "benchmark", "UTC", AVAILABLE, IntakeReport("benchmark", "UTC", ())))
    tables = make_rows(ledger.con, needs, AS_OF)
    for name, table in {"ledger": "(select * exclude (seller) from ledger)", "rows": tables.rows}.items():
        ledger.con.execute(f"copy (from {table}) to {quoted(out / f'{name}.parquet')} {by_hand_duckdb.PARQUET}")
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


def pandas_by_hand(scratch: Path, needs: Plan, out: Path) -> float:
    """The same in pandas, written by hand."""
    tables = by_hand_pandas.open_tables(scratch)
    start = time.perf_counter()
    by_hand_pandas.write_rows(tables, needs, AS_OF, out)
    return time.perf_counter() - start


def check_same(scratch: Path, engine: str) -> None:
    """What an engine wrote equals what ours did, or the benchmark ends."""
    for name, key in WRITTEN.items():
        ours, theirs = (scratch / e / f"{name}.parquet" for e in (OURS, engine))
        if unlike := differing(ours, theirs, key):
            sys.exit(f"{engine} has other {name} than ours in {', '.join(unlike)}")


def differing(ours: Path, theirs: Path, key: Sequence[str]) -> list[str]:
    """Columns that differ, or `number of rows`: whole numbers and texts must be equal, fractions within 1e-9."""
    con = connect()
    a, b = (f"read_parquet({quoted(path)})" for path in (ours, theirs))
    columns, others = ({r[0]: r[1] for r in con.execute(f"describe select * from {f}").fetchall()} for f in (a, b))
    if columns.keys() != others.keys():
        return sorted(columns.keys() ^ others.keys())
    tests = [f"count(*) filter (not {_equal(c, kind)}) as {c}" for c, kind in columns.items() if c not in key]
    rows = f"(select count(*) from {a}) + (select count(*) from {b}) - 2 * count(*)"
    found = con.execute(f"select {rows}, {', '.join(tests)} from {a} as a join {b} as b using ({', '.join(key)})")
    names = ["number of rows", *(c for c in columns if c not in key)]
    return [name for name, wrong in zip(names, found.fetchall()[0], strict=True) if wrong]


def _equal(column: str, kind: str) -> str:
    same = f"a.{column} is not distinct from b.{column}"
    near = f"abs(a.{column} - b.{column}) <= 1e-9 * greatest(1, abs(a.{column}))"
    return f"coalesce({same} or {near}, false)" if kind == "DOUBLE" else f"({same})"


def command(words: list[str], home: Path) -> float:
    """Seconds that a make target takes, with what is installed and an empty home."""
    environment = os.environ | {"FORESELL_HOME": str(home)}
    start = time.perf_counter()
    subprocess.run(["make", *words], cwd=HERE.parent, check=True, stdout=subprocess.DEVNULL, env=environment)
    return time.perf_counter() - start


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], Path(sys.argv[2]))))
