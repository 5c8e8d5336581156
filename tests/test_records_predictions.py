"""The prediction log: what was answered is on disk."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from features.settings import Settings
from serving.problems import Refused
from serving.records import commits, database
from serving.records.commits import Commits, Unit
from serving.records.database import open_database, reading, writing
from serving.records.predictions import Prediction, know, layout_digest, rows
from serving.records.tables.predictions import PREDICTIONS

ROOT = Path(__file__).parents[1]


def prediction(number: int, layout: str) -> Prediction:
    """The prediction of one seller."""
    return Prediction(
        f"d{number}", f"s{number}", "2026-03-01", 28, "1", "sha256:m", layout, b"\0" * 16, "{}", "{}", b"{}"
    )


def stored(engine: sa.Engine) -> list[str]:
    """The decision ids in the log, read by another connection."""
    with reading(engine) as con:
        return sorted(con.execute(sa.select(PREDICTIONS.c.decision_id)).scalars())


Append = Callable[[list[Prediction]], Awaitable[object]]


def appending(engine: sa.Engine, work: Callable[[Append, str], Awaitable[None]]) -> None:
    """Run the work with what appends predictions, and a layout that is known."""
    layout = know(engine, ("a",))

    async def run() -> None:
        group = Commits(engine)
        await work(lambda predictions: group.keep(Unit(rows(predictions))), layout)

    asyncio.run(run())


def test_what_was_appended_can_be_read_by_others_at_once(records: sa.Engine):
    async def work(append: Append, layout: str) -> None:
        await append([prediction(1, layout), prediction(2, layout)])
        assert stored(records) == ["d1", "d2"]

    appending(records, work)


def test_those_that_wait_together_share_a_commit(records: sa.Engine, monkeypatch: pytest.MonkeyPatch):
    writes: list[int] = []
    write = commits._write
    monkeypatch.setattr(commits, "_write", lambda engine, units: (writes.append(len(units)), write(engine, units))[1])

    async def work(append: Append, layout: str) -> None:
        await asyncio.gather(*(append([prediction(n, layout)]) for n in range(100)))

    appending(records, work)
    assert sum(writes) == 100
    assert len(writes) <= 3
    assert len(stored(records)) == 100


def test_what_cannot_be_written_is_refused_and_what_follows_is_not(records: sa.Engine):
    async def work(append: Append, layout: str) -> None:
        with pytest.raises(Refused) as refused:
            await append([prediction(1, "a layout nobody stored")])
        assert (refused.value.problem.status, refused.value.headers["Retry-After"]) == (503, "1")
        await append([prediction(2, layout)])

    appending(records, work)
    assert stored(records) == ["d2"]


def test_a_lock_held_by_another_is_waited_for_a_while_then_refused(
    records_settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.2)
    records, other = open_database(records_settings), open_database(records_settings)

    async def work(append: Append, layout: str) -> None:
        with writing(other) as con:
            if con.dialect.name == "postgresql":
                con.exec_driver_sql("lock table predictions in exclusive mode")
            with pytest.raises(Refused):
                await append([prediction(1, layout)])
        await append([prediction(2, layout)])

    appending(records, work)
    assert stored(other) == ["d2"]
    records.dispose()
    other.dispose()


def test_the_layout_is_stored_once_and_depends_on_the_order(records: sa.Engine):
    assert know(records, ("a", "b")) == know(records, ("a", "b")) == layout_digest(["a", "b"])
    assert know(records, ("b", "a")) != layout_digest(["a", "b"])


APPEND_FOR_EVER = """
import asyncio, sys
sys.path.insert(0, "tests")
from features.settings import Settings
from serving.records.database import open_database
from serving.records.commits import Commits, Unit
from serving.records.predictions import know, rows
from test_records_predictions import prediction

async def main():
    engine = open_database(Settings(home=sys.argv[1], database=sys.argv[2]))
    commits, layout, n = Commits(engine), know(engine, ("a",)), 0
    while True:
        await asyncio.gather(*(commits.keep(Unit(rows([prediction(n + i, layout)]))) for i in range(5)))
        print(*(f"d{n + i}" for i in range(5)), flush=True)
        n += 5

asyncio.run(main())
"""


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_when_the_process_is_killed(records: sa.Engine, records_settings: Settings):
    command = [sys.executable, "-c", APPEND_FOR_EVER, str(records_settings.home), records_settings.database]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        acknowledged = [process.stdout.readline() for _ in range(20)]
        process.send_signal(signal.SIGKILL)
        acknowledged += process.stdout.readlines()
    whole = {word for line in acknowledged if line.endswith("\n") for word in line.split()}
    assert len(whole) >= 100
    assert whole <= set(stored(records))
