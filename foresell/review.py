"""`foresell review`: the week's cases, and the pages' process."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from features.ledger import Ledger
from features.settings import Settings
from features.table import build_table, usable
from foresell.console import Say, steps
from foresell.data import iso, read_ledger
from foresell.demo_work import objections_of_sellers, work_for_weeks
from foresell.scoring import champion
from foresell.service import check_loadable
from models.bundle import check_catalogue
from models.score import headline_models
from serving.casework.decision import Setup
from serving.casework.looks import HORIZON
from serving.casework.outcomes import mature
from serving.casework.recompute import Source
from serving.casework.sources import remember
from serving.casework.week import WEEK, Opened
from serving.holder import Held
from serving.records.database import open_database, reading
from serving.records.tables.casework import WEEKLY_SCORES
from serving.review.histories import write_histories
from serving.review.services import HISTORIES, standards_shown
from serving.review.settings import ReviewSettings, check_address
from serving.review.week import Desk, open_cases
from serving.store import open_store, sellers_of, write_store


def serve_pages(data: Path | None, zone: str | None, practice: bool = False) -> None:
    """Serve the pages until stopped; with data, bring the cases up to its last day first."""
    settings, review = Settings(), ReviewSettings()
    check_address(review)
    with steps() as say:
        opened = bring_up(data, zone, settings, review.capacity, say, practice) if data else None
        check_loadable(settings, say)
    if opened:
        print(f"As of {opened.as_of}: {opened.opened} cases opened, {opened.refreshed} seen again.", flush=True)
    print(f"Review pages at {review.address} until Ctrl-C.", flush=True)
    _run(settings, review)


def bring_up(
    data: Path, zone: str | None, settings: Settings, capacity: int, say: Say, practice: bool = False
) -> Opened:
    """Write the online store and the histories from a contract folder, and open the week's cases.

    The first time, those of the week before come first, so that the queue can say what changed; practice: ten weeks
    of them, worked on by simulated reviewers.
    """
    version, bundle = champion(settings, say)
    ledger = read_ledger(data, zone, settings, say, present=True)
    remember(settings.home, Source(data, zone))
    engine = open_database(settings)
    mature(engine, ledger, {m.key.risk: m.standard for m in headline_models(bundle, HORIZON)})
    held, first = Held(bundle, version), not _opened_before(engine)
    standards = usable(standards_shown([m.standard for m in bundle.models]), ledger.quantities)
    if practice and first:
        work_for_weeks(engine, ledger, held, standards, capacity, say)
    back = [WEEK, 0] if first and not practice else [0]
    try:
        opened = [_open(ledger, held, settings, capacity, engine, days, say) for days in back][-1]
        if practice and first:
            objections_of_sellers(engine, settings.home / "store", data, held, Setup(standards))
        return opened
    finally:
        engine.dispose()


def _open(
    ledger: Ledger, held: Held, settings: Settings, capacity: int, engine: sa.Engine, days_back: int, say: Say
) -> Opened:
    as_of = ledger.last_day - days_back
    say(f"bringing the cases up to {iso(as_of)}")
    standards = usable(standards_shown([m.standard for m in held.bundle.models]), ledger.quantities)
    rows = build_table(ledger, [as_of], standards)
    check_catalogue(held.bundle, rows.features)
    write_store(ledger, rows, settings.home / "store")
    write_histories(ledger, rows, standards, settings.home / HISTORIES)
    desk = Desk(open_store(settings.home / "store"), rows, sellers_of(ledger, as_of))
    return open_cases(engine, held, desk, capacity, datetime.now(UTC) - timedelta(days=days_back))


def _opened_before(engine: sa.Engine) -> bool:
    with reading(engine) as con:
        return con.execute(sa.select(WEEKLY_SCORES.c.as_of).limit(1)).first() is not None


def _run(settings: Settings, review: ReviewSettings) -> None:
    import uvicorn

    from serving.review.app import create

    # Only a proxy on this machine is believed when it says whom it speaks for.
    uvicorn.run(
        create(settings, review),
        host=review.host,
        port=review.port,
        log_level="warning",
        server_header=False,
        forwarded_allow_ips="127.0.0.1",
    )
