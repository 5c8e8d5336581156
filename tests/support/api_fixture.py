"""The API in this process: the guard, the routes and the records, without BentoML's processes around them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from core.settings import Settings
from serving.api.auth import Authenticator
from serving.api.middleware import ApiMiddleware
from serving.api.routes import ROUTES
from serving.api.routing import AppState
from serving.deployment.background import RegistryFreshness
from serving.scoring.service import ScoringService


@asynccontextmanager
async def calling(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API on a home; what the home has is loaded."""
    scoring = ScoringService(settings)
    scoring.watcher.look()
    authenticator = Authenticator(settings.model_copy(update={"keyless": True}), scoring.commits.engine)
    state = AppState(settings, authenticator, scoring, RegistryFreshness(settings.stale_seconds))

    async def beneath(scope: Scope, receive: Receive, send: Send) -> None:
        """What BentoML does with its probes."""
        await PlainTextResponse("\n")(scope, receive, send)

    transport = httpx.ASGITransport(ApiMiddleware(beneath, ROUTES, lambda: state))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client
    await scoring.commits.close()


def outcome(number: int, **changes: Any) -> dict[str, Any]:
    """What another system says."""
    made = {"outcome_id": f"o{number}", "seller_id": "s1", "risk": "returns", "observed_on": "2026-03-29"}
    return made | {"in_breach": True, "source": "payments"} | changes
