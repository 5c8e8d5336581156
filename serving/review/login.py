"""Logging in and out."""

from dataclasses import dataclass
from typing import Any, ClassVar

from starlette.responses import HTMLResponse, RedirectResponse, Response

from serving.review import people, sessions, texts
from serving.review.call import MANAGER, REVIEWER, SELLER, Call, Refusal
from serving.review.headers import A_YEAR
from serving.review.page import KEYS, OFF, Page, frame_of, markup, shown
from serving.review.services import new_token

START = {REVIEWER: "/queue", MANAGER: "/queue", SELLER: "/standing"}


@dataclass(frozen=True)
class LoginPage(Page):
    """The way in: a name and a password, nothing to solve."""

    template: ClassVar[str] = "login.html"
    name: str = shown("the name that was given, so that nobody types it twice")
    wrong: bool = shown("whether the last attempt failed")
    back: str = shown("path to go to afterwards")
    form_token: str = shown("token that the form carries before there is a session")


def show(call: Call) -> Response:
    """The login page; who is in already goes on."""
    if call.visitor:
        return RedirectResponse(START[call.user.role], 303)
    return _page(call, name="", wrong=False, back=local(call.query.get("next", "")))


def start(call: Call) -> Response:
    """The first page of a role."""
    return RedirectResponse(START[call.user.role], 303)


def log_in(call: Call) -> Response:
    """A new session for the right password; the one before ends, so that nobody hands over a known token."""
    services, name, back = call.services, call.value("name"), local(call.value("next"))
    _check_throttle(call, name)
    user = people.check(services.engine, name, "".join(call.form.get("password", [""])[:1]))
    if user is None:
        services.throttle.failed(name, call.client)
        return _page(call, name=name, wrong=True, back=back)
    services.throttle.succeeded(name)
    sessions.end(services.engine, call.cookies.get(services.cookie, ""))
    response = RedirectResponse(back or START[user.role], 303)
    token = sessions.begin(services.engine, user, services.review)
    seconds = round(services.review.login_hours * 3600)
    response.set_cookie(services.cookie, token, **_flags(call), max_age=seconds, samesite="lax")
    response.delete_cookie(services.form_cookie, **_flags(call), samesite="strict")
    return response


def log_out(call: Call) -> Response:
    """The session ends here and in the browser."""
    sessions.end(call.services.engine, call.cookies.get(call.services.cookie, ""))
    response = RedirectResponse("/login", 303)
    response.delete_cookie(call.services.cookie, **_flags(call), samesite="lax")
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def keys(call: Call) -> Response:
    """Keys on or off, for this browser: single keys get in the way of speech input (WCAG 2.1.4)."""
    response = RedirectResponse(local(call.value("next")) or "/", 303)
    if call.value("keys") == OFF:
        response.set_cookie(KEYS, OFF, **_flags(call), max_age=A_YEAR, samesite="lax")
    else:
        response.delete_cookie(KEYS, **_flags(call), samesite="lax")
    return response


def local(path: str) -> str:
    """A path of this site, or empty: the login leads nowhere else."""
    plain = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if plain and "\\" not in path else ""


def _check_throttle(call: Call, name: str) -> None:
    seconds = call.services.throttle.wait_seconds(name, call.client)
    if seconds:
        raise Refusal(429, "error.429.happened", minutes=-(-seconds // 60), seconds=seconds)


def _page(call: Call, name: str, wrong: bool, back: str) -> Response:
    token = call.cookies.get(call.services.form_cookie, "") or new_token()
    page = LoginPage(texts.plain("login.title"), name=name, wrong=wrong, back=back, form_token=token)
    response = HTMLResponse(markup(frame_of(call), page), 401 if wrong else 200)
    response.set_cookie(call.services.form_cookie, token, **_flags(call), samesite="strict")
    return response


def _flags(call: Call) -> dict[str, Any]:
    return {"path": "/", "httponly": True, "secure": call.services.review.secure}
