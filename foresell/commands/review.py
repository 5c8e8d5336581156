"""`foresell review`: opens the week's cases and serves the review pages."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from core.days import DayChoice, iso
from core.settings import Settings
from features.ledger.build import Ledger
from features.table import build_table, usable
from foresell.commands.marketplace import read_ledger
from foresell.commands.scoring import champion
from foresell.commands.service import check_loadable, print_intake
from foresell.console import StepReporter, steps
from foresell.practice import open_practice_weeks, raise_practice_objections
from models.bundle.bundle import check_catalogue
from models.score import headline_models
from serving.casework.decisions.decision import DecisionSettings
from serving.casework.figures.case_outcomes import fill_outcomes
from serving.casework.objections.recompute import SourceFolder, remember_source
from serving.casework.snapshots.seller_snapshot import HORIZON
from serving.casework.week import WEEK, OpeningCounts, OpeningInputs, open_cases
from serving.database.connection import open_database, reading
from serving.database.tables.casework import WEEKLY_SCORES
from serving.review.histories import write_histories
from serving.review.web.services import HISTORIES, standards_shown
from serving.review.web.settings import ReviewSettings, check_address
from serving.scoring.champion_loader import ServingModel
from serving.store.online_store import open_store, sellers_of, write_store


def serve_pages(data: Path | None, days: DayChoice, practice: bool = False) -> None:
    """Serve the pages until stopped; with data, first open the cases of its last day."""
    settings, review = Settings(), ReviewSettings()
    check_address(review)
    with steps() as progress:
        opened = bring_up(data, days, settings, review.capacity, progress, practice) if data else None
        check_loadable(settings, progress)
    print_intake(settings)
    if opened:
        print(f"As of {opened.as_of}: {opened.opened} cases opened, {opened.refreshed} updated.", flush=True)
    print(f"Review pages at {review.address} until Ctrl-C.", flush=True)
    _run(settings, review)


def bring_up(
    data: Path, days: DayChoice, settings: Settings, capacity: int, progress: StepReporter, practice: bool = False
) -> OpeningCounts:
    """Write the online store and the histories from a contract folder, and open the week's cases.

    The first run also opens the cases of the week before, so that the queue can show what changed. With practice it
    opens the cases of ten weeks, and simulated reviewers decide them.
    """
    version, bundle = champion(settings, progress)
    ledger = read_ledger(data, days, settings, progress, present=True)
    remember_source(settings.home, SourceFolder(data, days.zone))
    engine = open_database(settings)
    fill_outcomes(engine, ledger, {m.key.risk: m.standard for m in headline_models(bundle, HORIZON)})
    loaded_bundle, first = ServingModel(bundle, version), not _opened_before(engine)
    standards = usable(standards_shown([m.standard for m in bundle.models]), ledger.quantities)
    if practice and first:
        open_practice_weeks(engine, ledger, loaded_bundle, standards, capacity, progress)
    days_back = [WEEK, 0] if first and not practice else [0]
    try:
        opened = [_open(ledger, loaded_bundle, settings, capacity, engine, days, progress) for days in days_back][-1]
        if practice and first:
            raise_practice_objections(engine, settings.home / "store", data, loaded_bundle, DecisionSettings(standards))
        return opened
    finally:
        engine.dispose()


def _open(
    ledger: Ledger,
    champion: ServingModel,
    settings: Settings,
    capacity: int,
    engine: sa.Engine,
    days_back: int,
    progress: StepReporter,
) -> OpeningCounts:
    as_of = ledger.last_day - days_back
    progress(f"opening the cases of {iso(as_of)}")
    standards = usable(standards_shown([m.standard for m in champion.bundle.models]), ledger.quantities)
    rows = build_table(ledger, [as_of], standards)
    check_catalogue(champion.bundle, rows.features)
    write_store(ledger, rows, settings.home / "store")
    write_histories(ledger, rows, standards, settings.home / HISTORIES)
    inputs = OpeningInputs(open_store(settings.home / "store"), rows, sellers_of(ledger, as_of))
    return open_cases(engine, champion, inputs, capacity, datetime.now(UTC) - timedelta(days=days_back))


def _opened_before(engine: sa.Engine) -> bool:
    with reading(engine) as con:
        return con.execute(sa.select(WEEKLY_SCORES.c.as_of).limit(1)).first() is not None


def _run(settings: Settings, review: ReviewSettings) -> None:
    import uvicorn

    from serving.review.app import create

    # Only a proxy on this machine may state the client's address.
    uvicorn.run(
        create(settings, review),
        host=review.host,
        port=review.port,
        log_level="warning",
        server_header=False,
        forwarded_allow_ips="127.0.0.1",
    )
