"""Logging in and out."""

from dataclasses import dataclass
from typing import Any, ClassVar

from starlette.responses import HTMLResponse, RedirectResponse, Response

from serving.casework.cases.case import MANAGER, REVIEWER, SELLER
from serving.review.pages import texts
from serving.review.pages.page import KEYS, OFF, Page, frame_of, markup, shown
from serving.review.web import people, sessions
from serving.review.web.headers import A_YEAR
from serving.review.web.page_request import PageRequest, Refusal
from serving.review.web.services import new_token

START = {REVIEWER: "/queue", MANAGER: "/queue", SELLER: "/standing"}


@dataclass(frozen=True)
class LoginPage(Page):
    """The login page: a name and a password, no puzzle."""

    template: ClassVar[str] = "login.html"
    name: str = shown("the name that was given, so that nobody types it twice")
    wrong: bool = shown("whether the last attempt failed")
    back: str = shown("path to go to afterwards")
    form_token: str = shown("token that the form carries before there is a session")


def show(request: PageRequest) -> Response:
    """The login page; a person who is logged in is led to their first page."""
    if request.visitor:
        return RedirectResponse(START[request.user.role], 303)
    return _page(request, name="", wrong=False, back=local(request.query.get("next", "")))


def start(request: PageRequest) -> Response:
    """The first page of a role."""
    return RedirectResponse(START[request.user.role], 303)


def log_in(request: PageRequest) -> Response:
    """Begin a new session for the right password and end the one before (against session fixation)."""
    services, name, back = request.services, request.value("name"), local(request.value("next"))
    _check_throttle(request, name)
    user = people.check(services.engine, name, "".join(request.form.get("password", [""])[:1]))
    if user is None:
        services.throttle.failed(name, request.client)
        return _page(request, name=name, wrong=True, back=back)
    services.throttle.succeeded(name)
    sessions.end(services.engine, request.cookies.get(services.cookie, ""))
    response = RedirectResponse(back or START[user.role], 303)
    token = sessions.begin(services.engine, user, services.review)
    seconds = round(services.review.login_hours * 3600)
    response.set_cookie(services.cookie, token, **_flags(request), max_age=seconds, samesite="lax")
    response.delete_cookie(services.form_cookie, **_flags(request), samesite="strict")
    return response


def log_out(request: PageRequest) -> Response:
    """The session ends here and in the browser."""
    sessions.end(request.services.engine, request.cookies.get(request.services.cookie, ""))
    response = RedirectResponse("/login", 303)
    response.delete_cookie(request.services.cookie, **_flags(request), samesite="lax")
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def keys(request: PageRequest) -> Response:
    """Keys on or off, for this browser: single keys get in the way of speech input (WCAG 2.1.4)."""
    response = RedirectResponse(local(request.value("next")) or "/", 303)
    if request.value("keys") == OFF:
        response.set_cookie(KEYS, OFF, **_flags(request), max_age=A_YEAR, samesite="lax")
    else:
        response.delete_cookie(KEYS, **_flags(request), samesite="lax")
    return response


def local(path: str) -> str:
    """The path if it is one of this site, else empty: the login redirects nowhere else."""
    plain = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if plain and "\\" not in path else ""


def _check_throttle(request: PageRequest, name: str) -> None:
    seconds = request.services.throttle.wait_seconds(name, request.client)
    if seconds:
        raise Refusal(429, "error.429.happened", minutes=-(-seconds // 60), seconds=seconds)


def _page(request: PageRequest, name: str, wrong: bool, back: str) -> Response:
    token = request.cookies.get(request.services.form_cookie, "") or new_token()
    page = LoginPage(texts.plain("login.title"), name=name, wrong=wrong, back=back, form_token=token)
    response = HTMLResponse(markup(frame_of(request), page), 401 if wrong else 200)
    response.set_cookie(request.services.form_cookie, token, **_flags(request), samesite="strict")
    return response


def _flags(request: PageRequest) -> dict[str, Any]:
    return {"path": "/", "httponly": True, "secure": request.services.review.secure}
