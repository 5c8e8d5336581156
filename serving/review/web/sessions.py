"""Sessions in the database, not in the cookie: they end by time, by logging out, and when a password changes.

The database holds a digest of the cookie's token, so that nobody who reads the database can take over a session.
"""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from serving.casework.cases.case import Person
from serving.database.clock import now, written
from serving.database.connection import reading, writing
from serving.database.tables.service import PEOPLE, SESSIONS
from serving.review.web.page_request import Visitor
from serving.review.web.settings import ReviewSettings

TOUCH_SECONDS = 60  # how often a session's last use is written


def begin(engine: sa.Engine, user: Person, settings: ReviewSettings) -> str:
    """Begin a session and return its token for the cookie; ended sessions are deleted."""
    token = secrets.token_urlsafe(32)
    ends = written(datetime.now(UTC) + timedelta(hours=settings.login_hours))
    row = {"digest": digest(token), "name": user.name, "csrf": secrets.token_urlsafe(32), "seen_at": now()}
    with writing(engine) as con:
        con.execute(sa.delete(SESSIONS).where(SESSIONS.c.ends_at < now()))
        con.execute(sa.insert(SESSIONS), row | {"ends_at": ends})
    return token


def visitor(engine: sa.Engine, token: str, settings: ReviewSettings) -> Visitor | None:
    """The visitor of a session that has not ended; its last use is written down."""
    if not token:
        return None
    idle_since = written(datetime.now(UTC) - timedelta(minutes=settings.idle_minutes))
    alive = (SESSIONS.c.ends_at > now()) & (SESSIONS.c.seen_at > idle_since)
    with reading(engine) as con:
        columns = sa.select(PEOPLE.c.name, PEOPLE.c.role, PEOPLE.c.seller_id, SESSIONS.c.csrf, SESSIONS.c.seen_at)
        found = columns.join(PEOPLE, PEOPLE.c.name == SESSIONS.c.name)
        row = con.execute(found.where(SESSIONS.c.digest == digest(token), alive)).first()
    if row is None:
        return None
    _touch(engine, token, row.seen_at)
    return Visitor(Person(row.name, row.role, row.seller_id), row.csrf)


def end(engine: sa.Engine, token: str) -> None:
    """End the session of a token."""
    with writing(engine) as con:
        con.execute(sa.delete(SESSIONS).where(SESSIONS.c.digest == digest(token)))


def digest(token: str) -> str:
    """The sha256 of a token, which is all that the database keeps of it."""
    return hashlib.sha256(token.encode()).hexdigest()


def _touch(engine: sa.Engine, token: str, seen_at: str) -> None:
    if seen_at < written(datetime.now(UTC) - timedelta(seconds=TOUCH_SECONDS)):
        with writing(engine) as con:
            con.execute(sa.update(SESSIONS).where(SESSIONS.c.digest == digest(token)).values(seen_at=now()))
