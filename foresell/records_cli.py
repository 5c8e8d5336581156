"""The commands of `foresell records`."""

from pathlib import Path
from typing import Annotated

import typer

from foresell.console import show

records = typer.Typer(
    help="What the service has recorded: verify, erase, prune, back up, restore.", no_args_is_help=True
)
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document for machines.")]
File = Annotated[Path, typer.Argument(help="One SQLite file, whichever database it is of.")]


@records.command()
def verify(
    head: Annotated[str, typer.Option(help="A head printed before: the chain must still lead through it.")] = "",
    as_json: Json = False,
) -> None:
    """Find any record that was altered, lost, added or moved; exit code 1 when there is one."""
    from foresell.records import verify_records

    outcome = verify_records(head)
    show(outcome, as_json)
    raise typer.Exit(0 if outcome.data["sound"] else 1)


@records.command()
def erase(
    seller: Annotated[str, typer.Option(help="Erase all records of this seller.", metavar="ID")] = "",
    decision: Annotated[str, typer.Option(help="Erase one prediction.", metavar="ID")] = "",
    reason: Annotated[str, typer.Option(help="Why; kept for ever, so no names.")] = "",
    as_json: Json = False,
) -> None:
    """Erase what records hold of a seller; the chain stays whole, a replay then answers 410."""
    from foresell.records import erase

    show(erase(seller, decision, reason), as_json)


@records.command()
def prune(
    older_than: Annotated[float, typer.Option(help="Remove predictions and outcomes from before so many days.", min=1)],
    as_json: Json = False,
) -> None:
    """Remove what is older than it needs to be kept."""
    from foresell.records import prune

    show(prune(older_than), as_json)


@records.command()
def backup(file: File, as_json: Json = False) -> None:
    """Write all records to a new file, while the service runs, and verify it."""
    from foresell.records import back_up_records

    show(back_up_records(file), as_json)


@records.command()
def restore(file: File, as_json: Json = False) -> None:
    """Put a backup into the configured database, which must be empty."""
    from foresell.records import restore_records

    show(restore_records(file), as_json)
