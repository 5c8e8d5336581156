"""Model and store are used only as a pair that fits, and the last good pair stays."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import serving_market as market

from features.block import Block
from features.settings import Settings
from models.bundle import load
from serving.loaded import Following
from serving.records.database import open_database
from serving.store import write_store


@pytest.fixture
def following(tmp_path: Path) -> Iterator[Following]:
    """A process's pair, with nothing to load yet."""
    records = open_database(Settings(home=tmp_path))
    yield Following(tmp_path, records)
    records.dispose()


@pytest.mark.slow
def test_both_are_needed(tmp_path: Path, following: Following, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("models.trial.trial", load)
    following.look()
    assert following.loaded is None
    write_store(market.ledger(), market.last_rows(), tmp_path / "store")
    following.look()
    assert following.loaded is None
    market.make_home(tmp_path)
    following.look()
    assert following.loaded
    assert following.loaded.held.version == "1"


def test_a_store_that_does_not_fit_or_is_broken_is_not_used(
    tmp_path: Path, following: Following, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr("models.trial.trial", load)
    market.make_home(tmp_path)
    following.look()
    good = following.loaded
    assert good
    table = market.last_rows()
    kept = tuple(name for name in table.block.names if name != "ordered_60")
    short = replace(table, block=Block(kept, table.block.matrix(kept)))
    with caplog.at_level(logging.ERROR):
        write_store(market.ledger(), short, tmp_path / "store")
        following.look()
        assert "needs 1 columns that the store lacks: ordered_60" in caplog.text
        broken = write_store(market.ledger(), table, tmp_path / "store")
        (broken / "records.bin").unlink()
        following.look()
        assert "must be whole" in caplog.text
    assert following.loaded is good
    write_store(market.ledger(), table.take(np.arange(10)), tmp_path / "store")
    following.look()
    assert following.loaded is not good
    assert following.loaded
    assert len(following.loaded.store.keys) == 10
