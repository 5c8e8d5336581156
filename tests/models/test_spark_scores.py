"""`foresell score --engine spark`: the scores of the embedded engine, from the same bundle over the same files."""

from pathlib import Path

import pandas as pd
import pytest
from pyarrow import parquet

from core.days import SOURCE_DAYS
from foresell.commands.marketplace import EngineChoice
from foresell.commands.scoring import score_sellers
from tests.support import serving_market as market
from tests.support.spark_session import SMALL, needs_spark

pytestmark = pytest.mark.slow
ON_SPARK = EngineChoice("spark", tuple(f"{name}={value}" for name, value in SMALL.items()))
KEYS = ["risk", "seller_id"]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The marketplace's files, and a home with a champion in it."""
    market.make_home(tmp_path / "home")
    monkeypatch.setenv("FORESELL_HOME", str(tmp_path / "home"))
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "source.toml").write_text(f'zone = "{market.ZONE}"\n')
    for name, frame in market.frames().items():
        frame.to_parquet(folder / f"{name}.parquet", index=False)
    return folder


def test_scores_are_those_of_the_embedded_engine(data: Path, tmp_path: Path) -> None:
    needs_spark()
    here, there = tmp_path / "here.parquet", tmp_path / "there"
    told = score_sellers(data, here, SOURCE_DAYS)
    assert score_sellers(data, there, SOURCE_DAYS, ON_SPARK).data["bands"] == told.data["bands"]
    expected, found = (parquet.read_table(p).to_pandas().sort_values(KEYS, ignore_index=True) for p in (here, there))
    assert len(expected) > 100
    pd.testing.assert_frame_equal(found, expected, check_exact=False, rtol=0, atol=1e-9)
