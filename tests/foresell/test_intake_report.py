"""Every command that reads data says what intake kept and dropped: on the console, in its JSON, and where it lasts."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from mlflow.tracking import MlflowClient
from typer.testing import CliRunner

from core.settings import Settings
from foresell.cli import app
from foresell.commands import modelling, service
from models import registry
from tests.support.training_market import STANDARDS, frames
from training.backtest.scores import Options

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning:mlflow")]
BROKEN = 4  # order lines of one seller, of which all are lost


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a marketplace, standards, and a home whose champion was trained on it."""
    path = tmp_path_factory.mktemp("told")
    (path / "data").mkdir()
    tables = frames()
    orders = tables["orders"].assign(kind="sale")
    orders.loc[orders.index[:BROKEN], "kind"] = "gift"
    for name, frame in {**tables, "orders": orders}.items():
        frame.to_parquet(path / "data" / f"{name}.parquet")
    (path / "standards.toml").write_text(STANDARDS)
    (path / "earlier.toml").write_text(STANDARDS.replace("data_end = 249", "data_end = 200"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORESELL_HOME", str(path / "home"))
        patch.delenv("FORESELL_TRACKING_URI", raising=False)
        patch.setattr(modelling, "options_for", lambda market, data: Options(seeds=(0,)))
        answer = told("train", path / "data", "--standards", path / "earlier.toml", "--json")
        (path / "training.json").write_text(json.dumps(answer))
        registry.promote("1", Settings())
        yield path


def told(*arguments: object) -> dict[str, Any]:
    ended = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert ended.exit_code == 0, ended.output
    return dict(json.loads(ended.stdout))


def check(intake: dict[str, Any]) -> None:
    """The report names the rule, and its counts add up."""
    orders = next(table for table in intake["tables"] if table["name"] == "orders")
    assert orders["quarantined"] == {"kind: unknown value": BROKEN}
    assert orders["read"] == orders["kept"] + orders["held_back"] + BROKEN
    assert any(f"quarantined {BROKEN} (kind: unknown value)" in line for line in intake["lines"])


def rules(place: Path) -> list[object]:
    return ["--standards", place / "standards.toml"]


def test_train_and_its_run_and_report(place: Path) -> None:
    training = json.loads((place / "training.json").read_text())
    check(training["intake"])
    folder = Path(training["folder"])
    check(json.loads((folder / "report.json").read_text())["intake"])
    assert "What intake kept and dropped" in (folder / "report.html").read_text()
    runs = MlflowClient(registry.tracking_uri(Settings())).search_runs(["0", "1"])
    assert any(f"quarantined {BROKEN}" in run.data.tags.get("intake", "") for run in runs)


def test_backtest(place: Path) -> None:
    out = place / "report.json"
    check(told("backtest", place / "data", "--out", out, *rules(place), "--json")["intake"])
    check(json.loads(out.read_text())["intake"])


def test_features(place: Path) -> None:
    check(told("features", place / "data", place / "rows.parquet", *rules(place), "--json")["intake"])


def test_score_marks_the_sellers_who_lost_rows(place: Path) -> None:
    check(told("score", place / "data", place / "scores.parquet", "--json")["intake"])
    scores = pq.read_table(place / "scores.parquet").to_pandas()
    lost = {*frames()["orders"]["seller_id"].iloc[:BROKEN]}
    assert {*scores["seller_id"][scores["incomplete"]]} <= lost


def test_tune(place: Path) -> None:
    out = place / "trees.json"
    check(
        told("tune", place / "data", "--trials", 1, "--risk", "service", "--out", out, *rules(place), "--json")[
            "intake"
        ]
    )


def test_recalibrate_and_compare(place: Path) -> None:
    check(told("recalibrate", place / "data", *rules(place), "--json")["intake"])
    check(told("compare", place / "data", *rules(place), "--json")["intake"])


def test_grow(place: Path) -> None:
    check(told("grow", place / "ledger", place / "data", "--json")["intake"])


def test_serve_and_review_print_it(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from core.days import SOURCE_DAYS

    service.write_online_store(place / "data", SOURCE_DAYS, Settings(), lambda step: None)
    service.print_intake(Settings())
    assert f"quarantined {BROKEN} (kind: unknown value)" in capsys.readouterr().out


def test_a_person_reads_it_first(place: Path) -> None:
    ended = CliRunner().invoke(app, ["features", str(place / "data"), str(place / "rows.parquet")])
    assert ended.stdout.startswith("orders: ")
