"""MLflow: runs, versions, aliases, and the bundle as a model that loads elsewhere."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.errors import ForesellError
from core.settings import Settings
from models import registry
from models.batch.score_columns import batch
from models.bundle.bundle import Bundle, save
from models.registry import TrainingRun
from tests.support import serving_market as market
from tests.support.paths import ROOT

pytestmark = [
    pytest.mark.slow,  # importing mlflow takes seconds
    pytest.mark.filterwarnings("ignore::DeprecationWarning:mlflow"),
]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home whose registry holds three versions; the second is the champion after the first."""
    chosen = Settings(home=tmp_path_factory.mktemp("home"), tracking_uri="")
    saved = save(market.bundle(), chosen.home / "trained")
    for seed in range(3):
        registry.log_training(training(chosen.home, saved, seed), chosen)
    registry.promote("1", chosen)
    registry.promote("2", chosen)
    return chosen


def training(home: Path, saved: Bundle, seed: int) -> TrainingRun:
    """What a training leaves behind."""
    plots = home / "plots"
    plots.mkdir(exist_ok=True)
    (plots / "calibration.png").write_bytes(b"\x89PNG")
    (home / "report.json").write_text("{}")
    return TrainingRun(
        dataset="small",
        data_digest="sha256:data",
        bundle=home / "trained",
        bundle_digest=saved.digest,
        parameters={"seed": seed, "trees": 60},
        metrics={"returns/all/model/average_precision": 0.5, "service/all/model/brier": 0.1},
        fold_metrics=[{"returns/average_precision": 0.4}, {"returns/average_precision": 0.6}],
        plots=plots,
        reports=[home / "report.json"],
        tags={"git": "abc"},
    )


def test_a_training_is_a_run_with_everything_in_it(settings: Settings) -> None:
    import mlflow

    client = mlflow.MlflowClient(registry.tracking_uri(settings))
    version = client.get_model_version_by_alias("foresell", "challenger")
    assert version.run_id is not None
    run = client.get_run(version.run_id)
    assert (str(version.version), run.info.status) == ("3", "FINISHED")
    assert run.data.params["seed"] == "2"
    assert run.data.params["data_digest"] == "sha256:data"
    assert run.data.metrics["returns/all/model/average_precision"] == 0.5
    history = client.get_metric_history(run.info.run_id, "fold/returns/average_precision")
    assert [(m.step, m.value) for m in history] == [(0, 0.4), (1, 0.6)]
    assert {f.path for f in client.list_artifacts(run.info.run_id)} >= {"plots", "report"}
    assert Path(run.info.artifact_uri.removeprefix("file://")).is_absolute()


def test_nothing_is_pickled(settings: Settings) -> None:
    names = {p.suffix for p in (settings.home / "artifacts").rglob("*") if p.is_file()}
    assert not names & {".pkl", ".pickle", ".cloudpickle", ".joblib", ".skops", ".npy"}
    assert ".txt" in names


def test_aliases_move_and_come_back(settings: Settings) -> None:
    def champion() -> str | None:
        found = registry.find(registry.CHAMPION, settings)
        return found.number if found else None

    assert champion() == "2"
    assert registry.rollback(settings) == "1"
    assert champion() == "1"
    with pytest.raises(ForesellError, match="champion 1 without a predecessor"):
        registry.rollback(settings)
    registry.promote("3", settings)
    registry.promote("3", settings)  # twice is once
    assert registry.rollback(settings) == "1"
    registry.promote("2", settings)
    assert champion() == "2"
    with pytest.raises(ForesellError, match=r"'9'; registered: 1, 2, 3"):
        registry.promote("9", settings)
    assert registry.find("nobody", settings) is None


def test_a_fetched_bundle_is_the_one_that_was_logged(settings: Settings, tmp_path: Path) -> None:
    champion = registry.find(registry.CHAMPION, settings)
    assert champion
    registry.fetch(champion, tmp_path / "fetched", settings)
    logged = settings.home / "trained"
    files = sorted(p.relative_to(logged) for p in logged.rglob("*"))
    assert files == sorted(p.relative_to(tmp_path / "fetched") for p in (tmp_path / "fetched").rglob("*"))
    for name in (f for f in files if (logged / f).is_file()):
        assert (logged / name).read_bytes() == (tmp_path / "fetched" / name).read_bytes()


LOAD_ELSEWHERE = """
import os, sys
os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "false"
import mlflow, pandas as pd
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model("models:/foresell@champion")
import models
assert "artifacts" in models.__file__, models.__file__
rows = pd.read_parquet(sys.argv[2])
model.predict(rows, params={"horizon_days": 14}).to_parquet(sys.argv[3])
"""


def test_the_model_loads_elsewhere_and_gives_the_same_numbers(settings: Settings, tmp_path: Path) -> None:
    rows, out = tmp_path / "rows.parquet", tmp_path / "out.parquet"
    table = market.last_rows()
    market.as_frame(table).to_parquet(rows)
    words = ["-W", "ignore", "-I", "-c", LOAD_ELSEWHERE, registry.tracking_uri(settings), str(rows), str(out)]
    subprocess.run([sys.executable, *words], cwd=tmp_path, check=True, timeout=300)
    found, expected = pd.read_parquet(out), batch(market.bundle(), table, 14).to_pandas()
    assert len(found) == 2 * len(table)
    for name in (
        "probability",
        "interval_low",
        "interval_high",
        "base",
        "arithmetic",
        "contribution_1",
        "expected_rate",
    ):
        np.testing.assert_array_equal(found[name].to_numpy(), expected[name])
    assert found["text_1"].tolist() == expected["text_1"].tolist()


SIX_ON_A_FRESH_ONE = """
import multiprocessing, sys
from pathlib import Path
from core.settings import Settings
from models import registry

settings = Settings(home=Path(sys.argv[1]), tracking_uri="")

def run(barrier):
    barrier.wait()
    client = registry._client(settings)
    run = client.create_run(registry._experiment(client, settings))
    client.set_terminated(run.info.run_id)

registry._mlflow()  # once, for it takes seconds
fork = multiprocessing.get_context("fork")
barrier = fork.Barrier(6)
processes = [fork.Process(target=run, args=(barrier,)) for _ in range(6)]
for p in processes: p.start()
for p in processes: p.join()
sys.exit(sum(p.exitcode != 0 for p in processes))
"""


def test_six_processes_on_a_fresh_database_do_not_fight(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", SIX_ON_A_FRESH_ONE, str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=500)


def test_a_moved_home_has_its_models(settings: Settings, tmp_path: Path) -> None:
    moved = Settings(home=tmp_path / "moved", tracking_uri="")
    shutil.copytree(settings.home, moved.home)
    hidden = settings.home.rename(settings.home.with_name("hidden"))
    try:
        champion = registry.find(registry.CHAMPION, moved)
        assert champion is not None
        registry.fetch(champion, moved.home / "fetched", moved)
        assert (moved.home / "fetched" / "manifest.json").exists()
        assert not settings.home.exists(), "nothing is written to the old place"
    finally:
        hidden.rename(settings.home)
