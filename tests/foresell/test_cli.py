"""The front door: help everywhere, clear errors without a traceback, JSON for machines."""

import json
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import typer

from core.errors import ForesellError
from foresell import cli
from foresell.commands import data, promotion
from foresell.console import CommandResult, fail, show, table
from models import registry
from models.registry import RegisteredVersion
from tests.support import serving_market
from tests.support.command_line import subcommands

COMMANDS = (
    "demo",
    "simulate",
    "import",
    "features",
    "backtest",
    "tune",
    "train",
    "compare",
    "recalibrate",
    "promote",
    "rollback",
    "score",
    "grow",
    "serve",
    "review",
    "doctor",
    "export",
)
GROUPS = {
    "users": ("add", "list", "password", "remove"),
    "keys": ("create", "list", "rotate", "revoke"),
    "records": ("verify", "erase", "prune", "backup", "restore"),
}


Run = Callable[..., tuple[Any, str, str]]
Registered = Callable[..., list[str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line as a shell would; returns exit code, standard output and standard error."""

    monkeypatch.setenv("COLUMNS", "300")  # long paths stay whole

    def run(*arguments: object) -> tuple[Any, str, str]:
        monkeypatch.setattr(sys, "argv", ["foresell", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        out, err = capsys.readouterr()
        return stop.value.code or 0, out, " ".join(err.replace("│", " ").split())

    return run


def test_every_command_of_the_contract_is_there() -> None:
    found = subcommands(typer.main.get_command(cli.app))
    assert set(found) == {*COMMANDS, *GROUPS}
    assert {name: tuple(subcommands(found[name])) for name in GROUPS} == GROUPS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_most_have_json(run: Run, command: str) -> None:
    code, out, _ = run(command, "--help")
    assert code == 0
    assert "Usage" in out
    assert ("--json" in out) == (command not in ("serve", "review"))


def test_help_needs_no_heavy_library(run: Run) -> None:
    before = set(sys.modules)
    run("--help")
    assert {"mlflow", "bentoml", "lightgbm", "duckdb"} & (set(sys.modules) - before) == set()


def test_a_missing_folder_is_a_clear_error(run: Run, tmp_path: Path) -> None:
    code, out, err = run("features", tmp_path / "nowhere", tmp_path / "out.parquet")
    assert code == 2
    assert out == ""
    assert "nowhere" in err
    assert "Next" in err
    assert "Traceback" not in err
    assert not (tmp_path / "out.parquet").exists()


def test_a_broken_setting_is_a_clear_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORESELL_PORT", "99999")
    code, _, err = run("doctor")
    assert code == 2
    assert "FORESELL_PORT=99999" in err


def test_an_error_of_ours_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["foresell", "doctor"])
    monkeypatch.setattr("foresell.doctor.examine", lambda: int("not a number"))
    with pytest.raises(ValueError, match="not a number"):
        cli.main()


def test_the_same_error_for_machines(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("features", tmp_path / "nowhere", tmp_path / "out.parquet", "--json")
    problem = json.loads(out)
    assert code == 2
    assert set(problem) == {"type", "title", "detail", "rule", "found", "next_step"}
    assert "nowhere" in problem["found"]


@pytest.mark.parametrize("every", ["0d", "7", "-7d", "weekly", "7.5d", ""])
def test_a_step_that_is_no_number_of_days_is_refused(every: str) -> None:
    with pytest.raises(ForesellError, match="use 7d"):
        data.parse_days(every)


def test_steps_in_days() -> None:
    assert data.parse_days("7d") == 7
    assert data.parse_days("28d") == 28


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("import", "somewhere", "out", "--format", "amazon"), "amazon"),
        (("features", "a", "b", "--engine", "dask"), "dask"),
        (("demo", "--data", "olist"), "olist"),
        (("unheard-of",), "unheard-of"),
    ],
)
def test_what_is_not_offered_is_refused(run: Run, arguments: tuple[str, ...], said: str) -> None:
    code, _, err = run(*arguments)
    assert code == 2
    assert said in err
    assert "Traceback" not in err


def test_a_file_that_cannot_be_written_is_a_clear_error(run: Run, market: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")
    code, _, err = run("features", market, tmp_path / "taken" / "out.parquet")
    assert code == 2
    assert "must be readable and writable" in err


def test_features_of_a_small_market(run: Run, market: Path, tmp_path: Path) -> None:
    code, out, _ = run("features", market, tmp_path / "out.parquet", "--every", "14d", "--json")
    said = json.loads(out)
    assert code == 0
    assert said["rows"] > 0
    assert said["as_of"] == ["2024-03-04", "2024-04-29"]
    assert (tmp_path / "out.parquet").stat().st_size > 0


@pytest.fixture
def market(tmp_path: Path) -> Path:
    """A contract folder: three sellers with an order a day from 2024-01-01 on, 120 days."""
    days = [f"{date(2024, 1, 1) + timedelta(d)}T12:00:00Z" for d in range(120)]
    lines = [f"{s}-{i},1,{s},{day}" for s in "abc" for i, day in enumerate(days)]
    folder = tmp_path / "market"
    folder.mkdir()
    (folder / "orders.csv").write_text("\n".join(["order_id,line_id,seller_id,ordered_at", *lines]))
    (folder / "sellers.csv").write_text("seller_id\na\nb\nc\n")
    return folder


@pytest.mark.slow
def test_a_simulated_market_can_be_read(run: Run, tmp_path: Path) -> None:
    sizes = ("--sellers", "30", "--days", "120", "--seed", "2")
    code, out, err = run("simulate", tmp_path / "simulated", *sizes, "--interventions", "--json")
    said = json.loads(out)
    assert code == 0
    assert "Simulating 30 sellers" in err
    assert said["rows"]["orders"] > 0
    code, out, _ = run("features", tmp_path / "simulated", tmp_path / "out.parquet", "--json")
    assert code == 0
    assert json.loads(out)["sellers"] > 0


def test_a_simulation_does_not_replace_what_is_not_one(run: Run, market: Path) -> None:
    code, _, err = run("simulate", market, "--sellers", "10")
    assert code == 2
    assert "new, empty or an earlier simulation" in err


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home of its own for what commands write."""
    folder = tmp_path / "home"
    monkeypatch.setenv("FORESELL_HOME", str(folder))
    monkeypatch.setenv("FORESELL_TRACKING_URI", "")
    return folder


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (("score", "data", "out.parquet"), "no model has been trained yet"),
        (("serve",), "no model has been trained yet"),
    ],
)
def test_without_a_champion_the_next_step_is_to_train(
    run: Run, home: Path, arguments: tuple[str, ...], rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORESELL_KEYLESS", "true")
    code, _, err = run(*arguments)
    assert code == 2
    assert rule in err
    assert "foresell train" in err
    assert not (home / "mlflow.db").exists()  # asking leaves no empty registry behind


def test_doctor_of_a_fresh_home(run: Run, home: Path) -> None:
    code, out, _ = run("doctor", "--json")
    found = {finding["name"]: finding for finding in json.loads(out)["findings"]}
    assert code == 1
    assert found["lightgbm"]["well"]
    assert found["files"]["well"]
    lacking = {name for name, finding in found.items() if not finding["well"]}
    assert lacking == {"registry", "local champion", "online store", "records", "service"}
    assert all(found[name]["next_step"] for name in lacking)


GATE = {"name": "rows are blind to the future", "passed": True, "found": "no row moved", "needed": "no row to move"}
CHALLENGER = RegisteredVersion("7", "sha256:seven")


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch, home: Path) -> Registered:
    """A registry with a challenger; `verdict(gates)` leaves what its training said, and returns promoted versions."""
    promoted: list[str] = []
    monkeypatch.setattr(registry, "find", lambda alias, settings: CHALLENGER)
    monkeypatch.setattr(registry, "promote", lambda number, settings: promoted.append(number))
    monkeypatch.setattr(registry, "fetch_report", lambda version, name, folder, settings: None)

    def verdict(gates: list[dict[str, Any]], digest: str = "sha256:seven") -> list[str]:
        folder = home / "trainings" / "one"
        folder.mkdir(parents=True)
        (folder / "gates.json").write_text(json.dumps({"bundle_digest": digest, "gates": gates}))
        return promoted

    return verdict


def test_promotion_after_every_gate(run: Run, registered: Registered) -> None:
    promoted = registered([GATE])
    code, out, _ = run("promote", "--json")
    assert code == 0
    assert json.loads(out) == {"champion": "7", "digest": "sha256:seven"}
    assert promoted == ["7"]


def test_promotion_is_refused_with_the_gate_that_failed(run: Run, registered: Registered) -> None:
    promoted = registered([GATE, GATE | {"name": "errs less", "passed": False, "found": "+0.01", "needed": "below 0"}])
    code, _, err = run("promote")
    assert code == 2
    assert "errs less: +0.01; needed below 0" in err
    assert "blind to the future" not in err
    assert promoted == []


def test_promotion_needs_the_verdict_on_this_very_bundle(run: Run, registered: Registered) -> None:
    promoted = registered([GATE], digest="sha256:another")
    code, _, err = run("promote")
    assert code == 2
    assert "none for version 7" in err
    assert promoted == []


def test_promotion_needs_a_comparison_with_the_champion_of_the_day(
    run: Run, registered: Registered, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    promoted = registered([GATE])
    champion = RegisteredVersion("6", "sha256:six")
    found = {"challenger": CHALLENGER, "champion": champion}
    monkeypatch.setattr(registry, "find", lambda alias, settings: found[alias])
    code, _, err = run("promote")
    assert code == 2
    assert "the champion is version 6, and version 7 was not compared with it" in err
    assert "foresell compare DATA" in err
    path = home / "trainings" / "one" / "gates.json"
    beside = {"compared": {"champion": {"digest": "sha256:six"}}, "beside": [GATE | {"passed": False, "name": "ranks"}]}
    path.write_text(json.dumps(json.loads(path.read_text()) | beside))
    code, _, err = run("promote")
    assert (code, promoted) == (2, [])
    assert "ranks: no row moved" in err
    path.write_text(json.dumps(json.loads(path.read_text()) | beside | {"beside": [GATE]}))
    assert run("promote")[0] == 0
    assert promoted == ["7"]


def test_a_stale_challenger_is_refused(
    run: Run, registered: Registered, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    promoted = registered([GATE])
    path = home / "trainings" / "one" / "gates.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"calibrated_to": "2024-01-01"}))
    monkeypatch.setattr(promotion, "open_store", lambda folder: SimpleNamespace(day="2024-06-01"))
    code, _, err = run("promote")
    assert (code, promoted) == (2, [])
    assert "calibrated to 2024-01-01, 152 days before 2024-06-01" in err


def test_a_dry_run_shows_the_verdict_and_moves_nothing(run: Run, registered: Registered) -> None:
    promoted = registered([GATE | {"passed": False}])
    code, out, _ = run("promote", "--dry-run", "--json")
    assert (code, promoted) == (0, [])
    assert json.loads(out)["passed"] is False
    assert "FAILED: rows are blind to the future" in run("promote", "--dry-run")[1]


def test_promotion_needs_a_challenger(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "find", lambda alias, settings: None)
    code, _, err = run("promote")
    assert code == 2
    assert "foresell train" in err


@pytest.mark.slow
def test_scores_of_a_marketplace(run: Run, home: Path, tmp_path: Path) -> None:
    serving_market.make_home(home)
    folder = tmp_path / "small"
    folder.mkdir()
    for name, frame in serving_market.frames().items():
        frame.to_parquet(folder / f"{name}.parquet")
    (folder / "source.toml").write_text(f'zone = "{serving_market.ZONE}"\n')
    code, out, _ = run("score", folder, tmp_path / "scores.parquet", "--json")
    scores = pd.read_parquet(tmp_path / "scores.parquet")
    assert code == 0
    assert json.loads(out)["rows"] == len(scores)
    assert set(scores.risk) == {"returns", "service"}
    assert list(scores.columns) == SCORE_COLUMNS
    reasons = scores[[f"contribution_{n}" for n in range(1, 6)]].sum(axis=1) + scores.contribution_rest
    log_odds = np.log(scores.probability / (1 - scores.probability))
    assert (scores.base + scores.arithmetic + reasons - log_odds).abs().max() < 1e-4
    assert set(scores.model_version) == {"1"}


SCORE_COLUMNS = [
    *("seller_id", "as_of", "risk", "probability", "interval_low", "interval_high", "band", "in_breach"),
    *("expected_rate", "low_evidence", "incomplete", "base", "arithmetic"),
    *(f"{what}_{n}" for n in range(1, 6) for what in ("reason", "contribution", "text")),
    *("contribution_rest", "model_version", "model_digest"),
]


def test_days_of_the_feature_table_end_with_the_last() -> None:
    ledger: Any = SimpleNamespace(first_day=100, last_day=200)
    assert data.as_of_days(ledger, 14) == [172, 186, 200]
    short: Any = SimpleNamespace(first_day=100, last_day=130)
    assert data.as_of_days(short, 7) == [130]


def test_outcomes_for_people_and_machines(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = CommandResult({"rows": 3}, (table({"seller": "left", "risk": "right"}, [("[b]x[/b]", "0.3")]), "done"))
    show(outcome, as_json=False)
    text = capsys.readouterr().out
    assert "[b]x[/b]" in text  # a hostile name is text, not markup
    assert "done" in text
    show(outcome, as_json=True)
    assert json.loads(capsys.readouterr().out) == {"rows": 3}


def test_an_error_shows_rule_value_and_next_step(capsys: pytest.CaptureFixture[str]) -> None:
    fail(ForesellError("A rate lies between 0 and 1.", 1.2, "correct the [rate]"), as_json=False)
    out, err = capsys.readouterr()
    assert out == ""
    for said in ("A rate lies between 0 and 1.", "1.2", "correct the [rate]"):
        assert said in err


def test_a_key_is_made_listed_replaced_and_revoked(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORESELL_HOME", str(tmp_path))
    code, out, _ = run("keys", "create", "risk system", "--role", "score", "--role", "read", "--days", "0", "--json")
    made = json.loads(out)
    assert (code, made["key"].startswith(f"fsl_{made['key_id']}_")) == (0, True)
    _, out, _ = run("keys", "list", "--json")
    (listed,) = json.loads(out)["keys"]
    assert (listed["roles"], listed["state"], listed["expires_at"]) == (["read", "score"], "holds", None)
    assert made["key"][-20:] not in out
    _, out, _ = run("keys", "rotate", made["key_id"], "--overlap", "1", "--json")
    run("keys", "revoke", json.loads(out)["key_id"])
    _, out, _ = run("keys", "list", "--json")
    states = {key["key_id"]: (key["state"], key["expires_at"] is None) for key in json.loads(out)["keys"]}
    assert states == {made["key_id"]: ("holds", False), json.loads(out)["keys"][0]["key_id"]: ("revoked", False)}
    code, _, err = run("keys", "create", "x", "--role", "root")
    assert (code, "score, read, review, admin" in err, "Traceback" in err) == (2, True, False)


def test_a_service_that_nobody_or_anybody_could_ask_does_not_start(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORESELL_HOME", str(tmp_path))
    code, _, err = run("serve")
    assert (code, "no valid key" in err) == (2, True)
    monkeypatch.setenv("FORESELL_KEYLESS", "true")
    monkeypatch.setenv("FORESELL_HOST", "0.0.0.0")
    code, _, err = run("serve")
    assert (code, "FORESELL_KEYLESS on 0.0.0.0" in err) == (2, True)
