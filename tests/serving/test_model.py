"""An explanation in full, the standards, the model's own page, and the challenger in the shadow."""

import asyncio
import json
import math
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
import sqlalchemy as sa
from pydantic import BaseModel

from core.settings import Settings
from models.bundle.bundle import load, save
from serving import metrics
from serving.api.schema.model import ExplainAnswer, ModelAnswer, StandardsAnswer
from serving.audit_log import group_commit
from serving.deployment import background, shadow
from serving.deployment.background import RegistryFreshness
from serving.scoring.service import ScoringService
from serving.store.bundles import challenger_pointer, install_challenger, local_copy
from serving.store.pointer import read, swap
from tests.support import serving_market as market
from tests.support.api_fixture import calling

pytestmark = pytest.mark.slow
AS_SENT: dict[str, Any] = {"orient": "records", "date_format": "iso"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a champion and a store."""
    place = tmp_path_factory.mktemp("home")
    market.make_home(place)
    return place


def asked(home: Path, work: Callable[[httpx.AsyncClient], Awaitable[Any]]) -> Any:
    """What comes of calls to the API on a home."""

    async def run() -> Any:
        async with calling(Settings(home=home)) as api:
            return await work(api)

    return asyncio.run(run())


def answered(home: Path, method: str, path: str, model: type[BaseModel], **more: Any) -> dict[str, Any]:
    """An answer of 200 that is as its model says."""
    answer = asked(home, lambda api: api.request(method, path, **more))
    assert answer.status_code == 200, answer.text
    model.model_validate_json(answer.content, extra="forbid")
    said: dict[str, Any] = answer.json()
    return said


def sigmoid(x: float) -> float:
    """Of log-odds."""
    return 1 / (1 + math.exp(-x))


@pytest.mark.parametrize("horizon", market.HORIZONS)
def test_an_explanation_adds_up_and_counts_the_window(home: Path, horizon: int) -> None:
    block, ids = market.last_rows().block, market.last_rows().seller_id.tolist()
    for seller_id in ("s1", "s4"):
        body = {"seller_id": seller_id, "horizon_days": horizon}
        said = answered(home, "POST", "/v1/explain", ExplainAnswer, json=body)
        at = ids.index(seller_id)
        for risk, why in said["risks"].items():
            scored = said["result"]["risks"][risk]
            total = why["base"] + why["offset"] + sum(c["contribution"] for c in why["contributions"])
            assert total == pytest.approx(why["log_odds"], abs=1e-6)
            assert sigmoid(total) == pytest.approx(scored["probability"], abs=1e-9)
            families = {r["code"]: r["contribution"] for r in scored["explanation"]["reasons"]}
            mine: dict[str, float] = {}
            for c in why["contributions"]:
                mine[c["family"]] = mine.get(c["family"], 0) + c["contribution"]
            arithmetic = mine.pop("arithmetic", 0) + why["offset"]
            assert arithmetic == pytest.approx(scored["explanation"]["arithmetic"], abs=1e-9)
            assert mine == pytest.approx(families, abs=1e-9)
            assert [abs(c["contribution"]) for c in why["contributions"]] == sorted(
                (abs(c["contribution"]) for c in why["contributions"]), reverse=True
            )
            window = why["window"]
            for side in ("bad", "volume"):
                assert window["leaves"][side] + window["stays"][side] == window["now"][side]
            assert window["now"]["volume"] == scored["standard"]["volume"]
            assert window["now"]["rate"] == scored["standard"]["current_rate"]
        returns = said["risks"]["returns"]["window"]
        assert returns["now"]["bad"] == block["returned_60"][at]
        assert returns["stays"]["volume"] == (block[f"delivered_{60 - horizon}"][at] if horizon < 60 else 0)
        assert returns["coming_volume"] == block[f"delivered_{horizon}"][at]
        peers = said["risks"]["returns"]["peers"]
        assert peers["rate"] == block["peer_returned_60"][at] / block["peer_delivered_60"][at]


def test_an_explanation_says_what_would_change_it(home: Path) -> None:
    last, told = market.ledger().last_day, []
    day = (date(1970, 1, 1) + timedelta(days=last + 28)).isoformat()
    for seller_id in ("s1", "s3", "s8", "s54"):
        said = answered(home, "POST", "/v1/explain", ExplainAnswer, json={"seller_id": seller_id})
        for risk, why in said["risks"].items():
            change, scored = why["counterfactual"], said["result"]["risks"][risk]
            if scored["band"] == "clear":
                assert change is None
                continue
            assert change["day"] == day
            assert change["orders"] == why["window"]["coming_volume"]
            assert sum(a["orders"] for a in change["actions"]) <= change["failing"] <= change["orders"]
            assert (change["successes"] is not None) == (change["probability"] < change["below"])
            assert change["below"] <= scored["probability"]
            told.append(change["text"])
    assert any(text.startswith("If ") for text in told)
    assert len(told) > 2


def test_a_sent_history_says_what_would_change_it_as_the_stored_one_does(home: Path) -> None:
    frames = market.frames()
    orders = frames["orders"][frames["orders"].seller_id == "s3"]
    returns = frames["returns"][frames["returns"].order_id.isin(orders.order_id)]
    history = {"orders": contract_rows(orders.drop(columns="seller_id")), "returns": contract_rows(returns)}
    body = {"history": history, "seller": {"seller_id": "s3", "region": "r3"}}
    sent = answered(home, "POST", "/v1/explain", ExplainAnswer, json=body)
    stored = answered(home, "POST", "/v1/explain", ExplainAnswer, json={"seller_id": "s3"})
    assert stored["risks"]["returns"]["counterfactual"]["successes"]
    for risk, why in stored["risks"].items():
        assert sent["risks"][risk]["counterfactual"] == why["counterfactual"]
    again = asked(home, lambda api: api.post(f"/v1/decisions/{sent['result']['decision_id']}/replay"))
    assert again.json()["identical"], again.text


def contract_rows(table: pd.DataFrame) -> list[dict[str, str]]:
    """Rows of the data contract in JSON; what is unknown is left out."""
    return [{k: v for k, v in row.items() if v is not None} for row in json.loads(table.to_json(**AS_SENT))]


def test_an_explanation_is_a_decision_like_any_other(home: Path) -> None:
    async def work(api: httpx.AsyncClient) -> tuple[Any, ...]:
        key = {"Idempotency-Key": "explain-1"}
        first = await api.post("/v1/explain", json={"seller_id": "s1"}, headers=key)
        again = await api.post("/v1/explain", json={"seller_id": "s1"}, headers=key)
        other = await api.post("/v1/explain", json={"seller_id": "s2"}, headers=key)
        decision = await api.get(f"/v1/decisions/{first.json()['result']['decision_id']}")
        nobody = await api.post("/v1/explain", json={"seller_id": "nobody"})
        both = await api.post("/v1/explain", json={"seller_id": "s1", "history": {"orders": []}})
        return first, again, other, decision, nobody, both

    first, again, other, decision, nobody, both = asked(home, work)
    assert again.content == first.content
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-mismatch")
    assert decision.json()["result"] == first.json()["result"]
    assert (nobody.status_code, nobody.json()["type"]) == (404, "/problems/unknown-seller")
    assert both.status_code == 422


def test_the_standards_are_those_of_the_bundle(home: Path) -> None:
    async def after_a_score(api: httpx.AsyncClient) -> httpx.Response:
        """What a score works out once and keeps is no part of a standard."""
        await api.post("/v1/score", json={"seller_ids": ["s1"]})
        return await api.get("/v1/standards")

    answer = asked(home, after_a_score)
    StandardsAnswer.model_validate_json(answer.content, extra="forbid")
    said = answer.json()
    assert {s["name"] for s in said["standards"]} == {m.standard.name for m in market.bundle().models}
    assert [s["headline"] for s in said["standards"] if s["risk"] == "returns"] == [True]
    assert all(s["horizons"] == list(market.HORIZONS) for s in said["standards"])


def test_the_model_tells_what_serves_and_how_old_it_is(home: Path) -> None:
    said = answered(home, "GET", "/v1/model", ModelAnswer)
    assert (said["version"], said["calibrated_to"], said["stale"]) == ("1", "2026-06-01", False)
    assert said["challenger"] is None
    assert said["card"] == market.bundle().card
    assert said["age_days"] > 0
    assert len(said["models"]) == len(market.bundle().models)


def test_a_registry_unheard_of_for_too_long_makes_the_model_stale() -> None:
    freshness = RegistryFreshness(limit=10)
    assert not freshness.stale
    freshness.asked_at -= 11
    assert freshness.stale
    freshness.asked()
    assert not freshness.stale


def test_the_shadow_scores_what_was_answered_and_changes_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"  # of its own, because a challenger stays in it
    market.make_home(home)
    settings = Settings(home=home)
    assert shadow.compare(settings) is None
    other = replace(
        market.bundle(),
        calibrated_to="2026-06-09",
        models=tuple(
            replace(m, calibration=replace(m.calibration, c=m.calibration.c + 1)) for m in market.bundle().models
        ),
    )
    digest = save(other, home / "challenger").digest
    install_challenger(home / "challenger", "2", home, digest)
    ids = [f"s{i}" for i in range(20)]

    async def score(api: httpx.AsyncClient) -> Any:
        return (await api.post("/v1/score", json={"seller_ids": ids})).json()

    before = asked(home, score)
    found = shadow.compare(settings)
    assert found
    assert (found["version"], found["digest"]) == ("2", digest)
    for risk in ("returns", "service"):
        figures = found["risks"][risk]
        assert figures["compared"] >= len(ids)
        assert 0 < figures["mean_shift"] == pytest.approx(figures["mean_difference"])
        assert figures["mean_difference"] <= figures["p95_difference"] <= figures["largest_difference"] < 1
    assert asyncio.run(background.run_module("serving.deployment.shadow", settings)), "as the service starts it"
    assert read(shadow.report(home)) == found
    said = answered(home, "GET", "/v1/model", ModelAnswer)
    assert said["challenger"]["version"] == "2"
    metrics.set_shadow(found)
    after = asked(home, score)
    assert [r["risks"] for r in after["results"]] == [r["risks"] for r in before["results"]]
    assert local_copy(home, digest).is_dir(), "the challenger's copy is kept beside the champion's"
    load(local_copy(home, digest), digest)
    swap(challenger_pointer(home), dict(read(home / "serving" / "champion.json") or {}))
    assert shadow.compare(settings) is None, "a champion is not compared with itself"


def test_the_shadow_is_started_only_while_there_is_a_challenger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = list[str]()

    async def run(module: str, _: Settings) -> bool:
        started.append(module)
        return True

    async def for_a_while() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                await background.compare_challenger(Settings(home=tmp_path))

    monkeypatch.setattr(background, "SHADOW_SECONDS", 0.01)
    monkeypatch.setattr(background, "run_module", run)
    asyncio.run(for_a_while())
    assert not started
    challenger_pointer(tmp_path).parent.mkdir()
    swap(challenger_pointer(tmp_path), {"version": "2", "digest": "sha256:x"})
    asyncio.run(for_a_while())
    assert set(started) == {"serving.deployment.shadow"}


def test_ready_is_a_model_and_a_store_and_nothing_else(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the records are away another worker could not keep them either: scores are 503, and it stays ready."""

    def failing(*_: Any) -> Any:
        raise sa.exc.OperationalError("", {}, Exception("the server has gone"))

    async def ready(at: Path) -> tuple[bool, int]:
        scoring = ScoringService(Settings(home=at))
        scoring.watcher.look()
        async with calling(Settings(home=at)) as api:
            answer = await api.post("/v1/score", json={"seller_ids": ["s1"]})
        await scoring.commits.close()
        return scoring.ready, answer.status_code

    assert asyncio.run(ready(tmp_path)) == (False, 503)
    assert asyncio.run(ready(home)) == (True, 200)
    monkeypatch.setattr(group_commit, "_write", failing)
    assert asyncio.run(ready(home)) == (True, 503)
