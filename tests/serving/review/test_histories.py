"""What the pages show beside a score agrees with the rows that were scored, and one seller is found among all."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.standards.standard import Standard
from features.table import build_table
from serving.review.histories import QUARTILES, Histories, SellerHistory, open_histories, write_histories
from serving.review.seller.history import WEEKS, weekly
from serving.store import sorted_rows
from tests.support import serving_market as market

STANDARDS = market.standards()


@pytest.fixture(scope="module")
def histories(tmp_path_factory: pytest.TempPathFactory) -> Histories:
    folder = tmp_path_factory.mktemp("histories")
    write_histories(market.ledger(), market.last_rows(), STANDARDS, folder)
    found = open_histories(folder)
    assert found is not None
    return found


@pytest.mark.parametrize("standard", STANDARDS, ids=lambda standard: standard.name)
def test_the_last_week_of_a_chart_is_the_rate_that_was_scored(histories: Histories, standard: Standard) -> None:
    rows = market.last_rows()
    bad, volume = standard.counts(rows.block)
    for number, seller_id in enumerate(rows.seller_id):
        series = weekly(histories.days(seller_id), standard, histories.as_of)
        assert series.counts[-1] == (bad[number], volume[number])
        assert len(series.days) == WEEKS


def test_an_earlier_week_is_what_was_known_then(histories: Histories) -> None:
    standard, as_of = STANDARDS[0], histories.as_of - 7 * 5
    rows = build_table(market.ledger(), [as_of], STANDARDS)
    bad, volume = standard.counts(rows.block)
    for number, seller_id in enumerate(rows.seller_id):
        assert weekly(histories.days(seller_id), standard, histories.as_of).counts[-6] == (bad[number], volume[number])


def test_the_orders_behind_a_reason_are_found(histories: Histories) -> None:
    ledger = market.ledger()
    rows = ledger.con.execute(
        "select seller_id, order_id from orders order by ordered_at desc, order_id limit 50"
    ).fetchall()
    for seller_id, order_id in rows:
        [found] = histories.orders(seller_id, [order_id])
        assert found["order_id"] == order_id
        assert histories.orders(f"{seller_id}x", [order_id]) == []


def test_quartiles_of_the_market_are_those_of_its_sellers_with_enough_volume(histories: Histories) -> None:
    standard = STANDARDS[0]
    bad, volume = standard.counts(market.last_rows().block)
    rates = [b / v for b, v in zip(bad, volume, strict=True) if v >= standard.minimum_volume]
    assert histories.peers[standard.name][""] == pytest.approx(np.quantile(rates, QUARTILES))


@given(sizes=st.lists(st.integers(0, 9), min_size=1, max_size=30), block=st.integers(1, 7))
def test_every_seller_s_rows_are_found_wherever_blocks_are_cut(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], block: int
) -> None:
    ids = [f"s{i:02d}" for i, size in enumerate(sizes) for _ in range(size)]
    table = pa.table({"seller_id": pa.array(ids, pa.string()), "n": pa.array(range(len(ids)), pa.int64())})
    path = tmp_path_factory.mktemp("rows") / "rows.arrow"
    firsts = sorted_rows.write_rows(table.to_batches(max_chunksize=block), table.schema, path)
    found = sorted_rows.open_rows(path, firsts)
    for i in range(len(sizes) + 1):
        expected = [n for n, name in enumerate(ids) if name == f"s{i:02d}"]
        assert found.of(f"s{i:02d}")["n"].to_pylist() == expected


def test_without_histories_there_are_none(tmp_path: Path) -> None:
    assert open_histories(tmp_path) is None


def test_what_a_later_decision_took_back_still_counts_before_it() -> None:
    entry, taken_back = (10, 10), (10, 20)  # the day it counts for, and the day from which it does
    days, known_days = np.array([entry, taken_back]).T
    known = SellerHistory(days, known_days, {"returned": np.array([1, -1])})
    assert [known.total(["returned"], as_of, 60) for as_of in (9, 15, 19, 20, 69, 70)] == [0, 1, 1, 0, 0, 0]
