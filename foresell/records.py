"""`foresell records`: verify, erase, prune, back up and restore what the service has recorded."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from features.errors import ForesellError
from features.settings import Settings
from foresell.console import Outcome, steps, table
from serving.records.database import address, open_database
from serving.records.verify import Verified

SHOWN = 20


def verify_records(head: str) -> Outcome:
    """Read every record and say what is not as it was recorded."""
    from serving.records.verify import verify

    with _records("reading every record") as engine:
        return _verified(verify(engine, head), "verified")


def erase(seller: str, decision: str, reason: str) -> Outcome:
    """Erase the records of a seller, or one decision."""
    from serving.job_files import forget_seller
    from serving.records.erasure import erase_decision, erase_seller

    if bool(seller) == bool(decision) or not reason.strip():
        rule = "An erasure names one seller or one decision, and its reason."
        raise ForesellError(rule, "neither, both, or no reason", "give --seller ID or --decision ID, and --reason TEXT")
    with _records("erasing") as engine:
        count = erase_seller(engine, seller, reason) if seller else erase_decision(engine, decision, reason)
        files = forget_seller(Settings(), engine, seller) if seller else 0
    if not count + files:
        found = f"none of {'seller' if seller else 'decision'} {seller or decision}"
        raise ForesellError("There must be a record to erase.", found, "check the id; it may have been erased before")
    said = f"{count} records erased. Backups still hold them: let those from before this day expire."
    return Outcome({"erased": count, "job_results_removed": files}, (said,))


def prune(days: float) -> Outcome:
    """Remove what is older than it needs to be kept."""
    from serving.records.retention import remove_older

    with _records("removing old records") as engine:
        removed = remove_older(engine, days)
    rows = [(name, f"{count:,}") for name, count in removed.items()]
    return Outcome({"removed": removed}, (table({"table": "left", "removed": "right"}, rows),))


def back_up_records(file: Path) -> Outcome:
    """Write everything to one file, verified."""
    from serving.records.backup import back_up

    with _records("copying and verifying") as engine:
        return _verified(back_up(engine, file), f"backed up in {file}")


def restore_records(file: Path) -> Outcome:
    """Put a backup into an empty database."""
    from serving.records.backup import restore

    with _records("restoring and verifying") as engine:
        return _verified(restore(engine, file), f"restored from {file}")


@contextmanager
def _records(title: str) -> Iterator[sa.Engine]:
    settings = Settings()
    with steps() as say:
        say(title)
        try:
            engine = open_database(settings)
            yield engine
            engine.dispose()
        except sa.exc.DBAPIError as error:
            where = address(settings).render_as_string(hide_password=True)
            said = str(error.orig).splitlines()[0] if str(error.orig) else type(error.orig).__name__
            raise ForesellError(
                "The records must be reachable.", f"{where}: {said}", "check FORESELL_DATABASE"
            ) from error


def _verified(found: Verified, done: str) -> Outcome:
    faults = [vars(fault) for fault in found.faults]
    data = {"entries": found.entries, "head": found.head, "sound": not faults, "faults": faults}
    if not faults:
        said = f"{found.entries:,} entries {done}; nothing was altered, lost or moved.\nHead {found.head}"
        return Outcome(
            data, (said, "Keep the head elsewhere: `foresell records verify --head` tells whether it still is one.")
        )
    rows = [(str(f.seq or "-"), f.subject, f.record_id, f.said) for f in found.faults[:SHOWN]]
    shown = table({"entry": "right", "of": "left", "record": "left", "found": "left"}, rows)
    step = "Next: compare with the newest backup (foresell records restore into an empty database)."
    return Outcome(data, (f"{len(faults)} faults in {found.entries:,} entries.", shown, step))
