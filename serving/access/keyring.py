"""The keys as a serving process knows them: in memory, so that no request waits for the database.

A new or revoked key is known within LOOK_SECONDS. While the database does not answer, the keys known last stay; an
expiry holds all the same.
"""

import hmac
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from serving.access import tokens
from serving.problems import Problem, Refused
from serving.records import keys
from serving.records.clock import now
from serving.records.keys import Key

LOGGER = logging.getLogger("foresell")
LOOK_SECONDS = 2.0
REMEMBER_SECONDS = 60.0
SCHEME = "bearer "
NOBODY = bytes(32)  # what a key without a row is compared with, so that it takes as long


@dataclass(frozen=True)
class Caller:
    """Who asks. rate: requests a second, if the key has its own."""

    key_id: str
    roles: frozenset[str]
    rate: float | None = None


@dataclass
class Keyring:
    """The keys of the database, followed by `look`."""

    engine: sa.Engine
    secret: bytes
    keys: Mapping[str, Key] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def look(self) -> None:
        """Read the keys again."""
        self.keys = {key.key_id: key for key in keys.everything(self.engine)}

    def remember(self) -> None:
        """Write down which keys were used."""
        mine, self.used = self.used, set()
        if mine:
            keys.used(self.engine, mine)

    def caller(self, authorization: str) -> Caller:
        """Who holds the key in an Authorization header; Refused, the same for whatever is wrong with it."""
        token = authorization[len(SCHEME) :] if authorization[: len(SCHEME)].lower() == SCHEME else ""
        key = self.keys.get(tokens.id_of(token))
        same = hmac.compare_digest(tokens.digest(token, self.secret), key.digest if key else NOBODY)
        if not (same and key and key.holds(now())):
            raise unauthorized()
        self.used.add(key.key_id)
        return Caller(key.key_id, key.roles, key.rate)


def unauthorized() -> Refused:
    """One answer to an absent, wrong, expired or revoked key and to one of another role: none tells of the others.

    RFC 9110 has 401 for credentials that are refused, too.
    """
    return Refused(Problem("unauthorized"), {"WWW-Authenticate": 'Bearer realm="foresell"'})
