"""What a browser finds on the review pages: axe's violations, requests elsewhere, names that are not text."""

import json
from typing import Literal
from uuid import uuid4

import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from benchmarks.chromium import chromium
from core.settings import Settings
from serving.database.connection import open_database
from serving.database.tables.casework import CASES
from tests.support.attack_strings import as_seen, names

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
THEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")
HOSTILE, ROWS = 500, 50


def seen_in_a_browser(address: str, name: str, password: str, settings: Settings) -> dict[str, float]:
    """axe_violations, off_origin_requests, and of 500 hostile names how many are shown as text."""
    asked: list[str] = []
    with chromium() as browser:
        themes = [browser.new_page(color_scheme=theme) for theme in THEMES]
        violations = sum(_violations(page, address, name, password, asked) for page in themes)
        wanted = _hostile(settings)
        seen = _names(browser.new_page(), address, name, password, asked)
    right = sum(" ".join(a.split()) == as_seen(b) for a, b in zip(seen, wanted, strict=False))
    elsewhere = sum(not url.startswith((f"{address}/", "data:")) for url in asked)
    return {"axe_violations": violations, "off_origin_requests": elsewhere, "hostile_names": right}


def _violations(page: Page, address: str, name: str, password: str, asked: list[str]) -> int:
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{address}/login")
    found = _axe(page)
    log_in(page, name, password)
    seller = page.locator("table.queue tbody th a").first.get_attribute("href")
    for path in ("/queue", f"{seller}", "/nowhere"):
        page.goto(address + path)
        found += _axe(page)
    return found


def _axe(page: Page) -> int:
    page.evaluate("document.querySelectorAll('details').forEach(at => { at.open = true })")
    violations = Axe().run(page, options={"runOnly": {"type": "tag", "values": TAGS}}).response["violations"]
    return sum(len(one["nodes"]) for one in violations)


def _names(page: Page, address: str, name: str, password: str, asked: list[str]) -> list[str]:
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{address}/login")
    log_in(page, name, password)
    seen: list[str] = []
    for number in range(1, HOSTILE // ROWS + 1):
        page.goto(f"{address}/queue?page={number}")
        seen += page.locator("table.queue tbody th a").all_inner_texts()
    return seen


def log_in(page: Page, name: str, password: str) -> None:
    """By the form that is open."""
    page.fill("#name", name)
    page.fill("#password", password)
    page.press("#password", "Enter")
    page.wait_for_url("**/queue")


def _hostile(settings: Settings) -> list[str]:
    """500 cases at the head of the queue whose sellers have such names."""
    wanted, engine = names(HOSTILE), open_database(settings)
    with engine.begin() as con:
        model = dict(con.execute(sa.select(CASES).limit(1)).mappings().one())
        con.execute(sa.insert(CASES), [_case(model, number, name) for number, name in enumerate(wanted)])
    engine.dispose()
    return wanted


def _case(model: dict[str, object], number: int, name: str) -> dict[str, object]:
    facts = json.dumps(json.loads(str(model["facts"])) | {"seller_name": name}, ensure_ascii=False)
    own = {"case_id": uuid4().hex, "seller_id": f"hostile {number}", "seller_name": name}
    return model | own | {"facts": facts, "loss_avoided": 1e9 - number}
