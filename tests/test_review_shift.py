"""A whole shift by keyboard alone: a reviewer, the seller and another reviewer, from first login to last logout.

Nothing here clicks, fills or touches: what is done, is done by keys. The browser itself says so if a pointer moves.
"""

import re

import pytest
from casework_fixture import FACTS
from review_fixture import PASSWORD, REVIEWER, SECOND
from review_market import make_review_market, serving
from test_review_browser import plain, violations, watched
from test_review_casework import ANSWER, WHY

from serving.casework import corrections
from serving.records.database import open_database, reading
from serving.review import people
from serving.review.call import User

pytestmark = pytest.mark.slow
MOST_TABS = 200
ON_POINTER = """for (const kind of ["pointerdown", "pointermove", "touchstart", "wheel"])
    addEventListener(kind, () => console.error(`a ${kind}, where only keys were to be used`), true)"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return make_review_market(tmp_path_factory.mktemp("shift"))


@pytest.fixture(scope="module")
def address(settings):
    with serving(settings) as where:
        yield where


def test_a_shift_by_keyboard_alone(browser, address, settings):
    """Log in, take next, open evidence, decide, undo, put off, log out; the seller objects; a colleague answers."""
    with watched(browser, address, viewport={"width": 1280, "height": 800}) as visit:
        visit.page.add_init_script(ON_POINTER)
        visit.open("/login")
        desk = Hands(visit.page)
        seller, order = reviewed(desk)
        desk.log_out()
        add_login(settings, seller)
        objects(desk, seller, order)
        desk.log_out()
        answers(desk, order)
        assert violations(desk.page) == []
        desk.log_out()
    assert order in corrected(settings, seller)


class Hands:
    """Somebody at the keyboard, who sees where the focus is."""

    def __init__(self, page):
        self.page, self.press, self.type = page, page.keyboard.press, page.keyboard.type

    @property
    def focused(self):
        """What the element in focus says."""
        at = "document.activeElement"
        return self.page.evaluate(f"{at} === document.body ? '' : {at}.innerText || {at}.value || ''").strip()

    def tab_to(self, text):
        """Tab until what has the focus says this and no more."""
        self._tab(lambda: self.focused == text, text)

    def tab_to_field(self, name):
        """Tab to the form's field of that id, if the focus is not there yet."""
        if self._field() != name:
            self._tab(lambda: self._field() == name, name)

    def press_to(self, key, address):
        """A key that leads to another page."""
        with self.page.expect_navigation(url=re.compile(address)):
            self.press(key)

    def log_in(self, name, start):
        """From the login page to where the role begins."""
        self.tab_to_field("name")
        self.type(name)
        self.press("Tab")
        self.type(PASSWORD)
        self.press_to("Enter", start)

    def log_out(self):
        """By the button in the bar."""
        self.tab_to("Log out")
        self.press_to("Enter", "/login$")

    def _field(self):
        return self.page.evaluate("document.activeElement.id")

    def _tab(self, there, wanted):
        for _ in range(MOST_TABS):
            self.press("Tab")
            if there():
                return
        raise AssertionError(f"no way by Tab to {wanted!r}")


def reviewed(desk):
    """The next case taken, read, decided, undone and put off; its seller, and an order among its evidence."""
    desk.log_in(REVIEWER.name, "/queue$")
    desk.press_to("t", "did=take")
    assert "is yours" in desk.focused
    if desk.page.get_by_role("button", name="I would act").count():
        desk.tab_to("I would act")
        desk.press_to("Enter", "did=first_look")
    order = evidence(desk)
    decided_and_undone(desk)
    seller = re.search(r"/seller/([^/?]+)", desk.page.url)[1]
    desk.press_to("s", r"/queue\?did=snooze")
    assert "is put off" in plain(desk.page.locator(".said"))
    assert desk.focused == "Take the next case"
    return seller, order


def evidence(desk):
    """The orders of the first reason that names some; the last of them."""
    for _ in range(desk.page.locator("[data-row]").count()):
        desk.press("j")
        if "behind this" in desk.focused:
            break
    desk.press("Enter")
    rows = desk.page.locator("details[open] table.orders tbody tr")
    assert rows.first.is_visible()
    return plain(rows.last.locator("th"))


def decided_and_undone(desk):
    """Help decided by keys, the way on in focus, and the decision taken back."""
    desk.press("d")
    desk.press("Space")
    assert desk.page.evaluate("document.activeElement.checked && document.activeElement.value") == "listing_fix"
    desk.tab_to_field("facts")
    desk.type(FACTS)
    desk.tab_to("Decide")
    desk.press_to("Enter", r"/queue\?did=decide")
    assert desk.focused == "Take the next case"
    desk.press_to("z", "did=undo")
    assert "Undone" in desk.focused
    assert "You have it" in plain(desk.page.locator(".case"))


def objects(desk, seller, order):
    """The seller says that the order should not count."""
    desk.log_in(owner(seller), "/standing$")
    desk.tab_to_field("order")
    desk.type(order)
    desk.press_to("Enter", "/standing/object")
    desk.tab_to_field("reason")
    desk.type(WHY)
    desk.tab_to("Send the objection")
    desk.press_to("Enter", "did=object")
    assert WHY in plain(desk.page.locator("main"))


def answers(desk, order):
    """A colleague reads the objection and grants it."""
    desk.log_in(SECOND.name, "/queue$")
    desk.tab_to("Objections")
    desk.press_to("Enter", "/objections$")
    desk.tab_to(order)
    desk.press_to("Enter", "/objection/")
    desk.tab_to_field("answer")
    desk.type(ANSWER)
    desk.tab_to("Grant it")
    desk.press_to("Enter", "/objection/")
    assert "Before and after" in plain(desk.page.locator("main"))


def owner(seller):
    return f"owner of {seller}"


def add_login(settings, seller):
    """What the administrator does beside the shift."""
    engine = open_database(settings)
    people.add(engine, User(owner(seller), "seller", seller), PASSWORD)
    engine.dispose()


def corrected(settings, seller):
    """The keys of the rows that a correction of the seller's names, as one text."""
    engine = open_database(settings)
    with reading(engine) as con:
        found = corrections.read(con, "small", seller)
    engine.dispose()
    return " ".join(row["row_key"] for row in found)
