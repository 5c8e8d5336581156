"""Model and store are used only as a pair that fits, and the last good pair stays."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.block import Block
from core.settings import Settings
from models.bundle.bundle import load
from serving.database.connection import open_database
from serving.scoring.model_watcher import ModelWatcher
from serving.store.online_store import write_store
from tests.support import serving_market as market


@pytest.fixture
def watcher(tmp_path: Path) -> Iterator[ModelWatcher]:
    """A process's pair, with nothing to load yet."""
    records = open_database(Settings(home=tmp_path))
    yield ModelWatcher(tmp_path, records)
    records.dispose()


@pytest.mark.slow
def test_both_are_needed(tmp_path: Path, watcher: ModelWatcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.bundle.trial.trial", load)
    watcher.look()
    assert watcher.loaded is None
    write_store(market.ledger(), market.last_rows(), tmp_path / "store")
    watcher.look()
    assert watcher.loaded is None
    market.make_home(tmp_path)
    watcher.look()
    assert watcher.loaded
    assert watcher.loaded.model.version == "1"


def test_a_store_that_does_not_fit_or_is_broken_is_not_used(
    tmp_path: Path, watcher: ModelWatcher, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("models.bundle.trial.trial", load)
    market.make_home(tmp_path)
    watcher.look()
    good = watcher.loaded
    assert good
    table = market.last_rows()
    kept = tuple(name for name in table.block.names if name != "ordered_60")
    short = replace(table, block=Block(kept, table.block.matrix(kept)))
    with caplog.at_level(logging.ERROR):
        write_store(market.ledger(), short, tmp_path / "store")
        watcher.look()
        assert "needs 1 columns that the store lacks: ordered_60" in caplog.text
        broken = write_store(market.ledger(), table, tmp_path / "store")
        (broken / "records.bin").unlink()
        watcher.look()
        assert "differs from its facts.json" in caplog.text
    assert watcher.loaded is good
    write_store(market.ledger(), table.take(np.arange(10)), tmp_path / "store")
    watcher.look()
    assert watcher.loaded is not good
    assert watcher.loaded
    assert len(watcher.loaded.store.keys) == 10
