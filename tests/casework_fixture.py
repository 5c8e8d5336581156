"""Cases of the small market in a database of their own, and the people who work on them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import serving_market as market
import sqlalchemy as sa

from models.economy import Economy
from serving.casework import week
from serving.casework.decision import Choice, Setup
from serving.casework.looks import Known
from serving.casework.people import Person
from serving.casework.recompute import Source
from serving.casework.rulings import Bench
from serving.casework.week import Opened, Sellers, open_week
from serving.holder import Held
from serving.loaded import Loaded
from serving.records.predictions import know
from serving.store import Store, open_store, write_store

NOW = datetime(2026, 7, 20, 9, tzinfo=UTC)
ANN, BOB = Person("ann", "reviewer"), Person("bob", "reviewer")
MEG = Person("meg", "manager")
ECONOMY = Economy(capacity=0.3)
FACTS = "Six of 40 orders came back in June, five of them of one item whose size chart is wrong."


def opened(engine: sa.Engine, home: Path, at: datetime = NOW, known: Mapping[str, Known] | None = None) -> Opened:
    """The week's cases of the small market, in a database."""
    return open_week(engine, held(), sellers(store(home), engine, known or {}), ECONOMY, at)


def store(home: Path) -> Store:
    """The small market's online store under home."""
    write_store(market.ledger(), market.last_rows(), home / "store")
    return open_store(home / "store")


def held() -> Held:
    """The small market's bundle as a serving process holds it."""
    return Held(market.bundle(), "1")


def sellers(opened_store: Store, engine: sa.Engine, known: Mapping[str, Known]) -> Sellers:
    """All rows of the store."""
    table = market.last_rows()
    layout = know(engine, opened_store.names)
    return Sellers(table, lambda n: opened_store.rows(opened_store.find(table.seller_id[n].tolist())), known, layout)


def setup() -> Setup:
    """The standards that the small market's models rest on."""
    return Setup(tuple(m.standard for m in market.bundle().models))


def source(folder: Path) -> Source:
    """The small market as a folder of the contract."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in market.frames().items():
        frame.to_parquet(folder / f"{name}.parquet", index=False)
    (folder / "source.toml").write_text(f'name = "small"\nzone = "{market.ZONE}"\n')
    return Source(folder)


def bench(home: Path, engine: sa.Engine) -> Bench:
    """What answering an objection needs, of the small market."""
    opened_store = open_store(home / "store")
    loaded = Loaded(held(), opened_store, know(engine, opened_store.names))
    return Bench(source(home / "data"), loaded, market.standards(), ECONOMY)


def restriction(case: week.Case, **changed: str) -> Choice:
    """A complete order cap on a case's own standard."""
    standard = market.bundle().model(case.risk, 28).standard
    said = {
        "kind": "order_cap",
        "facts": FACTS,
        "standard": standard.name,
        "standard_version": standard.version,
        "urgent": "Customers wait for 14 parcels that were never handed over.",
    }
    return Choice(**said | changed)
