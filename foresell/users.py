"""`foresell users`: who may log in to the review pages."""

import sys
from getpass import getpass

from features.settings import Settings
from foresell.console import Outcome, table
from serving.records.database import open_database
from serving.review import people
from serving.review.call import User


def add_user(name: str, role: str, seller_id: str) -> Outcome:
    """A new login, its password typed twice or read from standard input."""
    engine = open_database(Settings())
    people.add(engine, User(name, role, seller_id), _password())
    return Outcome({"name": name, "role": role, "seller_id": seller_id}, (f"{name} may log in as {role}.",))


def list_users() -> Outcome:
    """All logins."""
    users = people.everybody(open_database(Settings()))
    rows = [(user.name, user.role, user.seller_id) for user in users]
    shown = table({"name": "left", "role": "left", "seller": "left"}, rows)
    return Outcome({"users": [vars(user) for user in users]}, (shown,))


def set_password(name: str) -> Outcome:
    """Another password for a login."""
    people.set_password(open_database(Settings()), name, _password())
    return Outcome({"name": name}, (f"{name} has a new password; open sessions ended.",))


def remove_user(name: str) -> Outcome:
    """End a login."""
    people.remove(open_database(Settings()), name)
    return Outcome({"name": name}, (f"{name} may no longer log in.",))


def _password() -> str:
    """Typed twice at a terminal; else one line of standard input, for scripts."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass("Password: ")
    while getpass("Once more: ") != first:
        print("The two differ; type the password again.", file=sys.stderr)
        first = getpass("Password: ")
    return first
