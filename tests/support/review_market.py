"""The review pages on the small marketplace with named sellers: store, histories, two weeks of cases, and logins."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import uvicorn

from core.settings import Settings
from features.ingest.intake import open_frames
from features.ledger.build import Ledger, build_ledger
from features.table import build_table
from models.bundle.bundle import load, save
from serving.casework.cases.case import Person
from serving.casework.cases.experiment_arms import FIRST_LOOK
from serving.casework.objections.recompute import remember_source
from serving.casework.week import OpeningCounts, OpeningInputs, open_cases
from serving.database.connection import insert_new, open_database, writing
from serving.database.tables.casework import SALTS
from serving.review.histories import write_histories
from serving.review.web import people
from serving.review.web.services import standards_shown
from serving.scoring.champion_loader import ServingModel
from serving.store.bundles import install
from serving.store.online_store import open_store, sellers_of, write_store
from tests.support import serving_market as market
from tests.support.casework_fixture import source_folder
from tests.support.review_fixture import PASSWORD, PEOPLE, QUICK, app_of

CAPACITY = 20
WEEK = 7
SALT = "0"


def named_ledger(names: Sequence[str]) -> Ledger:
    """The small marketplace's ledger, its first sellers with these names."""
    frames = dict(market.frames())
    sellers = frames["sellers"].copy()
    sellers["name"] = [names[i] if i < len(names) else f"Shop {i}" for i in range(len(sellers))]
    sellers["natural_person"] = [i % 2 == 0 for i in range(len(sellers))]
    return build_ledger(open_frames(frames | {"sellers": sellers}, zone=market.ZONE, name="small"))


def make_review_market(home: Path, names: Sequence[str] = (), users: Sequence[Person] = PEOPLE) -> Settings:
    """A home with everything that the pages show."""
    people.HASHER = QUICK
    save(market.bundle(), home / "trained")
    install(home / "trained", "1", home)
    ledger, settings = named_ledger(names), Settings(home=home)
    draw_alike(settings)
    for as_of in (ledger.last_day - WEEK, ledger.last_day):
        bring_up(ledger, as_of, settings)
    remember_source(home, source_folder(home / "data"))
    engine = open_database(settings)
    for user in users:
        people.add(engine, user, PASSWORD)
    engine.dispose()
    return settings


def draw_alike(settings: Settings) -> None:
    """One salt for every run: which cases withhold something first is the same each time, the first seller's none."""
    engine = open_database(settings)
    with writing(engine) as con:
        insert_new(con, SALTS, [{"name": FIRST_LOOK, "salt": SALT}])
    engine.dispose()


def bring_up(ledger: Ledger, as_of: int, settings: Settings) -> OpeningCounts:
    """Store, histories and cases of one day, as `foresell review --data` makes them."""
    bundle = load(settings.home / "trained")  # with its digest, as the pages hold it
    standards = [
        s for s in standards_shown([m.standard for m in bundle.models]) if set(s.quantities()) <= set(ledger.quantities)
    ]
    table = build_table(ledger, [as_of], standards)
    write_store(ledger, table, settings.home / "store")
    write_histories(ledger, table, standards, settings.home / "review")
    engine, store = open_database(settings), open_store(settings.home / "store")
    try:
        desk = OpeningInputs(store, table, sellers_of(ledger, as_of))
        return open_cases(engine, ServingModel(bundle, "1"), desk, CAPACITY, datetime.now(UTC))
    finally:
        engine.dispose()


@contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """The address of the pages, served in a thread of this process."""
    config = uvicorn.Config(app_of(settings), host="127.0.0.1", port=0, log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(20)
