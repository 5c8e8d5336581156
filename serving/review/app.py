"""The review pages as an ASGI application."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from features.errors import ForesellError
from features.settings import Settings
from serving.review import errors, gate
from serving.review.call import Refusal, View
from serving.review.headers import Headers
from serving.review.services import Services
from serving.review.settings import ReviewSettings, check_address
from serving.review.views import VIEWS
from serving.watch import follow

LOGGER = logging.getLogger("foresell")
STATIC = Path(__file__).parent / "static"


def create(settings: Settings, review: ReviewSettings) -> Starlette:
    """The application; what it needs is opened here and let go of when it ends."""
    check_address(review)
    services = Services(settings, review)
    return Starlette(
        routes=[*(_route(view, services) for view in VIEWS), Mount("/static", StaticFiles(directory=STATIC))],
        middleware=[
            Middleware(Headers, secure=review.secure),
            Middleware(TrustedHostMiddleware, allowed_hosts=review.hosts, www_redirect=False),
        ],
        exception_handlers={
            Refusal: partial(_refused, services),
            HTTPException: partial(_unrouted, services),
            ForesellError: partial(_broken, services),
            Exception: partial(_failed, services),
        },
        lifespan=partial(_lifespan, services),
    )


def _route(view: View, services: Services) -> BaseRoute:
    endpoint: Callable[[Request], Awaitable[Response]] = partial(gate.answer, view, services)
    return Route(view.path, endpoint, methods=[view.method])


@asynccontextmanager
async def _lifespan(services: Services, _: Starlette) -> AsyncIterator[None]:
    task = asyncio.create_task(follow(services.look))
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    services.close()


async def _refused(services: Services, request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)  # noqa: S101 - how the handlers are keyed
    return await errors.page(services, request, error)


async def _unrouted(services: Services, request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return await errors.page(services, request, Refusal(status))


async def _broken(services: Services, request: Request, error: Exception) -> Response:
    LOGGER.error("A page could not be made: %s", error)
    return await errors.page(services, request, Refusal(500))


async def _failed(services: Services, request: Request, error: Exception) -> Response:
    LOGGER.error("A page failed", exc_info=error)
    return await errors.page(services, request, Refusal(500))
