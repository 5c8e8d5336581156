"""/v1/decisions: predictions are read back as answered, and scored again to the same digit."""

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.settings import Settings
from models.score import score
from serving.api.schema.records import DecisionAnswer, ReplayAnswer
from serving.audit_log.erasure import erase_prediction
from serving.database.connection import open_database
from serving.scoring import replay
from serving.store.bundles import current, local_copy
from tests.support import serving_market as market
from tests.support.api_fixture import calling, outcome

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a champion and a store."""
    place = tmp_path_factory.mktemp("home")
    market.make_home(place)
    return place


def asked(home: Path, work: Callable[[httpx.AsyncClient], Awaitable[None]]) -> None:
    """Run the work with a client of the API."""

    async def run() -> None:
        async with calling(Settings(home=home)) as api:
            await work(api)

    asyncio.run(run())


async def scored(api: httpx.AsyncClient, *seller_ids: str, **more: Any) -> httpx.Response:
    """An answer with scores."""
    answer = await api.post("/v1/score", json={"seller_ids": seller_ids, **more})
    assert answer.status_code == 200, answer.text
    return answer


def test_a_decision_reads_back_as_it_was_answered(home: Path) -> None:
    async def work(api: httpx.AsyncClient) -> None:
        answer = await scored(api, "s4", "s1")
        for said in answer.json()["results"]:
            await api.post(
                "/v1/outcomes",
                json={"outcomes": [outcome(1, outcome_id=said["seller_id"], **only(said, "seller_id", "decision_id"))]},
            )
            back = await api.get(f"/v1/decisions/{said['decision_id']}")
            DecisionAnswer.model_validate_json(back.content, extra="forbid")
            assert back.json()["result"] == said
            assert back.content.partition(b'"result":')[2][:-1] in answer.content
            assert back.json()["model"] == only(answer.json()["model"], "version", "digest")
            assert [o["outcome_id"] for o in back.json()["outcomes"]] == [said["seller_id"]]

    asked(home, work)


def only(values: dict[str, Any], *names: str) -> dict[str, Any]:
    """Some of the values."""
    return {name: values[name] for name in names}


@pytest.mark.parametrize("question", [{}, {"explain": False}, {"horizon_days": 56}])
def test_a_decision_is_replayed_to_the_same_digit(home: Path, question: dict[str, Any]) -> None:
    async def work(api: httpx.AsyncClient) -> None:
        answer = await scored(api, *market.last_rows().seller_id.tolist(), **question)
        for said in answer.json()["results"]:
            again = await api.post(f"/v1/decisions/{said['decision_id']}/replay")
            assert again.status_code == 200, again.text
            ReplayAnswer.model_validate_json(again.content, extra="forbid")
            assert (again.json()["identical"], again.json()["differences"]) == (True, [])
            for risk, value in again.json()["risks"].items():
                assert value["probability"] == said["risks"][risk]["probability"]

    asked(home, work)


def test_a_replay_that_comes_out_differently_says_where(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def changed(*arguments: Any) -> Any:
        [by_risk] = score(*arguments)
        vars(by_risk["returns"])["probability"] += 1e-12
        return [by_risk]

    async def work(api: httpx.AsyncClient) -> None:
        said = (await scored(api, "s4")).json()["results"][0]
        monkeypatch.setattr(replay, "score", changed)
        again = (await api.post(f"/v1/decisions/{said['decision_id']}/replay")).json()
        assert (again["identical"], again["differences"]) == (False, ["/risks/returns/probability"])

    asked(home, work)


def test_what_was_erased_is_gone(home: Path) -> None:
    async def work(api: httpx.AsyncClient) -> None:
        answer = await api.post("/v1/score", json={"seller_ids": ["s4", "s5"]}, headers={"Idempotency-Key": "k"})
        erased, kept = (r["decision_id"] for r in answer.json()["results"])
        engine = open_database(Settings(home=home))
        assert erase_prediction(engine, erased, "asked for") == 1
        engine.dispose()
        gone = [await api.get(f"/v1/decisions/{erased}"), await api.post(f"/v1/decisions/{erased}/replay")]
        gone.append(await api.post("/v1/score", json={"seller_ids": ["s4", "s5"]}, headers={"Idempotency-Key": "k"}))
        assert [(g.status_code, g.json()["type"]) for g in gone] == [(410, "/problems/erased")] * 3
        assert (await api.get(f"/v1/decisions/{kept}")).status_code == 200

    asked(home, work)


def test_without_its_model_a_decision_reads_back_but_is_not_replayed(home: Path) -> None:
    async def work(api: httpx.AsyncClient) -> None:
        replay._loaded.cache_clear()
        said = (await scored(api, "s4")).json()["results"][0]
        folder = local_copy(home, current(home)["digest"])
        folder.rename(home / "away")
        answer = await api.post(f"/v1/decisions/{said['decision_id']}/replay")
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/model-gone")
        assert current(home)["digest"] in answer.json()["detail"]
        assert (await api.get(f"/v1/decisions/{said['decision_id']}")).status_code == 200
        shutil.copytree(home / "away", folder)
        (folder / "manifest.json").write_text(json.dumps({}))
        broken = await api.post(f"/v1/decisions/{said['decision_id']}/replay")
        assert (broken.status_code, broken.json()["type"]) == (409, "/problems/model-gone")
        shutil.rmtree(folder)
        (home / "away").rename(folder)

    asked(home, work)


def test_what_nobody_decided_is_not_found(home: Path) -> None:
    async def work(api: httpx.AsyncClient) -> None:
        for path in ("/v1/decisions/nobody", "/v1/decisions/nobody/replay"):
            answer = await (api.post(path) if "replay" in path else api.get(path))
            assert (answer.status_code, answer.json()["type"]) == (404, "/problems/unknown-decision")
        for path in ("/v1/decisions/..%2f..", "/v1/decisions/a.b", "/v1/decisions/" + "x" * 65):
            assert (await api.get(path)).status_code in (404, 422)

    asked(home, work)
