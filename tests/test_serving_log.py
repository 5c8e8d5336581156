"""The prediction log: what was answered is on disk."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from serving import log
from serving.log import PREDICTIONS, Prediction, PredictionLog, layout_digest
from serving.problems import Refused


def prediction(number: int, layout: str) -> Prediction:
    """The prediction of one seller."""
    return Prediction(
        f"d{number}", f"s{number}", "2026-03-01", 28, "1", "sha256:m", layout, b"\0" * 16, "{}", "{}", b"{}"
    )


def stored(path: Path) -> list[str]:
    """The decision ids in the log, read by another connection."""
    engine = log.open_engine(path)
    with engine.connect() as con:
        ids = list(con.execute(sa.select(PREDICTIONS.c.decision_id)).scalars())
    engine.dispose()
    return sorted(ids)


def test_what_was_appended_can_be_read_by_others_at_once(tmp_path: Path):
    async def append() -> list[str]:
        kept = PredictionLog(tmp_path / "log.sqlite")
        layout = kept.know(("a", "b"))
        await kept.append([prediction(1, layout), prediction(2, layout)])
        found = stored(tmp_path / "log.sqlite")
        kept.close()
        return found

    assert asyncio.run(append()) == ["d1", "d2"]


def test_those_that_wait_together_share_a_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    writes: list[int] = []
    write = PredictionLog._write
    monkeypatch.setattr(PredictionLog, "_write", lambda self, ps: (writes.append(len(ps)), write(self, ps))[1])

    async def append() -> None:
        kept = PredictionLog(tmp_path / "log.sqlite")
        layout = kept.know(("a",))
        await asyncio.gather(*(kept.append([prediction(n, layout)]) for n in range(100)))
        kept.close()

    asyncio.run(append())
    assert sum(writes) == 100
    assert len(writes) <= 3
    assert len(stored(tmp_path / "log.sqlite")) == 100


def test_what_cannot_be_written_is_refused_and_what_follows_is_not(tmp_path: Path):
    async def append() -> None:
        kept = PredictionLog(tmp_path / "log.sqlite")
        layout = kept.know(("a",))
        with pytest.raises(Refused) as refused:
            await kept.append([prediction(1, "a layout nobody stored")])
        assert (refused.value.problem.status, refused.value.headers["Retry-After"]) == (503, "1")
        await kept.append([prediction(2, layout)])
        kept.close()

    asyncio.run(append())
    assert stored(tmp_path / "log.sqlite") == ["d2"]


def test_a_lock_held_by_another_is_waited_for_a_while_then_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(log, "BUSY_SECONDS", 0.2)

    async def append() -> None:
        kept = PredictionLog(tmp_path / "log.sqlite")
        layout = kept.know(("a",))
        other = log.open_engine(tmp_path / "log.sqlite")
        with other.begin(), pytest.raises(Refused):
            await kept.append([prediction(1, layout)])
        await kept.append([prediction(2, layout)])
        kept.close()
        other.dispose()

    asyncio.run(append())
    assert stored(tmp_path / "log.sqlite") == ["d2"]


def test_the_layout_is_stored_once_and_depends_on_the_order(tmp_path: Path):
    kept = PredictionLog(tmp_path / "log.sqlite")
    assert kept.know(("a", "b")) == kept.know(("a", "b")) == layout_digest(["a", "b"]) != kept.know(("b", "a"))
    kept.close()


APPEND_FOR_EVER = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, "tests")
from serving.log import PredictionLog
from test_serving_log import prediction

async def main():
    kept = PredictionLog(Path(sys.argv[1]))
    layout, n = kept.know(("a",)), 0
    while True:
        await asyncio.gather(*(kept.append([prediction(n + i, layout)]) for i in range(5)))
        print(*(f"d{n + i}" for i in range(5)), flush=True)
        n += 5

asyncio.run(main())
"""


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_when_the_process_is_killed(tmp_path: Path):
    root = Path(__file__).parents[1]
    command = [sys.executable, "-c", APPEND_FOR_EVER, str(tmp_path / "log.sqlite")]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        acknowledged = [process.stdout.readline() for _ in range(20)]
        process.send_signal(signal.SIGKILL)
        acknowledged += process.stdout.readlines()
    whole = {word for line in acknowledged if line.endswith("\n") for word in line.split()}
    assert len(whole) >= 100
    assert whole <= set(stored(tmp_path / "log.sqlite"))


@pytest.mark.slow
def test_several_processes_make_a_fresh_log_together(tmp_path: Path):
    code = "import sys; from pathlib import Path; from serving.log import open_engine; open_engine(Path(sys.argv[1]))"
    command = [sys.executable, "-c", code, str(tmp_path / "log.sqlite")]
    processes = [subprocess.Popen(command, cwd=Path(__file__).parents[1], stderr=subprocess.PIPE) for _ in range(4)]
    assert [p.communicate()[1] for p in processes] == [b""] * 4
    assert stored(tmp_path / "log.sqlite") == []
