"""A writer killed at any moment of a write: the journal recovers, and the records verify.

This covers the death of the process. A power cut is covered by the setting, synchronous=FULL (each commit waits for the
disk), as far as the disk keeps its word; it cannot be shown from inside a running machine.
"""

import os
import random
import signal
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import sqlalchemy as sa

from core.settings import Settings
from serving.audit_log.chain import record
from serving.audit_log.verify import verify
from serving.database.clock import now
from serving.database.connection import open_database, reading, writing
from serving.database.tables.predictions import OUTCOMES


def crashed(home: Path, times: int) -> dict[str, float]:
    """A process that writes without a pause is killed so many times; figures of faults.md."""
    rng, settings, damaged, lost = random.Random(3), Settings(home=home), 0, 0
    open_database(settings).dispose()
    for _ in range(times):
        acked = _write_until_killed(settings, rng.uniform(0.0, 0.05))
        damaged += not _whole(home / "serving" / "records.sqlite")
        lost += _lost(settings, acked)
    engine = open_database(settings)
    damaged += len(verify(engine).faults)
    engine.dispose()
    return {"write_crashes": times, "write_crashes_damaged": damaged, "write_crashes_lost": lost}


def _write_until_killed(settings: Settings, seconds: float) -> list[str]:
    """Fork a writer that tells of each record once it is durable, kill it so long after the first; what it told."""
    heard, told = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            _write_for_ever(settings, told)
        finally:
            os._exit(1)
    os.close(told)
    first = os.read(heard, 37)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(heard, "rb") as rest:
        lines = (first + rest.read()).split(b"\n")
    return [line.decode() for line in lines[:-1]]


def _write_for_ever(settings: Settings, told: int) -> None:
    """Records of many sizes, so that a kill meets commits, checkpoints and a growing file."""
    engine, size = open_database(settings), random.Random(os.getpid())
    while True:
        key = str(uuid4())
        row = {"outcome_id": key, "recorded_at": now(), "source": "x" * size.randrange(1, 8_000), "risk": "returns"}
        with writing(engine) as con:
            record(con, OUTCOMES, [row | {"observed_on": "2026-01-01", "seller_id": "s", "in_breach": 0}])
        os.write(told, key.encode() + b"\n")


def _whole(file: Path) -> bool:
    with closing(sqlite3.connect(file)) as con:
        return bool(con.execute("pragma integrity_check").fetchone() == ("ok",))


def _lost(settings: Settings, acked: list[str]) -> int:
    engine = open_database(settings)
    with reading(engine) as con:
        found = con.scalar(sa.select(sa.func.count()).where(OUTCOMES.c.outcome_id.in_(acked[-500:])))
    engine.dispose()
    return len(acked[-500:]) - int(found or 0)


if __name__ == "__main__":
    print(crashed(Path(sys.argv[1]), int(sys.argv[2])))
