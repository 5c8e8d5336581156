"""Rows read from a ledger that grew are, to the bit, the rows of the ledger of everything."""

import math
from pathlib import Path
from random import Random

import numpy as np
import pyarrow.parquet as pq
import pytest

from core.days import SOURCE_DAYS
from core.errors import ForesellError
from features.incremental import read as reader
from features.standards.load import load
from features.table import FeatureTable, build_table
from foresell.commands.data import write_features
from tests.features.incremental.test_update import batches, grown, versions
from tests.support.engine_ledger import built, for_histories
from tests.support.histories import History, an_example

pytestmark = pytest.mark.slow
STANDARDS = load().standards


def wrong(history: History, file: Path, block: int = 7) -> list[str]:
    """Columns in which the grown ledger's rows differ from those of everything at once."""
    whole = built(history)
    expected = build_table(whole, [whole.last_day], STANDARDS)
    with reader.incremental_blocks(file.parent, STANDARDS, block) as blocks:
        parts = list(blocks)
        assert (len(parts), blocks.sellers) == (len(blocks), len(expected))
        assert len(blocks) == math.ceil(len(expected) / block)
    return unlike(parts, expected)


def unlike(parts: list[FeatureTable], expected: FeatureTable) -> list[str]:
    assert [p.block.names for p in parts] == [expected.block.names] * len(parts)
    values = np.concatenate([p.block.values for p in parts])
    texts = {n: np.concatenate([p.text[n] for p in parts]) for n in expected.text}
    texts |= {"seller_id": np.concatenate([p.seller_id for p in parts])}
    same = {n: np.array_equal(texts[n], c) for n, c in {**expected.text, "seller_id": expected.seller_id}.items()}
    same |= {
        name: np.array_equal(values[:, i], expected.block.values[:, i], equal_nan=True)
        for i, name in enumerate(expected.block.names)
    }
    return [name for name, alike in same.items() if not alike]


@pytest.mark.parametrize("number", [120, pytest.param(1_200, marks=pytest.mark.long)])
def test_rows_are_those_of_the_ledger_of_everything(
    number: int, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(history: History, seed: int) -> None:
        dice = Random(seed)
        monkeypatch.setattr(reader, "SLICE", dice.choice([300, 1_000_000]))
        parts = batches(history, dice.randint(1, 3), dice, in_order=bool(seed % 2))
        assert wrong(history, grown(history, parts, tmp_path_factory.mktemp("grown"))) == []

    for_histories(number, check)


def test_slices_of_sellers_make_the_rows_of_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history = versions()
    file = grown(history, batches(history, 2, Random(3), in_order=True), tmp_path)
    monkeypatch.setattr(reader, "SLICE", 60)
    with reader.reading(file.parent, 1.0, 60) as read:
        assert len(reader.edges(read.con)) > 3
    assert wrong(history, file) == []


def test_the_command_writes_the_rows_of_the_last_day(tmp_path: Path) -> None:
    history = versions()
    file = grown(history, batches(history, 1, Random(0), in_order=True), tmp_path)
    outcome = write_features(file.parent, tmp_path / "rows.parquet", "7d", None, SOURCE_DAYS)
    whole = built(history)
    expected = build_table(whole, [whole.last_day], STANDARDS)
    written = pq.read_table(tmp_path / "rows.parquet")
    assert written["seller_id"].to_pylist() == expected.seller_id.tolist()
    assert set(written["as_of"].cast("int32").to_pylist()) == {whole.last_day}
    np.testing.assert_array_equal(written["tenure"].to_numpy(), expected.block["tenure"])
    assert outcome.data["rows"] == len(expected)


def test_a_ledger_must_be_there(tmp_path: Path) -> None:
    with (
        pytest.raises(ForesellError, match="must have an incremental ledger"),
        reader.incremental_blocks(tmp_path, STANDARDS),
    ):
        pass


def test_rows_depend_on_the_lines_of_so_many_days(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history = an_example()
    file = grown(history, batches(history, 1, Random(0), in_order=True), tmp_path)
    monkeypatch.setattr(reader, "ROWS_BACK", 5)
    assert {"item_returns", "order_troubles"} & set(wrong(history, file))
