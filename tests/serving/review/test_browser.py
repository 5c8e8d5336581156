"""The review pages in a browser: axe on every page in both themes, keys, zoom, and nothing that leaves the origin."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Dialog, Locator, Page

from core.settings import Settings
from serving.casework.cases.case import Person
from serving.database.connection import open_database
from serving.database.tables.casework import CASES
from serving.review.pages.login_page import START
from tests.support.attack_strings import SEEDS, as_seen, names
from tests.support.review_fixture import MANAGER, PASSWORD, REVIEWER, SECOND
from tests.support.review_market import make_review_market, serving

pytestmark = pytest.mark.slow
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
THEMES = ("light", "dark")
HOSTILE = 500


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return make_review_market(tmp_path_factory.mktemp("review"), SEEDS[:30])


@pytest.fixture(scope="module")
def address(settings: Settings) -> Iterator[str]:
    with serving(settings) as where:
        yield where


class Watched:
    """A page that keeps what it asked for, and what the browser refused."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        self.asked: list[str] = []
        self.refused: list[str] = []
        self.dialogs: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("console", lambda message: self.refused.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.refused.append(str(error)))
        page.on("dialog", self._dismiss)

    def _dismiss(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def open(self, path: str) -> Page:
        """Go to a path of the pages."""
        self.page.goto(self.address + path)
        return self.page

    def log_in(self, user: Person) -> None:
        """Log in by keyboard, as the page says."""
        self.open("/login")
        self.page.locator("#name").fill(user.name)
        self.page.locator("#password").fill(PASSWORD)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(re.compile(re.escape(START[user.role])))

    @property
    def elsewhere(self) -> list[str]:
        """Requests to any other origin."""
        return [url for url in self.asked if not url.startswith((self.address + "/", "data:"))]


@contextmanager
def watched(browser: Browser, address: str, **options: Any) -> Iterator[Watched]:
    context = browser.new_context(**options)
    visit = Watched(context.new_page(), address)
    yield visit
    assert visit.elsewhere == []
    assert visit.dialogs == []
    assert [said for said in visit.refused if "status of 4" not in said] == []
    context.close()


@pytest.fixture
def desk(browser: Browser, address: str) -> Iterator[Watched]:
    with watched(browser, address, viewport={"width": 1280, "height": 800}) as visit:
        visit.log_in(REVIEWER)
        yield visit


def plain(place: Locator) -> str:
    """A place's text without the marks that isolate a name."""
    return place.inner_text().replace("\u2068", "").replace("\u2069", "")


def first_seller(page: Page) -> str:
    return link_of(page.locator("table.queue tbody th a"))


def link_of(place: Locator) -> str:
    """Where the first of these links leads."""
    found = place.first.get_attribute("href")
    assert found is not None
    return found


def pages_of(visit: Watched) -> list[str]:
    """A path to every sort of page that a reviewer can see."""
    visit.open("/queue")
    seller = first_seller(visit.page)
    visit.open(seller)
    behind = link_of(visit.page.locator("a[href*='/orders?']"))
    return ["/queue", "/queue?show=put_off&q=nobody", seller, behind, "/nowhere"]


def violations(page: Page) -> list[tuple[str, Any, Any]]:
    """What axe finds against WCAG 2.0, 2.1 and 2.2, A and AA; everything folded is opened first."""
    page.evaluate("document.querySelectorAll('details').forEach(at => { at.open = true })")
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": TAGS}}).response["violations"]
    return [(v["id"], n["target"], n.get("failureSummary")) for v in found for n in v["nodes"]]


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing_on_any_page(browser: Browser, address: str, theme: str) -> None:
    with watched(browser, address, color_scheme=theme, viewport={"width": 1280, "height": 900}) as visit:
        visit.open("/login")
        assert violations(visit.page) == []
        visit.log_in(REVIEWER)
        for path in pages_of(visit):
            assert violations(visit.open(path)) == [], path
        visit.open("/queue")
        visit.page.keyboard.press("?")
        assert violations(visit.page) == []


def test_axe_would_find_a_fault(desk: Watched) -> None:
    page = desk.open("/queue")
    page.evaluate("document.querySelector('h1').style.color = '#ddd'; document.querySelector('#q').id = 'x'")
    assert {"color-contrast", "label"} <= {name for name, *_ in violations(page)}


SMALL = """() => [...document.querySelectorAll('a, button, input, select, textarea, summary')]
    .filter(at => at.offsetParent && !at.matches('[type=hidden]') && !at.closest('p, li, td, dd') )
    .map(at => ({what: at.outerHTML.slice(0, 80), box: at.getBoundingClientRect()}))
    .filter(({box}) => box.width && (box.height < 24 || box.width < 24)).map(({what}) => what)"""


def test_targets_are_24_pixels_or_stand_in_a_sentence(desk: Watched) -> None:
    for path in pages_of(desk):
        assert desk.open(path).evaluate(SMALL) == [], path


COVERED = """() => { const at = document.activeElement; if (at === document.body) return false;
    const box = at.getBoundingClientRect();
    const x = Math.min(Math.max(box.left + box.width / 2, 0), innerWidth - 1);
    const y = Math.min(Math.max(box.top + box.height / 2, 0), innerHeight - 1);
    const top = document.elementFromPoint(x, y);
    return !(top && (at.contains(top) || top.contains(at))) && at.outerHTML.slice(0, 100) }"""


BARE = """() => { const at = document.activeElement;
    return at !== document.body && getComputedStyle(at).outlineStyle === 'none' && at.outerHTML.slice(0, 100) }"""


def test_the_focus_is_seen_and_nothing_covers_it(desk: Watched) -> None:
    for path in pages_of(desk)[:3]:
        page = desk.open(path)
        for _ in range(60):
            page.keyboard.press("Tab")
            assert page.evaluate(COVERED) is False
            assert page.evaluate(BARE) is False


@pytest.mark.parametrize("zoom", [2, 4])
def test_nothing_is_lost_at_a_larger_size(browser: Browser, address: str, zoom: int) -> None:
    """A window of 1280 pixels at 200% and 400% is one of 640 and 320: only tables and drawings may scroll sideways."""
    view = {"width": 1280 // zoom, "height": 1024 // zoom}
    with watched(browser, address, viewport=view) as visit:
        visit.log_in(REVIEWER)
        for path in pages_of(visit):
            page = visit.open(path)
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
            assert page.evaluate(CUT) == [], path


CUT = """() => [...document.querySelectorAll('h1, h2, p, label, button, a, summary, li')]
    .filter(at => at.offsetParent && !at.closest('.scroll, .visually-hidden, .skip'))
    .filter(at => { const b = at.getBoundingClientRect(); return b.width && (b.left < -1 || b.right > innerWidth + 1) })
    .map(at => at.outerHTML.slice(0, 100))"""


def test_every_form_works_without_script(browser: Browser, address: str) -> None:
    with watched(browser, address, java_script_enabled=False) as visit:
        visit.log_in(SECOND)
        page = visit.open("/queue?assignee=nobody")
        page.get_by_role("button", name="Take the next case").click()
        assert "You have taken it" in plain(page.locator(".case"))
        page.get_by_role("button", name="Return it to the queue").click()
        assert "is back in the queue" in plain(page.locator(".said"))


def test_a_login_asks_for_nothing_but_a_name_and_a_password(browser: Browser, address: str) -> None:
    """No puzzle (WCAG 3.3.8): the browser may fill both in, pasting works, and a refusal keeps the name (3.3.7)."""
    with watched(browser, address) as visit:
        page = visit.open("/login")
        fields = page.locator("input:not([type=hidden])")
        assert [fields.nth(i).get_attribute("autocomplete") for i in range(fields.count())] == [
            "username",
            "current-password",
        ]
        page.locator("#name").fill("anna")
        page.locator("#password").fill("not the password")
        page.keyboard.press("Enter")
        page.get_by_role("alert").wait_for()
        assert page.locator("#name").input_value() == "anna"


def test_keys_can_be_turned_off(desk: Watched) -> None:
    page = desk.open("/queue")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.matches('[data-row]')")
    page.get_by_role("button", name="Turn keys off").click()
    page.keyboard.press("j")
    assert not page.evaluate("document.activeElement.matches('[data-row]')")
    page.get_by_role("button", name="Turn keys on").click()


def test_a_key_typed_into_a_field_is_text(desk: Watched) -> None:
    page = desk.open("/queue")
    page.keyboard.press("/")
    page.keyboard.type("jk?t")
    assert page.locator("#q").input_value() == "jk?t"
    assert not page.locator("#keys").is_visible()


def test_two_reviewers_on_one_case_lose_nothing(browser: Browser, address: str) -> None:
    with watched(browser, address) as first, watched(browser, address) as second:
        first.log_in(REVIEWER)
        second.log_in(SECOND)
        path = first_seller(first.open("/queue?assignee=nobody"))
        first.open(path)
        second.open(path)
        first.page.get_by_role("button", name="Take this case").click()
        second.page.get_by_role("button", name="Take this case").click()
        said = plain(second.page.locator("main"))
        assert "The case has changed" in said
        assert "take by anna" in said
        second.page.get_by_role("link", name="Open the case again").click()
        assert "anna has taken it" in plain(second.page.locator(".case"))
        first.page.get_by_role("button", name="Return it to the queue").click()


def test_hostile_names_are_text(browser: Browser, address: str, settings: Settings) -> None:
    """500 of them in the queue: each is seen as text and nothing else, and the page is what it was."""
    wanted = names(HOSTILE)
    engine = open_database(settings)
    with engine.begin() as con:
        model = con.execute(sa.select(CASES)).mappings().first()
        assert model is not None
        for number, name in enumerate(wanted):
            facts = model["facts"].replace(f'"seller_name": "{model["seller_name"]}"', f'"seller_name": {quoted(name)}')
            own = {"case_id": uuid4().hex, "seller_id": f"hostile {number:03d} {name}", "seller_name": name}
            con.execute(sa.insert(CASES).values(**{**model, **own, "facts": facts, "loss_avoided": 1e9 - number}))
    try:
        with watched(browser, address) as visit:
            visit.log_in(MANAGER)
            seen = []
            for number in range(1, HOSTILE // 50 + 1):
                page = visit.open(f"/queue?page={number}")
                seen += page.locator("table.queue tbody th a").all_inner_texts()
                assert page.evaluate("document.querySelectorAll('.queue img, .queue iframe, main script').length") == 0
            assert [" ".join(text.split()) for text in seen] == [as_seen(name) for name in wanted]
            assert page.locator("bdi").count() >= 100
    finally:
        with engine.begin() as con:
            con.execute(sa.delete(CASES).where(CASES.c.seller_id.startswith("hostile ")))
        engine.dispose()


def quoted(name: str) -> str:
    import json

    return json.dumps(name, ensure_ascii=False)


def test_a_hostile_name_stays_text_on_its_own_page(browser: Browser, address: str) -> None:
    with watched(browser, address) as visit:
        visit.log_in(REVIEWER)
        for number, name in enumerate(SEEDS[:30]):
            page = visit.open(f"/seller/s{number}")
            if as_seen(name):
                assert " ".join(page.locator("h1").inner_text().split()) == as_seen(name)
            assert page.title().startswith(as_seen(name)[:20])


def test_a_refused_decision_keeps_what_was_typed(desk: Watched) -> None:
    """No redundant entry: a restriction without its reason comes back with every word, and says what it lacks."""
    page = desk.open("/queue?assignee=nobody")
    page.keyboard.press("t")
    page.wait_for_url("**did=take**")
    if page.locator("text=First look").count():
        page.get_by_role("button", name="I would act").click()
    page.get_by_role("radio", name=re.compile("hold on new orders")).check()
    page.locator("#facts").fill("Six of 40 orders came back in June, five of one item.")
    page.get_by_role("button", name="Decide").click()
    assert page.locator("#facts").input_value() == "Six of 40 orders came back in June, five of one item."
    assert page.get_by_role("radio", name=re.compile("hold on new orders")).is_checked()
    assert "Help must come before a restriction" in page.get_by_role("alert").inner_text()
    assert page.locator("#urgent").get_attribute("aria-invalid") == "true"
    assert violations(page) == []
    page.get_by_role("button", name="Return it to the queue").click()
