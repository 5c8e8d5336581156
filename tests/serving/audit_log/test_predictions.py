"""The prediction log: what was answered is on disk."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence

import pytest
import sqlalchemy as sa

from core.settings import Settings
from serving.audit_log import group_commit
from serving.audit_log.group_commit import GroupCommit, Result, UnitOfWork
from serving.audit_log.predictions import PredictionRecord, layout_digest, prediction_rows, record_layout
from serving.database import connection
from serving.database.connection import open_database, reading, writing
from serving.database.tables.predictions import PREDICTIONS
from serving.problems import ProblemError
from tests.support.paths import ROOT


def prediction(number: int, layout: str) -> PredictionRecord:
    """The prediction of one seller."""
    return PredictionRecord(
        f"d{number}", f"s{number}", "2026-03-01", 28, "1", "sha256:m", layout, b"\0" * 16, "{}", "{}", b"{}"
    )


def stored(engine: sa.Engine) -> list[str]:
    """The decision ids in the log, read by another connection."""
    with reading(engine) as con:
        return sorted(con.execute(sa.select(PREDICTIONS.c.decision_id)).scalars())


Append = Callable[[list[PredictionRecord]], Awaitable[object]]


def appending(engine: sa.Engine, work: Callable[[Append, str], Awaitable[None]]) -> None:
    """Run the work with what appends predictions, and a layout that is known."""
    layout = record_layout(engine, ("a",))

    async def run() -> None:
        group = GroupCommit(engine)
        await work(lambda predictions: group.keep(UnitOfWork(prediction_rows(predictions))), layout)

    asyncio.run(run())


def test_what_was_appended_can_be_read_by_others_at_once(records: sa.Engine) -> None:
    async def work(append: Append, layout: str) -> None:
        await append([prediction(1, layout), prediction(2, layout)])
        assert stored(records) == ["d1", "d2"]

    appending(records, work)


def test_those_that_wait_together_share_a_commit(records: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[int] = []
    write = group_commit._write

    def counted(engine: sa.Engine, units: Sequence[UnitOfWork]) -> list[Result]:
        writes.append(len(units))
        return write(engine, units)

    monkeypatch.setattr(group_commit, "_write", counted)

    async def work(append: Append, layout: str) -> None:
        await asyncio.gather(*(append([prediction(n, layout)]) for n in range(100)))

    appending(records, work)
    assert sum(writes) == 100
    assert len(writes) <= 3
    assert len(stored(records)) == 100


def test_what_cannot_be_written_is_refused_and_what_follows_is_not(records: sa.Engine) -> None:
    async def work(append: Append, layout: str) -> None:
        with pytest.raises(ProblemError) as refused:
            await append([prediction(1, "a layout nobody stored")])
        assert (refused.value.problem.status, refused.value.headers["Retry-After"]) == (503, "1")
        await append([prediction(2, layout)])

    appending(records, work)
    assert stored(records) == ["d2"]


def test_a_lock_held_by_another_is_waited_for_a_while_then_refused(
    records_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "BUSY_SECONDS", 0.2)
    records, other = open_database(records_settings), open_database(records_settings)

    async def work(append: Append, layout: str) -> None:
        with writing(other) as con:
            if con.dialect.name == "postgresql":
                con.exec_driver_sql("lock table predictions in exclusive mode")
            with pytest.raises(ProblemError):
                await append([prediction(1, layout)])
        await append([prediction(2, layout)])

    appending(records, work)
    assert stored(other) == ["d2"]
    records.dispose()
    other.dispose()


def test_the_layout_is_stored_once_and_depends_on_the_order(records: sa.Engine) -> None:
    assert record_layout(records, ("a", "b")) == record_layout(records, ("a", "b")) == layout_digest(["a", "b"])
    assert record_layout(records, ("b", "a")) != layout_digest(["a", "b"])


APPEND_FOR_EVER = """
import asyncio, sys
from core.settings import Settings
from serving.database.connection import open_database
from serving.audit_log.group_commit import GroupCommit, UnitOfWork
from serving.audit_log.predictions import record_layout, prediction_rows
from tests.serving.audit_log.test_predictions import prediction

async def main():
    engine = open_database(Settings(home=sys.argv[1], database=sys.argv[2]))
    commits, layout, n = GroupCommit(engine), record_layout(engine, ("a",)), 0
    while True:
        units = [UnitOfWork(prediction_rows([prediction(n + i, layout)])) for i in range(5)]
        await asyncio.gather(*map(commits.keep, units))
        print(*(f"d{n + i}" for i in range(5)), flush=True)
        n += 5

asyncio.run(main())
"""


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_when_the_process_is_killed(
    records: sa.Engine, records_settings: Settings
) -> None:
    command = [sys.executable, "-c", APPEND_FOR_EVER, str(records_settings.home), records_settings.database]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        acknowledged = [process.stdout.readline() for _ in range(20)]
        process.send_signal(signal.SIGKILL)
        acknowledged += process.stdout.readlines()
    whole = {word for line in acknowledged if line.endswith("\n") for word in line.split()}
    assert len(whole) >= 100
    assert whole <= set(stored(records))
