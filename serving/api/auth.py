"""Who asks, and whether they may: by key and rate, or, where the setting says so, anybody on this machine.

The keys are in memory, so that no request waits for the database. A new or revoked key is known within KEYS_SECONDS.
While the database does not answer, the keys known last stay; an expiry holds all the same.
"""

import hmac
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from time import monotonic

import sqlalchemy as sa
from starlette.types import Scope

from core.settings import Settings
from serving.database import api_keys
from serving.database.api_keys import ROLES, ApiKey, key_id_of, server_secret, token_digest
from serving.database.clock import now
from serving.problems import Problem, ProblemError, refuse

KEYS_SECONDS = 2.0
USED_SECONDS = 60.0
SCHEME = "bearer "
NOBODY = bytes(32)  # what a key without a row is compared with, so that it takes as long
HERE = ("localhost", "127.0.0.1", "[::1]")
BURST_SECONDS = 1.0


@dataclass(frozen=True)
class Caller:
    """Who asks. rate: requests a second, if the key has its own."""

    key_id: str
    roles: frozenset[str]
    rate: float | None = None


ANYBODY = Caller("keyless", frozenset(ROLES))


class Authenticator:
    """Checks who asks and whether they may, for one process."""

    def __init__(self, settings: Settings, engine: sa.Engine) -> None:
        self.keyring = None if settings.keyless else KeyCache(engine, server_secret(settings))
        self.rates = RateLimiter(settings.key_rate, settings.workers)

    def caller(self, scope: Scope) -> Caller:
        """Who asks; ProblemError without a key that holds."""
        if self.keyring is None:
            return _neighbour(scope)
        sent = [value for name, value in scope["headers"] if name == b"authorization"]
        return self.keyring.caller(sent[0].decode("latin-1") if len(sent) == 1 else "")

    def admit(self, caller: Caller, roles: frozenset[str]) -> None:
        """ProblemError without one of the roles, as if there were no key; and one request too many."""
        if not caller.roles & {*roles, "admin"}:
            raise unauthorized()
        self.rates.check(caller)

    def look(self) -> None:
        """Read the keys again."""
        if self.keyring:
            self.keyring.look()

    def remember(self) -> None:
        """Write down which keys were used."""
        if self.keyring:
            self.keyring.remember()


@dataclass
class KeyCache:
    """The keys of the database, followed by `look`."""

    engine: sa.Engine
    secret: bytes
    keys: Mapping[str, ApiKey] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def look(self) -> None:
        """Read the keys again."""
        self.keys = {key.key_id: key for key in api_keys.list_keys(self.engine)}

    def remember(self) -> None:
        """Write down which keys were used."""
        mine, self.used = self.used, set()
        if mine:
            api_keys.record_use(self.engine, mine)

    def caller(self, authorization: str) -> Caller:
        """Who holds the key in an Authorization header; ProblemError, the same for whatever is wrong with it."""
        token = authorization[len(SCHEME) :] if authorization[: len(SCHEME)].lower() == SCHEME else ""
        key = self.keys.get(key_id_of(token))
        same = hmac.compare_digest(token_digest(token, self.secret), key.digest if key else NOBODY)
        if not (same and key and key.holds(now())):
            raise unauthorized()
        self.used.add(key.key_id)
        return Caller(key.key_id, key.roles, key.rate)


class RateLimiter:
    """The rates of one worker, each the worker's share of what the key may ask of all of them.

    A token bucket of one second's requests for each key, kept as the one moment at which it would be full again (the
    "generic cell rate algorithm" of ATM networks). The library `limits` starts a thread on most requests.
    """

    def __init__(self, rate: float, workers: int) -> None:
        self.rate = rate
        self.workers = workers
        self._full_at: dict[str, float] = {}  # by key; there are no more than keys

    def check(self, caller: Caller) -> None:
        """Count a request; ProblemError when it is one too many, with the seconds until the next may come."""
        moment, each = monotonic(), self.workers / (caller.rate or self.rate)
        full_at = max(moment, self._full_at.get(caller.key_id, moment)) + each
        wait = full_at - moment - max(BURST_SECONDS, each)
        if wait > 1e-9:
            raise ProblemError(Problem("too-many-requests"), {"Retry-After": str(math.ceil(wait))})
        self._full_at[caller.key_id] = full_at


def unauthorized() -> ProblemError:
    """One answer to an absent, wrong, expired or revoked key and to one of another role: none tells of the others.

    RFC 9110 has 401 for credentials that are refused, too.
    """
    return ProblemError(Problem("unauthorized"), {"WWW-Authenticate": 'Bearer realm="foresell"'})


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own."""
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _neighbour(scope: Scope) -> Caller:
    """Without keys, only this machine is answered, under its own name: no proxy's callers, no web page's."""
    client = (scope.get("client") or ("",))[0]
    hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
    names = [host.rsplit(":", 1)[0] if host[-1:] != "]" else host for host in hosts]
    if not is_loopback(client) or len(names) != 1 or names[0] not in HERE:
        raise refuse("unauthorized")
    return ANYBODY
