"""What a case withholds until a first look is nowhere: not on another page, not behind an address typed by hand."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa

from core.settings import Settings
from serving.casework.cases import case_repository
from serving.casework.cases.case import LIVE, Case, Person
from serving.casework.cases.experiment_arms import FULL, NO_REASONS, NO_SCORE
from serving.casework.snapshots import logged_answers
from serving.database.connection import open_database, reading
from serving.database.tables.casework import CASES
from serving.review.queue.filters import queue_query
from serving.review.queue.queue_page import queue_page
from serving.review.seller.page import SellerPageRequest, seller_page
from serving.review.web.page_request import PageRequest, Visitor
from serving.review.web.services import Services
from serving.review.web.settings import ReviewSettings
from serving.scoring.results import RiskResult, SellerResult
from tests.serving.review.test_casework import visit
from tests.support.review_fixture import REVIEWER, Browser, app_of
from tests.support.review_market import make_review_market

pytestmark = pytest.mark.slow
RISKS = ("returns", "service")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return make_review_market(tmp_path_factory.mktemp("withheld"))


@pytest.fixture(scope="module")
def engine(settings: Settings) -> Iterator[sa.Engine]:
    made = open_database(settings)
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def page_request(settings: Settings) -> Iterator[SellerPageRequest]:
    services = Services(settings, ReviewSettings())
    call = PageRequest(services, Visitor(Person(*vars(REVIEWER).values()), "token"), "/")
    yield SellerPageRequest(call, datetime.now(UTC))
    services.close()


@pytest.fixture(scope="module")
def anna(settings: Settings) -> Browser:
    return visit(app_of(settings), REVIEWER)


@contextmanager
def drawn(engine: sa.Engine, arm: str) -> Iterator[tuple[Case, SellerResult]]:
    """A case about returns drawn for the arm, and what its record says; its seller has one about service too."""
    with reading(engine) as con:
        cases = case_repository.by_loss_avoided(con, [CASES.c.risk == "returns", CASES.c.state.in_(LIVE)], 50)
        found = [(case, logged_answers.read(con, case.facts.decision_id).result) for case in cases]
    case, result = next((c, s) for c, s in found if s["risks"]["returns"].get("items"))
    mine = CASES.c.case_id == case.case_id
    with engine.begin() as con:
        con.execute(sa.delete(CASES).where(CASES.c.seller_id == case.seller_id, CASES.c.risk == "service"))
        con.execute(sa.update(CASES).where(mine).values(arm=FULL))
        row = dict(con.execute(sa.select(CASES).where(mine)).mappings().one())
        con.execute(sa.insert(CASES), row | {"case_id": f"{case.case_id}-service", "risk": "service"})
        con.execute(sa.update(CASES).where(mine).values(arm=arm, first_look=""))
    yield case, result
    with engine.begin() as con:
        con.execute(sa.update(CASES).where(mine).values(arm=FULL, first_look=""))


def values(shown: object) -> set[object]:
    """Every number and text of a page's context."""
    if isinstance(shown, dict):
        return {one for value in shown.values() for one in values(value)}
    if isinstance(shown, list | tuple):
        return {one for value in shown for one in values(value)}
    return {shown} if isinstance(shown, float | str) else set()


def figures_of(result: RiskResult) -> set[float]:
    """The figures of an answer's risk that are its score."""
    return {result["probability"], *result["interval_90"]}


def reasons_of(result: RiskResult) -> set[str]:
    return {reason["text"] for reason in result["explanation"]["reasons"]}


def evidence_of(seller_id: str, result: RiskResult) -> list[str]:
    """The addresses of all evidence about returns."""
    named = [{"of": reason["code"]} for reason in result["explanation"]["reasons"]]
    named += [{"of": "item", "item": item["item_id"]} for item in result["items"]]
    return [f"/seller/{seller_id}/orders?{urlencode({'risk': 'returns', **one})}" for one in named]


def orders_of(result: RiskResult) -> set[str]:
    """The orders that only the reasons about returns name."""
    return {order for reason in result["explanation"]["reasons"] for order in reason["evidence"]["order_ids"]}


@pytest.mark.parametrize("risk", RISKS)
def test_no_page_tells_the_score_before_a_first_look(
    engine: sa.Engine, page_request: SellerPageRequest, risk: str
) -> None:
    with drawn(engine, NO_SCORE) as (case, result):
        page = seller_page(page_request, case.seller_id, risk)
        assert figures_of(result["risks"]["returns"]) & values(asdict(page)) == set()
        assert [one for one in page.scores if one.risk == "returns"] == []
        assert {(one.expected, one.low, one.high) for one in page.standards if one.risk == "returns"} == {(None,) * 3}
        assert [one.chart.key for one in page.rate_charts if one.chart.key == "return_rate" and one.chart.ahead] == []
        assert page.withheld == ("score" if risk == "returns" else "")
    assert figures_of(result["risks"]["returns"]) <= values(asdict(seller_page(page_request, case.seller_id, risk)))


def test_the_queue_tells_no_score_before_a_first_look(engine: sa.Engine, page_request: SellerPageRequest) -> None:
    with drawn(engine, NO_SCORE) as (case, result):
        rows = [
            row
            for row in queue_page(page_request.request, queue_query({}), page_request.at).rows
            if row.seller_id == case.seller_id
        ]
        assert len(rows) == len(RISKS)
        shown = values([asdict(row) for row in rows])
        assert figures_of(result["risks"]["returns"]) & shown == set()
        assert {row.at_stake is None for row in rows if row.risk == "returns"} == {True}
    rows = [
        row
        for row in queue_page(page_request.request, queue_query({}), page_request.at).rows
        if row.seller_id == case.seller_id
    ]
    assert result["risks"]["returns"]["probability"] in values([asdict(row) for row in rows])


def test_no_page_tells_the_reasons_before_a_first_look(
    engine: sa.Engine, page_request: SellerPageRequest, anna: Browser
) -> None:
    with drawn(engine, NO_REASONS) as (case, result):
        mine, page = result["risks"]["returns"], seller_page(page_request, case.seller_id, "returns")
        assert (page.raising, page.lowering, page.items) == ((), (), ())
        assert reasons_of(mine) & values(asdict(page)) == set()
        text = anna.get(f"/seller/{case.seller_id}?risk=returns").text
        assert [order for order in orders_of(mine) if order in text] == []
        rows = queue_page(page_request.request, queue_query({}), page_request.at).rows
        [row] = [row for row in rows if row.href == f"/seller/{case.seller_id}?risk=returns"]
        assert (row.reason, row.family, row.withheld) == ("", "", "reasons")


def test_the_orders_behind_withheld_reasons_are_withheld_whoever_types_their_address(
    engine: sa.Engine, anna: Browser
) -> None:
    with drawn(engine, NO_REASONS) as (case, result):
        mine = result["risks"]["returns"]
        for path in evidence_of(case.seller_id, mine):
            answer = anna.get(path)
            assert answer.status_code == 403
            assert "first look" in answer.text
            assert f"/seller/{case.seller_id}?risk=returns" in answer.text
            assert [order for order in orders_of(mine) if order in answer.text] == []
        other = re.findall(
            r'href="([^"]+/orders\?risk=service[^"]+)"', anna.get(f"/seller/{case.seller_id}?risk=service").text
        )
        assert {anna.get(path.replace("&amp;", "&")).status_code for path in other} == {200}
    assert {anna.get(path).status_code for path in evidence_of(case.seller_id, mine)} == {200}


def test_what_a_case_withholds_cannot_be_filtered_for(engine: sa.Engine, page_request: SellerPageRequest) -> None:
    with drawn(engine, NO_REASONS) as (case, _):
        found = queue_page(page_request.request, queue_query({"family": case.facts.family}), page_request.at)
        assert case.case_id not in {row.key.partition(".")[0] for row in found.rows}
    found = queue_page(page_request.request, queue_query({"family": case.facts.family}), page_request.at)
    assert case.case_id in {row.key.partition(".")[0] for row in found.rows}


def test_a_first_look_opens_everything(settings: Settings, engine: sa.Engine) -> None:
    with drawn(engine, NO_REASONS) as (case, result):
        ben = Browser(app_of(settings))
        ben.log_in(REVIEWER)
        page = f"/seller/{case.seller_id}?risk=returns"
        ben.get(page)
        ben.send(f"/case/{case.case_id}/take")
        ben.send(f"/case/{case.case_id}/first_look", said="wait")
        assert {ben.get(path).status_code for path in evidence_of(case.seller_id, result["risks"]["returns"])} == {200}
        ben.get(page)
        ben.send(f"/case/{case.case_id}/release")
