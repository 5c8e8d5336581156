"""The casework pages in a browser: axe in both themes, and larger sizes."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from core.settings import Settings
from serving.casework.cases.case import Person
from serving.database.connection import open_database
from serving.review.web import people
from tests.serving.review.test_browser import CUT, SMALL, THEMES, violations, watched
from tests.serving.review.test_casework import DecisionsMade, capped
from tests.support.review_fixture import MANAGER, PASSWORD, SECOND
from tests.support.review_market import make_review_market, serving

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return make_review_market(tmp_path_factory.mktemp("review"), ["=cmd|' /C calc'!A0", "\u202eevil\u202c <img src=x>"])


@pytest.fixture(scope="module")
def decisions_made(settings: Settings) -> DecisionsMade:
    """A capped seller with a login, and an order that counted against it."""
    engine = open_database(settings)
    made, seller, order = capped(engine)
    people.add(engine, seller, PASSWORD)
    engine.dispose()
    return made, seller, order


@pytest.fixture(scope="module")
def address(settings: Settings) -> Iterator[str]:
    with serving(settings) as where:
        yield where


def pages_by_person(decisions_made: DecisionsMade) -> dict[Person, list[str]]:
    made, seller, order = decisions_made
    letter = f"/standing/letter/{made.case_decision_id}"
    return {
        seller: ["/standing", letter, "/standing/object", f"/standing/object?order={order}"],
        SECOND: ["/objections", f"/letter/{made.case_decision_id}", "/second"],
        MANAGER: ["/figures"],
    }


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing_and_nothing_is_cut_or_small(
    browser: Browser, address: str, decisions_made: DecisionsMade, theme: str
) -> None:
    for person, paths in pages_by_person(decisions_made).items():
        with watched(browser, address, color_scheme=theme, viewport={"width": 1280, "height": 900}) as visit:
            visit.log_in(person)
            for path in paths:
                page = visit.open(path)
                assert violations(page) == [], path
                assert page.evaluate(SMALL) == [], path
                page.set_viewport_size({"width": 320, "height": 256})
                assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
                assert page.evaluate(CUT) == [], path
                page.set_viewport_size({"width": 1280, "height": 900})
