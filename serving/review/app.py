"""The review pages as an ASGI application, and every route with who may ask it."""

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

from core.errors import ForesellError
from core.settings import Settings
from serving.casework.cases.case import MANAGER, REVIEWER, ROLES, SELLER, STAFF
from serving.deployment.background import follow
from serving.review import letters
from serving.review.manager import figures_page, figures_tables
from serving.review.own import objection_form
from serving.review.own import page as own
from serving.review.pages import error_page, login_page
from serving.review.queue import actions, appeals, queue_page, second_opinions
from serving.review.seller import orders
from serving.review.seller import page as seller
from serving.review.web import gate
from serving.review.web.headers import SecurityHeaders
from serving.review.web.page_request import PageRoute, Refusal
from serving.review.web.services import Services
from serving.review.web.settings import ReviewSettings, check_address

LOGGER = logging.getLogger("foresell")
STATIC = Path(__file__).parent / "static"


def create(settings: Settings, review: ReviewSettings) -> Starlette:
    """The application. It opens what it needs, and closes it when it ends."""
    check_address(review)
    services = Services(settings, review)
    return Starlette(
        routes=[*(_route(view, services) for view in ROUTES), Mount("/static", StaticFiles(directory=STATIC))],
        middleware=[
            Middleware(SecurityHeaders, secure=review.secure),
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


def _route(view: PageRoute, services: Services) -> BaseRoute:
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
    return await error_page.error_page(services, request, error)


async def _unrouted(services: Services, request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return await error_page.error_page(services, request, Refusal(status))


async def _broken(services: Services, request: Request, error: Exception) -> Response:
    LOGGER.error("A page could not be made: %s", error)
    return await error_page.error_page(services, request, Refusal(500))


async def _failed(services: Services, request: Request, error: Exception) -> Response:
    LOGGER.error("A page failed", exc_info=error)
    return await error_page.error_page(services, request, Refusal(500))


ROUTES: tuple[PageRoute, ...] = (
    PageRoute("GET", "/login", (), login_page.show),
    PageRoute("POST", "/login", (), login_page.log_in),
    PageRoute("POST", "/logout", ROLES, login_page.log_out),
    PageRoute("POST", "/keys", ROLES, login_page.keys),
    PageRoute("GET", "/", ROLES, login_page.start),
    PageRoute("GET", "/queue", STAFF, queue_page.show),
    PageRoute("POST", "/queue/take-next", STAFF, actions.take_next),
    PageRoute("POST", "/queue/{action}", STAFF, actions.several),
    PageRoute("POST", "/case/{case_id}/{action}", STAFF, actions.act),
    PageRoute("GET", "/seller/{seller_id}", STAFF, seller.show),
    PageRoute("GET", "/seller/{seller_id}/orders", STAFF, orders.show),
    PageRoute("GET", "/letter/{case_decision_id}", STAFF, letters.show),
    PageRoute("GET", "/letter/{case_decision_id}/text", STAFF, letters.text),
    PageRoute("GET", "/objections", STAFF, appeals.show_all),
    PageRoute("GET", "/objection/{objection_id}", STAFF, appeals.show),
    PageRoute("POST", "/objection/{objection_id}", (REVIEWER,), appeals.answer),
    PageRoute("GET", "/second", (REVIEWER,), second_opinions.show),
    PageRoute("POST", "/second/{case_id}", (REVIEWER,), second_opinions.say),
    PageRoute("GET", "/figures", (MANAGER,), figures_page.show),
    PageRoute("GET", "/figures/{table}", (MANAGER,), figures_tables.table),
    PageRoute("GET", "/standing", (SELLER,), own.show),
    PageRoute("GET", "/standing/letter/{case_decision_id}", (SELLER,), letters.show),
    PageRoute("GET", "/standing/letter/{case_decision_id}/text", (SELLER,), letters.text),
    PageRoute("GET", "/standing/object", (SELLER,), objection_form.show),
    PageRoute("POST", "/standing/objections", (SELLER,), objection_form.send),
)
