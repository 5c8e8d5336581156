"""`foresell records`: verify, erase, prune, back up and restore what the service has recorded."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from core.errors import ForesellError
from core.settings import Settings
from core.words import count_of
from foresell.console import CommandResult, steps, table
from serving.audit_log.verify import Verification
from serving.database.connection import address, open_database

SHOWN = 20


def verify_records(head: str) -> CommandResult:
    """Read every record, and report those that were altered, lost, added or moved."""
    from serving.audit_log.verify import verify

    with _records("reading every record") as engine:
        return _verification(verify(engine, head), "verified")


def erase(seller: str, decision: str, reason: str) -> CommandResult:
    """Erase the records of a seller, or one prediction."""
    from serving.audit_log.erasure import erase_prediction, erase_seller
    from serving.deployment.job_files import forget_seller

    if bool(seller) == bool(decision) or not reason.strip():
        rule = "An erasure needs one seller or one decision, and a reason."
        raise ForesellError(
            rule, "neither or both, or no reason", "give --seller ID or --decision ID, and --reason TEXT"
        )
    with _records("erasing") as engine:
        count = erase_seller(engine, seller, reason) if seller else erase_prediction(engine, decision, reason)
        files = forget_seller(Settings(), engine, seller) if seller else 0
    if not count + files:
        subject = f"none of {'seller' if seller else 'decision'} {seller or decision}"
        raise ForesellError(
            "The seller or decision must have a record.", subject, "check the id; it may have been erased before"
        )
    message = f"{count} records erased. Older backups still contain them: delete those when you can."
    return CommandResult({"erased": count, "job_results_removed": files}, (message,))


def prune(days: float) -> CommandResult:
    """Delete records that are older than a number of days."""
    from serving.audit_log.retention import remove_older

    with _records("removing old records") as engine:
        removed = remove_older(engine, days)
    rows = [(name, f"{count:,}") for name, count in removed.items()]
    return CommandResult({"removed": removed}, (table({"table": "left", "removed": "right"}, rows),))


def back_up_records(file: Path) -> CommandResult:
    """Copy all records to one file and verify it."""
    from serving.audit_log.backup import back_up

    with _records("copying and verifying") as engine:
        return _verification(back_up(engine, file), f"backed up in {file}")


def restore_records(file: Path) -> CommandResult:
    """Restore a backup into an empty database."""
    from serving.audit_log.backup import restore

    with _records("restoring and verifying") as engine:
        return _verification(restore(engine, file), f"restored from {file}")


@contextmanager
def _records(title: str) -> Iterator[sa.Engine]:
    settings = Settings()
    with steps() as progress:
        progress(title)
        try:
            engine = open_database(settings)
            yield engine
            engine.dispose()
        except sa.exc.DBAPIError as error:
            where = address(settings).render_as_string(hide_password=True)
            cause = str(error.orig).splitlines()[0] if str(error.orig) else type(error.orig).__name__
            raise ForesellError(
                "The database of the records must be reachable.", f"{where}: {cause}", "check FORESELL_DATABASE"
            ) from error


def _verification(verification: Verification, done: str) -> CommandResult:
    faults = [vars(fault) for fault in verification.faults]
    data = {"entries": verification.entries, "head": verification.head, "sound": not faults, "faults": faults}
    entries = count_of(verification.entries, "entry", "entries")
    if not faults:
        message = f"{entries} {done}; all records are as they were stored.\nHead {verification.head}"
        return CommandResult(
            data,
            (
                message,
                "Store the head elsewhere. `foresell records verify --head HEAD` checks that it is still in the chain.",
            ),
        )
    rows = [(str(f.seq or "-"), f.subject, f.record_id, f.said) for f in verification.faults[:SHOWN]]
    shown = table({"entry": "right", "of": "left", "record": "left", "found": "left"}, rows)
    next_step = "Next: restore the newest backup into an empty database and compare (foresell records restore)."
    return CommandResult(
        data,
        (f"{count_of(len(faults), 'fault')} in {entries}.", shown, next_step),
    )
