"""`foresell grow`: a day's new files taken into a ledger."""

from pathlib import Path

from features.growing import grow
from features.settings import Settings
from foresell.console import Outcome, steps


def grow_ledger(place: Path, data: Path, zone: str | None) -> Outcome:
    """Take what the ledger does not hold yet, and report what it was."""
    with steps() as say:
        say("taking the new files")
        found = grow(place, data, zone, Settings().quarantine_share)
    facts = {"ledger": str(place), "files": found.files, "whole": found.whole, "intake": found.report.as_json()}
    if not found.files:
        return Outcome(facts, (f"{place} holds every file of {data} already.",))
    how = "built from the first day on" if found.whole else "added to"
    return Outcome(facts, (*found.report.lines(), f"{found.files} files taken; {place} was {how}"))
