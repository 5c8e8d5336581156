"""The database fails: the disk is full, a commit is slow, the server goes away. What was acknowledged is there."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core.settings import Settings
from serving.audit_log import group_commit
from serving.audit_log.group_commit import GroupCommit, UnitOfWork
from serving.audit_log.predictions import prediction_rows, record_layout
from serving.audit_log.verify import verify
from serving.database.connection import open_database, reading
from serving.database.tables.predictions import PREDICTIONS
from serving.problems import ProblemError
from tests.support.paths import ROOT
from tests.support.records_fixture import prediction

# A limit on the size of files stands for a full disk: SQLite cannot write on, and says so.
FILL_UP = """
import asyncio, resource, signal, sys
from core.settings import Settings
from tests.support.records_fixture import prediction
from serving.problems import ProblemError
from serving.audit_log.group_commit import GroupCommit, UnitOfWork
from serving.database.connection import open_database
from serving.audit_log.predictions import record_layout, prediction_rows

async def keep(commits, layout, n):
    await commits.keep(UnitOfWork(prediction_rows([prediction(n, layout, answer=bytes(5000))])))
    print(f"d{n}", flush=True)

async def main():
    engine = open_database(Settings(home=sys.argv[1]))
    commits, layout = GroupCommit(engine), record_layout(engine, ("a",))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    refused, n = None, 0
    while refused is None and n < 1000:
        try:
            await keep(commits, layout, n)
            n += 1
        except ProblemError as error:
            refused = error
    print("refused", refused.problem.status, refused.headers["Retry-After"], flush=True)
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    for more in range(n + 1, n + 6):
        await keep(commits, layout, more)

asyncio.run(main())
"""


@pytest.mark.slow
def test_a_full_disk_refuses_what_it_cannot_keep_and_tears_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FILL_UP, str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    said = ended.stdout.split("\n")
    assert "refused 503 1" in said
    acked = [line for line in said if line.startswith("d")]
    assert len(acked) > 10, "some before the disk was full, five after there was room"
    engine = open_database(Settings(home=tmp_path))
    assert stored(engine) == set(acked)
    assert verify(engine).faults == ()
    with reading(engine) as con:
        assert con.exec_driver_sql("pragma integrity_check").scalar() == "ok"
    engine.dispose()


def stored(engine: sa.Engine) -> set[str]:
    """The decision ids in the records."""
    with reading(engine) as con:
        return set(con.execute(sa.select(PREDICTIONS.c.decision_id)).scalars())


def test_while_a_commit_is_slow_those_that_come_wait_for_one_more(
    records: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout, write, sizes = record_layout(records, ("a",)), group_commit._write, list[int]()

    def slow(engine: sa.Engine, units: Any) -> Any:
        sizes.append(len(units))
        time.sleep(0.05)
        return write(engine, units)

    monkeypatch.setattr(group_commit, "_write", slow)

    async def work() -> None:
        group = GroupCommit(records)
        first = asyncio.create_task(group.keep(UnitOfWork(prediction_rows([prediction(0, layout)]))))
        await asyncio.sleep(0.01)
        await asyncio.gather(
            first, *(group.keep(UnitOfWork(prediction_rows([prediction(n, layout)]))) for n in range(1, 60))
        )

    asyncio.run(work())
    assert sizes == [1, 59]


def test_one_unit_s_own_fault_is_not_the_others(records: sa.Engine) -> None:
    layout = record_layout(records, ("a",))

    async def work() -> list[Any]:
        group = GroupCommit(records)
        units = [UnitOfWork(prediction_rows([prediction(n, layout)])) for n in range(5)]
        units[2] = UnitOfWork(prediction_rows([prediction(0, layout, decision_id="d0")]))
        return await asyncio.gather(*map(group.keep, units), return_exceptions=True)

    found = asyncio.run(work())
    assert [type(result) for result in found] == [type(None), type(None), ProblemError, type(None), type(None)]
    assert stored(records) == {"d0", "d1", "d3", "d4"}
    assert verify(records).faults == ()


@pytest.mark.slow
@pytest.mark.parametrize("records_settings", ["postgresql"], indirect=True)
def test_a_server_that_went_away_is_asked_again(records_settings: Settings) -> None:
    engine, other = open_database(records_settings), open_database(records_settings)
    layout = record_layout(engine, ("a",))

    async def work() -> None:
        group = GroupCommit(engine)
        await group.keep(UnitOfWork(prediction_rows([prediction(0, layout)])))
        with other.connect().execution_options(isolation_level="AUTOCOMMIT") as con:
            con.exec_driver_sql(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where datname = current_database() and pid <> pg_backend_pid()"
            )
        await group.keep(UnitOfWork(prediction_rows([prediction(1, layout)])))

    asyncio.run(work())
    assert stored(other) == {"d0", "d1"}
    engine.dispose()
    other.dispose()
