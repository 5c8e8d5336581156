"""The prediction API as callers see it: BentoML's own processes, over HTTP."""

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest

from core.block import Block
from features.catalogue.formulas import PRIOR
from features.table import FeatureTable
from models.batch.score_columns import batch
from models.bundle.bundle import Bundle, load
from models.score import score
from serving.api.routes import ROUTES
from serving.api.schema.score import ScoreAnswer
from serving.store.bundles import current
from tests.support import serving_market as market
from tests.support.serving_fixture import free_settings, running

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a champion and a store."""
    place = tmp_path_factory.mktemp("home")
    market.make_home(place)
    return place


@pytest.fixture(scope="module")
def api(home: Path) -> Iterator[httpx.Client]:
    """The service."""
    with running(free_settings(home)) as client:
        yield client


@pytest.fixture(scope="module")
def bundle(home: Path) -> Bundle:
    """The bundle that serves."""
    return load(home / "trained")


def ask(api: httpx.Client, **request: Any) -> dict[str, Any]:
    """The answer to a request that is in order."""
    answer = api.post("/v1/score", json=request)
    assert answer.status_code == 200, answer.text
    ScoreAnswer.model_validate_json(answer.content, extra="forbid")
    said: dict[str, Any] = answer.json()
    return said


def decisions(home: Path) -> dict[str, dict[str, Any]]:
    """The prediction log by decision_id."""
    con = sqlite3.connect(home / "serving" / "records.sqlite")
    con.row_factory = sqlite3.Row
    rows = {row["decision_id"]: dict(row) for row in con.execute("select * from predictions")}
    con.close()
    return rows


def test_an_answer_has_scores_and_problems_in_the_order_asked(api: httpx.Client, home: Path) -> None:
    said = ask(api, seller_ids=["s4", "nobody", "s1", "s4"])
    assert said["as_of"] == str(np.datetime64(market.ledger().last_day, "D"))
    digest = current(home)["digest"]
    assert said["model"] == {"name": "foresell", "version": "1", "digest": digest, "calibrated_to": "2026-06-01"}
    assert [r["seller_id"] for r in said["results"]] == ["s4", "nobody", "s1", "s4"]
    assert said["results"][1]["problem"] == {
        "type": "/problems/unknown-seller",
        "title": "No history for this seller",
        "status": 404,
    }
    assert len({r["decision_id"] for r in said["results"] if "decision_id" in r}) == 3


def test_the_numbers_are_those_of_the_model_on_the_training_row(api: httpx.Client, bundle: Bundle) -> None:
    table = market.last_rows()
    ids = table.seller_id.tolist()
    for horizon in market.HORIZONS:
        results = ask(api, seller_ids=ids, horizon_days=horizon)["results"]
        for result, expected in zip(results, score(bundle, table, horizon), strict=True):
            assert set(result["risks"]) == {"returns", "service"}
            for risk, s in expected.items():
                said = result["risks"][risk]
                assert said["probability"] == s.probability
                assert tuple(said["interval_90"]) == s.interval_90
                assert (said["band"], said["in_breach"], said["expected_rate"]) == (
                    s.band,
                    s.in_breach,
                    s.expected_rate,
                )
                assert said["standard"] == vars(s.standard)
                assert {p: v["probability"] for p, v in said.get("parts", {}).items()} == s.parts
    assert set(results[0]["risks"]["service"]["parts"]) == {"late_delivery"}


def test_base_arithmetic_and_reasons_add_up_to_the_served_log_odds(api: httpx.Client) -> None:
    results = ask(api, seller_ids=market.last_rows().seller_id.tolist())["results"]
    for risk in (risk for result in results for risk in result["risks"].values()):
        why = risk["explanation"]
        total = why["base"] + why["arithmetic"] + sum(reason["contribution"] for reason in why["reasons"])
        p = risk["probability"]
        assert total == pytest.approx(np.log(p) - np.log1p(-p), abs=1e-6)


def test_the_returns_risk_shows_which_items_came_back_and_their_orders(api: httpx.Client) -> None:
    lines = market.frames()["orders"].set_index("order_id")
    shown = 0
    for result in ask(api, seller_ids=market.last_rows().seller_id.tolist())["results"]:
        items = result["risks"]["returns"]["items"]
        assert "items" not in result["risks"]["service"]
        assert [item["chance"] for item in items] == sorted(item["chance"] for item in items)
        for item in items:
            behind = lines.loc[item["order_ids"]]
            assert set(behind.seller_id) == {result["seller_id"]}
            assert set(behind.item_id) == {item["item_id"]}
            assert len(behind) == item["returned"]
            shown += 1
    assert shown > 20


def test_without_explanations_no_items_are_shown(api: httpx.Client) -> None:
    answer = ask(api, seller_ids=["s4"], explain=False)["results"][0]
    assert "items" not in answer["risks"]["returns"]


def test_reasons_name_as_many_orders_as_they_count(api: httpx.Client) -> None:
    orders = market.frames()["orders"]
    named = 0
    for result in ask(api, seller_ids=market.last_rows().seller_id.tolist())["results"]:
        own = set(orders.order_id[orders.seller_id == result["seller_id"]])
        for reason in (r for risk in result["risks"].values() for r in risk["explanation"]["reasons"]):
            assert set(reason["evidence"]["order_ids"]) <= own
            assert reason["text"].endswith(".")
            if reason["code"] in ("returns_record", "service_record"):
                assert len(reason["evidence"]["order_ids"]) == min(reason["evidence"]["count"], 20)
                named += len(reason["evidence"]["order_ids"])
    assert named > 50


def test_the_evidence_tells_how_much_is_known_and_who_the_peers_are(api: httpx.Client) -> None:
    table = market.last_rows()
    results = ask(api, seller_ids=table.seller_id.tolist())["results"]
    assert [r["evidence"]["orders_in_window"] for r in results] == table.block["ordered_60"].tolist()
    assert {r["evidence"]["low_evidence"] for r in results} == {True, False}
    assert {r["evidence"]["incomplete"] for r in results} == {False}
    assert results[0]["evidence"]["peer_group"] == {"name": "market", "sellers": 60, "prior_orders": PRIOR}


def test_without_explain_there_are_no_reasons(api: httpx.Client) -> None:
    shown = ask(api, seller_ids=["s1"])["results"][0]
    bare = ask(api, seller_ids=["s1"], explain=False)["results"][0]
    assert all(risk.pop("explanation") for risk in shown["risks"].values())
    assert shown["risks"]["returns"].pop("items")
    assert bare["risks"] == shown["risks"]


def test_a_thousand_sellers_are_answered_in_order(api: httpx.Client) -> None:
    ids = [f"s{i % 70}" for i in range(1000)]
    results = ask(api, seller_ids=ids)["results"]
    assert [r["seller_id"] for r in results] == ids
    assert sum("problem" in r for r in results) == sum(int(i[1:]) >= market.SELLERS for i in ids)


def test_every_prediction_is_in_the_log_and_can_be_replayed(api: httpx.Client, home: Path, bundle: Bundle) -> None:
    answer = api.post("/v1/score", json={"seller_ids": ["s2", "nobody", "s5"], "horizon_days": 14})
    logged = decisions(home)
    con = sqlite3.connect(home / "serving" / "records.sqlite")
    layouts = dict(con.execute("select digest, names from layouts"))
    con.close()
    for result in (r for r in answer.json()["results"] if "risks" in r):
        row = logged[result["decision_id"]]
        assert row["answer"] in answer.content
        assert (row["seller_id"], row["horizon_days"]) == (result["seller_id"], 14)
        assert (row["model_version"], row["model_digest"]) == ("1", bundle.digest)
        again = score(bundle, replayed(row, layouts), row["horizon_days"])[0]
        assert {risk: s.probability for risk, s in again.items()} == {
            risk: said["probability"] for risk, said in result["risks"].items()
        }
        assert {risk: s.offset for risk, s in again.items()} == json.loads(row["offsets"])


def replayed(row: dict[str, Any], layouts: dict[str, str]) -> FeatureTable:
    """The row of the feature table, out of the log."""
    values = np.frombuffer(row["vector"], dtype="<f8").reshape(1, -1)
    text = {name: np.array([value], dtype=object) for name, value in json.loads(row["attributes"]).items()}
    block = Block(tuple(json.loads(layouts[row["layout"]])), values)
    day = np.datetime64(row["as_of"], "D").astype(np.int64)
    return FeatureTable(np.array([row["seller_id"]], dtype=object), np.array([day]), text, block, ())


def history_of(seller_id: str) -> dict[str, list[dict[str, Any]]]:
    """A seller's rows as a caller would send them; what is absent is left out."""
    frames = market.frames()
    orders = frames["orders"][frames["orders"].seller_id == seller_id]
    returns = frames["returns"][frames["returns"].order_id.isin(orders.order_id)]
    return {
        name: [plain(row) for row in rows.to_dict("records")]
        for name, rows in (("orders", orders), ("returns", returns))
    }


def plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A row as JSON has it."""
    known = {name: value for name, value in row.items() if not pd.isna(value)}
    return {name: v.isoformat() if isinstance(v, pd.Timestamp) else v for name, v in known.items()}


def test_a_history_scores_as_the_same_seller_does_in_the_store(api: httpx.Client, home: Path) -> None:
    for seller_id in ("s1", "s8"):
        stored = ask(api, seller_ids=[seller_id])["results"][0]
        seller = {"seller_id": seller_id, "region": f"r{int(seller_id[1:]) % 4}"}
        new = ask(api, history=history_of(seller_id), seller=seller)["results"][0]
        assert new.pop("decision_id") != stored.pop("decision_id")
        assert new == stored
    unnamed = history_of("s1")
    unnamed["orders"] = [{k: v for k, v in row.items() if k != "seller_id"} for row in unnamed["orders"]]
    said = ask(api, history=unnamed, horizon_days=56)
    assert said["results"][0]["seller_id"] == "unnamed"
    assert decisions(home)[said["results"][0]["decision_id"]]["horizon_days"] == 56


def orders(**changes: Any) -> dict[str, Any]:
    """A history of one order, changed."""
    row = {"order_id": "o", "line_id": "1", "ordered_at": "2026-06-01T00:00:00Z", "price": 5} | changes
    return {"orders": [{k: v for k, v in row.items() if v is not None}], "returns": []}


@pytest.mark.parametrize(
    ("request_", "pointer", "said"),
    [
        ({}, "", "Give either seller_ids or a history."),
        ({"seller_ids": []}, "/seller_ids", "at least 1 item"),
        ({"seller_ids": ["s"] * 1001}, "/seller_ids", "at most 1000 items"),
        ({"seller_ids": [""]}, "/seller_ids/0", "at least 1 character"),
        ({"seller_ids": ["x" * 201]}, "/seller_ids/0", "at most 200 characters"),
        ({"seller_ids": [1]}, "/seller_ids/0", "valid string"),
        ({"seller_ids": "s1"}, "/seller_ids", "valid array"),
        ({"seller_ids": ["s1"], "horizon_days": 30}, "/horizon_days", "14, 28 or 56"),
        ({"seller_ids": ["s1"], "horizon_days": "28"}, "/horizon_days", "14, 28 or 56"),
        ({"seller_ids": ["s1"], "explain": 1}, "/explain", "valid boolean"),
        ({"seller_ids": ["s1"], "sellers": []}, "/sellers", "not permitted"),
        ({"seller_ids": ["s1"], "history": orders()}, "", "either seller_ids or a history"),
        ({"seller_ids": ["s1"], "seller": {}}, "", "only beside a history"),
        ({"history": {}}, "/history/orders", "required"),
        ({"history": {"orders": []}}, "/history", "An empty history cannot be scored"),
        ({"history": {"orders": orders()["orders"]}}, "/history", "also needs returns"),
        ({"history": orders(colour="red")}, "/history/orders/0/colour", "no such column"),
        ({"history": orders(), "seller": {"seller_id": "a\0b"}}, "/seller/seller_id", "NUL"),
        ({"history": orders(seller_id="another")}, "/history/orders/0/seller_id", "must be of the seller"),
        ({"history": orders(line_id=None)}, "/history", "line_id"),
        ({"history": orders(ordered_at="2026-06-01T00:00:00")}, "/history", "zone"),
        ({"history": orders(ordered_at="soon")}, "/history", "ordered_at"),
        ({"history": orders(price=-1)}, "/history", "price"),
        ({"history": orders(price={"cents": 1})}, "/history/orders/0/price", "valid"),
        ({"history": orders(ordered_at="2027-06-01T00:00:00Z")}, "/history/orders", "No order was known"),
        ({"history": orders(ordered_at="2021-06-01T00:00:00Z")}, "/history/orders", "400 days"),
    ],
)
def test_a_request_that_breaks_a_rule_is_told_which_and_where(
    api: httpx.Client, home: Path, request_: dict[str, Any], pointer: str, said: str
) -> None:
    before = len(decisions(home))
    answer = api.post("/v1/score", json=request_)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == "/problems/invalid-request"
    assert any(e["pointer"].startswith(pointer) and said in e["detail"] for e in problem["errors"]), problem
    assert "Traceback" not in answer.text
    assert len(decisions(home)) == before


HOSTILE = ["../../etc/passwd", "s1\x00", "' or 1=1 --", "\U0001f600", "\u202e", "=1+1", "s1 ", "{0}", "%s", "\n"]


@pytest.mark.parametrize("seller_id", HOSTILE)
def test_hostile_ids_are_unknown_sellers(api: httpx.Client, seller_id: str) -> None:
    result = ask(api, seller_ids=[seller_id])["results"][0]
    assert (result["seller_id"], result["problem"]["status"]) == (seller_id, 404)


def test_bodies_that_are_not_what_they_should_be(api: httpx.Client) -> None:
    good = b'{"seller_ids": ["s1"]}'
    as_json = {"content-type": "application/json"}
    for body, headers, status in (
        (good, {"content-type": "text/plain"}, 415),
        (good, {}, 415),
        (b'{"seller_ids": ["s1"], "horizon_days": NaN}', as_json, 400),
        (b'{"seller_ids": ["s1"], "seller_ids": ["s2"]}', as_json, 400),
        (b"", as_json, 400),
        (b" " * 3_000_000, as_json, 413),
    ):
        answer = api.post("/v1/score", content=body, headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_only_the_routes_of_the_list_exist(api: httpx.Client) -> None:
    assert {p: api.get(p).status_code for p in ("/livez", "/readyz", "/metrics", "/docs.json", "/")} == dict.fromkeys(
        ("/livez", "/readyz", "/metrics", "/docs.json", "/"), 200
    )
    for path in ("/healthz", "/schema.json", "/static_content/swagger-ui.css", "/v1/score/", "/docs", "//v1/score"):
        assert (api.get(path).status_code, api.get(path).json()["status"]) == (404, 404)
    assert api.get("/v1/score").status_code == 405


def test_the_index_page_loads_nothing_from_elsewhere(api: httpx.Client) -> None:
    page = api.get("/").text
    assert "Foresell" in page
    assert "<script" not in page
    assert set(re.findall(r"""(?:src|href)="([^"]*)""", page)) == {"/docs.json", "/readyz", "/livez", "/metrics"}
    assert "script" not in api.get("/").headers["content-security-policy"].replace("default-src 'none'", "")


def test_the_document_describes_the_route(api: httpx.Client) -> None:
    document = api.get("/docs.json").json()
    assert set(document["paths"]) == {route.path for route in ROUTES.all}
    text = json.dumps(document)
    names = set(re.findall(r"#/components/schemas/(\w+)", text))
    assert names <= set(document["components"]["schemas"])
    assert {"ScoreRequest", "ScoreAnswer", "InvalidShown"} <= names
    assert "bentoml" not in text.lower()


def test_metrics_have_no_labels_from_requests(api: httpx.Client) -> None:
    for i in range(20):
        api.get(f"/made-up-{i}")
    said = api.get("/metrics").text
    assert "made-up" not in said
    assert 'foresell_requests_total{route="other",status="404"}' in said
    assert "foresell_predictions_total" in said


def test_the_batch_columns_say_the_same_as_the_service(api: httpx.Client, bundle: Bundle) -> None:
    columns = batch(bundle, market.last_rows()).to_pydict()
    results = {r["seller_id"]: r for r in ask(api, seller_ids=market.last_rows().seller_id.tolist())["results"]}
    for seller_id, risk, probability in zip(columns["seller_id"], columns["risk"], columns["probability"], strict=True):
        assert results[seller_id]["risks"][risk]["probability"] == probability


def test_nothing_of_a_request_is_in_the_service_s_own_log(api: httpx.Client, home: Path) -> None:
    api.post("/v1/score", json={"seller_ids": ["very-secret-seller", 7]})
    api.get("/very-secret-path%0aforged")
    said = (home / "service.txt").read_text()
    assert "secret" not in said
    assert "Traceback" not in said
