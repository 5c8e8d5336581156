"""Promotion end to end with a real registry: trained, compared, refused, promoted, refreshed, rolled back."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from core.days import SOURCE_DAYS
from core.errors import ForesellError
from core.settings import Settings
from foresell.commands import modelling, promotion, recalibration
from models import registry
from models.bundle.bundle import load
from tests.support.training_market import STANDARDS, frames
from training.backtest.out_of_time_predictions import read_predictions
from training.backtest.scores import Options

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning:mlflow")]
LATER = "data_end = 249"
EARLIER = "data_end = 200"


@pytest.fixture
def market(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small marketplace as a folder, with a standards file that ends early and one that ends late beside it."""
    folder = tmp_path / "market"
    folder.mkdir()
    for name, frame in frames().items():
        frame.to_parquet(folder / f"{name}.parquet")
    (tmp_path / "earlier.toml").write_text(STANDARDS.replace(LATER, EARLIER))
    (tmp_path / "later.toml").write_text(STANDARDS)
    monkeypatch.setenv("FORESELL_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("FORESELL_TRACKING_URI", raising=False)
    monkeypatch.setattr(modelling, "options_for", lambda market, data: Options(seeds=(0,)))
    return folder


def test_from_a_training_to_a_refreshed_champion_and_back(market: Path, tmp_path: Path) -> None:
    earlier, later, settings = str(tmp_path / "earlier.toml"), str(tmp_path / "later.toml"), Settings()
    first: Any = modelling.run_training(market, earlier, SOURCE_DAYS).data
    with pytest.raises(ForesellError, match="passes every gate"):
        promotion.run_promotion()  # seventy sellers are too few to be sure of a gain
    registry.promote("1", settings)

    second: Any = modelling.run_training(market, later, SOURCE_DAYS).data
    beside = {gate["name"]: gate for gate in second["gates"] if "champion" in gate["name"]}
    assert len(beside) == 3, "its age, its ranking and its error beside the champion's"
    assert second["compared"]["champion"]["digest"] == first["digest"]
    assert second["compared"]["risks"]["service"]["rows"] > 100

    compared = promotion.run_comparison(market, later, SOURCE_DAYS).data
    assert compared["compared"] == json.loads(json.dumps(second["compared"])) | {"challenger": {
        "version": "2", "digest": second["digest"]}}  # fmt: skip

    elsewhere(settings)  # a version that was trained on another machine is judged and compared all the same
    assert promotion.verdict_of(registry.RegisteredVersion("2", second["digest"]), settings).compared["champion"]
    assert (
        len(
            read_predictions(
                promotion.contender(registry.RegisteredVersion("1", first["digest"]), settings).predictions
            )
        )
        > 0
    )

    refreshed = recalibration.run_recalibration(market, later, SOURCE_DAYS).data
    assert refreshed["version"] == "3"
    assert refreshed["calibrated_to"] == "2024-09-06"
    found = registry.find(registry.CHALLENGER, settings)
    assert found is not None
    bundle = load(promotion.contender(found, settings).predictions.parent / "bundle", found.digest)
    assert bundle.created_from["recalibrated_from"] == first["digest"]
    assert "### Line refitted on labels to 2024-09-06" in bundle.card

    registry.promote("3", settings)
    assert promotion.run_rollback().data == {"champion": "1"}


def elsewhere(settings: Settings) -> None:
    """The trainings' folders are gone; the registry has what they left."""
    (settings.home / "trainings").rename(settings.home / "moved away")


def test_a_market_s_frames_are_what_the_folder_holds(market: Path) -> None:
    assert len(pd.read_parquet(market / "orders.parquet")) == len(frames()["orders"])
