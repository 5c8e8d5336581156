"""Pictures of the review pages for README and docs/reviewer.md: `make screenshots`.

The pages are those of the demo's simulated marketplace, which is built first where it is not there.
"""

import io
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

from benchmarks.chromium import chromium
from benchmarks.review import NAME, PASSWORD, served
from benchmarks.review_browser import log_in
from benchmarks.review_market import small_home
from features.settings import Settings

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "images"
SIZE = {"width": 1280, "height": 860}
TALL = {"width": 1280, "height": 1180}
COLOURS = 200  # of a picture: enough for flat pages, and a third of the bytes


def main() -> None:
    """Take every picture anew."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with served(small_home(Settings())) as address, chromium() as browser:
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.goto(f"{address}/login")
        log_in(page, NAME, PASSWORD)
        keep(page, "queue")
        page.set_viewport_size(TALL)
        page.goto(address + seller(page))
        page.locator(".reason summary").first.click()
        keep(page, "seller")


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
