"""`foresell review`: the week's cases, and the pages' process."""

from datetime import UTC, datetime
from pathlib import Path

from features.settings import Settings
from foresell.console import Say, steps
from foresell.data import read_ledger
from foresell.scoring import champion, last_day
from foresell.service import check_loadable
from serving.casework.week import Opened
from serving.holder import Held
from serving.records.database import open_database
from serving.review.histories import write_histories
from serving.review.services import HISTORIES, standards_shown
from serving.review.settings import ReviewSettings, check_address
from serving.review.week import Desk, open_cases
from serving.store import open_store, sellers_of, write_store


def serve_pages(data: Path | None, zone: str | None) -> None:
    """Serve the pages until stopped; with data, bring the cases up to its last day first."""
    settings, review = Settings(), ReviewSettings()
    check_address(review)
    with steps() as say:
        opened = bring_up(data, zone, settings, review.capacity, say) if data else None
        check_loadable(settings, say)
    if opened:
        print(f"As of {opened.as_of}: {opened.opened} cases opened, {opened.refreshed} seen again.", flush=True)
    print(f"Review pages at {review.address} until Ctrl-C.", flush=True)
    _run(settings, review)


def bring_up(data: Path, zone: str | None, settings: Settings, capacity: int, say: Say) -> Opened:
    """Write the online store and the histories from a contract folder, and open the week's cases."""
    version, bundle = champion(settings, say)
    ledger = read_ledger(data, zone, settings, say)
    standards = standards_shown([model.standard for model in bundle.models])
    rows = last_day(ledger, bundle, say, standards)
    say("writing the online store")
    write_store(ledger, rows, settings.home / "store")
    say("writing the histories")
    usable = [s for s in standards if set(s.quantities()) <= set(ledger.quantities)]
    write_histories(ledger, rows, usable, settings.home / HISTORIES)
    say("opening the cases")
    engine = open_database(settings)
    store = open_store(settings.home / "store")
    desk = Desk(store, rows, sellers_of(ledger, store.as_of))
    opened = open_cases(engine, Held(bundle, version), desk, capacity, datetime.now(UTC))
    engine.dispose()
    return opened


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
