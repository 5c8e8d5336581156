"""/v1/outcomes: validated, recorded once, listed a page at a time; and Idempotency-Key on what records something."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
import time_machine

from core.settings import Settings
from serving.api import auth
from serving.api.auth import Caller
from serving.audit_log.erasure import erase_seller
from serving.audit_log.verify import verify
from serving.database.api_keys import ROLES
from serving.database.connection import open_database, reading
from serving.database.tables.predictions import OUTCOMES
from tests.support.api_fixture import calling, outcome
from tests.support.records_fixture import fill

PATH = "/v1/outcomes"


def asked(settings: Settings, work: Callable[[httpx.AsyncClient], Awaitable[None]]) -> None:
    """Run the work with a client of the API."""

    async def run() -> None:
        async with calling(settings) as api:
            await work(api)

    asyncio.run(run())


async def keep(api: httpx.AsyncClient, *outcomes: dict[str, Any], key: str | None = None) -> httpx.Response:
    """Post outcomes."""
    return await api.post(PATH, json={"outcomes": outcomes}, headers={"Idempotency-Key": key} if key else {})


def stored(settings: Settings) -> list[str]:
    """The outcome ids in the database."""
    engine = open_database(settings)
    with reading(engine) as con:
        found = list(con.execute(sa.select(OUTCOMES.c.outcome_id).order_by(OUTCOMES.c.outcome_id)).scalars())
    assert verify(engine).faults == ()
    engine.dispose()
    return found


def test_outcomes_are_recorded_once_and_listed(records_settings: Settings) -> None:
    async def work(api: httpx.AsyncClient) -> None:
        for _ in range(2):
            answer = await keep(api, outcome(1), outcome(2, seller_id="s2", in_breach=False))
            assert (answer.status_code, answer.json()) == (200, {"recorded": 2})
        answer = await keep(api, outcome(2, seller_id="s2", in_breach=False), outcome(3))
        assert answer.json() == {"recorded": 2}
        listed = (await api.get(PATH)).json()
        assert [o["outcome_id"] for o in listed["outcomes"]] == ["o1", "o2", "o3"]
        assert listed["next_after"] is None
        assert {n: listed["outcomes"][1][n] for n in outcome(2)} == outcome(2, seller_id="s2", in_breach=False)
        only = (await api.get(PATH, params={"seller_id": "s2"})).json()["outcomes"]
        assert [o["outcome_id"] for o in only] == ["o2"]

    asked(records_settings, work)
    assert stored(records_settings) == ["o1", "o2", "o3"]


def test_outcomes_come_a_page_at_a_time(records_settings: Settings) -> None:
    async def work(api: httpx.AsyncClient) -> None:
        await keep(api, *(outcome(n) for n in range(10, 30)))
        found: list[str] = []
        after: str | None = ""
        while after is not None:
            page = (await api.get(PATH, params={"limit": 7} | ({"after": after} if after else {}))).json()
            found, after = found + [o["outcome_id"] for o in page["outcomes"]], page["next_after"]
        assert found == [f"o{n}" for n in range(10, 30)]
        assert (await api.get(PATH, params={"after": "nobody"})).status_code == 422

    asked(records_settings, work)


def test_an_outcome_known_with_other_contents_is_a_conflict_and_nothing_is_kept(records_settings: Settings) -> None:
    async def work(api: httpx.AsyncClient) -> None:
        await keep(api, outcome(1))
        for changed in ({"in_breach": False}, {"seller_id": "s2"}, {"observed_on": "2026-03-28"}, {"risk": "service"}):
            answer = await keep(api, outcome(2), outcome(1, **changed))
            assert (answer.status_code, answer.json()["type"]) == (409, "/problems/outcome-conflict")

    asked(records_settings, work)
    assert stored(records_settings) == ["o1"]


def test_an_outcome_belongs_to_a_decision_of_its_seller(records_settings: Settings) -> None:
    engine = open_database(records_settings)
    fill(engine, 4)

    async def work(api: httpx.AsyncClient) -> None:
        for named, pointer in (("nothing", "decision_id"), ("d2", "seller_id")):
            answer = await keep(api, outcome(11, decision_id=named, seller_id="seller-1"))
            assert answer.status_code == 422
            assert answer.json()["errors"][0]["pointer"] == f"/outcomes/0/{pointer}"
        good = await keep(api, outcome(11, decision_id="d1", seller_id="seller-1"))
        assert good.status_code == 200
        erase_seller(engine, "seller-1", "asked for")
        answer = await keep(api, outcome(11, decision_id="d1", seller_id="seller-1"))
        assert (answer.status_code, answer.json()["type"]) == (410, "/problems/erased")
        listed = (await api.get(PATH, params={"decision_id": "d1"})).json()["outcomes"]
        assert [(o["outcome_id"], o["seller_id"], o["in_breach"]) for o in listed] == [("o11", None, None)]

    asked(records_settings, work)
    engine.dispose()


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"outcome_id": "../x"}, "/outcomes/0/outcome_id"),
        ({"seller_id": "a\0b"}, "/outcomes/0/seller_id"),
        ({"risk": "weather"}, "/outcomes/0/risk"),
        ({"observed_on": "2999-01-01"}, "/outcomes/0"),
        ({"observed_on": "yesterday"}, "/outcomes/0/observed_on"),
        ({"in_breach": 1}, "/outcomes/0/in_breach"),
        ({"source": "\u202e"}, "/outcomes/0/source"),
        ({"more": 1}, "/outcomes/0/more"),
    ],
)
def test_an_outcome_that_breaks_a_rule_is_told_where(tmp_path: Path, changes: dict[str, Any], pointer: str) -> None:
    async def work(api: httpx.AsyncClient) -> None:
        answer = await keep(api, outcome(1, **changes))
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
        assert (await keep(api, outcome(1), outcome(1))).status_code == 422

    asked(Settings(home=tmp_path), work)


def test_the_same_key_and_body_give_the_same_bytes_and_another_body_a_problem(records_settings: Settings) -> None:
    async def work(api: httpx.AsyncClient) -> None:
        first = await keep(api, outcome(1), key="k-1")
        again = await keep(api, outcome(1), key="k-1")
        assert (again.status_code, again.content) == (200, first.content)
        assert [r.headers.get("Idempotent-Replayed") for r in (first, again)] == [None, "true"]
        other = await keep(api, outcome(2), key="k-1")
        assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-mismatch")
        assert (await keep(api, outcome(2), key="k-2")).status_code == 200

    asked(records_settings, work)
    assert stored(records_settings) == ["o1", "o2"]


def test_a_refused_request_leaves_its_key_free(records_settings: Settings) -> None:
    async def work(api: httpx.AsyncClient) -> None:
        await keep(api, outcome(1), key="first")
        assert (await keep(api, outcome(1, in_breach=False), key="k")).status_code == 409
        assert (await keep(api, outcome(2), key="k")).status_code == 200

    asked(records_settings, work)


def test_of_requests_with_one_key_at_once_one_is_recorded(records_settings: Settings) -> None:
    async def work(api: httpx.AsyncClient) -> None:
        async with calling(records_settings) as another_worker:
            workers = [api, another_worker] * 5
            answers = await asyncio.gather(*(keep(w, outcome(n), key="k") for n, w in enumerate(workers)))
            same = await asyncio.gather(*(keep(w, outcome(77), key="same") for w in workers))
        assert sorted(a.status_code for a in answers) == [200] + [422] * 9
        assert {a.content for a in same} == {b'{"recorded":1}'}
        assert sum("Idempotent-Replayed" not in a.headers for a in same) == 1

    asked(records_settings, work)
    assert len(stored(records_settings)) == 2


def test_a_key_is_its_caller_s_own(records_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    names = iter(["one", "other", "one", "other"])
    monkeypatch.setattr(auth, "_neighbour", lambda _: Caller(next(names), frozenset(ROLES)))

    async def work(api: httpx.AsyncClient) -> None:
        answers = [await keep(api, outcome(n), key="k") for n in (1, 2, 1, 2)]
        assert [a.status_code for a in answers] == [200] * 4
        assert ["Idempotent-Replayed" in a.headers for a in answers] == [False, False, True, True]

    asked(records_settings, work)
    assert stored(records_settings) == ["o1", "o2"]


def test_a_key_is_forgotten_after_its_time(records_settings: Settings) -> None:
    async def work(api: httpx.AsyncClient) -> None:
        with time_machine.travel("2026-06-01T00:00:00Z", tick=False):
            await keep(api, outcome(1), key="k")
        with time_machine.travel("2026-06-01T23:59:00Z", tick=False):
            assert (await keep(api, outcome(2), key="k")).status_code == 422
        with time_machine.travel("2026-06-02T00:00:01Z", tick=False):
            assert (await keep(api, outcome(2), key="k")).status_code == 200

    asked(records_settings, work)


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "caf\u00e9"])
def test_a_key_is_visible_ascii(tmp_path: Path, key: str) -> None:
    async def work(api: httpx.AsyncClient) -> None:
        answer = await api.post(PATH, json={"outcomes": [outcome(1)]}, headers={b"Idempotency-Key": key.encode()})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/Idempotency-Key")

    asked(Settings(home=tmp_path), work)
