"""The seller's page, the queue and the API tell the same of a seller: they are made of the same record."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from scipy.special import expit

from core.settings import Settings
from serving.casework.cases.case import LIVE, Person
from serving.database.connection import reading
from serving.database.tables.casework import CASES
from serving.review.queue.filters import queue_query
from serving.review.queue.queue_page import QueueRow, queue_page
from serving.review.seller.answer import TO_SELLER, answer_of, changes
from serving.review.seller.orders import order_views
from serving.review.seller.page import SellerPageRequest, seller_page
from serving.review.web.page_request import PageRequest, Visitor
from serving.review.web.services import Services
from serving.review.web.settings import ReviewSettings
from serving.scoring import formats
from serving.scoring.answers import ScoreOptions, predict
from serving.scoring.model_watcher import ModelAndStore
from serving.scoring.results import SellerResult, read_result
from serving.scoring.what_if import what_if
from tests.support import serving_market as market
from tests.support.review_fixture import REVIEWER, Browser, app_of
from tests.support.review_market import make_review_market

pytestmark = pytest.mark.slow
SELLERS = [f"s{i}" for i in range(0, market.SELLERS, 4)]
RISKS = ("returns", "service")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return make_review_market(tmp_path_factory.mktemp("review"))


@pytest.fixture(scope="module")
def services(settings: Settings) -> Iterator[Services]:
    made = Services(settings, ReviewSettings())
    with made.engine.begin() as con:  # what cases withhold before is test_review_withheld's subject
        con.execute(CASES.update().values(first_look="wait"))
    yield made
    made.close()


@pytest.fixture
def page_request(services: Services) -> SellerPageRequest:
    call = PageRequest(services, Visitor(Person(*vars(REVIEWER).values()), "token"), "/")
    return SellerPageRequest(call, datetime.now(UTC))


def loaded_in(services: Services) -> ModelAndStore:
    loaded = services.watcher.loaded
    assert loaded is not None
    return loaded


def answer(services: Services, seller_id: str) -> SellerResult:
    """What the API would answer now, but for its id."""
    loaded = loaded_in(services)
    rows = loaded.store.rows(loaded.store.find([seller_id]))
    [made] = predict(loaded.model, rows, ScoreOptions(28, explain=True), loaded.store.day, loaded.layout)
    return read_result(made.answer)


@pytest.mark.parametrize("risk", RISKS)
@pytest.mark.parametrize("seller_id", SELLERS)
def test_the_page_says_what_the_api_answers(
    services: Services, page_request: SellerPageRequest, seller_id: str, risk: str
) -> None:
    risk_result, page = answer(services, seller_id), seller_page(page_request, seller_id, risk)
    own = risk_result["risks"][risk]
    [view] = [one for one in page.risks if one.risk == risk]
    assert (view.probability, (view.low, view.high), view.band, view.in_breach) == (
        own["probability"],
        tuple(own["interval_90"]),
        own["band"],
        own["in_breach"],
    )
    for figure in (own["probability"], own["interval_90"][0], own["interval_90"][1]):
        assert str(formats.percent(figure)) in view.verdict
    assert page.peers.sellers == risk_result["evidence"]["peer_group"]["sellers"]
    shown = [r.text for r in (*page.raising, *page.lowering)]
    assert (
        shown
        == [r["text"] for side in (1, -1) for r in own["explanation"]["reasons"] if side * r["contribution"] >= 0.05][
            : len(shown)
        ]
    )


@pytest.mark.parametrize("risk", RISKS)
@pytest.mark.parametrize("seller_id", SELLERS)
def test_what_the_page_adds_up_is_the_probability_it_shows(
    page_request: SellerPageRequest, seller_id: str, risk: str
) -> None:
    page = seller_page(page_request, seller_id, risk)
    assert page.base is not None
    assert page.arithmetic_sum is not None
    assert page.smaller_sum is not None
    added = page.base + page.arithmetic_sum + page.smaller_sum
    added += sum(reason.contribution for reason in (*page.raising, *page.lowering))
    [view] = [one for one in page.risks if one.here]
    assert expit(added) == pytest.approx(view.probability, abs=1e-6)


@pytest.mark.parametrize("seller_id", SELLERS)
def test_the_arithmetic_adds_up(page_request: SellerPageRequest, seller_id: str) -> None:
    a = seller_page(page_request, seller_id, "returns").arithmetic
    assert a is not None
    assert (a.leaving_bad + a.staying_bad, a.leaving_volume + a.staying_volume) == (a.bad, a.volume)
    if a.expected_rate is not None:
        coming = (a.staying_bad + a.expected_events) / (a.staying_volume + a.coming)
        assert a.expected_rate == pytest.approx(coming)


def test_queue_and_seller_page_tell_the_same_of_a_case(page_request: SellerPageRequest, services: Services) -> None:
    queue = queue_page(page_request.request, queue_query({}), page_request.at)
    assert len(queue.rows) > 5
    for row in queue.rows:
        page = seller_page(page_request, row.seller_id, row.risk)
        [view] = [one for one in page.risks if one.risk == row.risk]
        if row.own:
            assert (row.own.probability, row.own.low, row.own.band) == (view.probability, view.low, view.band)
        if row.reason:
            strongest = answer(services, row.seller_id)["risks"][row.risk]["explanation"]["reasons"]
            assert row.reason == next(r["text"] for r in strongest if r["direction"] == "raises")


def test_the_queue_is_ranked_by_the_loss_a_review_avoids(page_request: SellerPageRequest, services: Services) -> None:
    queue = queue_page(page_request.request, queue_query({}), page_request.at)
    with reading(services.engine) as con:
        rows = con.execute(CASES.select().where(CASES.c.state.in_(LIVE))).mappings().all()
    loss = {f"{row['case_id']}.{row['version']}": row["loss_avoided"] for row in rows}
    ranked = [loss[row.key] for row in queue.rows]
    assert ranked == sorted(ranked, reverse=True)
    assert queue.total == len(rows)


@pytest.mark.parametrize(
    ("query", "keeps"),
    [
        ({"category": "c1"}, lambda row: "c1" in row.about),
        ({"region": "r2"}, lambda row: "r2" in row.about),
        ({"risk": "service"}, lambda row: row.risk == "service"),
        ({"q": "S1"}, lambda row: "s1" in row.seller_id),
        ({"tenure": "new"}, lambda row: False),
        ({"assignee": "me"}, lambda row: False),
    ],
)
def test_a_filter_keeps_what_it_says(
    page_request: SellerPageRequest, query: dict[str, str], keeps: Callable[[QueueRow], bool]
) -> None:
    everything = queue_page(page_request.request, queue_query({}), page_request.at)
    found = queue_page(page_request.request, queue_query(query), page_request.at)
    assert [row.key for row in found.rows] == [row.key for row in everything.rows if keeps(row)]


def test_the_change_is_against_the_week_before(page_request: SellerPageRequest) -> None:
    changes = [row.change for row in queue_page(page_request.request, queue_query({}), page_request.at).rows if row.own]
    assert np.isfinite([c for c in changes if c is not None]).all()
    assert sum(c is not None for c in changes) > len(changes) / 2


def test_a_seller_that_nobody_knows_has_a_page_that_says_so(settings: Settings) -> None:
    visit = Browser(app_of(settings))
    visit.log_in(REVIEWER)
    response = visit.get("/seller/nobody")
    assert response.status_code == 404
    assert "or the seller has no scores" in response.text
    assert visit.get("/seller/..%2F..%2Fetc%2Fpasswd").status_code == 404


def test_every_page_is_small(settings: Settings) -> None:
    visit = Browser(app_of(settings))
    visit.log_in(REVIEWER)
    for path in ("/queue", *(f"/seller/{seller_id}" for seller_id in SELLERS[:5])):
        assert len(visit.get(path).content) < 150_000


def test_what_is_said_of_an_order_isolates_foreign_words_and_shows_no_marks() -> None:
    row = {"late_fault": "carrier", "delivered": 20, "promised": 17, "cancelled": None, "returned": 22}
    row |= {"return_reason": "<b>not_as_described", "cases": "not_as_described", "rating": 1}
    row |= {"cents": 1999, "item_id": "i1", "category": "c1", "ordered": 10}
    [view] = order_views(["o1"], {"o1": row})
    assert [str(event) for event in view.events] == [
        "Late by 3 days, handed over in time (carrier)",
        "Returned: <bdi>&lt;b&gt;not as described</bdi>",
        "Reported as not as described",
        "Rated 1",
    ]
    slow = row | {"late_fault": None, "returned": None, "cases": None, "rating": None, "ship_by": 12, "shipped": 14}
    [view] = order_views(["o1"], {"o1": slow})
    assert [str(event) for event in view.events] == [
        "Handed over 2 days after its ship-by day, not late for the customer"
    ]
    [unknown] = order_views(["o2"], {})
    assert (unknown.order_id, unknown.events) == ("o2", ())


def test_the_pages_say_what_would_change_a_risk_as_the_api_does(
    services: Services, page_request: SellerPageRequest
) -> None:
    """But for a page that stands on the record of an earlier week's case: it says nothing."""
    loaded = loaded_in(services)
    told: list[str] = []
    for seller_id in SELLERS:
        row = loaded.store.rows(loaded.store.find([seller_id])).table.block
        risk_result = what_if(loaded.model.bundle, row, loaded.store.days(seller_id), 28)
        for risk in RISKS:
            page = seller_page(page_request, seller_id, risk)
            one = risk_result[risk]
            text = one["text"] if one and page.model.as_of == loaded.store.day else ""
            assert page.change == text
            told.append(text)
        record = answer_of(services.engine, loaded, seller_id, [])
        mine = {risk: one["text_to_seller"] for risk, one in risk_result.items() if one}
        assert changes(services, record, RISKS, TO_SELLER) == mine
    assert sum(text.startswith("If ") for text in told) > 1


def test_a_record_of_another_day_or_row_has_no_change(services: Services) -> None:
    loaded = loaded_in(services)
    record = answer_of(services.engine, loaded, SELLERS[1], [])
    assert changes(services, replace(record, as_of="2026-01-01"), RISKS) == {}
    moved = np.frombuffer(record.vector, dtype="<f8").copy()
    moved[record.names.index("ordered_60")] += 1
    assert changes(services, replace(record, vector=moved.tobytes()), RISKS) == {}
