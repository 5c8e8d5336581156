"""The review pages: server time and size with 200 thousand sellers and 5 thousand open cases, and what a browser finds.

Times are those of whole answers over loopback by one person at a time, different pages and sellers each time.
"""

import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.chromium import path
from benchmarks.review_browser import seen_in_a_browser
from benchmarks.review_market import large_home, small_home
from benchmarks.run import Measurement
from core.settings import Settings
from serving.casework.cases.case import Person
from serving.database.connection import open_database
from serving.review.web import people

SELLERS, CASES = 200_000, 5_000
SAMPLE = 40
NAME, PASSWORD = "anna", "a long password for a benchmark"
PORT = 20_381
NOTES = (
    f"{SELLERS:,} sellers and {CASES:,} open cases: many copies of the demo's marketplace, each with its own rows, "
    "orders and answers. Times are medians of whole answers over loopback, with another page or seller each time. "
    "Browser: axe checked every page in both themes (WCAG 2.0 to 2.2, A and AA)."
)


def measure() -> Measurement:
    """Medians in milliseconds, the largest page in kB, and what the browser found."""
    small = small_home(Settings())
    with tempfile.TemporaryDirectory() as scratch:
        copies = -(-SELLERS // _sellers(small))
        settings = large_home(small, Path(scratch) / "home", copies, CASES)
        with served(settings) as address:
            figures, floor = timed(address)
            figures |= seen_in_a_browser(address, NAME, PASSWORD, settings)
    return Measurement(figures, {"a page without content": {"queue_ms": floor, "seller_ms": floor}}, NOTES)


def _sellers(small: Settings) -> int:
    from serving.store.online_store import open_store

    return len(open_store(small.home / "store").keys)


@contextmanager
def served(settings: Settings) -> Iterator[str]:
    """The address of the pages, in a process of their own, with one reviewer who may log in."""
    engine = open_database(settings)
    if NAME in {user.name for user in people.everybody(engine)}:
        people.set_password(engine, NAME, PASSWORD)
    else:
        people.add(engine, Person(NAME, "reviewer"), PASSWORD)
    engine.dispose()
    environment = {"FORESELL_HOME": str(settings.home), "FORESELL_REVIEW_PORT": str(PORT), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-m", "foresell.cli", "review"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{PORT}"
    try:
        _wait(address)
        yield address
    finally:
        process.terminate()
        process.wait()


def _wait(address: str) -> None:
    for _ in range(600):
        try:
            if httpx.get(f"{address}/login").is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise SystemExit("The review pages did not start.")


def timed(address: str) -> tuple[dict[str, float], float]:
    """queue_ms, seller_ms and page_kb_max; and the login page's time, as what any page costs."""
    with httpx.Client(base_url=address, follow_redirects=True, timeout=60) as client:
        log_in(client)
        views = queue_views()
        queue = [_answer(client, path) for path in views]
        sellers = [path for _, text in queue for path in re.findall(r'href="(/seller/[^"]+)" data-row', text)]
        chosen = sellers[:: max(1, len(sellers) // SAMPLE)][:SAMPLE]
        seller = [_answer(client, path.replace("&amp;", "&")) for path in chosen]
        floor = [_answer(client, "/nowhere") for _ in range(SAMPLE)]
    sizes = [len(text.encode()) / 1000 for _, text in (*queue, *seller)]
    figures = {"queue_ms": _median(queue), "seller_ms": _median(seller), "page_kb_max": max(sizes)}
    return figures, _median(floor)


def queue_views() -> list[str]:
    """Pages, filters and searches of the queue."""
    pages = [f"/queue?page={n}" for n in range(1, 21)]
    filters = [f"/queue?{f}" for f in ("risk=returns", "size=small", "fulfilment=seller", "tenure=new", "family=items")]
    return [*pages, *filters, *(f"/queue?q={n:03d}-s" for n in range(15))]


def log_in(client: httpx.Client) -> None:
    """By the form."""
    token = re.search(r'name="csrf" value="([^"]+)"', client.get("/login").text)
    form = {"csrf": token[1] if token else "", "name": NAME, "password": PASSWORD}
    client.post("/login", data=form).raise_for_status()


def _answer(client: httpx.Client, path: str) -> tuple[float, str]:
    start = time.perf_counter()
    text = client.get(path).text
    return 1000 * (time.perf_counter() - start), text


def _median(answers: Sequence[tuple[float, str]]) -> float:
    return statistics.median(ms for ms, _ in answers)


if __name__ == "__main__":
    if path() is None:
        sys.exit("The browser's part needs chromium on PATH.")
    print(measure())
