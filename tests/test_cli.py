"""The front door: help everywhere, clear errors without a traceback, JSON for machines."""

import json
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest
import typer

from features.errors import ForesellError
from foresell import cli, data
from foresell.console import Outcome, fail, show, table

COMMANDS = ("demo", "import", "features", "backtest", "train", "promote", "rollback", "score", "serve", "doctor")


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command line as a shell would; returns exit code, standard output and standard error."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["foresell", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        out, err = capsys.readouterr()
        return stop.value.code or 0, out, " ".join(err.replace("│", " ").split())

    return run


def test_every_command_of_the_contract_is_there():
    assert set(typer.main.get_command(cli.app).commands) == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_most_have_json(run, command):
    code, out, _ = run(command, "--help")
    assert code == 0
    assert "Usage" in out
    assert ("--json" in out) == (command != "serve")


def test_help_needs_no_heavy_library(run):
    before = set(sys.modules)
    run("--help")
    assert {"mlflow", "bentoml", "lightgbm", "duckdb"} & (set(sys.modules) - before) == set()


def test_a_missing_folder_is_a_clear_error(run, tmp_path):
    code, out, err = run("features", tmp_path / "nowhere", tmp_path / "out.parquet")
    assert code == 2
    assert out == ""
    assert "nowhere" in err
    assert "Next" in err
    assert "Traceback" not in err
    assert not (tmp_path / "out.parquet").exists()


def test_a_broken_setting_is_a_clear_error(run, monkeypatch):
    monkeypatch.setenv("FORESELL_PORT", "99999")
    code, _, err = run("doctor")
    assert code == 2
    assert "FORESELL_PORT=99999" in err


def test_an_error_of_ours_keeps_its_traceback(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["foresell", "doctor"])
    monkeypatch.setattr("foresell.doctor.examine", lambda: int("not a number"))
    with pytest.raises(ValueError, match="not a number"):
        cli.main()


def test_the_same_error_for_machines(run, tmp_path):
    code, out, _ = run("features", tmp_path / "nowhere", tmp_path / "out.parquet", "--json")
    problem = json.loads(out)
    assert code == 2
    assert set(problem) == {"type", "title", "detail", "rule", "found", "next_step"}
    assert "nowhere" in problem["found"]


@pytest.mark.parametrize("every", ["0d", "7", "-7d", "weekly", "7.5d", ""])
def test_a_step_that_is_no_number_of_days_is_refused(every):
    with pytest.raises(ForesellError, match="use 7d"):
        data.parse_days(every)


def test_steps_in_days():
    assert data.parse_days("7d") == 7
    assert data.parse_days("28d") == 28


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("import", "somewhere", "out", "--format", "amazon"), "amazon"),
        (("features", "a", "b", "--engine", "spark"), "spark"),
        (("demo", "--data", "olist"), "olist"),
        (("unheard-of",), "unheard-of"),
    ],
)
def test_what_is_not_offered_is_refused(run, arguments, said):
    code, _, err = run(*arguments)
    assert code == 2
    assert said in err
    assert "Traceback" not in err


def test_a_file_that_cannot_be_written_is_a_clear_error(run, market, tmp_path):
    (tmp_path / "taken").write_text("a file, not a folder")
    code, _, err = run("features", market, tmp_path / "taken" / "out.parquet")
    assert code == 2
    assert "must be readable and writable" in err


def test_features_of_a_small_market(run, market, tmp_path):
    code, out, _ = run("features", market, tmp_path / "out.parquet", "--every", "14d", "--json")
    said = json.loads(out)
    assert code == 0
    assert said["rows"] > 0
    assert said["as_of"] == ["2024-03-04", "2024-04-29"]
    assert (tmp_path / "out.parquet").stat().st_size > 0


@pytest.fixture
def market(tmp_path):
    """A contract folder: three sellers with an order a day from 2024-01-01 on, 120 days."""
    days = [f"{date(2024, 1, 1) + timedelta(d)}T12:00:00Z" for d in range(120)]
    lines = [f"{s}-{i},1,{s},{day}" for s in "abc" for i, day in enumerate(days)]
    folder = tmp_path / "market"
    folder.mkdir()
    (folder / "orders.csv").write_text("\n".join(["order_id,line_id,seller_id,ordered_at", *lines]))
    (folder / "sellers.csv").write_text("seller_id\na\nb\nc\n")
    return folder


def test_outcomes_for_people_and_machines(capsys):
    outcome = Outcome({"rows": 3}, (table({"seller": "left", "risk": "right"}, [("[b]x[/b]", "0.3")]), "done"))
    show(outcome, as_json=False)
    text = capsys.readouterr().out
    assert "[b]x[/b]" in text  # a hostile name is text, not markup
    assert "done" in text
    show(outcome, as_json=True)
    assert json.loads(capsys.readouterr().out) == {"rows": 3}


def test_an_error_shows_rule_value_and_next_step(capsys):
    fail(ForesellError("A rate lies between 0 and 1.", 1.2, "correct the [rate]"), as_json=False)
    out, err = capsys.readouterr()
    assert out == ""
    for said in ("A rate lies between 0 and 1.", "1.2", "correct the [rate]"):
        assert said in err


def test_the_demo_finds_its_standards():
    assert Path(cli.__file__).resolve().parents[1].joinpath("benchmarks", "flights.toml").exists()
