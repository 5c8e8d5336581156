"""`foresell users`: add, list and remove logins of the review pages."""

import sys
from getpass import getpass

from core.settings import Settings
from foresell.console import CommandResult, table
from serving.casework.cases.case import Person
from serving.database.connection import open_database
from serving.review.web import people


def add_user(name: str, role: str, seller_id: str) -> CommandResult:
    """Add a login; the password is typed twice or read from standard input."""
    engine = open_database(Settings())
    people.add(engine, Person(name, role, seller_id), _password())
    return CommandResult({"name": name, "role": role, "seller_id": seller_id}, (f"{name} can log in as {role}.",))


def list_users() -> CommandResult:
    """List all logins."""
    users = people.everybody(open_database(Settings()))
    rows = [(user.name, user.role, user.seller_id) for user in users]
    shown = table({"name": "left", "role": "left", "seller": "left"}, rows)
    return CommandResult({"users": [vars(user) for user in users]}, (shown,))


def set_password(name: str) -> CommandResult:
    """Change the password of a login."""
    people.set_password(open_database(Settings()), name, _password())
    return CommandResult({"name": name}, (f"{name} has a new password; open sessions were ended.",))


def remove_user(name: str) -> CommandResult:
    """Remove a login."""
    people.remove(open_database(Settings()), name)
    return CommandResult({"name": name}, (f"{name} can no longer log in.",))


def _password() -> str:
    """The password: typed twice at a terminal, or one line of standard input for scripts."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass("Password: ")
    while getpass("Repeat: ") != first:
        print("The passwords differ; type them again.", file=sys.stderr)
        first = getpass("Password: ")
    return first
