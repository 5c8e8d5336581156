"""The week's queue: who gets into it, in which order, and what happens to the cases of the week before."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from core.settings import Settings
from models.arithmetic.economy import Economy
from serving.casework.cases import case_actions, case_repository
from serving.casework.cases.case import LIVE
from serving.casework.decisions.decide import decide
from serving.casework.snapshots import logged_answers
from serving.casework.snapshots.seller_snapshot import SellerProfile, within_capacity
from serving.casework.week import OpeningCounts, open_week, score_risks
from serving.database.connection import reading
from serving.database.tables.casework import WEEKLY_SCORES
from tests.support import serving_market as market
from tests.support.casework_fixture import (
    ANN,
    ECONOMY,
    NOW,
    champion,
    decision_settings,
    open_small_week,
    order_cap_form,
    sellers,
    store,
)


@pytest.fixture(scope="module")
def opened_week(module_records: sa.Engine, module_settings: Settings) -> tuple[sa.Engine, OpeningCounts]:
    known = {f"s{n}": SellerProfile(f"Shop {n}") for n in range(60)}
    return module_records, open_small_week(module_records, module_settings.home, known=known)


def test_the_queue_holds_the_share_of_sellers_not_in_breach_with_the_largest_loss(
    opened_week: tuple[sa.Engine, OpeningCounts],
) -> None:
    engine, done = opened_week
    block = market.last_rows().block
    cases = case_actions.queue(engine, NOW, limit=1000)
    assert len(cases) == done.opened
    for scored in score_risks(champion(), market.last_rows(), ECONOMY):
        free = (block["active"] > 0) & ~scored.found.in_breach
        mine = {c.seller_id for c in cases if c.risk == scored.risk}
        assert len(mine) == np.ceil(0.3 * free.sum())
        loss = dict(zip(market.last_rows().seller_id.tolist(), scored.worth.loss_avoided.tolist(), strict=True))
        outside = [loss[s] for s, ok in zip(market.last_rows().seller_id, free, strict=True) if ok and s not in mine]
        assert min(loss[s] for s in mine) >= max(outside)
    assert [c.facts.loss_avoided for c in cases] == sorted((c.facts.loss_avoided for c in cases), reverse=True)


def test_the_loss_is_probability_times_share_averted_times_what_is_at_stake() -> None:
    economy = Economy(averted=0.5, failure_cost=15.0)
    stake = economy.at_stake(np.array([4.0, 2.0, 2.0]), np.array([85.0, 0.0, np.nan]))
    assert stake.tolist() == [400.0, 30.0, 30.0]
    assert economy.loss_avoided(np.array([0.5, 1.0, 0.0]), stake).tolist() == [100.0, 15.0, 0.0]


def test_the_capacity_is_a_share_of_those_who_may_be_queued() -> None:
    loss, may = np.arange(10.0), np.array([True] * 5 + [False] * 5)
    assert within_capacity(loss, may, 0.4).tolist() == [4, 3]
    assert within_capacity(loss, may, 0.01).tolist() == [4]
    assert within_capacity(loss, ~may & may, 0.5).tolist() == []


def test_a_case_shows_what_its_logged_answer_says(opened_week: tuple[sa.Engine, OpeningCounts]) -> None:
    engine, _ = opened_week
    for case in case_actions.queue(engine, NOW, limit=5):
        with reading(engine) as con:
            record = logged_answers.read(con, case.facts.decision_id)
        own = record.result["risks"][case.risk]
        assert record.digest == case.facts.digest
        assert (case.facts.risks[case.risk].probability, case.facts.risks[case.risk].band) == (
            own["probability"],
            own["band"],
        )
        assert case.facts.orders_in_window == record.result["evidence"]["orders_in_window"]
        assert case.facts.reason in [r["text"] for r in own["explanation"]["reasons"]] or not case.facts.reason
        assert record.block["ordered_60"].tolist() == [case.facts.orders_in_window]
        assert case.facts.seller_name == f"Shop {case.seller_id[1:]}"


def test_the_same_day_twice_changes_nothing_and_a_new_one_renews_and_lapses(records: sa.Engine, tmp_path: Path) -> None:
    engine, first = records, open_small_week(records, tmp_path)
    again = open_week(engine, champion(), sellers(store(tmp_path), engine, {}), ECONOMY, NOW)
    assert (again.opened, again.refreshed, again.lapsed) == (0, 0, 0)
    mine = case_actions.take_next(engine, ANN, NOW)
    assert mine is not None
    with engine.begin() as con:  # as if the scores had been made a week earlier
        con.execute(sa.update(WEEKLY_SCORES).values(as_of="2026-07-12"))
    fewer = Economy(capacity=0.01)
    done = open_week(engine, champion(), sellers(store(tmp_path), engine, {}), fewer, NOW + timedelta(minutes=1))
    assert done.opened == 0
    assert done.refreshed + done.lapsed == first.opened
    assert done.refreshed >= 2  # the best of each risk; the one that ann has stays too
    left = case_actions.queue(engine, NOW + timedelta(minutes=1), limit=1000)
    assert mine.case_id in [c.case_id for c in left]
    assert {c.facts.change for c in left} == {0.0}


def test_a_seller_rests_after_a_decision(records: sa.Engine, tmp_path: Path) -> None:
    engine = records
    open_small_week(engine, tmp_path)
    mine = case_actions.take_next(engine, ANN, NOW)
    assert mine is not None
    if mine.arm != "full":
        mine = case_actions.first_look(engine, mine.case_id, mine.version, ANN, NOW, "act")
    decide(engine, mine.case_id, mine.version, ANN, NOW, order_cap_form(mine), decision_settings())
    with engine.begin() as con:
        con.execute(sa.update(WEEKLY_SCORES).values(as_of="2026-07-12"))
    days = {27: False, 29: True}
    for later, opens in days.items():
        at = NOW + timedelta(days=later)
        open_week(engine, champion(), sellers(store(tmp_path), engine, {}), ECONOMY, at)
        with reading(engine) as con:
            kept = case_repository.of_seller(con, mine.seller_id)
            assert any(c.risk == mine.risk and c.state in LIVE for c in kept) == opens
        with engine.begin() as con:
            con.execute(sa.delete(WEEKLY_SCORES).where(WEEKLY_SCORES.c.as_of != "2026-07-12"))
