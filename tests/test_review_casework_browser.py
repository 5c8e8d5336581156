"""The casework pages in a browser: axe in both themes, and larger sizes."""

import pytest
from review_fixture import MANAGER, PASSWORD, SECOND
from review_market import make_review_market, serving
from test_review_browser import CUT, SMALL, THEMES, violations, watched
from test_review_casework import capped

from serving.records.database import open_database
from serving.review import people

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return make_review_market(tmp_path_factory.mktemp("review"), ["=cmd|' /C calc'!A0", "\u202eevil\u202c <img src=x>"])


@pytest.fixture(scope="module")
def told(settings):
    """A capped seller with a login, and an order that counted against it."""
    engine = open_database(settings)
    made, seller, order = capped(engine)
    people.add(engine, seller, PASSWORD)
    engine.dispose()
    return made, seller, order


@pytest.fixture(scope="module")
def address(settings):
    with serving(settings) as where:
        yield where


def pages_by_person(told):
    made, seller, order = told
    letter = f"/standing/letter/{made.case_decision_id}"
    return {
        seller: ["/standing", letter, "/standing/object", f"/standing/object?order={order}"],
        SECOND: ["/objections", f"/letter/{made.case_decision_id}", "/second"],
        MANAGER: ["/figures"],
    }


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing_and_nothing_is_cut_or_small(browser, address, told, theme):
    for person, paths in pages_by_person(told).items():
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
