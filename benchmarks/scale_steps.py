"""The steps of the scale benchmark, each in a process of its own: `python -m benchmarks.scale_steps STEP ARGUMENT...`.

A step prints its figures; seconds are its work alone, the peak is its process's.
"""

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks import main as of_main
from benchmarks import serving_home
from benchmarks.orders import Size
from benchmarks.scale_market import make_market
from benchmarks.scale_orders import make_history
from core.sql_text import quoted
from features.engines import spark
from features.incremental.read import incremental_blocks
from features.incremental.update import grow
from features.ingest import spark_folder
from features.ingest.intake import open_folder
from features.ledger.build import build_ledger
from features.standards.load import load as load_standards
from features.standards.standard import BacktestDays
from features.table import make_rows
from models.batch.score_file import Scorer, write_scores
from models.boosting.risk_model import RiskModel, RiskPrediction, contributions, contributions_by_lightgbm, predict
from models.bundle.bundle import Bundle, load, save
from models.score import headline_models
from serving.store.incremental import write_incremental_store
from serving.store.online_store import open_store
from training.dataset.dataset import modelled_standards, prepare_dataset

Figures = Mapping[str, float]
Predictions = Sequence[tuple[RiskModel, RiskPrediction]]
LOOKS = BacktestDays(first=90, test_from=230, every_days=14)
GOLDEN, LOOKED_UP, AT_ONCE, WORKERS, HORIZON = 200, 5_000, 20_000, 2, 28


def history(folder: Path, lines: str, sellers: str) -> Figures:
    """Make a history and its last day."""
    return timed(lambda: make_history(folder, Size(int(lines), int(sellers))))


def market(folder: Path, lines: str, sellers: str, days: str) -> Figures:
    """Make a marketplace of all tables."""
    return timed(lambda: make_market(folder, Size(int(lines), int(sellers), int(days))))


def growth(place: Path, folder: Path) -> Figures:
    """Take a folder's files into a ledger; its size on disk."""
    found = timed(lambda: grow(place, folder))
    return {**found, "disk_gb": disk(place)}


def rows(place: Path) -> Figures:
    """Make the feature rows of a ledger's last day."""
    start = time.perf_counter()
    with incremental_blocks(place, load_standards().standards) as blocks:
        return {"seconds": time.perf_counter() - start, "sellers": blocks.sellers}


def train(data: Path, folder: Path) -> Figures:
    """Trees as training grows them for both headline risks; calibrated by nothing, since only speed counts."""
    dataset = prepare_dataset(open_folder(data), replace(load_standards(), backtest=LOOKS))
    heads = [number for number, standard in enumerate(modelled_standards(dataset)) if standard.headline]
    models = tuple(serving_home.model(dataset, number) for number in heads)
    golden = dataset.active.block.take(np.arange(GOLDEN))
    read = {f.name: f for f in dataset.active.features}
    bundle = save(Bundle(models, read, golden, "sha256:benchmark", "2024-08-01"), folder)
    (folder.parent / "digest").write_text(bundle.digest)
    return {"models": len(models)}


def score(place: Path, folder: Path, out: Path) -> Figures:
    """Score every seller of a ledger, with reasons and sentences; and explain one block again, both ways."""
    bundle, start = trained(folder), time.perf_counter()
    with incremental_blocks(place, [model.standard for model in bundle.models]) as blocks:
        made = time.perf_counter()
        write_scores(Scorer(bundle, "1"), blocks, out, workers=WORKERS)
        seconds = time.perf_counter() - made
        block = max(blocks, key=len).block
        models = headline_models(bundle, HORIZON)
        pairs = [(model, predict(model, block)) for model in models]
        again = {"batch": timed(lambda: by_tables(pairs)), "contrib": timed(lambda: by_lightgbm(pairs))}
        slow = float(sum(model.shap_tables is None for model in models))
        found = {"seconds": seconds, "rows_seconds": made - start, "sellers": blocks.sellers, "slow": slow}
        return found | {f"{way}_seconds": taken["seconds"] for way, taken in again.items()}


def by_tables(pairs: Predictions) -> None:
    """The contributions of a block, models beside each other, for the tables take one core."""
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(lambda pair: contributions(*pair), pairs))


def by_lightgbm(pairs: Predictions) -> None:
    """The same by `pred_contrib`, on all cores."""
    for model, prediction in pairs:
        contributions_by_lightgbm(model, prediction.matrix)


def store(place: Path, folder: Path, home: Path) -> Figures:
    """Write the online store of a ledger."""
    bundle = trained(folder)
    found = timed(lambda: write_incremental_store(place, bundle, home))
    return {**found, "disk_gb": disk(open_store(home).folder)}


def look_up(home: Path) -> Figures:
    """Milliseconds from a seller's id to its row and what lies behind it, one at a time in no order."""
    opened, draw = open_store(home), np.random.default_rng(0)
    numbers = draw.integers(0, len(opened.keys), LOOKED_UP).tolist()
    ids = [str(opened.record(number)["seller_id"]) for number in numbers]
    taken = [timed(lambda i=i: opened.rows(opened.find([i])))["seconds"] for i in ids]  # type: ignore[misc]
    return {"sellers": len(opened.keys), "lookup_ms": 1000 * statistics.median(taken)}


def worker(home: Path, folder: Path) -> Figures:
    """Be a serving process that has answered for every seller once; ends with its standard input."""
    opened, bundle = open_store(home), trained(folder)
    for start in range(0, len(opened.keys), AT_ONCE):
        opened.values[start : start + AT_ONCE].sum()
        opened.records[opened.offsets[start] : opened.offsets[min(start + AT_ONCE, len(opened.keys))]].sum()
    print("ready", flush=True)
    sys.stdin.read()
    return {"models": len(bundle.models)}


def on_spark(raw: Path, out: Path) -> Figures:
    """The ledger and rows of the feature benchmark on Spark, on two cores of this machine."""
    out.mkdir()
    with spark.connect({"spark.master": "local[2]"}) as con:
        opened = spark_folder.open_folder(con, raw)
        start = time.perf_counter()
        ledger = build_ledger(opened)
        tables = make_rows(ledger.con, of_main.needed(), of_main.AS_OF)
        quantities = ", ".join(ledger.quantities)
        for name, query in {
            "ledger": f"select seller_id, day, {quantities} from ledger",
            "rows": f"select * from {tables.rows}",
        }.items():
            ledger.con.execute(f"copy ({query}) to {quoted(out / name)} (format parquet)")
        return {"seconds": time.perf_counter() - start}


STEPS: Mapping[str, Callable[..., Figures]] = {
    step.__name__: step for step in (history, market, growth, rows, train, score, store, look_up, worker, on_spark)
}


def trained(folder: Path) -> Bundle:
    """The bundle that `train` wrote."""
    return load(folder, (folder.parent / "digest").read_text())


def timed(work: Callable[[], object]) -> Figures:
    """Seconds that the work takes."""
    start = time.perf_counter()
    work()
    return {"seconds": time.perf_counter() - start}


def disk(place: Path) -> float:
    """GB of the files in a folder."""
    return sum(path.stat().st_size for path in place.iterdir() if path.is_file()) / 1e9


if __name__ == "__main__":
    name, *arguments = sys.argv[1:]
    result = STEPS[name](*(Path(a) if "/" in a else a for a in arguments))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    print(json.dumps({**result, "peak_gb": peak}))
