"""Who is let in: API keys, their roles, their ends and their rates."""

import asyncio
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
import time_machine
from pydantic import SecretStr
from starlette.responses import PlainTextResponse, Response

from core.errors import ForesellError
from core.settings import Settings
from foresell.commands.service import check_reachable
from serving.api.auth import Authenticator, Caller, RateLimiter
from serving.api.middleware import ApiMiddleware
from serving.api.routes import ROUTES
from serving.api.routing import Call, Route
from serving.database import api_keys
from serving.database.api_keys import ROLES, server_secret
from serving.database.connection import open_database
from serving.database.tables.service import API_KEYS
from serving.problems import ProblemError
from tests.support.paths import ROOT

SECRET = b"s" * 32


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Those of a home of its own."""
    return Settings(home=tmp_path, key_secret=SecretStr(SECRET.decode()))


@pytest.fixture
def engine(settings: Settings) -> Iterator[sa.Engine]:
    """The records of that home."""
    found = open_database(settings)
    yield found
    found.dispose()


def made(engine: sa.Engine, *roles: str, days: float | None = 1, rate: float | None = None) -> str:
    """A key."""
    return api_keys.create(engine, SECRET, "test", roles, days, rate)


class Service:
    """The guard of the real routes before an application that answers 200 to everything."""

    def __init__(self, settings: Settings, engine: sa.Engine) -> None:
        self.settings = settings
        self.scoring = None
        self.authenticator = Authenticator(settings, engine)
        self.authenticator.look()
        self.guard = ApiMiddleware(_answers, ROUTES, lambda: self)  # type: ignore[arg-type, return-value]

    def ask(self, method: str, path: str, key: str | None = None, **headers: str) -> httpx.Response:
        """The answer to one request."""
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self.guard)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                return await client.request(method, path, headers=headers)

        return asyncio.run(send())


async def _answers(scope: Any, receive: Any, send: Any) -> None:
    await PlainTextResponse("ok")(scope, receive, send)


@pytest.fixture
def service(settings: Settings, engine: sa.Engine) -> Service:
    """The door of a running service."""
    return Service(settings, engine)


@pytest.fixture
def nothing_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever gets past the door gets an answer, whatever the route would do."""

    async def answer(_self: ApiMiddleware, call: Call, scope: Any, receive: Any, out: Any) -> None:
        await PlainTextResponse("inside")(scope, receive, out)

    async def call(_self: ApiMiddleware, route: Route, path: Any, key_id: str, *_: Any) -> Call:
        return Call(route, None, ROUTES, path, caller=key_id)  # type: ignore[arg-type]

    monkeypatch.setattr(ApiMiddleware, "_answer", answer)
    monkeypatch.setattr(ApiMiddleware, "_call", call)


def place(route: Route) -> str:
    """A path that a route's template fits."""
    return "/".join("x1" if part[:1] == "{" else part for part in route.path.split("/"))


def bad_keys(engine: sa.Engine) -> dict[str, str | None]:
    """Every way in which a key can be no key."""
    expired = made(engine, "admin", days=1e-9)
    revoked = made(engine, "admin")
    api_keys.revoke(engine, api_keys.key_id_of(revoked))
    right = made(engine, "admin")
    return {
        "absent": None,
        "empty": "",
        "wrong": right[:-1] + ("A" if right[-1] != "A" else "B"),
        "unknown": api_keys.new_token()[1],
        "no key at all": "swordfish",
        "another's hash": "fsl_" + "0" * 12 + "_" + "a" * 43,
        "expired": expired,
        "revoked": revoked,
    }


@pytest.mark.usefixtures("nothing_done")
def test_every_route_lets_in_its_roles_and_nobody_else(service: Service, engine: sa.Engine) -> None:
    by_role: dict[str, str | None] = {role: made(engine, role) for role in ROLES}
    callers = by_role | bad_keys(engine)
    service.authenticator.look()
    refusals, cells = set(), 0
    for route in ROUTES.all:
        for who, key in callers.items():
            answer = service.ask(route.method, place(route), key)
            allowed = route.probe or who == "admin" or who in route.roles
            assert (answer.status_code == 200) == allowed, (route.name, who, answer.status_code)
            cells += 1
            if not allowed:
                dropped = ("x-request-id",)
                headers = {name: value for name, value in answer.headers.items() if name not in dropped}
                refusals.add((answer.status_code, answer.content, tuple(sorted(headers.items()))))
    assert len(refusals) == 1, "an absent, wrong, expired, revoked and other-role key get the same answer"
    assert next(iter(refusals))[0] == 401
    assert cells >= len(ROUTES.all) * 12


@pytest.mark.usefixtures("nothing_done")
def test_without_a_key_nothing_is_told_of_what_exists(service: Service, engine: sa.Engine) -> None:
    told = {service.ask(*asked).content for asked in (("GET", "/v1/score"), ("GET", "/nothing"), ("PUT", "/v1/score"))}
    assert len(told) == 1
    key = made(engine, "read")
    service.authenticator.look()
    assert service.ask("GET", "/nothing", key).status_code == 404
    assert service.ask("GET", "/v1/score", key).status_code == 405


@pytest.mark.usefixtures("nothing_done")
def test_the_header_is_a_bearer_s_and_comes_once(service: Service, engine: sa.Engine) -> None:
    key = made(engine, "read")
    service.authenticator.look()
    for value, status in ((f"Bearer {key}", 200), (f"bearer {key}", 200), (f"Basic {key}", 401), (key, 401)):
        assert service.ask("GET", "/metrics", Authorization=value).status_code == status
    twice = [(b"authorization", f"Bearer {key}".encode())] * 2
    with pytest.raises(Exception, match="unauthorized"):
        service.authenticator.caller({"headers": twice})


@pytest.mark.usefixtures("nothing_done")
def test_a_key_ends_on_its_day_without_a_look(service: Service, engine: sa.Engine) -> None:
    key = made(engine, "read", days=2)
    service.authenticator.look()
    assert service.ask("GET", "/metrics", key).status_code == 200
    with time_machine.travel(timedelta(days=2, seconds=1)):
        assert service.ask("GET", "/metrics", key).status_code == 401


@pytest.mark.usefixtures("nothing_done")
def test_a_rotation_leaves_two_keys_for_a_while_and_a_revocation_none(service: Service, engine: sa.Engine) -> None:
    old = made(engine, "read", rate=5)
    new = api_keys.rotate(engine, SECRET, api_keys.key_id_of(old), overlap_days=0.5, days=90)
    service.authenticator.look()
    assert [service.ask("GET", "/metrics", key).status_code for key in (old, new)] == [200, 200]
    with time_machine.travel(timedelta(hours=13)):
        assert [service.ask("GET", "/metrics", key).status_code for key in (old, new)] == [401, 200]
    found = {key.key_id: key for key in api_keys.list_keys(engine)}[api_keys.key_id_of(new)]
    assert (found.name, found.roles, found.rate) == ("test", frozenset({"read"}), 5)
    api_keys.revoke(engine, api_keys.key_id_of(new))
    service.authenticator.look()
    assert service.ask("GET", "/metrics", new).status_code == 401
    with pytest.raises(ForesellError, match="Only a valid key can be replaced"):
        api_keys.rotate(engine, SECRET, api_keys.key_id_of(new), 1, 90)


@pytest.mark.usefixtures("nothing_done")
def test_the_last_use_is_remembered(service: Service, engine: sa.Engine) -> None:
    used, idle = made(engine, "read"), made(engine, "read")
    service.authenticator.look()
    service.ask("GET", "/metrics", used)
    service.ask("GET", "/v1/score", idle[:-2])
    service.authenticator.remember()
    found = {key.key_id: key.used_at for key in api_keys.list_keys(engine)}
    assert found[api_keys.key_id_of(used)]
    assert found[api_keys.key_id_of(idle)] is None


def test_nothing_in_the_database_is_a_key(engine: sa.Engine, tmp_path: Path) -> None:
    key = made(engine, "admin")
    with engine.connect() as con:
        row = con.execute(sa.select(API_KEYS)).mappings().one()
    assert key.split("_", 2)[2] not in str(dict(row))
    assert row["digest"] == api_keys.token_digest(key, SECRET) != api_keys.token_digest(key, b"t" * 32)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not any(key.encode() in path.read_bytes() for path in files)


@pytest.mark.usefixtures("nothing_done")
def test_one_key_s_rate_is_its_own(settings: Settings, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.api.middleware.PAUSE_SECONDS", 0)
    hasty, calm = made(engine, "read", rate=4), made(engine, "read")
    service = Service(settings.model_copy(update={"workers": 2}), engine)
    moment = 100.0
    monkeypatch.setattr("serving.api.auth.monotonic", lambda: moment)
    answers = [service.ask("GET", "/metrics", hasty) for _ in range(5)]
    assert [a.status_code for a in answers] == [200, 200, 429, 429, 429]  # half of 4, for it is one of two workers
    assert (answers[2].json()["type"], answers[2].headers["retry-after"]) == ("/problems/too-many-requests", "1")
    assert service.ask("GET", "/metrics", calm).status_code == 200
    moment = 100.5  # time for one more
    assert [service.ask("GET", "/metrics", hasty).status_code for _ in range(2)] == [200, 429]


@pytest.mark.parametrize("rate", [0.1, 0.5, 1, 3, 50])
def test_a_rate_is_kept_over_time_and_a_burst_is_a_second_s(rate: float, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, passed = 0.0, 0
    monkeypatch.setattr("serving.api.auth.monotonic", lambda: clock)
    rates, caller = RateLimiter(rate, 1), Caller("k", frozenset())
    for step in range(5000):
        clock = step * 60 / 5000
        with suppress(ProblemError):
            rates.check(caller)
            passed += 1
    assert 60 * rate <= passed + 1 <= 60 * rate + max(rate, 1) + 2


@pytest.mark.parametrize("roles", [[], ["root"], ["score", "Read"]])
def test_a_key_has_roles_that_exist(engine: sa.Engine, roles: list[str]) -> None:
    with pytest.raises(ForesellError, match="one or more of the roles"):
        made(engine, *roles)
    with pytest.raises(ForesellError, match="printable"):
        api_keys.create(engine, SECRET, "a\nb", ["read"], 1)
    with pytest.raises(ForesellError, match="is valid for up to"):
        made(engine, "read", days=-1)
    with pytest.raises(ForesellError, match="must exist"):
        api_keys.revoke(engine, "nobody")


def test_the_secret_is_made_once_and_is_its_owner_s(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    first = server_secret(settings)
    path = tmp_path / "serving" / "key-secret"
    assert (server_secret(settings), stat.S_IMODE(path.stat().st_mode)) == (first, 0o600)
    assert [p.name for p in path.parent.iterdir()] == ["key-secret"]
    path.chmod(0o640)
    with pytest.raises(ForesellError, match="Only its owner"):
        server_secret(settings)
    with pytest.raises(ForesellError, match="32 bytes"):
        server_secret(Settings(home=tmp_path, key_secret=SecretStr("short")))
    assert "s" * 32 not in repr(Settings(home=tmp_path, key_secret=SecretStr("s" * 32)))


def test_the_service_is_not_reachable_without_keys(settings: Settings, engine: sa.Engine) -> None:
    for host in ("127.0.0.1", "0.0.0.0", "::"):
        with pytest.raises(ForesellError, match="no valid key"):
            check_reachable(settings.model_copy(update={"host": host}))
    keyless = settings.model_copy(update={"keyless": True})
    for host in ("127.0.0.1", "::1", "localhost"):
        check_reachable(keyless.model_copy(update={"host": host}))
    for host in ("0.0.0.0", "::", "192.0.2.7", "example.org"):
        with pytest.raises(ForesellError, match="FORESELL_KEYLESS on"):
            check_reachable(keyless.model_copy(update={"host": host}))
    made(engine, "score")
    check_reachable(settings.model_copy(update={"host": "0.0.0.0"}))


def test_without_keys_only_this_machine_is_answered(settings: Settings, engine: sa.Engine) -> None:
    authenticator = Authenticator(settings.model_copy(update={"keyless": True}), engine)

    def status(client: str, *hosts: str) -> int:
        scope = {"client": (client, 1), "headers": [(b"host", host.encode()) for host in hosts]}
        try:
            return 200 if authenticator.caller(scope) else 0
        except Exception as refused:
            return int(refused.problem.status)  # type: ignore[attr-defined]

    for host in ("127.0.0.1:3000", "localhost", "localhost:3000", "[::1]", "[::1]:3000"):
        assert status("127.0.0.1", host) == 200
    for client, hosts in (
        ("192.0.2.7", ("127.0.0.1",)),
        ("127.0.0.1", ("api.example.org",)),
        ("127.0.0.1", ("127.0.0.1.example.org:3000",)),
        ("127.0.0.1", ()),
        ("127.0.0.1", ("localhost", "localhost")),
    ):
        assert status(client, *hosts) == 401


def test_a_request_id_is_taken_if_it_is_plain_and_made_if_not(service: Service) -> None:
    def back(sent: str) -> str:
        return service.ask("GET", "/livez", **{"X-Request-ID": sent}).headers["x-request-id"]

    assert back("abc-1.2_3") == "abc-1.2_3"
    for strange in ("", "a b", "x" * 65, "a;b", '"}'):
        assert len(back(strange)) == 32
    assert back("") != back("")


def test_hashes_are_compared_in_constant_time() -> None:
    source = (ROOT / "serving" / "api" / "auth.py").read_text()
    assert "hmac.compare_digest(" in source


def test_too_many_at_once_are_told_to_come_again(
    settings: Settings, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.api.middleware.PAUSE_SECONDS", 0)
    key = made(engine, "admin")
    service = Service(settings, engine)
    service.guard.limit.most = 3
    arrived = 0

    async def slow(_self: ApiMiddleware, _call: Call, scope: Any, receive: Any, out: Any) -> None:
        nonlocal arrived
        arrived += 1
        await asyncio.sleep(0.05)
        await PlainTextResponse("done")(scope, receive, out)

    monkeypatch.setattr(ApiMiddleware, "_answer", slow)

    async def many() -> list[Response]:
        transport = httpx.ASGITransport(service.guard)
        bearer = {"Authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=bearer) as client:
            return await asyncio.gather(*(client.get("/metrics") for _ in range(5)))  # type: ignore[return-value]

    answers = asyncio.run(many())
    assert sorted(a.status_code for a in answers) == [200, 200, 200, 503, 503]
    refused = next(a for a in answers if a.status_code == 503)
    assert (refused.headers["retry-after"], arrived) == ("1", 3)
    assert service.guard.limit.running_requests == 0


def test_the_environment_of_a_process_holds_no_key_but_the_secret(settings: Settings) -> None:
    from serving.deployment.launch import environment

    said = environment(settings)
    assert said["FORESELL_KEY_SECRET"] == SECRET.decode()
    assert os.environ.get("FORESELL_KEY_SECRET") is None


def test_a_process_of_our_own_reads_the_same_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from serving.deployment.launch import environment

    for given in (Settings(home=tmp_path), Settings(home=tmp_path, memory=3.5, temp=tmp_path / "temp", workers=2)):
        for name in [name for name in os.environ if name.startswith("FORESELL_")]:
            monkeypatch.delenv(name)
        for name, value in environment(given).items():
            monkeypatch.setenv(name, value)
        assert Settings() == given
