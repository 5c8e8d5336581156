"""Two ways to exact contributions of one model: our tables, and LightGBM's `pred_contrib` (docs/adr/0002-shap.md).

    python -m benchmarks.contributions

Trees have the present settings of training, on synthetic features. Milliseconds are of processor, since those of the
clock depend on what else the machine does.
"""

import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from models.boosting.tree_shap import tables
from training.fit.tree_settings import PRESENT

Array = NDArray[np.float64]
ROUNDS, ROWS, THREADS, WAYS = (200, 400), (1, 1_000, 50_000), (1, 2), ("tables", "pred_contrib")
FEATURES, TRAINED_ON, MISSING = 60, 20_000, 0.1
REPEATS = {1: 200, 1_000: 5, 50_000: 2}


def main() -> None:
    """Print a line for every case."""
    for rounds in ROUNDS:
        booster = trained(rounds)
        for rows, threads, way in product(ROWS, THREADS, WAYS):
            ms = milliseconds(prepared(booster, threads, way), drawn(2, rows))
            print(f"{rounds} rounds, {rows:6,} rows, {threads} threads, {way:12}: {ms:10.3f} ms", flush=True)


def milliseconds(work: Callable[[Array], object], rows: Array) -> float:
    """Milliseconds of processor of one call; the median of several."""
    times = []
    for _ in range(REPEATS[len(rows)]):
        start = time.process_time()
        work(rows)
        times.append(time.process_time() - start)
    return 1e3 * statistics.median(times)


def prepared(booster: lgb.Booster, threads: int, way: str) -> Callable[[Array], object]:
    """The function from rows to contributions."""
    if way == "pred_contrib":
        return lambda rows: booster.predict(rows, num_threads=threads, pred_contrib=True)
    by_tables, pool = tables(booster.model_to_string(), FEATURES), ThreadPoolExecutor(threads)
    return by_tables if threads == 1 else lambda rows: list(pool.map(by_tables, np.array_split(rows, threads)))


def trained(rounds: int) -> lgb.Booster:
    """Trees on labels that depend on twelve of the features."""
    rows = drawn(1, TRAINED_ON)
    odds = np.exp(np.nan_to_num(rows[:, :12]) @ np.linspace(0.08, 0.01, 12) - 4)
    label = (drawn(3, TRAINED_ON)[:, 0] / 40 < odds / (1 + odds)).astype(np.float64)
    return lgb.train(PRESENT.parameters() | {"seed": 0}, lgb.Dataset(rows, label), rounds)


def drawn(seed: int, rows: int) -> Array:
    """Rows of skewed features, some of them missing."""
    draw = np.random.default_rng(seed)
    values = draw.gamma(2, 5, (rows, FEATURES)).round(1)
    return np.where(draw.random(values.shape) < MISSING, np.nan, values)


if __name__ == "__main__":
    main()
