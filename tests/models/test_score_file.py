"""The file of batch scores: the same whether written at once, in blocks, or by runs that were killed on the way."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.table import TEXT, FeatureTable, RowBlocks, row_blocks
from models.batch.score_columns import batch
from models.batch.score_file import Scorer, active, write_scores
from models.bundle.bundle import save
from tests.support import serving_market as market
from tests.support.paths import ROOT

pytestmark = pytest.mark.slow  # every block is a query over the whole catalogue
SIZE = 13  # sellers in a block


@pytest.fixture(scope="module")
def blocks() -> RowBlocks:
    return row_blocks(market.ledger(), market.ledger().last_day, market.standards(), SIZE)


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer(replace(market.bundle(), digest="sha256:made"), "3")


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_blocks_hold_every_row_once_and_in_order(blocks: RowBlocks) -> None:
    whole, parts = market.last_rows(), list(blocks)
    assert (len(parts), blocks.sellers) == (len(blocks), market.SELLERS)
    assert len(parts) == -(-market.SELLERS // SIZE)
    assert np.concatenate([p.seller_id for p in parts]).tolist() == whole.seller_id.tolist()
    for name in TEXT:
        assert np.concatenate([p.text[name] for p in parts]).tolist() == whole.text[name].tolist()
    assert np.concatenate([p.block.values for p in parts]).tobytes() == whole.block.values.tobytes()


def test_the_file_has_the_scores_of_every_active_seller(blocks: RowBlocks, scorer: Scorer, tmp_path: Path) -> None:
    assert write_scores(scorer, active(blocks), tmp_path / "scores.parquet") == 0
    written = pd.read_parquet(tmp_path / "scores.parquet").sort_values(["risk", "seller_id"], ignore_index=True)
    rows = market.last_rows()
    expected = batch(scorer.bundle, rows.take(rows.block["active"] > 0)).to_pandas()
    expected = expected.sort_values(["risk", "seller_id"], ignore_index=True)
    same = [name for name in expected if name != "as_of"]
    pd.testing.assert_frame_equal(written[same], expected[same], check_exact=True)
    assert set(written.model_version) == {"3"}
    assert [str(day) for day in set(written.as_of)] == [str(np.datetime64(int(rows.as_of[0]), "D"))]
    assert list(tmp_path.iterdir()) == [tmp_path / "scores.parquet"]


def test_blocks_scored_beside_each_other_make_the_same_file(blocks: RowBlocks, scorer: Scorer, tmp_path: Path) -> None:
    for workers in (1, 3):
        write_scores(scorer, active(blocks), tmp_path / f"{workers}.parquet", workers=workers)
    assert digest(tmp_path / "1.parquet") == digest(tmp_path / "3.parquet")


def test_a_run_that_stops_goes_on_where_it_was(blocks: RowBlocks, scorer: Scorer, tmp_path: Path) -> None:
    write_scores(scorer, active(blocks), tmp_path / "once.parquet")
    out, seen = tmp_path / "scores.parquet", []

    def stop(done: int) -> None:
        seen.append(done)
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_scores(scorer, active(blocks), out, stop)
    assert not out.exists()
    assert write_scores(scorer, active(blocks), out) == 2
    assert digest(out) == digest(tmp_path / "once.parquet")


def test_parts_of_other_rows_or_another_model_are_made_again(blocks: RowBlocks, scorer: Scorer, tmp_path: Path) -> None:
    out = tmp_path / "scores.parquet"
    with pytest.raises(KeyboardInterrupt):
        write_scores(scorer, active(blocks), out, _interrupt)
    assert write_scores(replace(scorer, version="4"), active(blocks), out) == 0
    with pytest.raises(KeyboardInterrupt):
        write_scores(scorer, active(blocks), out, _interrupt)
    assert write_scores(scorer, active(_changed(block) for block in blocks), out) == 0


def _interrupt(done: int) -> None:
    raise KeyboardInterrupt


def _changed(rows: FeatureTable) -> FeatureTable:
    values = rows.block.values.copy()
    values[:, rows.block.names.index("ordered_60")] += 1
    return replace(rows, block=replace(rows.block, values=values))


KILLED = """
import sys, time
from pathlib import Path
from tests.support import serving_market as market
from features.table import row_blocks
from models.batch.score_file import Scorer, active, write_scores
from models.bundle.bundle import load
scorer = Scorer(load(Path(sys.argv[1])), "3")
blocks = row_blocks(market.ledger(), market.ledger().last_day, market.standards(), 13)
print("ready", flush=True)
write_scores(scorer, active(blocks), Path(sys.argv[2]), lambda done: time.sleep(0.2))
"""


def test_a_run_that_is_killed_leaves_no_half_a_file(blocks: RowBlocks, tmp_path: Path) -> None:
    scorer = Scorer(save(market.bundle(), tmp_path / "bundle"), "3")
    write_scores(scorer, active(blocks), tmp_path / "once.parquet")
    out = tmp_path / "scores.parquet"
    words = [sys.executable, "-c", KILLED, str(tmp_path / "bundle"), str(out)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(ROOT)}) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        while len([*tmp_path.glob(".scores.parquet.parts/0*")]) < 2:
            time.sleep(0.005)
        time.sleep(float(np.random.default_rng().random()) * 0.5)
        child.send_signal(signal.SIGKILL)
    assert not out.exists()
    assert write_scores(scorer, active(blocks), out) >= 2
    assert digest(out) == digest(tmp_path / "once.parquet")
