"""The checks of every request before it reaches a page: login, role, size, origin and token."""

from collections.abc import Mapping, Sequence
from hmac import compare_digest
from urllib.parse import parse_qs, quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from serving.review.web import sessions
from serving.review.web.page_request import PageRequest, PageRoute, Refusal, Visitor
from serving.review.web.services import Services

FORM_BYTES = 64 * 1024
FORM_FIELDS = 200
TOKEN = "csrf"  # noqa: S105 - the name of a form's field
FORM_TYPE = "application/x-www-form-urlencoded"
HOME = "/"


async def answer(view: PageRoute, services: Services, request: Request) -> Response:
    """The route's answer to a permitted request; else a redirect to the login, or a Refusal."""
    visitor = await run_in_threadpool(_visitor, services, request)
    if view.roles and visitor is None:
        return to_login(request, view)
    if view.roles and visitor and visitor.user.role not in view.roles:
        raise Refusal(403)
    form = await _form(request) if view.method == "POST" else {}
    page_request = _call(services, visitor, request, form)
    if view.method == "POST":
        _check_origin(request)
        _check_token(page_request, view)
    return await run_in_threadpool(view.answer, page_request)


def _visitor(services: Services, request: Request) -> Visitor | None:
    return sessions.visitor(services.engine, request.cookies.get(services.cookie, ""), services.review)


def to_login(request: Request, view: PageRoute) -> Response:
    """The login page, which leads back here; a form that was sent is not sent again."""
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    back = here if view.method == "GET" and here != HOME else ""
    return RedirectResponse("/login" + (f"?next={quote(back, safe='')}" if back else ""), 303)


def _call(
    services: Services, visitor: Visitor | None, request: Request, form: Mapping[str, Sequence[str]]
) -> PageRequest:
    return PageRequest(
        services=services,
        visitor=visitor,
        path=request.url.path,
        params=request.path_params,
        query=dict(request.query_params),
        form=form,
        cookies=request.cookies,
        client=request.client.host if request.client else "",
    )


def _check_token(page_request: PageRequest, view: PageRoute) -> None:
    """Every form carries the token of its session; the login's, that of a cookie that only this site can set."""
    visitor = page_request.visitor if view.roles else None
    expected = visitor.csrf if visitor else page_request.cookies.get(page_request.services.form_cookie, "")
    if not expected or not compare_digest(expected.encode(), page_request.value(TOKEN).encode()):
        raise Refusal(403, "refusal.form")


def _check_origin(request: Request) -> None:
    """A browser says where a form comes from; one of another site is not ours, whatever it carries."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Refusal(403, "refusal.form")


async def _form(request: Request) -> Mapping[str, Sequence[str]]:
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != FORM_TYPE:
        raise Refusal(415)
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > FORM_BYTES:
            raise Refusal(413)
    try:
        return parse_qs(body.decode("utf-8"), keep_blank_values=True, max_num_fields=FORM_FIELDS)
    except ValueError as error:
        raise Refusal(400) from error
