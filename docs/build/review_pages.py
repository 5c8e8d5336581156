"""docs/review-pages.md: every route of the review pages, and the fields that each page's template may use."""

from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_type_hints

from core.markdown import markdown
from serving.review.app import ROUTES
from serving.review.pages.error_page import ErrorPage
from serving.review.pages.page import Page, PageFrame


def review_pages() -> str:
    """The page: routes, pages, and the parts of pages."""
    found: set[type[Page]] = {ErrorPage, *Page.__subclasses__()}
    pages = sorted(found, key=lambda page: page.__name__)
    parts = list(dict.fromkeys(part for page in [*pages, PageFrame] for part in _parts(page)))
    routes = [[v.method, f"`{v.path}`", ", ".join(v.roles) or "everybody", _first(v.answer.__doc__)] for v in ROUTES]
    sections = [
        "# The review pages' routes and contexts",
        "Written by `make docs` from `serving/review`. A template can use the fields of its page and the `frame`, and "
        "fails on anything else. A test compares fields, templates and this page.",
        "## Routes",
        markdown(["method", "path", "who", "what"], routes),
        *(_section(page, f"`{page.template}`: ") for page in pages),
        _section(PageFrame, "Around every page: "),
        *(_section(part, "") for part in parts),
    ]
    return "\n\n".join(sections) + "\n"


def _section(kind: type, before: str) -> str:
    hints = get_type_hints(kind)
    rows = [[f"`{f.name}`", f"`{_type(hints[f.name])}`", f.metadata["help"]] for f in fields(kind)]
    return (
        f"## {kind.__name__}\n\n{before}{_first(kind.__doc__)}\n\n{markdown(['field', 'type', 'what it tells'], rows)}"
    )


def _parts(kind: type) -> Iterable[type]:
    """The dataclasses inside a page, outer ones first."""
    for hint in get_type_hints(kind).values():
        for part in _inside(hint):
            yield part
            yield from _parts(part)


def _inside(hint: Any) -> list[type]:
    if is_dataclass(hint):
        return [hint]  # type: ignore[list-item]
    return [part for argument in get_args(hint) for part in _inside(argument)]


def _type(hint: Any) -> str:
    """The name of a type, without modules."""
    if isinstance(hint, type) and not get_args(hint):
        return hint.__name__
    text = str(hint).replace("typing.", "").replace("collections.abc.", "")
    for part in _inside(hint):
        text = text.replace(f"{part.__module__}.{part.__qualname__}", part.__name__)
    return text


def _first(text: str | None) -> str:
    return (text or "").strip().splitlines()[0] if text else ""
