"""What a share of cases withholds at first, and who is held out of help: drawn by a salted hash, so that the same case
is always drawn alike, nobody can choose, and the draw can be checked later."""

import secrets
from collections.abc import Mapping
from hashlib import blake2b

import sqlalchemy as sa

from serving.records.database import insert_new
from serving.records.tables.casework import SALTS

FULL, NO_SCORE, NO_REASONS = "full", "no_score", "no_reasons"
ARMS: Mapping[str, str] = {
    FULL: "score and reasons at once",
    NO_SCORE: "reasons first, the score after a first look",
    NO_REASONS: "the score first, reasons after a first look",
}
SHARE = 0.1  # of cases in each arm that withholds something; our assumption
SECOND_SHARE = 0.1  # of decided cases that a second reviewer is asked about; our assumption
FIRST_LOOK, SECOND, HOLDOUT = "first_look", "second_opinion", "holdout"  # what is drawn


def salt_of(con: sa.Connection, name: str) -> str:
    """The database's own salt for one kind of draw, made when it is first asked for."""
    insert_new(con, SALTS, [{"name": name, "salt": secrets.token_hex(16)}])
    return str(con.scalar(sa.select(SALTS.c.salt).where(SALTS.c.name == name)))


def drawn(salt: str, *key: str) -> float:
    """A number in [0, 1) that only salt and key decide."""
    joined = "\x1f".join((salt, *key)).encode()
    return int.from_bytes(blake2b(joined, digest_size=8).digest(), "big") / 2**64


def arm_of(salt: str, seller_id: str, risk: str, as_of: str, share: float = SHARE) -> str:
    """The arm of a case that opens."""
    place = drawn(salt, seller_id, risk, as_of)
    return NO_SCORE if place < share else NO_REASONS if place < 2 * share else FULL


def withheld(arm: str, first_look: str) -> frozenset[str]:
    """What a page must not show yet: of score and reasons."""
    hidden = {NO_SCORE: {"score"}, NO_REASONS: {"reasons"}}
    return frozenset() if first_look else frozenset(hidden.get(arm, ()))
