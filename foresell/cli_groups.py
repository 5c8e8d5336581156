"""The groups of commands of `foresell`: users, keys and records. Each imports what it needs when it runs."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from foresell.console import show

Json = Annotated[bool, typer.Option("--json", help="Print the result as one JSON document.")]
users = typer.Typer(help="Add, list and remove the logins of the review pages.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The name that the person logs in with.", show_default=False)]
keys = typer.Typer(help="Create, list, rotate and revoke the keys of the prediction API.", no_args_is_help=True)
KeyId = Annotated[str, typer.Argument(help="Id of the key, as `foresell keys list` shows it.", show_default=False)]
Days = Annotated[float, typer.Option(help="Days until the key expires; 0 means never.", min=0)]
records = typer.Typer(
    help="The audit log of the service: verify, erase, prune, back up, restore.", no_args_is_help=True
)
File = Annotated[Path, typer.Argument(help="The backup: one SQLite file, also if the records are in PostgreSQL.")]


@users.command("add")
def add_user(
    name: Name,
    role: Annotated[
        Literal["reviewer", "manager", "seller"],
        typer.Option(help="Role, which decides what the person may see and do."),
    ],
    seller: Annotated[str, typer.Option(help="For the role seller: the seller_id that the person represents.")] = "",
    as_json: Json = False,
) -> None:
    """Add a login; the password is typed, or read from one line of standard input."""
    from foresell.commands import users as people

    show(people.add_user(name, role, seller), as_json)


@users.command("list")
def list_users(as_json: Json = False) -> None:
    """List the logins."""
    from foresell.commands import users as people

    show(people.list_users(), as_json)


@users.command("password")
def set_password(name: Name, as_json: Json = False) -> None:
    """Change a password; the person's open sessions end."""
    from foresell.commands import users as people

    show(people.set_password(name), as_json)


@users.command("remove")
def remove_user(name: Name, as_json: Json = False) -> None:
    """Remove a login; the person's open sessions end."""
    from foresell.commands import users as people

    show(people.remove_user(name), as_json)


@keys.command("create")
def create_key(
    name: Annotated[
        str, typer.Argument(help="Name of the person or program that will use the key.", show_default=False)
    ],
    role: Annotated[
        list[str], typer.Option(help="What the key may do: score, read, review or admin; may be repeated.")
    ],
    days: Days = 90,
    rate: Annotated[
        float | None, typer.Option(help="Requests allowed per second; by default FORESELL_KEY_RATE.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Create a key and show it once."""
    from foresell.commands import keys as of_api

    show(of_api.create_key(name, role, days, rate), as_json)


@keys.command("list")
def list_keys(as_json: Json = False) -> None:
    """List the keys with their roles and their last use."""
    from foresell.commands import keys as of_api

    show(of_api.list_keys(), as_json)


@keys.command("rotate")
def rotate_key(
    key_id: KeyId,
    overlap: Annotated[float, typer.Option(help="Hours during which the old key stays valid.", min=0)] = 24,
    days: Days = 90,
    as_json: Json = False,
) -> None:
    """Create a new key in place of another; the old one stays valid for some hours."""
    from foresell.commands import keys as of_api

    show(of_api.rotate_key(key_id, overlap, days), as_json)


@keys.command("revoke")
def revoke_key(key_id: KeyId, as_json: Json = False) -> None:
    """Revoke a key; running services refuse it within seconds."""
    from foresell.commands import keys as of_api

    show(of_api.revoke_key(key_id), as_json)


@records.command()
def verify(
    head: Annotated[
        str, typer.Option(help="A head that was printed earlier; it must still be part of the chain.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Find records that were altered, lost, added or moved; exit code 1 if there are any."""
    from foresell.commands.records import verify_records

    outcome = verify_records(head)
    show(outcome, as_json)
    raise typer.Exit(0 if outcome.data["sound"] else 1)


@records.command()
def erase(
    seller: Annotated[str, typer.Option(help="Erase all records of this seller.", metavar="ID")] = "",
    decision: Annotated[str, typer.Option(help="Erase one prediction.", metavar="ID")] = "",
    reason: Annotated[
        str, typer.Option(help="Reason of the erasure. It is stored permanently, so write no personal data.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Erase a seller's records, or one prediction. The chain stays valid; a replay then answers 410."""
    from foresell.commands.records import erase

    show(erase(seller, decision, reason), as_json)


@records.command()
def prune(
    older_than: Annotated[
        float, typer.Option(help="Remove predictions and outcomes older than this many days.", min=1)
    ],
    as_json: Json = False,
) -> None:
    """Delete predictions and outcomes that are older than a number of days."""
    from foresell.commands.records import prune

    show(prune(older_than), as_json)


@records.command()
def backup(file: File, as_json: Json = False) -> None:
    """Copy all records to a new file while the service runs, and verify the copy."""
    from foresell.commands.records import back_up_records

    show(back_up_records(file), as_json)


@records.command()
def restore(file: File, as_json: Json = False) -> None:
    """Restore a backup into the configured database, which must be empty."""
    from foresell.commands.records import restore_records

    show(restore_records(file), as_json)
