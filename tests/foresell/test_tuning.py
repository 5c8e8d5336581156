"""`foresell tune` from the command line, and a training with the settings of its file."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from foresell.cli import app
from tests.support.training_market import STANDARDS, frames, market, standards
from training.backtest.scores import Options
from training.fit import tree_settings
from training.fit.tree_settings import LEARNING_RATES, PRESENT, TreeSettings
from training.pipeline import train


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The test's marketplace in the data contract, and its standards beside it."""
    data = tmp_path / "data"
    data.mkdir()
    for name, frame in frames().items():
        frame.to_parquet(data / f"{name}.parquet")
    (tmp_path / "standards.toml").write_text(STANDARDS)
    return data


def run(*arguments: object) -> str:
    ended = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert ended.exit_code == 0, ended.output
    return ended.stdout


@pytest.mark.slow
def test_a_search_and_a_backtest_with_the_settings_of_a_file(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    out, rules = tmp_path / "trees.json", ("--standards", tmp_path / "standards.toml")
    shown = run("tune", folder, *rules, "--trials", 3, "--out", out)
    assert "Keep the present settings. " in shown
    assert "best found" in shown
    made = json.loads(out.read_text())
    assert made["trees"] == {}, "one season says too little"
    assert [len(body["trials"]) for body in made["risks"].values()] == [3]
    again = json.loads(run("tune", folder, *rules, "--trials", 3, "--out", out, "--risk", "service", "--json"))
    tried = [[trial["log_loss"] for trial in one["risks"]["service"]["trials"]] for one in (made, again)]
    assert tried[0] == tried[1]

    best = made["risks"]["service"]["trials"][1]
    given = {name: best[name] for name in PRESENT.as_json()} | {"rounds": 20}
    out.write_text(json.dumps({"trees": {"service": given}}))
    report = tmp_path / "report.json"
    shown = run("backtest", folder, *rules, "--trees", out, "--out", report)
    assert f"Tree settings: those of {out} for service." in shown
    body = json.loads(report.read_text())["risks"]["service"]
    assert body["trees"] == given
    assert body["learning_rate"] == given["learning_rate"] not in [rate for rate, _ in LEARNING_RATES]


@pytest.mark.slow
def test_a_training_says_which_settings_it_was_given(tmp_path: Path) -> None:
    given = {"service": TreeSettings(num_leaves=3, rounds=20, learning_rate=0.1)}
    made = train(market(), standards(), tmp_path / "made", Options(seeds=(0,), trees=given))
    plain = {"service": given["service"].as_json()}
    assert made.bundle.created_from["trees"] == plain
    assert "Trees of service: num_leaves 3, max_depth 4" in made.bundle.card
    assert made.parameters["service/rounds"] == 20
    for model in made.bundle.models:
        assert model.text.count("\nTree=") == 20
        assert "num_leaves=3\n" in model.text
    assert tree_settings.checked(plain["service"], "the bundle") == given["service"]
