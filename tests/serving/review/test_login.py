"""Logging in: who gets in, what the session's cookie and forms carry, and what ends them."""

import httpx
import pytest
import time_machine
from starlette.applications import Starlette

from core.errors import ForesellError
from core.settings import Settings
from serving.casework.cases.case import ROLES, Person
from serving.database.connection import open_database
from serving.review.app import ROUTES
from serving.review.pages.login_page import local
from serving.review.web import people
from serving.review.web.settings import ReviewSettings, check_address
from serving.review.web.throttle import BY_NAME
from tests.support.review_fixture import MANAGER, PASSWORD, PEOPLE, REVIEWER, SELLER, Browser, app_of, make_review_home

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return make_review_home(tmp_path_factory.mktemp("review"))


@pytest.fixture(scope="module")
def app(settings: Settings) -> Starlette:
    return app_of(settings)


@pytest.fixture
def visit(app: Starlette) -> Browser:
    return Browser(app)


def cookie_flags(response: httpx.Response, name: str) -> set[str]:
    [line] = [line for line in response.headers.get_list("set-cookie") if line.startswith(f"{name}=")]
    return {part.strip().lower() for part in line.split(";")[1:]}


def test_the_right_password_opens_a_session_that_only_this_site_sends(visit: Browser) -> None:
    visit.client.follow_redirects = False
    response = visit.log_in(REVIEWER)
    assert response.status_code == 303
    assert {"httponly", "samesite=lax", "path=/", "max-age=36000"} <= cookie_flags(response, "foresell")
    assert "secure" not in cookie_flags(response, "foresell")


def test_behind_tls_the_cookie_is_bound_to_it(settings: Settings) -> None:
    visit = Browser(app_of(settings, origin="https://localhost:3100"))
    response = visit.get("/login")
    assert {"secure", "httponly", "samesite=strict"} <= cookie_flags(response, "__Host-foresell-form")
    assert response.headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.parametrize(("name", "password"), [("anna", "wrong password here"), ("nobody", PASSWORD), ("", "")])
def test_a_wrong_name_and_a_wrong_password_look_the_same_and_keep_the_name(
    visit: Browser, name: str, password: str
) -> None:
    visit.get("/login")
    response = visit.send("/login", name=name, password=password)
    assert response.status_code == 401
    assert "The name or the password is wrong" in response.text
    assert f'name="name" type="text" value="{name}"' in response.text
    assert visit.get("/").url.path == "/login"


def test_the_session_is_a_new_one_at_every_login_and_the_old_one_is_dead(visit: Browser) -> None:
    visit.client.follow_redirects = False
    visit.log_in(REVIEWER)
    first = token_of(visit)
    visit.client.cookies.clear()
    form = {"csrf": "t" * 43, "name": REVIEWER.name, "password": PASSWORD}
    visit.client.post("/login", data=form, headers={"cookie": f"foresell={first}; foresell-form={form['csrf']}"})
    second = token_of(visit)
    assert second != first
    assert alive(visit, second)
    assert not alive(visit, first)


def test_a_session_cannot_be_chosen_from_outside(visit: Browser) -> None:
    visit.client.follow_redirects = False
    form = {"csrf": "t" * 43, "name": REVIEWER.name, "password": PASSWORD}
    visit.client.post("/login", data=form, headers={"cookie": f"foresell=planted; foresell-form={form['csrf']}"})
    assert token_of(visit) != "planted"
    assert not alive(visit, "planted")


def token_of(visit: Browser) -> str:
    return visit.client.cookies["foresell"]


def alive(visit: Browser, token: str) -> bool:
    visit.client.cookies.clear()
    response = visit.client.get("/", headers={"cookie": f"foresell={token}"}, follow_redirects=False)
    visit.client.cookies.set("foresell", token)
    return response.headers["location"] != "/login"


def test_logging_out_ends_the_session_on_the_server(visit: Browser) -> None:
    visit.log_in(REVIEWER)
    token = token_of(visit)
    visit.get("/nowhere")
    assert visit.send("/logout").url.path == "/login"
    assert not alive(visit, token)


@pytest.mark.parametrize(("minutes", "lives"), [(59, True), (61, False), (11 * 60, False)])
def test_a_session_ends_by_time(app: Starlette, minutes: int, lives: bool) -> None:
    with time_machine.travel("2026-03-01T09:00:00Z", tick=False) as clock:
        visit = Browser(app)
        visit.log_in(REVIEWER)
        clock.shift(minutes * 60)
        assert (visit.get("/").url.path != "/login") is lives


def test_use_keeps_a_session_alive_but_not_for_ever(app: Starlette) -> None:
    with time_machine.travel("2026-03-01T09:00:00Z", tick=False) as clock:
        visit = Browser(app)
        visit.log_in(REVIEWER)
        hours = 0.0
        while visit.get("/").url.path != "/login":
            clock.shift(3000)
            hours += 3000 / 3600
        assert 10 <= hours < 11


def test_a_new_password_ends_open_sessions(settings: Settings, visit: Browser) -> None:
    visit.log_in(MANAGER)
    engine = open_database(settings)
    people.set_password(engine, MANAGER.name, PASSWORD)
    engine.dispose()
    assert visit.get("/").url.path == "/login"


def test_too_many_failures_are_not_heard_even_with_the_right_password(settings: Settings) -> None:
    visit = Browser(app_of(settings))
    for _ in range(BY_NAME):
        visit.get("/login")
        assert visit.send("/login", name="ben", password="not this one").status_code == 401
    visit.get("/login")
    response = visit.send("/login", name="ben", password=PASSWORD)
    assert response.status_code == 429
    assert 0 < int(response.headers["retry-after"]) <= 15 * 60 + 1
    assert "Too many logins failed" in response.text
    visit.get("/login")
    assert visit.send("/login", name="anna", password=PASSWORD).status_code != 429


def test_a_form_without_the_token_of_its_session_does_nothing(visit: Browser) -> None:
    visit.log_in(REVIEWER)
    for token in ("", "other", visit.client.cookies["foresell"]):
        assert visit.client.post("/logout", data={"csrf": token}).status_code == 403
    assert visit.get("/").url.path != "/login"


def test_a_login_form_of_another_site_is_refused(visit: Browser) -> None:
    visit.client.cookies.clear()
    response = visit.client.post("/login", data={"csrf": "", "name": "anna", "password": PASSWORD})
    assert response.status_code == 403
    form = {"csrf": "t" * 43, "name": REVIEWER.name, "password": PASSWORD}
    headers = {"cookie": f"foresell-form={form['csrf']}", "sec-fetch-site": "cross-site"}
    assert visit.client.post("/login", data=form, headers=headers).status_code == 403


def test_every_route_is_closed_to_the_roles_that_it_does_not_name(app: Starlette) -> None:
    for user in PEOPLE:
        visit = Browser(app)
        visit.log_in(user)
        visit.client.follow_redirects = False
        for view in ROUTES:
            if view.roles and user.role not in view.roles:
                path = view.path.replace("{seller_id}", "s3").replace("{order_id}", "o00001")
                assert (
                    visit.client.request(view.method, path, data={} if view.method == "POST" else None).status_code
                    == 403
                )


def test_every_route_but_the_login_asks_for_one(app: Starlette) -> None:
    client = Browser(app).client
    client.follow_redirects = False
    assert {view.path for view in ROUTES if not view.roles} == {"/login"}
    for view in ROUTES:
        if view.roles:
            headers = {"content-type": "application/x-www-form-urlencoded"}
            response = client.request(view.method, view.path, headers=headers)
            assert (response.status_code, response.headers["location"][:6]) == (303, "/login")
            assert set(view.roles) <= set(ROLES)


def test_a_form_that_is_too_large_or_of_another_kind_is_refused(visit: Browser) -> None:
    visit.log_in(REVIEWER)
    assert visit.client.post("/logout", data={"csrf": "x" * 70_000}).status_code == 413
    assert visit.client.post("/logout", json={}).status_code == 415
    assert visit.client.post("/logout", data={f"f{i}": "" for i in range(300)}).status_code == 400


@pytest.mark.parametrize("path", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:1", "/a\nb"])
def test_the_login_leads_nowhere_else(path: str) -> None:
    assert local(path) == ""
    assert local("/seller/s1?tab=2") == "/seller/s1?tab=2"


def test_the_login_leads_on_to_the_page_that_was_asked_for(visit: Browser) -> None:
    visit.client.follow_redirects = False
    where = visit.get("/?category=c1").headers["location"]
    assert where == "/login?next=%2F%3Fcategory%3Dc1"
    visit.get(where)
    assert visit.send("/login", name="anna", password=PASSWORD).headers["location"] == "/?category=c1"


def test_every_answer_says_what_a_browser_may_do(visit: Browser) -> None:
    for path in ("/login", "/nowhere", "/static/review.css", "/"):
        headers = visit.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
    assert visit.get("/login").headers["cache-control"] == "no-store"


def test_a_request_for_another_host_is_refused(visit: Browser) -> None:
    assert visit.client.get("/login", headers={"host": "evil.example"}).status_code == 400


def test_an_address_beyond_this_machine_needs_tls() -> None:
    for host, origin in (("0.0.0.0", ""), ("10.0.0.1", "http://review.example.com"), ("::", "")):
        with pytest.raises(ForesellError, match="TLS proxy"):
            check_address(ReviewSettings(host=host, origin=origin))
    check_address(ReviewSettings(host="0.0.0.0", origin="https://review.example.com"))
    check_address(ReviewSettings(host="localhost"))


@pytest.mark.parametrize(
    ("user", "password", "rule"),
    [
        (Person("anna", "reviewer"), PASSWORD, "must be unique"),
        (Person("x", "boss"), PASSWORD, "role must exist"),
        (Person("x", "seller"), PASSWORD, "one seller"),
        (Person("x", "reviewer", "s1"), PASSWORD, "one seller"),
        (Person(" ", "reviewer"), PASSWORD, "1 to 100"),
        (Person("x", "reviewer"), "short", "12 to 256"),
    ],
)
def test_a_login_keeps_the_rules(settings: Settings, user: Person, password: str, rule: str) -> None:
    engine = open_database(settings)
    with pytest.raises(ForesellError, match=rule):
        people.add(engine, user, password)
    engine.dispose()


def test_passwords_are_kept_as_argon2_hashes(settings: Settings) -> None:
    assert people.hashed(PASSWORD).startswith("$argon2id$")
    engine = open_database(settings)
    assert people.check(engine, SELLER.name, PASSWORD) == SELLER
    assert people.everybody(engine) == sorted(PEOPLE, key=lambda user: user.name)
    engine.dispose()
