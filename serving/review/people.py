"""People with a login: argon2 hashes of their passwords, a role each, and for a seller the one seller they are."""

from functools import cache
from typing import Any

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from features.errors import ForesellError
from serving.records.clock import now
from serving.records.database import reading, writing
from serving.records.tables.people import PEOPLE, SESSIONS
from serving.review.call import ROLES, SELLER, User

LEAST_PASSWORD = 12  # characters; length is what makes a password strong (NIST SP 800-63B)
MOST_PASSWORD = 256
HASHER = PasswordHasher()  # RFC 9106, its second recommendation: 64 MiB, 3 passes


def add(engine: sa.Engine, user: User, password: str) -> None:
    """A new login; ForesellError when the name is taken, or name, role, seller or password break a rule."""
    _check(user)
    row = {"name": user.name, "role": user.role, "seller_id": user.seller_id, "created_at": now()}
    try:
        with writing(engine) as con:
            con.execute(sa.insert(PEOPLE), row | {"password": hashed(password)})
    except sa.exc.IntegrityError as error:
        next_step = "choose another, or foresell users password NAME"
        raise ForesellError("A login's name must be its own.", f"{user.name!r} exists", next_step) from error


def set_password(engine: sa.Engine, name: str, password: str) -> None:
    """Another password; the sessions that the old one opened end."""
    _change(engine, name, sa.update(PEOPLE).values(password=hashed(password)))


def remove(engine: sa.Engine, name: str) -> None:
    """End a login and its sessions. What the person decided keeps the name."""
    _change(engine, name, sa.delete(PEOPLE))


def everybody(engine: sa.Engine) -> list[User]:
    """All logins by name."""
    with reading(engine) as con:
        rows = con.execute(sa.select(PEOPLE.c.name, PEOPLE.c.role, PEOPLE.c.seller_id).order_by(PEOPLE.c.name)).all()
    return [User(*row) for row in rows]


def check(engine: sa.Engine, name: str, password: str) -> User | None:
    """The user whose password this is. An unknown name takes as long as a wrong password."""
    with reading(engine) as con:
        row = con.execute(sa.select(PEOPLE).where(PEOPLE.c.name == name)).mappings().first()
    right = _matches(row["password"] if row else _nobody(), password[:MOST_PASSWORD])
    return _user(row) if row and right else None


def hashed(password: str) -> str:
    """The argon2 hash that is stored."""
    if not LEAST_PASSWORD <= len(password) <= MOST_PASSWORD:
        rule = f"A password has {LEAST_PASSWORD} to {MOST_PASSWORD} characters."
        raise ForesellError(rule, f"{len(password)}", "a few words in a row are easy to keep in mind")
    return HASHER.hash(password)


def _user(row: Any) -> User:
    return User(row["name"], row["role"], row["seller_id"])


def _matches(stored: str, password: str) -> bool:
    try:
        return HASHER.verify(stored, password)
    except (Argon2Error, InvalidHashError):
        return False


@cache
def _nobody() -> str:
    return HASHER.hash("nobody has this password")


def _check(user: User) -> None:
    if user.role not in ROLES:
        raise ForesellError("A role must be known.", user.role, f"use one of {', '.join(ROLES)}")
    if (user.role == SELLER) != bool(user.seller_id):
        rule = "The role seller speaks for one seller, and no other role does."
        raise ForesellError(rule, f"role {user.role}, seller {user.seller_id or 'none'}", "give --seller with it")
    if not user.name.strip() or len(user.name) > 100:
        raise ForesellError("A login has a name of 1 to 100 characters.", repr(user.name), "choose one")


def _change(engine: sa.Engine, name: str, statement: Any) -> None:
    with writing(engine) as con:
        changed = con.execute(statement.where(PEOPLE.c.name == name)).rowcount
        con.execute(sa.delete(SESSIONS).where(SESSIONS.c.name == name))
    if not changed:
        raise ForesellError("The login must exist.", repr(name), "foresell users list names them")
