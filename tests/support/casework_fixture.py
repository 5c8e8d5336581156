"""Cases of the small market in a database of their own, and the people who work on them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from models.arithmetic.economy import Economy
from serving.audit_log.predictions import record_layout
from serving.casework.cases.case import Case, Person
from serving.casework.decisions.decision import DecisionForm, DecisionSettings
from serving.casework.objections.recompute import SourceFolder
from serving.casework.objections.rulings import RulingContext
from serving.casework.snapshots.seller_snapshot import SellerProfile
from serving.casework.week import OpeningCounts, WeekSellers, open_week
from serving.scoring.champion_loader import ServingModel
from serving.scoring.model_watcher import ModelAndStore
from serving.store.online_store import Store, open_store, write_store
from tests.support import serving_market as market

NOW = datetime(2026, 7, 20, 9, tzinfo=UTC)
ANN, BOB = Person("ann", "reviewer"), Person("bob", "reviewer")
MEG = Person("meg", "manager")
ECONOMY = Economy(capacity=0.3)
FACTS = "Six of 40 orders came back in June, five of them of one item whose size chart is wrong."


def open_small_week(
    engine: sa.Engine, home: Path, at: datetime = NOW, known: Mapping[str, SellerProfile] | None = None
) -> OpeningCounts:
    """The week's cases of the small market, in a database."""
    return open_week(engine, champion(), sellers(store(home), engine, known or {}), ECONOMY, at)


def store(home: Path) -> Store:
    """The small market's online store under home."""
    write_store(market.ledger(), market.last_rows(), home / "store")
    return open_store(home / "store")


def champion() -> ServingModel:
    """The small market's bundle as a serving process holds it."""
    return ServingModel(market.bundle(), "1")


def sellers(opened_store: Store, engine: sa.Engine, known: Mapping[str, SellerProfile]) -> WeekSellers:
    """All rows of the store."""
    table = market.last_rows()
    layout = record_layout(engine, opened_store.names)
    return WeekSellers(
        table, lambda n: opened_store.rows(opened_store.find(table.seller_id[n].tolist())), known, layout
    )


def decision_settings() -> DecisionSettings:
    """The standards that the small market's models rest on."""
    return DecisionSettings(tuple(m.standard for m in market.bundle().models))


def source_folder(folder: Path) -> SourceFolder:
    """The small market as a folder of the contract."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in market.frames().items():
        frame.to_parquet(folder / f"{name}.parquet", index=False)
    (folder / "source.toml").write_text(f'name = "small"\nzone = "{market.ZONE}"\n')
    return SourceFolder(folder)


def ruling_context(home: Path, engine: sa.Engine) -> RulingContext:
    """What answering an objection needs, of the small market."""
    opened_store = open_store(home / "store")
    loaded = ModelAndStore(champion(), opened_store, record_layout(engine, opened_store.names))
    return RulingContext(source_folder(home / "data"), loaded, market.standards(), ECONOMY)


def order_cap_form(case: Case, **changed: str) -> DecisionForm:
    """A complete order cap on a case's own standard."""
    standard = market.bundle().model(case.risk, 28).standard
    said = {
        "kind": "order_cap",
        "facts": FACTS,
        "standard": standard.name,
        "standard_version": standard.version,
        "urgent": "Customers wait for 14 parcels that were never handed over.",
    }
    return DecisionForm(**said | changed)
