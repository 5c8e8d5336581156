"""The error page: what happened, and what to do now."""

from dataclasses import dataclass
from typing import ClassVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from serving.review.pages import texts
from serving.review.pages.page import Page, render, shown
from serving.review.web import sessions
from serving.review.web.page_request import PageRequest, Refusal
from serving.review.web.services import Services

KNOWN = (400, 403, 404, 405, 409, 413, 415, 422, 429, 500, 503)


@dataclass(frozen=True)
class ErrorPage(Page):
    """What went wrong."""

    template: ClassVar[str] = "error.html"
    status: int = shown("the HTTP status")
    happened: str = shown("what happened")
    next_step: str = shown("what to do now")
    back: str = shown("where to go on")
    again: bool = shown("whether that is the case, to be read again")


async def error_page(services: Services, request: Request, refusal: Refusal) -> Response:
    """The page of a refusal."""
    return await run_in_threadpool(_page, services, request, refusal)


def _page(services: Services, request: Request, refusal: Refusal) -> Response:
    visitor = sessions.visitor(services.engine, request.cookies.get(services.cookie, ""), services.review)
    page_request = PageRequest(services, visitor, request.url.path, query=dict(request.query_params))
    status = refusal.status if refusal.status in KNOWN else 500
    happened = texts.html(refusal.message or f"error.{status}.happened", **refusal.values)
    shown_page = ErrorPage(
        title=texts.plain(f"error.{status}.title"),
        status=refusal.status,
        happened=happened,
        next_step=texts.plain(f"error.{status}.next"),
        back=refusal.back or ("/" if visitor else "/login"),
        again=bool(refusal.back),
    )
    response = render(page_request, shown_page, refusal.status)
    if "seconds" in refusal.values:
        response.headers["Retry-After"] = str(refusal.values["seconds"])
    return response
