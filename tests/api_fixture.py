"""The API in this process: the guard, the routes and the records, without BentoML's processes around them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from features.settings import Settings
from serving.access.door import Door
from serving.freshness import Freshness
from serving.guard import Guard
from serving.running import Running
from serving.scoring import Scoring
from serving.table import ROUTES


@asynccontextmanager
async def calling(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API on a home; what the home has is loaded."""
    scoring = Scoring(settings)
    scoring.following.look()
    door = Door(settings.model_copy(update={"keyless": True}), scoring.commits.engine)
    running = Running(settings, door, scoring, Freshness(settings.stale_seconds))

    async def beneath(scope: Scope, receive: Receive, send: Send) -> None:
        """What BentoML does with its probes."""
        await PlainTextResponse("\n")(scope, receive, send)

    transport = httpx.ASGITransport(Guard(beneath, ROUTES, lambda: running))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client
    await scoring.commits.close()


def outcome(number: int, **changes: Any) -> dict[str, Any]:
    """What another system says."""
    made = {"outcome_id": f"o{number}", "seller_id": "s1", "risk": "returns", "observed_on": "2026-03-29"}
    return made | {"in_breach": True, "source": "payments"} | changes
