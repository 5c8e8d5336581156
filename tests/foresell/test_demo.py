"""The demo: which record, which seller, and what is said of it; the whole of it runs in `make demo`."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from rich.console import Console, RenderableType

from core.errors import ForesellError
from core.settings import Settings
from features.standards.load import load
from foresell import cli
from foresell.demo import demo
from foresell.demo.display import SellerRisk, explanation_table, other_risks, percent, riskiest_table, true_causes
from foresell.demo.episodes import (
    KnownEpisode,
    alert_summary,
    cause_sentences,
    known_episodes,
    rank_of_family,
    sellers_inside_episodes,
)

DAY = (date(2025, 3, 1) - date(1970, 1, 1)).days


def result(seller_id: str, low_evidence: bool = False, **probabilities: float | None) -> dict[str, Any]:
    """What the API says of a seller; a risk's probability of None is a breach today."""
    risks = {name: risk_body(p) for name, p in probabilities.items()}
    return {"seller_id": seller_id, "evidence": {"low_evidence": low_evidence}, "risks": risks}


def risk_body(probability: float | None, **more: Any) -> dict[str, Any]:
    in_breach = probability is None
    standard = {"name": "return_rate", "current_rate": 0.05, "volume": 1234, "limit": 0.06}
    shown = {"probability": 0.999 if in_breach else probability, "interval_90": [0.1, 0.999], "band": "watch"}
    expected = {"expected_rate": 0.07, "expected_rate_interval_90": [0.02, 0.3]}
    return shown | expected | {"in_breach": in_breach, "standard": standard} | more


def reason(code: str, contribution: float, text: str = "a sentence") -> dict[str, Any]:
    direction = "raises" if contribution > 0 else "lowers"
    evidence = {"order_ids": ["o1"], "count": 3}
    return {"code": code, "contribution": contribution, "direction": direction, "text": text, "evidence": evidence}


def text_of(shown: Iterable[RenderableType]) -> str:
    console = Console(width=120)
    with console.capture() as said:
        console.print(*shown)
    return said.get()


@pytest.mark.parametrize(("arguments", "data"), [([], "simulated"), (["--data", "flights"], "flights")])
def test_the_record_is_simulated_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], data: str
) -> None:
    asked = []
    monkeypatch.setattr(demo, "demo", lambda *given: asked.append(given))
    cli.app(["demo", "--exit", *arguments], standalone_mode=False)
    assert asked == [(data, True, False)]


def test_every_record_has_standards_with_days_that_fit_it() -> None:
    for record in demo.RECORDS.values():
        file = record.standards()
        assert file.headline("service")
        assert file.backtest
    assert demo.simulated_standards().standards == load().standards


def test_the_marketplace_is_long_enough_for_its_tests() -> None:
    days: Any = demo.TESTED
    assert days.first < days.test_from < demo.MARKETPLACE.days - 28
    assert demo.MARKETPLACE.sellers <= 1_000, "one request asks for all"


def test_flights_need_the_checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(demo, "FLIGHTS", tmp_path / "nowhere.toml")
    with pytest.raises(ForesellError, match="checkout"):
        demo.flight_standards()


def test_files_and_registry_lie_apart(tmp_path: Path) -> None:
    own = demo.own_settings(Settings(home=tmp_path, tracking_uri="http://registry"))
    assert own.home == tmp_path / "demo"
    assert own.tracking_uri == ""


def test_sellers_in_breach_of_any_risk_are_not_ahead_and_the_higher_risk_counts() -> None:
    calm, risky = result("calm", returns=0.1, service=0.2), result("risky", returns=0.8, service=0.3)
    found = demo.not_yet_in_breach([calm, result("breach", returns=0.9, service=None), risky])
    assert [(at.result["seller_id"], at.risk) for at in found] == [("risky", "returns"), ("calm", "service")]


def test_the_example_is_the_riskiest_with_evidence() -> None:
    few, many = (
        SellerRisk(result("few", low_evidence=True, returns=0.9), "returns"),
        SellerRisk(result("many", returns=0.8), "returns"),
    )
    assert demo.example_of([few, many], None) is many
    assert demo.example_of([few], None) is few


def test_where_episodes_are_known_the_example_is_inside_one() -> None:
    outside, inside = (
        SellerRisk(result("outside", returns=0.9), "returns"),
        SellerRisk(result("inside", returns=0.8), "returns"),
    )
    assert demo.example_of([outside, inside], {("inside", inside.risk)}) is inside
    other = "service" if inside.risk == "returns" else "returns"
    assert demo.example_of([outside, inside], {("inside", other)}) is outside
    assert demo.example_of([outside, inside], set()) is outside


def test_only_active_sellers_are_asked_for() -> None:
    records = [{"seller_id": name} for name in "abc"]
    values = np.array([[5.0, 1.0], [6.0, 0.0], [7.0, 1.0]])
    store: Any = SimpleNamespace(values=values, names=("ordered_60", "active"), record=records.__getitem__)
    assert demo.active(store) == ["a", "c"]


def test_the_riskiest_sellers_in_a_table() -> None:
    answer = {"as_of": "2025-03-01", "model": {"version": "3"}}
    text = text_of(riskiest_table(answer, [SellerRisk(result("s1", returns=0.31), "returns")]))
    assert "not in breach today (2025-03-01, model 3)" in text
    assert text.splitlines()[-1].split() == [
        "s1",
        "returns",
        "5.0%",
        "1,234",
        "6%",
        "31%",
        "10",
        "to",
        ">99%",
        "watch",
    ]


def test_the_explained_example_adds_up() -> None:
    reasons = [reason(f"family{n}", number) for n, number in enumerate((0.5, -0.25, 0.125, 0.0625, 0.03, 0.02))]
    body = risk_body(0.31, explanation={"base": -2.0, "arithmetic": 0.7, "reasons": reasons})
    text = text_of(
        explanation_table("2013-12-31", SellerRisk({"seller_id": "UA", "risks": {"service": body}}, "service"))
    )
    assert "On 2014-01-28 its return_rate will be" in text
    assert "-0.25   family1" in text
    assert "2 smaller reasons" in text
    assert "+0.05" in text
    assert "-0.81" in text
    assert "a probability of 31%" in text
    assert "3 in all" in text


def test_what_stands_beside_the_risk() -> None:
    item = {"item_id": "i7", "returned": 4, "delivered": 9, "usual_rate": 0.03}
    parts = {"late_delivery": {"probability": 0.02}, "low_rating": {"probability": 0.4}}
    risks = {"returns": risk_body(0.8, items=[item]), "service": risk_body(0.3, parts=parts)}
    text = " ".join(text_of(other_risks(SellerRisk({"risks": risks}, "returns"))).split())
    assert text == (
        "The other risk: service 30%. The parts of service: low_rating 40%, late_delivery 2%. "
        "Item i7: 4 of 9 lines were returned in 60 days; for the seller's other items 3%."
    )
    assert other_risks(SellerRisk({"risks": {"service": risk_body(0.3)}}, "service")) == []


@pytest.fixture
def causes(tmp_path: Path) -> Path:
    """The causes of a simulated marketplace: one now, one that ended 40 and one that ended 61 days ago, one to come."""
    days = {"bad_batch": (-20, 30), "stock_out": (-80, -40), "abandonment": (-90, -61), "category_entry": (1, 50)}
    rows = [
        {"seller_id": seller, "cause": name, "start_day": DAY + first, "end_day": DAY + last, "item_id": item}
        for seller in ("s1", "s2")
        for name, (first, last) in days.items()
        for item in ["s1-04" if name == "bad_batch" else None]
    ]
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "causes.parquet")
    return tmp_path


def test_known_episodes_are_those_that_weigh_on_the_rate(causes: Path) -> None:
    found = known_episodes(causes, "2025-03-01", "s1")
    assert found is not None
    assert [episode.cause for episode in found] == ["bad_batch", "stock_out"]
    assert [episode.when("2025-03-01") for episode in found] == ["since 2025-02-09", "from 2024-12-11 to 2025-01-20"]


def test_troubled_sellers_are_inside_an_episode_that_day_that_raises_the_risk(causes: Path) -> None:
    both = {(seller, risk) for seller in ("s1", "s2") for risk in ("returns", "service")}
    assert sellers_inside_episodes(causes, "2025-03-01") == both
    assert sellers_inside_episodes(causes, "2025-01-15") == {("s1", "service"), ("s2", "service")}, "out of stock"
    assert sellers_inside_episodes(causes, "2025-01-25") == set()


def test_of_a_public_record_nobody_knows_the_causes(tmp_path: Path) -> None:
    assert known_episodes(tmp_path, "2025-03-01", "s1") is None
    assert sellers_inside_episodes(tmp_path, "2025-03-01") is None
    assert true_causes("2025-03-01", SellerRisk(result("s1", returns=0.3), "returns"), None, None) == []


FAMILIES = {"returns": "items", "service": "claims"}
BATCH = KnownEpisode("bad_batch", date(2025, 2, 9), date(2025, 3, 31), "s1-04", "one item disappoints", FAMILIES)


def test_the_true_cause_is_told_whether_the_reasons_name_it_or_not() -> None:
    named, chosen = cause_sentences(
        [BATCH], "returns", "2025-03-01", [reason("price", -0.9), reason("items", 0.5), reason("peers", 0.1)]
    )
    assert "bad_batch of s1-04 since 2025-02-09; one item disappoints." in named
    assert "riskiest" in chosen
    assert named.endswith("items, is the strongest of the 2 that raise the risk.")
    missed, _ = cause_sentences([BATCH], "service", "2025-03-01", [reason("claims", -0.2), reason("peers", 0.1)])
    assert missed.endswith("claims, is not among those that raise the risk.")
    other, _ = cause_sentences([replace(BATCH, families={"service": "claims"})], "returns", "2025-03-01", [])
    assert other.endswith("one item disappoints. It does not raise this risk.")
    [none] = cause_sentences([], "returns", "2025-03-01", [])
    assert "no episode" in none


def test_the_place_of_a_family_counts_only_what_raises() -> None:
    reasons = [reason("peers", 0.5), reason("price", -0.4), reason("items", 0.3)]
    assert rank_of_family("items", reasons) == "is number 2 of the 2 that raise the risk"


def test_one_example_is_set_beside_the_whole_backtest() -> None:
    guess = {"top_reason_share": 0.1, "top3_reason_share": 0.3}
    [said] = alert_summary({"alerts": 39, "top_reason_share": 0.23, "top3_reason_share": 0.64, "guess": guess})
    assert "39 right alerts" in said
    assert "23%" in said
    assert "64%" in said
    assert alert_summary({"alerts": 0}) == alert_summary(None) == []


def test_no_probability_is_shown_as_certain() -> None:
    assert [percent(p) for p in (0.0, 0.0049, 0.01, 0.31, 0.9951, 1.0)] == ["<1%", "<1%", "1%", "31%", ">99%", ">99%"]


def test_the_demo_finds_the_standards_of_flights() -> None:
    assert Path(demo.FLIGHTS).exists()
