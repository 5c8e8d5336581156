"""A whole shift by keyboard alone: a reviewer, the seller and another reviewer, from first login to last logout.

Nothing here clicks, fills or touches: what is done, is done by keys. The browser itself says so if a pointer moves.
"""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from core.settings import Settings
from serving.casework.cases.case import Person
from serving.casework.objections import objections
from serving.database.connection import open_database, reading
from serving.review.web import people
from tests.serving.review.test_browser import plain, violations, watched
from tests.serving.review.test_casework import ANSWER, WHY
from tests.support.casework_fixture import FACTS
from tests.support.review_fixture import PASSWORD, REVIEWER, SECOND
from tests.support.review_market import make_review_market, serving

pytestmark = pytest.mark.slow
MOST_TABS = 200
ON_POINTER = """for (const kind of ["pointerdown", "pointermove", "touchstart", "wheel"])
    addEventListener(kind, () => console.error(`a ${kind}, where only keys were to be used`), true)"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return make_review_market(tmp_path_factory.mktemp("shift"))


@pytest.fixture(scope="module")
def address(settings: Settings) -> Iterator[str]:
    with serving(settings) as where:
        yield where


def test_a_shift_by_keyboard_alone(browser: Browser, address: str, settings: Settings) -> None:
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

    def __init__(self, page: Page) -> None:
        self.page, self.press, self.type = page, page.keyboard.press, page.keyboard.type

    @property
    def focused(self) -> str:
        """What the element in focus says."""
        at = "document.activeElement"
        return str(self.page.evaluate(f"{at} === document.body ? '' : {at}.innerText || {at}.value || ''")).strip()

    def tab_to(self, text: str) -> None:
        """Tab until what has the focus says this and no more."""
        self._tab(lambda: self.focused == text, text)

    def tab_to_field(self, name: str) -> None:
        """Tab to the form's field of that id, if the focus is not there yet."""
        if self._field() != name:
            self._tab(lambda: self._field() == name, name)

    def press_to(self, key: str, address: str) -> None:
        """A key that leads to another page."""
        with self.page.expect_navigation(url=re.compile(address)):
            self.press(key)

    def log_in(self, name: str, start: str) -> None:
        """From the login page to where the role begins."""
        self.tab_to_field("name")
        self.type(name)
        self.press("Tab")
        self.type(PASSWORD)
        self.press_to("Enter", start)

    def log_out(self) -> None:
        """By the button in the bar."""
        self.tab_to("Log out")
        self.press_to("Enter", "/login$")

    def _field(self) -> str:
        return str(self.page.evaluate("document.activeElement.id"))

    def _tab(self, there: Callable[[], bool], wanted: str) -> None:
        for _ in range(MOST_TABS):
            self.press("Tab")
            if there():
                return
        raise AssertionError(f"no way by Tab to {wanted!r}")


def reviewed(desk: Hands) -> tuple[str, str]:
    """The next case taken, read, decided, undone and put off; its seller, and an order among its evidence."""
    desk.log_in(REVIEWER.name, "/queue$")
    desk.press_to("t", "did=take")
    assert "You have taken" in desk.focused
    if desk.page.get_by_role("button", name="I would act").count():
        desk.tab_to("I would act")
        desk.press_to("Enter", "did=first_look")
    order = evidence(desk)
    decided_and_undone(desk)
    seller = re.findall(r"/seller/([^/?]+)", desk.page.url)[0]
    desk.press_to("s", r"/queue\?did=snooze")
    assert "is put off" in plain(desk.page.locator(".said"))
    assert desk.focused == "Take the next case"
    return seller, order


def evidence(desk: Hands) -> str:
    """The orders of the first reason that names some; the last of them."""
    for _ in range(desk.page.locator("[data-row]").count()):
        desk.press("j")
        if "behind this" in desk.focused:
            break
    desk.press("Enter")
    rows = desk.page.locator("details[open] table.orders tbody tr")
    assert rows.first.is_visible()
    return plain(rows.last.locator("th"))


def decided_and_undone(desk: Hands) -> None:
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
    assert "You have taken it" in plain(desk.page.locator(".case"))


def objects(desk: Hands, seller: str, order: str) -> None:
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


def answers(desk: Hands, order: str) -> None:
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


def owner(seller: str) -> str:
    return f"owner of {seller}"


def add_login(settings: Settings, seller: str) -> None:
    """What the administrator does beside the shift."""
    engine = open_database(settings)
    people.add(engine, Person(owner(seller), "seller", seller), PASSWORD)
    engine.dispose()


def corrected(settings: Settings, seller: str) -> str:
    """The keys of the rows that a correction of the seller's names, as one text."""
    engine = open_database(settings)
    with reading(engine) as con:
        found = objections.read_corrections(con, "small", seller)
    engine.dispose()
    return " ".join(row["row_key"] for row in found)
