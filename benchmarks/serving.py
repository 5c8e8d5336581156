"""The serving benchmark: the API under wrk, beside a bare FastAPI service and MLflow's server with the same models.

Every service has two workers and this machine's loopback. Ours writes each prediction durably, asks for a key, and
gives reasons. The peers are measured between our own rounds, so that a busy machine is busy for all.
"""

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil

from benchmarks import serving_home as home_of
from benchmarks.run import HERE, Measurement
from core.settings import Settings
from models import registry
from serving.database.api_keys import create, server_secret
from serving.database.connection import open_database
from serving.deployment.launch import command, environment
from serving.store.online_store import Store

WORKERS, SECONDS, ROUNDS = 2, 6, 2
BEST_OF = (4, 8, 16)  # connections among which goodput is best; four times the last is the overload
BATCH, BATCHES = 1_000, 5
START_SECONDS = 120
RATE = 1_000_000.0  # what one key may ask, so that nothing but the machine is measured


@dataclass(frozen=True)
class Place:
    """Where a service answers, and what its callers send along."""

    url: str
    headers: Mapping[str, str]
    ids: Path


def measure() -> Measurement:
    """All figures; about five minutes."""
    if shutil.which("wrk") is None:
        sys.exit("The serving benchmark needs wrk (Debian: apt-get install wrk).")
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        bundle = home_of.make(home)
        store = home_of.write_matrices(home, bundle)
        figures, bare = rounds(home, store)
        figures["start_without_registry_seconds"] = start_without_registry(home)
        mlflow = mlflow_figures(home, home_of.register(home, bundle, settings_of(home)), store)
    figures["ratio_to_bare_fastapi"] = figures["rps_c16"] / bare["rps_c16"]
    figures["ratio_to_mlflow_serve"] = figures["rps_c16"] / mlflow["rps_c16"]
    notes = (
        f"One seller a request, both risks with reasons and {len(bundle.models) - 2} parts, {WORKERS} workers, with "
        f"API keys, every prediction durable before it is answered; wrk on the same machine, medians of {ROUNDS} "
        f"rounds of {SECONDS} s. Goodput: answers with status 200 at {4 * BEST_OF[-1]} connections, over the best of "
        f"{BEST_OF}. The bare service has precomputed inputs and no log, keys, arithmetic, intervals or sentences. It "
        "gives the same probability for every model (checked first) and contributions for the two headline risks. "
        "Nothing is cached: every answer is computed. MLflow's server scores the same bundle with its pyfunc model."
    )
    return Measurement(figures, {"bare_fastapi": bare, "mlflow_serve": mlflow}, notes)


def settings_of(home: Path, **changes: Any) -> Settings:
    """Our service's, on a free port."""
    plain: dict[str, Any] = {
        "home": home,
        "port": free_port(),
        "workers": WORKERS,
        "key_rate": RATE,
        "tracking_uri": "",
    }
    return Settings(**(plain | changes))


def rounds(home: Path, store: Store) -> tuple[dict[str, float], dict[str, float]]:
    """Our figures and the bare service's, a round of ours, a round of theirs."""
    settings = settings_of(home)
    with ours(settings) as (here, started), bare_service(home) as there:
        check_same(here, there, store)
        warm(here)
        warm(there)
        runs = [(one_round(here), loaded(there, BEST_OF[-1])) for _ in range(ROUNDS)]
        overload = goodput(here)
        warm(here)  # what the flood asked for and did not wait for is answered by then
        batch = batches(here, store)
        memory = rss_mb(settings)
    middle = {name: statistics.median(run[name] for run, _ in runs) for name in runs[0][0]}
    bare = {"rps_c16": statistics.median(run["good"] for _, run in runs)}
    bare["p99_ms_c16"] = statistics.median(run["p99_ms"] for _, run in runs)
    return {**middle, **overload, **batch, "start_seconds": started, "rss_mb_per_worker": memory}, bare


def check_same(here: Place, there: Place, store: Store, most: int = 50) -> None:
    """Both services say the same probability of every model of some sellers."""
    body = {"seller_ids": [store.record(i)["seller_id"] for i in range(most)], "horizon_days": home_of.HORIZON}
    own, bare = (
        httpx.post(f"{place.url}/v1/score", json=body, headers=place.headers, timeout=60).json()["results"]
        for place in (here, there)
    )
    for mine, theirs in zip(own, bare, strict=True):
        said = {f"{risk}-{home_of.HORIZON}": found["probability"] for risk, found in mine["risks"].items()}
        for risk, found in mine["risks"].items():
            parts = found.get("parts", {}).items()
            said |= {f"{risk}.{part}-{home_of.HORIZON}": of_part["probability"] for part, of_part in parts}
        other = {name: found["probability"] for name, found in theirs["risks"].items()}
        assert said.keys() == other.keys()
        assert np.allclose([other[name] for name in said], [*said.values()], atol=1e-9)


def one_round(here: Place) -> dict[str, float]:
    """One connection, then sixteen."""
    alone, many = loaded(here, 1), loaded(here, BEST_OF[-1])
    return {
        "p50_ms_c1": alone["p50_ms"],
        "p99_ms_c1": alone["p99_ms"],
        "rps_c16": many["good"],
        "p99_ms_c16": many["p99_ms"],
    }


def goodput(here: Place) -> dict[str, float]:
    """Answers of 200 a second at four times the connections, over the best of fewer."""
    best = max(loaded(here, connections)["good"] for connections in BEST_OF)
    over = loaded(here, 4 * BEST_OF[-1])
    flood = loaded(here, 16 * BEST_OF[-1])
    return {
        "goodput_at_4x_ratio": over["good"] / best,
        "goodput_at_16x_ratio": flood["good"] / best,
        "refused_share_at_16x": flood["refused"] / max(flood["requests"], 1),
    }


def batches(here: Place, store: Store) -> dict[str, float]:
    """A thousand sellers in one call again and again, and single calls beside them."""
    ids = [store.record(i % len(store.keys))["seller_id"] for i in range(BATCH)]
    body = {"seller_ids": ids, "horizon_days": home_of.HORIZON}
    took: list[float] = []
    with httpx.Client(base_url=here.url, headers=here.headers, timeout=60) as client:
        beside = start_wrk(here, 1, SECONDS)
        while beside.poll() is None or len(took) < BATCHES:
            started = time.perf_counter()
            answer = client.post("/v1/score", json=body)
            took.append(time.perf_counter() - started)
            assert answer.status_code == 200, answer.text
    single = figures_of(beside)
    return {"batch_1000_seconds": statistics.median(took), "single_p95_ms_beside_batch": single["p95_ms"]}


@contextmanager
def ours(settings: Settings) -> Iterator[tuple[Place, float]]:
    """Our service, and the seconds until it was ready."""
    engine = open_database(settings)
    key = create(engine, server_secret(settings), "benchmark", ["score"], days=1)
    engine.dispose()
    place = Place(f"http://127.0.0.1:{settings.port}", {"Authorization": f"Bearer {key}"}, settings.home / "ids.txt")
    with process(command(settings), environment(settings), f"{place.url}/readyz", settings.home) as seconds:
        yield place, seconds


@contextmanager
def bare_service(home: Path) -> Iterator[Place]:
    """The bare service with as many workers."""
    port = free_port()
    words = ["-m", "uvicorn", "benchmarks.bare_service:app", "--port", str(port), "--workers", str(WORKERS)]
    more = {"BARE_FOLDER": str(home / "bare"), "OMP_NUM_THREADS": "1"}
    place = Place(f"http://127.0.0.1:{port}", {}, home / "ids.txt")
    argv = [sys.executable, *words, "--log-level", "warning"]
    with process(argv, os.environ | more, f"{place.url}/docs", home):
        yield place


def start_without_registry(home: Path) -> float:
    """Seconds until ready while the registry takes connections and says nothing."""
    with socket.socket() as hung:
        hung.bind(("127.0.0.1", 0))
        hung.listen()
        uri = f"http://127.0.0.1:{hung.getsockname()[1]}"
        with ours(settings_of(home, tracking_uri=uri)) as (_, seconds):
            return seconds


def mlflow_figures(home: Path, version: str, store: Store) -> dict[str, float]:
    """MLflow's own server on the registered bundle, asked for one seller's row at a time."""
    port, settings = free_port(), settings_of(home)
    words = ["models", "serve", "-m", f"models:/{registry.NAME}/{version}", "-p", str(port), "-w", str(WORKERS)]
    tools = Path(sys.executable).parent  # it calls uvicorn by name
    more = {"MLFLOW_TRACKING_URI": registry.tracking_uri(settings), "OMP_NUM_THREADS": "1", **registry.ENVIRONMENT}
    more["PATH"] = os.pathsep.join([str(tools), os.environ["PATH"]])
    url, bodies = f"http://127.0.0.1:{port}", home / "rows.jsonl"
    write_rows(store, bodies)
    with process([str(tools / "mlflow"), *words, "--env-manager", "local"], os.environ | more, f"{url}/ping", home):
        place = Place(url, {}, bodies)
        warm(place)
        runs = [loaded(place, BEST_OF[-1]) for _ in range(ROUNDS)]
        fewer = [loaded(place, connections)["good"] for connections in (1, *BEST_OF[:-1])]
    middle = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    best = max(middle["good"], *fewer)
    return {"rps_c16": middle["good"], "p99_ms_c16": middle["p99_ms"], "rps_best": best}


def write_rows(store: Store, path: Path, most: int = 50) -> None:
    """A request to MLflow's server for each of some sellers, one a line."""
    table = store.rows(np.arange(most)).table
    numbers = [[None if v != v else v for v in row] for row in table.block.values.tolist()]  # noqa: PLR0124 - nan
    keys = ["seller_id", "as_of", *table.text, *table.block.names]
    with path.open("w") as out:
        for i, row in enumerate(numbers):
            texts = [column[i] for column in table.text.values()]
            data = [[table.seller_id[i], store.day, *texts, *row]]
            out.write(json.dumps({"dataframe_split": {"columns": keys, "data": data}}) + "\n")


@contextmanager
def process(argv: Sequence[str], env: Mapping[str, str], ready: str, home: Path) -> Iterator[float]:
    """A service that ends with the block; yields the seconds until `ready` answered 200."""
    started = time.perf_counter()
    with (home / "services.txt").open("ab") as said:
        running = subprocess.Popen(argv, env=dict(env), stdout=said, stderr=said, cwd=HERE.parent)
    try:
        wait_for(ready, running, home)
        yield time.perf_counter() - started
    finally:
        for child in [*psutil.Process(running.pid).children(recursive=True)] if running.poll() is None else []:
            child.terminate()
        running.terminate()
        running.wait(60)


def wait_for(url: str, running: "subprocess.Popen[bytes]", home: Path) -> None:
    """Until a service answers."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and running.poll() is None:
        try:
            if httpx.get(url, timeout=5).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.05)
    sys.exit(f"{url} did not answer:\n{(home / 'services.txt').read_text(errors='replace')[-2000:]}")


def warm(place: Place) -> None:
    """What is done once in each worker is done before it is measured."""
    loaded(place, 8, 2)


def loaded(place: Place, connections: int, seconds: int = SECONDS) -> dict[str, float]:
    """wrk's figures; `good` is answers of 200 a second."""
    return figures_of(start_wrk(place, connections, seconds))


def start_wrk(place: Place, connections: int, seconds: int) -> "subprocess.Popen[str]":
    """One thread of wrk; it ends by itself."""
    headers = {"Content-Type": "application/json", **place.headers}
    said = [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
    words = ["-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", str(HERE / "score.lua"), *said]
    return subprocess.Popen(["wrk", *words, place.url, "--", str(place.ids)], stdout=subprocess.PIPE, text=True)


def figures_of(running: "subprocess.Popen[str]") -> dict[str, float]:
    """What wrk printed at its end."""
    said = running.communicate()[0]
    found: dict[str, float] = json.loads(next(line for line in said.splitlines() if line.startswith("figures"))[8:])
    assert found["requests"], said
    return found | {"good": (found["requests"] - found["refused"]) / found["seconds"]}


def rss_mb(settings: Settings) -> float:
    """Memory of one of our workers, the mean."""
    mine = [p for p in psutil.process_iter(["cmdline", "environ"]) if _is_worker(p, settings)]
    return float(statistics.mean(p.memory_info().rss for p in mine) / 1e6)


def _is_worker(p: psutil.Process, settings: Settings) -> bool:
    words, variables = p.info["cmdline"] or [], p.info["environ"] or {}
    return "_bentoml_impl.worker.service" in words and variables.get("FORESELL_PORT") == str(settings.port)


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
