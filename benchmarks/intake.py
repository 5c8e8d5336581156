"""Intake: an export of five million lines imported by mapping, and drawn exports of which each row is accounted for.

The import reads, maps, writes and checks; its peer is DuckDB's own copy of the same file with the types given, which
checks nothing. Both run alone, in turns, each in a process of its own.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import duckdb

from benchmarks.drawn_exports import tried
from benchmarks.run import Measurement
from core.sql_text import quoted
from features.importing.import_source import import_mapped
from features.importing.mapping import parse_mapping

LINES, RUNS, DRAWN = 5_000_000, 3, 500
TIME, DAY = "%d.%m.%Y %H:%M", "%d.%m.%Y"
ROWS = f"""select 'o' || (i // 2) as "Order", i % 2 + 1 as "Line", 's' || (hash(i // 2) % 5000) as "Seller",
'sku' || (hash(i) % 100000) as "SKU", printf('%.2f', (hash(i) % 100000) / 100.0) as "Price",
strftime(moment, '{TIME}') as "Ordered", strftime(moment + interval 1 day, '{TIME}') as "Shipped",
strftime(moment + interval 5 day, '{DAY}') as "Promised",
strftime(moment + interval 2 day + to_seconds(cast(hash(i // 2) % 200000 as bigint)), '{TIME}') as "Delivered"
from (select i, timestamp '2023-01-01' + to_seconds((i // 2) * 12) as moment from range({LINES}) as r(i))"""
TYPES = {
    **dict.fromkeys(("Order", "Seller", "SKU"), "VARCHAR"),
    **{"Line": "INTEGER", "Price": "DECIMAL(12, 2)", "Promised": "DATE"},
    **dict.fromkeys(("Ordered", "Shipped", "Delivered"), "TIMESTAMP"),
}
COLUMNS = ("Order", "Line", "Seller", "SKU", "Price", "Ordered", "Shipped", "Promised", "Delivered")
MAPPING = {
    "zone": "Europe/Berlin",
    "orders": {
        "columns": {
            **{"order_id": "Order", "line_id": "Line", "seller_id": "Seller", "item_id": "SKU", "price": "Price"},
            "ordered_at": {"from": "Ordered", "form": TIME},
            "shipped_at": {"from": "Shipped", "form": TIME},
            "promised_at": {"from": "Promised", "form": DAY},
            "delivered_at": {"from": "Delivered", "form": TIME},
        }
    },
}


def measure() -> Measurement:
    """Speed and memory of the import beside DuckDB's copy, and the rows of drawn exports that are not accounted for."""
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch) / "export.csv"
        duckdb.sql(f"copy ({ROWS}) to {quoted(source)} (header)")
        ours, theirs = zip(*[(_run("ours", source), _run("theirs", source)) for _ in range(RUNS)], strict=True)
    seconds, peer = median(s for s, _ in ours), median(s for s, _ in theirs)
    found = [tried(seed, by_mapping) for seed in range(1_000, 1_000 + DRAWN) for by_mapping in (False, True)]
    figures = {
        "import_5m_seconds": seconds,
        "import_5m_ratio_to_duckdb": peer / seconds,
        "import_5m_peak_gb": max(gigabytes for _, gigabytes in ours),
        "fuzz_folders": float(DRAWN),
        "fuzz_unaccounted_rows": float(sum(len(faults) for _, faults in found)),
        "fuzz_refused_share": sum(bool(words) for words, _ in found) / len(found),
    }
    peers = {"duckdb": {"import_5m_seconds": peer, "import_5m_peak_gb": max(gigabytes for _, gigabytes in theirs)}}
    return Measurement(
        figures, peers, f"Medians of {RUNS} runs in turns; drawn folders are read as they are and imported."
    )


def _run(which: str, source: Path) -> tuple[float, float]:
    """Seconds and peak memory in GB of one run, in a process of its own."""
    child = subprocess.Popen([sys.executable, "-m", "benchmarks.intake", which, source], stdout=subprocess.PIPE)
    out, _ = child.communicate()
    seconds, gigabytes = map(float, out.split())
    return seconds, gigabytes


def ours(source: Path, out: Path) -> None:
    """Import the export."""
    report = import_mapped(str(source), out, parse_mapping(MAPPING, "the benchmark's mapping"))
    if report.table("orders").kept != LINES:
        raise RuntimeError(report.lines())


def theirs(source: Path, out: Path) -> None:
    """DuckDB's own copy, with the types given."""
    types = ", ".join(f"'{name}': '{TYPES[name]}'" for name in COLUMNS)
    forms = f"timestampformat = '{TIME}', dateformat = '{DAY}'"
    reader = f"read_csv({quoted(source)}, header = true, auto_detect = false, columns = {{{types}}}, {forms})"
    duckdb.sql(f"copy (select * from {reader}) to {quoted(out)} (format parquet)")


def _alone(which: str, source: Path) -> None:
    import resource

    with tempfile.TemporaryDirectory() as scratch:
        start = time.perf_counter()
        {"ours": ours, "theirs": theirs}[which](source, Path(scratch) / "out")
        seconds = time.perf_counter() - start
    unit = 1e9 if sys.platform == "darwin" else 1e6  # bytes there, kilobytes on Linux
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, flush=True)
    os._exit(0)  # without waiting for memory to be returned


if __name__ == "__main__":
    _alone(sys.argv[1], Path(sys.argv[2]))
