"""The online store: a seller's row as the feature table has it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import ForesellError
from features.incremental import read
from features.incremental.update import grow
from features.table import TEXT, build_table
from models.score import score
from serving.scoring.answers import result
from serving.store import online_store
from serving.store.incremental import write_incremental_store
from serving.store.online_store import POINTER, UNKNOWN, RowContext, open_store, write_blocks, write_store
from tests.support import serving_market as market


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of the small market's last day."""
    place = tmp_path_factory.mktemp("store")
    write_store(market.ledger(), market.last_rows(), place)
    return place


def test_a_row_is_the_feature_table_s_row_to_the_bit(folder: Path) -> None:
    table, opened = market.last_rows(), open_store(folder)
    ids = table.seller_id.tolist()
    rows = opened.rows(opened.find(ids)).table
    assert rows.seller_id.tolist() == ids
    assert rows.as_of.tolist() == table.as_of.tolist()
    assert {name: rows.text[name].tolist() for name in TEXT} == {name: table.text[name].tolist() for name in TEXT}
    assert rows.block.names == table.block.names
    assert rows.block.values.tobytes() == table.block.values.tobytes()


def test_sellers_it_does_not_hold_are_unknown(folder: Path) -> None:
    opened = open_store(folder)
    found = opened.find(["s3", "nobody", "", "s3 ", "S3", "s3"])
    assert (found == UNKNOWN).tolist() == [False, True, True, True, True, False]
    assert found[0] == found[5]


def test_sellers_whose_keys_collide_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(online_store, "keys_of", lambda ids: np.array([len(i) for i in ids], dtype=np.uint64))
    write_store(market.ledger(), market.last_rows(), tmp_path)
    opened = open_store(tmp_path)
    ids = market.last_rows().seller_id.tolist()
    assert [opened.record(n)["seller_id"] for n in opened.find(ids).tolist()] == ids
    assert opened.find(["x1", "longer than any"]).tolist() == [UNKNOWN, UNKNOWN]


def test_the_orders_behind_a_count_are_as_many_as_it_says(folder: Path) -> None:
    opened = open_store(folder)
    rows = opened.rows(np.arange(len(opened.keys)))
    counts, checked = rows.table.block["returned_60"], 0
    for orders, count in zip(rows.orders, counts.tolist(), strict=True):
        inside = [order for day, order in orders.get("returned", ()) if day > opened.as_of - 60]
        assert len(inside) == min(count, 20)
        checked += len(inside)
    assert checked > 50


def test_a_new_store_takes_over_in_one_step_and_the_one_before_stays(tmp_path: Path) -> None:
    first = write_store(market.ledger(), market.last_rows(), tmp_path)
    opened = open_store(tmp_path)
    earlier = build_table(market.ledger(), [market.ledger().last_day - 7], market.standards())
    second, third = (write_store(market.ledger(), earlier, tmp_path) for _ in range(2))
    assert not first.exists()
    assert second.exists()
    assert open_store(tmp_path).folder == third
    assert open_store(tmp_path).as_of == opened.as_of - 7
    assert opened.find(["s3"])[0] != UNKNOWN  # a map that is open outlives its file


def test_what_is_not_whole_is_not_opened(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ForesellError, match="must be an online store"):
        open_store(tmp_path)
    place = write_store(market.ledger(), market.last_rows(), tmp_path)
    with (place / "values.npy").open("r+b") as values:
        values.truncate(1000)
    with pytest.raises(ForesellError, match="whole"):
        open_store(tmp_path)
    (tmp_path / POINTER).write_text(json.dumps({"name": "gone"}))
    with pytest.raises(ForesellError, match="whole"):
        open_store(tmp_path)


@pytest.mark.slow
def test_the_store_of_a_ledger_that_grew_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/source.toml").write_text(f'zone = "{market.ZONE}"\nname = "small"\n')
    for name, frame in market.frames().items():
        frame.to_parquet(tmp_path / "data" / f"{name}.parquet", index=False)
    grow(tmp_path / "ledger", tmp_path / "data")
    monkeypatch.setattr(read, "SLICE", 3_000)
    write_incremental_store(tmp_path / "ledger", market.bundle(), tmp_path / "store", 13)
    standards = [model.standard for model in market.bundle().models]
    write_store(
        market.ledger(), build_table(market.ledger(), [market.ledger().last_day], standards), tmp_path / "whole"
    )
    found, expected = open_store(tmp_path / "store"), open_store(tmp_path / "whole")
    rows = range(len(expected.keys))
    assert found.values.tobytes() == expected.values.tobytes()
    assert [found.record(n) for n in rows] == [expected.record(n) for n in rows]
    assert {**found.facts, "sizes": 0} == {**expected.facts, "sizes": 0}


def test_rows_are_put_in_order_however_they_come(folder: Path, tmp_path: Path) -> None:
    table, expected = market.last_rows(), open_store(folder)
    behind = RowContext(*({s: r[k] for s, r in records(expected).items()} for k in ("evidence", "items", "seller")))
    turned = np.arange(len(table))[::-1]
    parts = [(table.take(part), behind) for part in np.array_split(turned, 4)]
    write_blocks(market.ledger(), expected.as_of, table.figures, parts, tmp_path)
    found = open_store(tmp_path)
    assert found.values.tobytes() == expected.values.tobytes()
    assert records(found) == records(expected)


def records(opened: online_store.Store) -> dict[str, dict[str, Any]]:
    found = [opened.record(n) for n in range(len(opened.keys))]
    return {record["seller_id"]: record for record in found}


def test_a_store_is_of_one_day(tmp_path: Path) -> None:
    days = [market.ledger().last_day - 7, market.ledger().last_day]
    with pytest.raises(ForesellError, match="one as-of day"):
        write_store(market.ledger(), build_table(market.ledger(), days, market.standards()), tmp_path)


def test_the_sellers_who_lost_rows_are_incomplete_in_every_answer(folder: Path) -> None:
    opened = open_store(folder)
    lost = {"seller_id": "s3", "table": "orders", "lost": 9, "read": 20}
    facts = {**opened.facts, "intake": {**opened.facts["intake"], "incomplete": [lost]}}
    store = replace(opened, facts=facts)
    rows = store.rows(store.find(["s2", "s3"]))
    scores = score(market.bundle(), rows.table, 28)
    found = [result("d", rows, i, by_risk)["evidence"]["incomplete"] for i, by_risk in enumerate(scores)]
    assert found == [False, True]
