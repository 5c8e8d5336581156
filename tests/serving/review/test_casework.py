"""The seller's own page, letters, objections, second opinions and figures, with forms as a browser without script."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from starlette.applications import Starlette

from core.settings import Settings
from serving.casework.cases import case_actions, case_repository
from serving.casework.cases.case import Person
from serving.casework.decisions import decision, letters
from serving.casework.decisions.decide import decide
from serving.casework.decisions.decision import DecisionForm, DecisionSettings
from serving.casework.snapshots import logged_answers
from serving.database.connection import open_database, reading
from serving.database.tables.casework import CASE_DECISIONS, CASES
from serving.review.web import people
from serving.review.web.services import standards_shown
from tests.support.casework_fixture import FACTS
from tests.support.review_fixture import MANAGER, PASSWORD, REVIEWER, SECOND, SELLER, Browser, app_of
from tests.support.review_market import make_review_market

pytestmark = pytest.mark.slow
ANNA = Person("anna", "reviewer")
DecisionsMade = tuple[decision.Decision, Person, str]  # a decision, the seller whom it is about, and an order
WHY = "The carrier has confirmed that the parcel was handed over in time and lay in its depot for a week."
ANSWER = "The carrier has confirmed what you say, so this order does not count any more."


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return make_review_market(tmp_path_factory.mktemp("home"), ["Müller & Söhne", "<b>Ann's</b>"])


@pytest.fixture(scope="module")
def engine(settings: Settings) -> sa.Engine:
    return open_database(settings)


@pytest.fixture(scope="module")
def app(settings: Settings) -> Starlette:
    return app_of(settings)


def capped(engine: sa.Engine) -> DecisionsMade:
    """A returns case that anna has held back with an order cap for an hour; the seller, and an order that came back."""
    with reading(engine) as con:
        case = next(
            c for c in case_repository.by_loss_avoided(con, [CASES.c.risk == "returns", CASES.c.arm == "full"], 50)
        )
    past = datetime.now(UTC) - timedelta(hours=1)
    case = case_actions.take(engine, case.case_id, case.version, ANNA, past)
    with reading(engine) as con:
        said = logged_answers.read(con, case.facts.decision_id).result["risks"]["returns"]
    held, urgent = said["standard"], "Customers wait for parcels that were never sent."
    choice = DecisionForm("order_cap", FACTS, held["name"], held["version"], urgent=urgent)
    made = decide(engine, case.case_id, case.version, ANNA, past, choice, DecisionSettings(standards_shown(())))
    order = next(o for item in said["items"] for o in item["order_ids"])
    return made, Person("owner", "seller", case.seller_id), order


@pytest.fixture(scope="module")
def decisions_made(engine: sa.Engine) -> DecisionsMade:
    """A decision that has been told, with a login of its seller; and an order that came back."""
    made, seller, order = capped(engine)
    people.add(engine, seller, PASSWORD)
    return made, seller, order


def visit(app: Starlette, user: Person) -> Browser:
    browser = Browser(app)
    browser.log_in(user)
    return browser


def words(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page))


@pytest.fixture(scope="module")
def pages(app: Starlette, decisions_made: DecisionsMade) -> tuple[str, str, str]:
    """The letter, the seller's page and the plain letter as they are before anybody objects."""
    made, seller, _ = decisions_made
    theirs = visit(app, seller).get(f"/standing/letter/{made.case_decision_id}")
    ours = visit(app, SECOND).get(f"/seller/{made.seller_id}?risk=returns")
    plain = visit(app, seller).get(f"/standing/letter/{made.case_decision_id}/text")
    assert plain.headers["content-type"].startswith("text/plain")
    return theirs.text, ours.text, plain.text


def test_answer_page_and_letter_say_the_same(
    pages: tuple[str, str, str], decisions_made: DecisionsMade, engine: sa.Engine
) -> None:
    made, _, _ = decisions_made
    with reading(engine) as con:
        said = logged_answers.read(con, made.shown["decision_id"]).result["risks"]["returns"]
    figures = [
        letters.percent(said["probability"]),
        letters.percent(said["standard"]["current_rate"], 1),
        f"{said['standard']['limit']:.1%}",
        letters.percent(said["expected_rate"], 1),
        *[r["text"] for r in said["explanation"]["reasons"] if r["direction"] == "raises"][:3],
    ]
    for page in pages:
        text = re.sub(r"\s+", " ", words(page).replace("\u00a0", " "))
        assert [figure for figure in figures if figure not in text] == []


def test_a_seller_sees_its_own_pages_and_nobody_else_s(app: Starlette, decisions_made: DecisionsMade) -> None:
    made, seller, _ = decisions_made
    own, other = visit(app, seller), visit(app, SELLER)
    page = own.get("/standing")
    assert page.status_code == 200
    assert f"/standing/letter/{made.case_decision_id}" in page.text
    assert made.case_decision_id not in other.get("/standing").text
    for path in ("", "/text"):
        assert other.get(f"/standing/letter/{made.case_decision_id}{path}").status_code == 404
    for path in (
        "/queue",
        f"/seller/{seller.seller_id}",
        "/figures",
        "/objections",
        f"/letter/{made.case_decision_id}",
    ):
        assert own.get(path).status_code == 403
    for user in (REVIEWER, MANAGER):
        assert visit(app, user).get("/standing").status_code == 403
    assert visit(app, REVIEWER).get("/figures").status_code == 403


def test_a_letter_that_can_still_be_undone_has_not_gone_out(
    app: Starlette, engine: sa.Engine, decisions_made: DecisionsMade
) -> None:
    made, seller, _ = decisions_made
    try:
        with engine.begin() as con:
            soon = (datetime.now(UTC) + timedelta(minutes=5)).isoformat(timespec="microseconds")
            con.execute(sa.update(CASE_DECISIONS).values(effective_at=soon))
        own = visit(app, seller)
        assert made.case_decision_id not in own.get("/standing").text
        assert own.get(f"/standing/letter/{made.case_decision_id}").status_code == 404
        assert visit(app, SECOND).get(f"/letter/{made.case_decision_id}").status_code == 200
    finally:
        with engine.begin() as con:
            con.execute(sa.update(CASE_DECISIONS).values(effective_at=made.effective_at))


def test_from_the_objection_to_the_figures_after_it(
    app: Starlette, engine: sa.Engine, decisions_made: DecisionsMade, pages: tuple[str, str, str]
) -> None:
    made, seller, order = decisions_made
    own = visit(app, seller)
    assert "You have no order with this number" in own.get("/standing/object?order=o-nobody").text
    assert visit(app, SELLER).get(f"/standing/object?order={order}").text.count('name="row"') == 0
    own.get(f"/standing/object?order={order}&decision={made.case_decision_id}")
    short = own.send("/standing/objections", row="whole", effect="excluded", new_fault="carrier", reason="no")
    assert short.status_code == 422
    assert 'aria-invalid="true"' in short.text
    done = own.send("/standing/objections", row="whole", effect="excluded", new_fault="carrier", reason=WHY)
    assert "We have received your objection" in done.text
    assert WHY in done.text

    anna, ben = visit(app, REVIEWER), visit(app, SECOND)
    path = re.findall(r'href="(/objection/[0-9a-f]+)"', anna.get("/objections").text)[0]
    assert "for another reviewer" in anna.page
    assert "verdict" not in anna.get(path).text
    token = re.findall(r'name="csrf" value="([^"]+)"', anna.page)[0]
    forced = anna.client.post(path, data={"csrf": token, "version": "1", "verdict": "grant", "answer": ANSWER})
    assert forced.status_code == 403

    ben.get(path)
    answered = ben.send(path, verdict="grant", take_back="yes", answer=ANSWER)
    assert "Before and after" in answered.text
    again = ben.client.post(path, data={"csrf": token_of(ben), "version": "1", "verdict": "refuse", "answer": ANSWER})
    assert again.status_code == 409
    mine = own.get("/standing")
    assert ANSWER in mine.text
    assert "became" in mine.text
    assert decision.of_seller(engine, seller.seller_id)[0].overturned_at
    assert "withdrawn" in own.get(f"/standing/letter/{made.case_decision_id}").text


def token_of(browser: Browser) -> str:
    return str(re.findall(r'name="csrf" value="([^"]+)"', browser.page)[0])


def test_the_manager_s_page_and_its_csv(app: Starlette, decisions_made: DecisionsMade) -> None:
    meg = visit(app, MANAGER)
    page = meg.get("/figures")
    assert page.status_code == 200
    assert "too few" in page.text
    for name in ("cases", "slices", "arms"):
        found = meg.get(f"/figures/{name}")
        assert found.headers["content-type"] == "text/csv; charset=utf-8"
        assert found.text.startswith("\ufeff")
        assert len(found.text.splitlines()) > 1
    assert meg.get("/figures/passwords").status_code == 404
    assert meg.get("/figures?since=soon").status_code == 400


def test_a_second_opinion_is_asked_of_somebody_else_and_told_nothing(
    app: Starlette, engine: sa.Engine, decisions_made: DecisionsMade, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = decisions_made[0].case_id
    monkeypatch.setattr(case_actions.second_opinion_cases, "__defaults__", (1.0, 20))
    assert case_id not in visit(app, REVIEWER).get("/second").text
    ben = visit(app, SECOND)
    page = ben.get("/second")
    assert f"/second/{case_id}" in page.text
    assert "anna" not in words(page.text)
    done = ben.send(f"/second/{case_id}", said="wait")
    assert f"/second/{case_id}" not in done.text
    with reading(engine) as con:
        assert case_repository.events(con, case_id)[-1].detail == {"said": "wait"}
