"""Forecasters who are told more than a ledger tells: of the marketplace's own orders, and of none too early."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from benchmarks.limits import NEVER, Side, Told, columns, leads_of, told
from simulation.market import Run, simulate
from training.backtest.alerts import QueueCandidates
from training.backtest.observed_outcomes import CandidateRankings
from training.fit.boosting import TrainingMatrix

RUN = Run(sellers=40, days=200, seed=5)


def test_the_orders_drawn_again_are_those_of_the_marketplace(tmp_path: Path) -> None:
    simulate(tmp_path / "market", RUN)
    query = f"""select cast(seller_id[2:] as integer), count(distinct order_id)
        from read_parquet('{tmp_path}/market/orders/*.parquet') where seller_id is not null group by all order by all"""
    with duckdb.connect() as con:
        written = dict(con.execute(query).fetchall())
    drawn = np.bincount(told(RUN, "returns").seller, minlength=RUN.sellers)
    assert {*written} == {*np.flatnonzero(drawn).tolist()}
    assert all(abs(written[seller] - drawn[seller]) <= 2 + drawn[seller] / 100 for seller in written), "blemishes aside"


def test_a_sign_comes_after_its_order_and_most_disappointed_customers_give_one() -> None:
    known = told(RUN, "returns")
    heard = known.since < NEVER
    assert (known.since[heard] >= known.placed[heard]).all()
    disappoints = known.ends["disappoints"]
    assert heard[disappoints].mean() > 0.7 > 2 * heard[~disappoints].mean()


def test_what_is_known_later_is_not_told() -> None:
    orders = Told(
        np.array([1, 1, 0]), np.array([10, 20, 20]), np.array([12, 30, 21]), {"late": np.array([1, 1, 0]) > 0}
    )
    found = columns(orders, np.array([1, 1, 0]), np.array([29, 30, 30]))
    mean = 20 * 2 / 3
    assert np.allclose(found["late_28"], [(1 + mean) / 22, (2 + mean) / 22, mean / 21])
    assert np.allclose(found["late_heard_28"], [(1 + mean) / 21, (2 + mean) / 22, mean / 21])
    assert np.allclose(found["late_new_3"] * 22, [mean, 1 + mean, mean * 22 / 21])


def test_leads_are_those_of_each_ranking_s_own_queue() -> None:
    breach = np.zeros((2, 60), dtype=bool)
    breach[0, 20:], breach[1, 5:] = True, True
    candidates = QueueCandidates(np.array([0, 1, 0]), np.array([0, 0, 7]), breach, first_day=0)
    nobody = TrainingMatrix((), np.empty((3, 0)), np.zeros(3), np.ones(3), candidates.as_of)

    def queue(scores: Mapping[str, Sequence[NDArray[np.float64]]]) -> CandidateRankings:
        return CandidateRankings(
            np.arange(3), candidates, np.ones(3), {**scores, "warn_line": [np.array([0.0, 1.0, 0.0])]}
        )

    test_period = Side(nobody, nobody, np.empty(0), queue)
    early, late = np.array([1.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.0])  # alerts at 20 days; at 5 and at 13
    assert leads_of(test_period, {"told": early, "foresell": late}) == {"told": 20.0, "foresell": 9.0, "warn_line": 9.0}
