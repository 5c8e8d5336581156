"""Pages: each is a dataclass of its template's variables, with help for every field, inside a shared frame.

The fields are the template's variables, no more and no fewer; a test compares them, and docs/review-pages.md lists
them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from serving.casework.cases.case import MANAGER, REVIEWER, SELLER
from serving.review.pages import texts
from serving.review.web.page_request import PageRequest
from serving.scoring import formats

KEYS, OFF = "foresell-keys", "off"  # the cookie of those who want no keys
TEMPLATES = Path(__file__).parents[1] / "templates"


def shown(help_text: str, **options: Any) -> Any:
    """A field of a page's context, with its help text."""
    return field(metadata={"help": help_text}, **options)


@dataclass(frozen=True)
class Page:
    """What every page's context has; a page adds its own fields and names its template."""

    template: ClassVar[str]
    title: str = shown("title of the page, the first thing that a screen reader says")


@dataclass(frozen=True)
class NavigationEntry:
    """An entry of the navigation."""

    text: str = shown("message id of its name")
    href: str = shown("where it leads")
    here: bool = shown("whether this is the page shown")


@dataclass(frozen=True)
class PageFrame:
    """What surrounds a page."""

    user: str = shown("name of the person logged in; empty before")
    role: str = shown("the person's role")
    csrf: str = shown("token that every form carries")
    places: tuple[NavigationEntry, ...] = shown("the navigation")
    as_of: str = shown("the day that the scores speak from; empty without a store")
    keys: bool = shown("whether the script that adds keys is loaded: after the login, unless turned off")
    path: str = shown("the page's own address, to come back to")


NAVIGATION: Mapping[str, tuple[tuple[str, str], ...]] = {
    REVIEWER: (("frame.queue", "/queue"), ("frame.objections", "/objections"), ("frame.second", "/second")),
    MANAGER: (("frame.queue", "/queue"), ("frame.objections", "/objections"), ("frame.figures", "/figures")),
    SELLER: (("frame.standing", "/standing"), ("frame.object", "/standing/object")),
}


def render(request: PageRequest, page: Page, status: int = 200) -> Response:
    """The page as HTML."""
    return HTMLResponse(markup(frame_of(request), page), status)


def markup(frame: PageFrame, page: Page) -> str:
    """The page's template filled with its context."""
    return environment().get_template(page.template).render(frame=frame, **context(page))


def context(page: Page) -> dict[str, Any]:
    """The template's variables."""
    return {f.name: getattr(page, f.name) for f in fields(page)}


def frame_of(request: PageRequest) -> PageFrame:
    """The frame for whoever asks."""
    visitor, loaded = request.visitor, request.services.watcher.loaded
    places = NAVIGATION[visitor.user.role] if visitor else ()
    return PageFrame(
        user=visitor.user.name if visitor else "",
        role=visitor.user.role if visitor else "",
        csrf=visitor.csrf if visitor else "",
        places=tuple(NavigationEntry(text, href, request.path == href) for text, href in places),
        as_of=loaded.store.day if loaded else "",
        keys=visitor is not None and request.cookies.get(KEYS) != OFF,
        path=request.path,
    )


@cache
def environment() -> Environment:
    """Jinja, which escapes everything and fails on what it does not know."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals |= {"t": texts.html, "plain": texts.plain}
    made.filters |= {"name": texts.isolated, "shown": texts.shown, "figure": formats.TrustedText, **formats.FILTERS}
    return made
