"""Random assignment: which cases withhold score or reasons at first, which get a second opinion, which get no help.

A salted hash decides, so that a case always gets the same arm, nobody can choose it, and the draw can be checked later.
"""

import secrets
from collections.abc import Mapping
from hashlib import blake2b

import sqlalchemy as sa

from serving.database.connection import insert_new
from serving.database.tables.casework import SALTS

FULL, NO_SCORE, NO_REASONS = "full", "no_score", "no_reasons"
ARMS: Mapping[str, str] = {
    FULL: "score and reasons at once",
    NO_SCORE: "reasons first, the score after a first look",
    NO_REASONS: "the score first, reasons after a first look",
}
WITHHOLDING_SHARE = 0.1  # of cases in each arm that withholds something; our assumption
SECOND_OPINION_SHARE = 0.1  # of decided cases that a second reviewer is asked about; our assumption
FIRST_LOOK, SECOND_OPINION, HOLDOUT = "first_look", "second_opinion", "holdout"  # what is drawn


def salt_of(con: sa.Connection, name: str) -> str:
    """The database's own salt for one kind of draw, made at its first use."""
    insert_new(con, SALTS, [{"name": name, "salt": secrets.token_hex(16)}])
    return str(con.scalar(sa.select(SALTS.c.salt).where(SALTS.c.name == name)))


def hash_fraction(salt: str, *key: str) -> float:
    """A number in [0, 1) that depends on nothing but salt and key."""
    joined = "\x1f".join((salt, *key)).encode()
    return int.from_bytes(blake2b(joined, digest_size=8).digest(), "big") / 2**64


def arm_of(salt: str, seller_id: str, risk: str, as_of: str, share: float = WITHHOLDING_SHARE) -> str:
    """The arm of a case that opens."""
    place = hash_fraction(salt, seller_id, risk, as_of)
    return NO_SCORE if place < share else NO_REASONS if place < 2 * share else FULL


def withheld(arm: str, first_look: str) -> frozenset[str]:
    """What a page must not show yet: `score`, `reasons`, or nothing."""
    hidden = {NO_SCORE: {"score"}, NO_REASONS: {"reasons"}}
    return frozenset() if first_look else frozenset(hidden.get(arm, ()))
