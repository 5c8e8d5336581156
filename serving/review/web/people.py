"""People with a login: argon2 hashes of their passwords, a role each, and for a seller the one seller they are."""

from functools import cache
from typing import Any

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from core.errors import ForesellError
from serving.casework.cases.case import ROLES, SELLER, Person
from serving.database.clock import now
from serving.database.connection import reading, writing
from serving.database.tables.service import PEOPLE, SESSIONS

LEAST_PASSWORD = 12  # characters; length is what makes a password strong (NIST SP 800-63B)
MOST_PASSWORD = 256
HASHER = PasswordHasher()  # RFC 9106, its second recommendation: 64 MiB, 3 passes


def add(engine: sa.Engine, user: Person, password: str) -> None:
    """A new login; ForesellError when the name is taken, or name, role, seller or password break a rule."""
    _check(user)
    row = {"name": user.name, "role": user.role, "seller_id": user.seller_id, "created_at": now()}
    try:
        with writing(engine) as con:
            con.execute(sa.insert(PEOPLE), row | {"password": hashed(password)})
    except sa.exc.IntegrityError as error:
        next_step = "choose another name, or change its password: foresell users password NAME"
        raise ForesellError("The name of a login must be unique.", f"{user.name!r} exists", next_step) from error


def set_password(engine: sa.Engine, name: str, password: str) -> None:
    """Another password; the sessions that the old one opened end."""
    _change(engine, name, sa.update(PEOPLE).values(password=hashed(password)))


def remove(engine: sa.Engine, name: str) -> None:
    """End a login and its sessions. What the person decided keeps the name."""
    _change(engine, name, sa.delete(PEOPLE))


def everybody(engine: sa.Engine) -> list[Person]:
    """All logins by name."""
    with reading(engine) as con:
        rows = con.execute(sa.select(PEOPLE.c.name, PEOPLE.c.role, PEOPLE.c.seller_id).order_by(PEOPLE.c.name)).all()
    return [Person(*row) for row in rows]


def check(engine: sa.Engine, name: str, password: str) -> Person | None:
    """The user whose password this is. An unknown name takes as long as a wrong password."""
    with reading(engine) as con:
        row = con.execute(sa.select(PEOPLE).where(PEOPLE.c.name == name)).mappings().first()
    right = _matches(row["password"] if row else _nobody(), password[:MOST_PASSWORD])
    return _user(row) if row and right else None


def hashed(password: str) -> str:
    """The argon2 hash that is stored."""
    if not LEAST_PASSWORD <= len(password) <= MOST_PASSWORD:
        rule = f"A password has {LEAST_PASSWORD} to {MOST_PASSWORD} characters."
        raise ForesellError(rule, f"{len(password)}", "choose another; a few words are easy to remember")
    return HASHER.hash(password)


def _user(row: Any) -> Person:
    return Person(row["name"], row["role"], row["seller_id"])


def _matches(stored: str, password: str) -> bool:
    try:
        return HASHER.verify(stored, password)
    except (Argon2Error, InvalidHashError):
        return False


@cache
def _nobody() -> str:
    return HASHER.hash("nobody has this password")


def _check(user: Person) -> None:
    if user.role not in ROLES:
        raise ForesellError("The role must exist.", user.role, f"use one of {', '.join(ROLES)}")
    if (user.role == SELLER) != bool(user.seller_id):
        rule = "A login with the role seller needs one seller; other roles have none."
        raise ForesellError(
            rule, f"role {user.role}, seller {user.seller_id or 'none'}", "give --seller with the role seller only"
        )
    if not user.name.strip() or len(user.name) > 100:
        raise ForesellError("A login has a name of 1 to 100 characters.", repr(user.name), "choose another name")


def _change(engine: sa.Engine, name: str, statement: Any) -> None:
    with writing(engine) as con:
        changed = con.execute(statement.where(PEOPLE.c.name == name)).rowcount
        con.execute(sa.delete(SESSIONS).where(SESSIONS.c.name == name))
    if not changed:
        raise ForesellError("The login must exist.", repr(name), "foresell users list shows the names")
