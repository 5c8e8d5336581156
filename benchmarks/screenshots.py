"""Pictures of the review pages for README and docs/reviewer.md: `make screenshots`.

The pages are those of the demo's simulated marketplace, which is built first where it is not there.
"""

import io
from pathlib import Path

import sqlalchemy as sa
from PIL import Image
from playwright.sync_api import Page, ViewportSize

from benchmarks.chromium import chromium
from benchmarks.review import NAME, PASSWORD, served
from benchmarks.review_browser import log_in
from benchmarks.review_market import small_home
from core.settings import Settings
from features.ingest.contract import RESTRICTING
from serving.casework.cases.case import Person
from serving.casework.decisions.decision import Decision, select
from serving.database.connection import open_database, reading
from serving.review.web import people

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "images"
SIZE: ViewportSize = {"width": 1280, "height": 860}
TALL: ViewportSize = {"width": 1280, "height": 1180}
OWNER, MANAGER = "owner", "mara"
COLOURS = 200  # of a picture: enough for flat pages, and a third of the bytes


def main() -> None:
    """Take every picture anew."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    settings = small_home(Settings())
    told = logins(settings)
    with served(settings) as address, chromium() as browser:
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.goto(f"{address}/login")
        log_in(page, NAME, PASSWORD)
        keep(page, "queue")
        page.set_viewport_size(TALL)
        page.goto(address + seller(page))
        page.locator(".reason summary").first.click()
        keep(page, "seller")
        for person, path, name in (
            (OWNER, "/standing", "own"),
            (OWNER, f"/standing/letter/{told.case_decision_id}", "letter"),
            (MANAGER, "/figures", "figures"),
        ):
            page = browser.new_context(viewport=TALL, color_scheme="light").new_page()
            page.goto(f"{address}/login")
            enter(page, person)
            page.goto(address + path)
            keep(page, name)


def enter(page: Page, name: str) -> None:
    """Log in and wait for whatever page the role begins with."""
    page.locator("#name").fill(name)
    page.locator("#password").fill(PASSWORD)
    with page.expect_navigation(url=lambda url: "/login" not in url):
        page.keyboard.press("Enter")


def logins(settings: Settings) -> Decision:
    """A manager's login, and that of the seller whose letter is shown; the decision that it was told."""
    engine = open_database(settings)
    told = letter_of(engine)
    for user in (Person(MANAGER, "manager"), Person(OWNER, "seller", told.seller_id)):
        if user.name in {known.name for known in people.everybody(engine)}:
            people.remove(engine, user.name)
        people.add(engine, user, PASSWORD)
    engine.dispose()
    return told


def letter_of(engine: sa.Engine) -> Decision:
    """The newest decision that was told; a restriction, where there is one."""
    with reading(engine) as con:
        told = [one for one in select(con) if one.letter and not one.undone_at]
    return next((one for one in told if one.kind in RESTRICTING), told[0])


def seller(page: Page) -> str:
    """The first seller of the queue whose case shows everything, and is likely to breach."""
    rows = page.locator("table.queue tbody tr[data-line]").filter(has=page.locator(".band-review"))
    rows = rows.filter(has=page.locator(".why .under"))  # its reasons are not withheld
    return str(rows.first.locator("th a").get_attribute("href"))


def keep(page: Page, name: str) -> None:
    """The window as a small PNG."""
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB").quantize(COLOURS)
    picture.save(FOLDER / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
