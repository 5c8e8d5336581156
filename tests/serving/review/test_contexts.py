"""Every page's context is a documented dataclass: fields, templates, texts and docs/review-pages.md agree."""

import re
from dataclasses import fields, is_dataclass
from typing import Any

import pytest
from jinja2 import meta

from docs.build.review_pages import _parts, review_pages
from serving.review.app import ROUTES
from serving.review.pages import texts
from serving.review.pages.page import TEMPLATES, Page, PageFrame, environment
from tests.support.paths import ROOT

REVIEW = ROOT / "serving" / "review"
PAGES = sorted(Page.__subclasses__(), key=lambda page: page.__name__)
SOURCES = {str(path.relative_to(TEMPLATES)): path.read_text() for path in TEMPLATES.rglob("*.html")}
CODE = "".join(path.read_text() for path in (ROOT / "serving").rglob("*.py"))


def related(name: str) -> set[str]:
    """The source of a template and of all that it extends or imports."""
    found, source = {name}, SOURCES[name]
    for other in re.findall(r'{% (?:extends|import|include|from) "([^"]+)"', source):
        found |= related(other)
    return found


@pytest.mark.parametrize("kind", PAGES, ids=lambda kind: kind.__name__)
def test_a_template_says_its_page_s_fields_no_more_and_no_fewer(kind: type[Page]) -> None:
    free, own = set(), set()
    for name in related(kind.template):
        free |= meta.find_undeclared_variables(environment().parse(SOURCES[name]))
        own |= set(re.findall(r"{% (?:import \"[^\"]+\" as|set) ([a-z_]+)", SOURCES[name]))
    free -= {"frame", *own, *environment().globals}
    assert free == {f.name for f in fields(kind)}


KINDS = dict.fromkeys([*PAGES, PageFrame, *(part for page in PAGES for part in _parts(page))])


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_field_has_help_and_is_in_the_documentation(kind: Any) -> None:
    name = kind.__name__
    assert is_dataclass(kind)
    assert kind.__doc__
    said = (ROOT / "docs" / "review-pages.md").read_text()
    for f in fields(kind):
        assert f.metadata["help"], f"{name}.{f.name} has no help"
        assert f.metadata["help"] in said


def test_every_field_of_a_part_is_said_by_a_template() -> None:
    """A field that no template reads is one that nobody sees."""
    read = set(re.findall(r"\.([a-z_0-9]+)\b", "".join(SOURCES.values()))) | set(
        re.findall(r"\b([a-z_]+)\b", "".join(re.findall(r"{% for ([^%]*) in", "".join(SOURCES.values()))))
    )
    parts = {part for page in [*PAGES, PageFrame] for part in _parts(page)} | {PageFrame}
    unread = sorted(f"{part.__name__}.{f.name}" for part in parts for f in fields(part) if f.name not in read)
    assert unread == []


def test_every_route_is_documented() -> None:
    said = review_pages()
    assert [view.path for view in ROUTES if f"`{view.path}`" not in said] == []
    assert [view.path for view in ROUTES if not view.answer.__doc__] == []


ID = r"[a-z_]+(?:\.[a-z0-9_<>=]+)+"
WHOLE = re.compile(rf"""["']({ID})["']""")
BEGUN = re.compile(r"""["']([a-z_]+\.[a-z_.]*)(?:\{|["'] ~)""")


def used_messages() -> tuple[set[str], set[str]]:
    """Message ids that code and templates name, and the beginnings of those that they put together."""
    sources = "".join([*SOURCES.values(), CODE])
    return set(WHOLE.findall(sources)), set(BEGUN.findall(sources))


def test_every_message_that_is_named_is_in_the_catalogue() -> None:
    named = set(re.findall(rf"""\b(?:t|plain|html)\(\s*["']({ID})["'](?!\s*~)""", "".join([*SOURCES.values(), CODE])))
    assert sorted(named - set(texts.messages())) == []


def test_every_message_of_the_catalogue_is_used() -> None:
    whole, begun = used_messages()
    unused = [m for m in texts.messages() if m not in whole and not any(m.startswith(stem) for stem in begun)]
    assert unused == []


def test_foreign_text_is_isolated_in_a_sentence_and_cannot_turn_it() -> None:
    html = str(texts.html("did.take", name="\u202eevil<b>\x00 {name} [x]"))
    assert html == "You have taken <bdi>\ufffdevil&lt;b&gt;\u2400 {name} [x]</bdi>."
    assert texts.plain("did.take", name="אבג") == "You have taken \u2068אבג\u2069."


def test_an_unknown_message_is_named() -> None:
    with pytest.raises(Exception, match=r"no\.such"):
        texts.plain("no.such")
