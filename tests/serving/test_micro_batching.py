"""Requests that come at the same time are scored in one pass, and each gets what it would have got alone."""

import asyncio
import json
from typing import Any

import numpy as np
import pytest

from core.settings import Settings
from serving.scoring import micro_batching
from serving.scoring.answers import ScoreOptions
from tests.support import serving_market as market
from tests.support.api_fixture import calling

pytestmark = pytest.mark.slow  # the home has a model that is fitted


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Those of a home with a model and a store."""
    home = tmp_path_factory.mktemp("home")
    market.make_home(home)
    return Settings(home=home)


def ask(settings: Settings, bodies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The answers to several requests at once, without their decision_ids."""

    async def all_() -> list[dict[str, Any]]:
        async with calling(settings) as client:
            answers = await asyncio.gather(*(client.post("/v1/score", json=body) for body in bodies))
        return [json.loads(answer.text, object_hook=_plain) for answer in answers]

    return asyncio.run(all_())


def _plain(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if name != "decision_id"}


def test_each_gets_what_it_would_have_got_alone_in_fewer_passes(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    sellers = market.last_rows().seller_id.tolist()[:6]
    bodies: list[dict[str, Any]] = [{"seller_ids": [seller]} for seller in sellers]
    bodies += [{"seller_ids": sellers[:3]}, {"seller_ids": ["nobody"]}, {"seller_ids": sellers[:2], "explain": False}]
    alone = [ask(settings, [body])[0] for body in bodies]
    passes = []
    real = micro_batching.predict_rows

    def counted(loaded: Any, numbers: Any, question: Any) -> Any:
        passes.append((len(numbers), question.explain))
        return real(loaded, numbers, question)

    monkeypatch.setattr(micro_batching, "predict_rows", counted)
    assert ask(settings, bodies) == alone
    assert sum(count for count, _ in passes) == len(sellers) + 3 + 2
    assert (2, False) in passes
    assert len(passes) < len(bodies) - 1


def test_what_fails_for_one_does_not_fail_for_the_others(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    sellers = market.last_rows().seller_id.tolist()[:4]
    real = micro_batching.predict_rows

    def broken(loaded: Any, numbers: Any, question: Any) -> Any:
        if loaded.store.find([sellers[1]])[0] in numbers:
            raise RuntimeError("one row's own")
        return real(loaded, numbers, question)

    monkeypatch.setattr(micro_batching, "predict_rows", broken)
    answers = ask(settings, [{"seller_ids": [seller]} for seller in sellers])
    assert [answer.get("status", 200) for answer in answers] == [200, 500, 200, 200]


def test_a_pass_holds_no_more_than_the_loop_can_bear(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    sellers = market.last_rows().seller_id.tolist()[:3]
    monkeypatch.setattr(micro_batching, "AT_ONCE", 4)
    passes, real = [], micro_batching.predict_rows

    def counted(loaded: Any, numbers: Any, question: Any) -> Any:
        passes.append(len(numbers))
        return real(loaded, numbers, question)

    monkeypatch.setattr(micro_batching, "predict_rows", counted)
    assert [len(a["results"]) for a in ask(settings, [{"seller_ids": sellers}] * 5)] == [3] * 5
    assert passes == [3] * 5


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many requests each pass had; none of them is scored, and a moment is long enough to be told from none."""
    found: list[int] = []
    monkeypatch.setattr(micro_batching, "_answer", lambda mine: found.append(len(mine)))
    monkeypatch.setattr(micro_batching, "WAIT_SECONDS", 0.05)
    return found


def come(writing: bool, groups: list[list[int]]) -> None:
    """Requests that come together, groups of them a little apart, and the groups' lists long after each other."""

    async def all_() -> None:
        loaded: Any = object()
        here, tasks = micro_batching.MicroBatcher(lambda: writing), []
        for group in groups:
            for many in group:
                for _ in range(many):
                    asked = here.predict(loaded, np.array([1]), ScoreOptions(28, True))
                    tasks.append(asyncio.create_task(asked))
                await asyncio.sleep(0.002)
            await asyncio.sleep(0.1)
        for task in tasks:
            task.cancel()

    asyncio.run(all_())


def test_while_a_commit_is_under_way_a_pass_waits_a_moment_for_company(passes: list[int]) -> None:
    come(False, [[1, 1, 1]])
    assert passes == [1, 1, 1]
    come(True, [[1, 1, 1], [1] * (micro_batching.ENOUGH_REQUESTS + 1)])
    assert passes[3:] == [3, micro_batching.ENOUGH_REQUESTS, 1]


def test_a_pass_waits_a_moment_where_the_last_one_had_company(passes: list[int]) -> None:
    come(False, [[3, 1, 1], [1], [1, 1]])
    assert passes == [3, 2, 1, 1, 1]
