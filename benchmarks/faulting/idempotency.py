"""Steps of a stateful test: two workers, a few keys and bodies, time that passes, a database that fails at times.

The model is a dictionary: what a key was first answered with, and until when. What is recorded must be what the model
says: one outcome for each key that was answered, whatever was sent, and however often.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

import httpx
import sqlalchemy as sa
import time_machine
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from core.settings import Settings
from serving.audit_log import group_commit
from serving.database.connection import open_database, reading
from serving.database.tables.predictions import OUTCOMES
from tests.support.api_fixture import calling

KEYS = st.sampled_from(["k1", "k2", "k3"])
BODIES = st.sampled_from(["o1", "o2", "o3", "o4"])
WORKERS = st.sampled_from([0, 1])
START = datetime(2026, 6, 1, tzinfo=UTC)
STEPS = 50
RUNNING = settings(
    stateful_step_count=STEPS, deadline=None, database=None, suppress_health_check=list(HealthCheck), print_blob=False
)
T = TypeVar("T")


class Keys(RuleBasedStateMachine):
    """One home, two workers, and what they should have recorded. steps: how many were taken, in all runs."""

    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp(prefix="foresell-keys-"))
        self.kept: dict[str, tuple[str, datetime, bytes]] = {}  # by key: body, expiry, answer
        self.recorded: set[str] = set()
        self.clock = time_machine.travel(START, tick=False)
        self.time = self.clock.start()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.settings = Settings(home=self.home)
        self.workers = [self._do(self.stack.enter_async_context(calling(self.settings))) for _ in range(2)]
        self.engine = open_database(self.settings)

    def _do(self, work: Awaitable[T]) -> T:
        async def awaited() -> T:
            return await work

        return self.runner.run(awaited())

    def _post(self, worker: int, key: str, body: str) -> Awaitable[httpx.Response]:
        given = {"outcome_id": body, "seller_id": "s1", "risk": "returns", "observed_on": "2026-03-29"}
        sent = {"outcomes": [given | {"in_breach": True, "source": "payments"}]}
        return self.workers[worker].post("/v1/outcomes", json=sent, headers={"Idempotency-Key": key})

    def _valid(self, key: str) -> tuple[str, datetime, bytes] | None:
        known = self.kept.get(key)
        return known if known and known[1] > datetime.now(UTC) else None

    def _check(self, key: str, body: str, answer: httpx.Response) -> None:
        """An answer against the model, which then knows it."""
        known = self._valid(key)
        if known is None:
            assert answer.status_code == 200, answer.text
            assert "idempotent-replayed" not in answer.headers
            self.kept[key] = (body, datetime.now(UTC) + timedelta(hours=24), answer.content)
            self.recorded.add(body)
        elif known[0] == body:
            assert (answer.status_code, answer.content) == (200, known[2])
            assert answer.headers["idempotent-replayed"] == "true"
        else:
            assert answer.status_code == 422, answer.text
            assert answer.json()["type"] == "/problems/idempotency-mismatch"

    @rule(worker=WORKERS, key=KEYS, body=BODIES)
    def send(self, worker: int, key: str, body: str) -> None:
        """One request."""
        self._check(key, body, self._do(self._post(worker, key, body)))

    @rule(key=KEYS, body=BODIES, other=BODIES)
    def send_at_once(self, key: str, body: str, other: str) -> None:
        """Both workers get the same key at the same time, perhaps with different bodies."""

        async def both() -> list[httpx.Response]:
            return list(await asyncio.gather(self._post(0, key, body), self._post(1, key, other)))

        known, answers = self._valid(key), self._do(both())
        first_of = sorted(zip([body, other], answers, strict=True), key=lambda pair: _comes_later(pair[1]))
        for mine, answer in first_of:
            self._check(key, mine, answer)
        if known is None and body == other:
            assert sum("idempotent-replayed" in answer.headers for answer in answers) == 1

    @rule(worker=WORKERS, key=KEYS, body=BODIES)
    def send_while_the_database_fails(self, worker: int, key: str, body: str) -> None:
        """A commit that fails keeps nothing: neither the outcome nor the key."""

        def failing(*_: Any) -> Any:
            raise sa.exc.OperationalError("", {}, Exception("disk I/O error"))

        with patch.object(group_commit, "_write", failing):
            answer = self._do(self._post(worker, key, body))
        if self._valid(key):
            self._check(key, body, answer)
        else:
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")

    @rule(hours=st.sampled_from([1, 12, 25]))
    def wait(self, hours: int) -> None:
        """Time passes."""
        self.time.shift(timedelta(hours=hours))

    @invariant()
    def what_is_recorded_is_what_was_answered(self) -> None:
        """No more and no less."""
        Keys.steps += 1
        with reading(self.engine) as con:
            assert set(con.execute(sa.select(OUTCOMES.c.outcome_id)).scalars()) == self.recorded

    def teardown(self) -> None:
        """Let go of everything."""
        self._do(self.stack.aclose())
        self.runner.close()
        self.engine.dispose()
        self.clock.stop()
        shutil.rmtree(self.home, ignore_errors=True)


def _comes_later(answer: httpx.Response) -> tuple[int, bool]:
    """Of two answers to one key, the one that was recorded comes first."""
    return answer.status_code, "idempotent-replayed" in answer.headers


def stepped(steps: int) -> dict[str, float]:
    """At least so many steps; figures of docs/contract.md. An AssertionError shows the shortest sequence that fails."""
    Keys.steps = 0
    with patch("serving.api.logs.answered"):  # a line for each would be thousands
        while Keys.steps < steps:
            chosen = settings(RUNNING, max_examples=max(1, (steps - Keys.steps) // STEPS))
            run_state_machine_as_test(Keys, settings=chosen)
    return {"idempotency_steps": Keys.steps}
