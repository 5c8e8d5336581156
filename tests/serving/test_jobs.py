"""/v1/jobs: queued durably, worked on by a process that may be killed, answered as a Parquet file."""

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
import sqlalchemy as sa
import time_machine

from core.settings import Settings
from models.batch.score_columns import batch
from serving.api.schema.records import JobAnswer
from serving.database.connection import open_database, reading, writing
from serving.deployment import job_files, job_queue, job_worker
from tests.support import serving_market as market
from tests.support.api_fixture import calling
from tests.support.paths import ROOT
from tests.support.serving_fixture import free_settings, running


def asked(settings: Settings, work: Callable[[httpx.AsyncClient], Awaitable[None]]) -> None:
    """Run the work with a client of the API."""

    async def run() -> None:
        async with calling(settings) as api:
            await work(api)

    asyncio.run(run())


async def submit(api: httpx.AsyncClient, **request: Any) -> str:
    """The id of a new job."""
    answer = await api.post("/v1/jobs", json=request)
    assert (answer.status_code, answer.json()["state"]) == (200, "queued"), answer.text
    return str(answer.json()["job_id"])


async def show(api: httpx.AsyncClient, job_id: str) -> dict[str, Any]:
    """How far it is."""
    answer = await api.get(f"/v1/jobs/{job_id}")
    JobAnswer.model_validate_json(answer.content, extra="forbid")
    found: dict[str, Any] = answer.json()
    return found


def test_a_job_waits_until_somebody_works_on_it_and_no_more_wait_than_may(records_settings: Settings) -> None:
    async def work(api: httpx.AsyncClient) -> None:
        first = await submit(api)
        waits = await show(api, first)
        assert (waits["state"], waits["scored"], waits["sellers"]) == ("queued", 0, None)
        early = await api.get(f"/v1/jobs/{first}/result")
        assert (early.status_code, early.json()["type"], early.headers["retry-after"]) == (
            409,
            "/problems/job-open",
            "30",
        )
        for _ in range(job_queue.MOST_OPEN - 1):
            await submit(api)
        full = await api.post("/v1/jobs", json={})
        assert (full.status_code, full.json()["type"]) == (429, "/problems/too-many-jobs")
        assert full.headers["retry-after"] == "30"
        for path in ("/v1/jobs/nobody", "/v1/jobs/nobody/result"):
            assert (await api.get(path)).json()["type"] == "/problems/unknown-job"
        assert (await api.post("/v1/jobs", json={"seller_ids": []})).status_code == 422

    asked(records_settings, work)


def test_the_same_key_submits_one_job(records_settings: Settings) -> None:
    async def work(api: httpx.AsyncClient) -> None:
        keyed = [await api.post("/v1/jobs", json={}, headers={"Idempotency-Key": "k"}) for _ in range(2)]
        assert keyed[0].content == keyed[1].content

    asked(records_settings, work)
    engine = open_database(records_settings)
    with reading(engine) as con:
        assert con.scalar(sa.text("select count(*) from jobs")) == 1
    engine.dispose()


def test_a_job_that_was_interrupted_comes_first_and_fails_where_it_never_gets_further(records: sa.Engine) -> None:
    with writing(records) as con:
        for name in ("a", "b"):
            job_queue.submit(con, name, "", "r", "{}")
    for _ in range(2):
        assert taken(records) == "a"
    job_queue.advance(records, "a", 10)
    for _ in range(job_queue.ATTEMPTS - 1):
        assert taken(records) == "a"
    assert taken(records) == "b"
    with reading(records) as con:
        failed = job_queue.find(con, "a")
    assert (failed.state, failed.scored, failed.request) == ("failed", 10, None)
    assert "3 times" in str(failed.problem)


def taken(engine: sa.Engine) -> str | None:
    """The job that is taken up next."""
    job = job_queue.take(engine)
    return job.job_id if job else None


def test_without_a_model_a_job_fails_with_the_reason(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)

    async def work(api: httpx.AsyncClient) -> None:
        job_id = await submit(api)
        await asyncio.to_thread(worked, settings)
        assert "needs a model and a store" in (await show(api, job_id))["problem"]
        answer = await api.get(f"/v1/jobs/{job_id}/result")
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/job-failed")

    asked(settings, work)


def worked(settings: Settings) -> None:
    """Everything that waits, worked on in this process."""
    engine = open_database(settings)
    job_worker.work(settings, engine)
    engine.dispose()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a champion and a store."""
    place = tmp_path_factory.mktemp("home")
    market.make_home(place)
    return place


@pytest.mark.slow
def test_the_result_is_what_the_batch_says(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_worker, "AT_ONCE", 13)

    async def work(api: httpx.AsyncClient) -> None:
        named = await submit(api, seller_ids=["s4", "nobody", "s1"], horizon_days=14)
        everyone = await submit(api)
        await asyncio.to_thread(worked, Settings(home=home))
        rows = market.last_rows()
        active = rows.take(rows.block["active"] > 0)
        for job_id, table, horizon in ((named, rows, 14), (everyone, active, 28)):
            job, answer = await show(api, job_id), await api.get(f"/v1/jobs/{job_id}/result")
            assert (job["state"], job["scored"]) == ("done", job["sellers"])
            assert job["digest"] == f"sha256:{sha256(answer.content).hexdigest()}"
            assert answer.headers["content-type"] == "application/octet-stream"
            found = pd.read_parquet(io.BytesIO(answer.content)).set_index(["risk", "seller_id"])
            expected = batch(market.bundle(), table, horizon).to_pandas().set_index(["risk", "seller_id"])
            chosen = expected.loc[found.index] if job_id == named else expected
            same = ["probability", "base", "contribution_1", "text_1", "band"]
            pd.testing.assert_frame_equal(found[same].sort_index(), chosen[same].sort_index())
        assert (await show(api, named))["sellers"] == 2

    asked(Settings(home=home), work)


@pytest.mark.slow
def test_results_go_after_their_time_and_with_an_erased_seller(home: Path) -> None:
    settings = Settings(home=home)

    async def work(api: httpx.AsyncClient) -> None:
        with_s4, without = await submit(api, seller_ids=["s4"]), await submit(api, seller_ids=["s5"])
        await asyncio.to_thread(worked, settings)
        engine = open_database(settings)
        assert job_files.forget_seller(settings, engine, "s4") >= 1
        gone = await api.get(f"/v1/jobs/{with_s4}/result")
        assert (gone.status_code, gone.json()["type"]) == (410, "/problems/job-expired")
        assert (await api.get(f"/v1/jobs/{without}/result")).status_code == 200
        with time_machine.travel("2099-01-01", tick=False):
            job_files.forget_old(settings, engine)
        assert (await show(api, without))["state"] == "expired"
        assert not list((home / "serving" / "jobs").glob("*.parquet"))
        engine.dispose()

    asked(settings, work)


SLOWLY = """
import os, sys, time
from serving.deployment import job_worker
from serving.deployment import job_queue
advance = job_queue.advance
def slow(engine, job_id, scored):
    advance(engine, job_id, scored)
    print(scored, flush=True)
    time.sleep(0.5)
job_queue.advance, job_worker.AT_ONCE = slow, 5
sys.exit(job_worker.main())
"""


@pytest.mark.slow
def test_a_job_whose_process_is_killed_goes_on_where_it_was(home: Path) -> None:
    settings = Settings(home=home)
    engine = open_database(settings)
    request = json.dumps({"seller_ids": None, "horizon_days": 28})
    with writing(engine) as con:
        job_queue.submit(con, "killed", "", "r", request)
    command, env = [sys.executable, "-c", SLOWLY], {**os.environ, "FORESELL_HOME": str(home)}
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE) as process:
        assert process.stdout
        steps = [process.stdout.readline() for _ in range(3)]
        process.send_signal(signal.SIGKILL)
    assert all(steps)
    parts = sorted((home / "serving" / "jobs" / ".killed.parquet.parts").iterdir())
    assert len(parts) >= 3
    subprocess.run([*command[:2], SLOWLY.replace("0.5", "0")], cwd=ROOT, env=env, check=True, capture_output=True)
    with reading(engine) as con:
        job = job_queue.find(con, "killed")
    assert (job.state, job.scored) == ("done", job.sellers)
    written = pd.read_parquet(job_files.result(home, "killed"))
    rows = market.last_rows()
    assert sorted(set(written.seller_id)) == sorted(rows.take(rows.block["active"] > 0).seller_id)
    engine.dispose()


@pytest.mark.slow
def test_the_running_service_works_on_jobs(home: Path) -> None:
    with running(free_settings(home)) as api:
        job_id = api.post("/v1/jobs", json={}).json()["job_id"]
        end = time.monotonic() + 120
        while api.get(f"/v1/jobs/{job_id}").json()["state"] != "done" and time.monotonic() < end:
            assert api.post("/v1/score", json={"seller_ids": ["s1"]}).status_code == 200
            time.sleep(0.2)
        answer = api.get(f"/v1/jobs/{job_id}/result")
        assert answer.status_code == 200
        assert len(pd.read_parquet(io.BytesIO(answer.content))) > 60
        part = api.get(f"/v1/jobs/{job_id}/result", headers={"Range": "bytes=0-3"})
        assert (part.status_code, part.content) == (206, b"PAR1")
