"""Sessions kept here, not in the cookie: they end by time, by logging out, and when a password changes.

The database holds a digest of the cookie's token, so that who reads the database cannot take over a session.
"""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from serving.records.clock import now, written
from serving.records.database import reading, writing
from serving.records.tables.people import PEOPLE, SESSIONS
from serving.review.call import User, Visitor
from serving.review.settings import ReviewSettings

TOUCH_SECONDS = 60  # how often a session's last use is written


def begin(engine: sa.Engine, user: User, settings: ReviewSettings) -> str:
    """A session with a token of its own, which the cookie will hold; what has ended is swept away."""
    token = secrets.token_urlsafe(32)
    ends = written(datetime.now(UTC) + timedelta(hours=settings.login_hours))
    row = {"digest": digest(token), "name": user.name, "csrf": secrets.token_urlsafe(32), "seen_at": now()}
    with writing(engine) as con:
        con.execute(sa.delete(SESSIONS).where(SESSIONS.c.ends_at < now()))
        con.execute(sa.insert(SESSIONS), row | {"ends_at": ends})
    return token


def visitor(engine: sa.Engine, token: str, settings: ReviewSettings) -> Visitor | None:
    """Whose session a token is, if it has not ended; its last use is kept."""
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
    return Visitor(User(row.name, row.role, row.seller_id), row.csrf)


def end(engine: sa.Engine, token: str) -> None:
    """The token opens nothing any more."""
    with writing(engine) as con:
        con.execute(sa.delete(SESSIONS).where(SESSIONS.c.digest == digest(token)))


def digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def _touch(engine: sa.Engine, token: str, seen_at: str) -> None:
    if seen_at < written(datetime.now(UTC) - timedelta(seconds=TOUCH_SECONDS)):
        with writing(engine) as con:
            con.execute(sa.update(SESSIONS).where(SESSIONS.c.digest == digest(token)).values(seen_at=now()))
