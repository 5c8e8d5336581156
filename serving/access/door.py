"""Who asks, and whether they may: by key, or, where the setting says so, anybody on this machine."""

from ipaddress import ip_address

import sqlalchemy as sa
from starlette.types import Scope

from features.settings import Settings
from serving.access.keyring import Caller, Keyring, unauthorized
from serving.access.rates import Rates
from serving.access.secret import server_secret
from serving.problems import refuse
from serving.routes import ROLES, Route

ANYBODY = Caller("keyless", frozenset(ROLES))
HERE = ("localhost", "127.0.0.1", "[::1]")


class Door:
    """Stands between a request and the routes of one process."""

    def __init__(self, settings: Settings, engine: sa.Engine) -> None:
        self.keyring = None if settings.keyless else Keyring(engine, server_secret(settings))
        self.rates = Rates(settings.key_rate, settings.workers)

    def caller(self, scope: Scope) -> Caller:
        """Who asks; Refused without a key that holds."""
        if self.keyring is None:
            return _neighbour(scope)
        sent = [value for name, value in scope["headers"] if name == b"authorization"]
        return self.keyring.caller(sent[0].decode("latin-1") if len(sent) == 1 else "")

    def admit(self, caller: Caller, route: Route) -> None:
        """Refused where the caller's roles do not reach, as if there were no key; and one request too many."""
        if not caller.roles & {*route.roles, "admin"}:
            raise unauthorized()
        self.rates.check(caller)

    def look(self) -> None:
        """Follow the keys."""
        if self.keyring:
            self.keyring.look()

    def remember(self) -> None:
        """Write down which keys were used."""
        if self.keyring:
            self.keyring.remember()


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
