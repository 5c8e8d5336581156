"""`foresell records`, as an operator types it, and the runbook that tells how."""

import json
import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from core.errors import ForesellError
from core.settings import Settings
from foresell.cli import app
from serving.database.connection import open_database, writing
from tests.support.paths import ROOT
from tests.support.records_fixture import fill


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> sa.Engine:
    """Some records under the home that the commands see."""
    monkeypatch.setenv("FORESELL_HOME", str(tmp_path))
    made = open_database(Settings())
    fill(made)
    return made


def run(*arguments: str) -> Result:
    """One command."""
    return CliRunner().invoke(app, ["records", *arguments])


def test_verify_says_that_all_is_sound_or_what_is_not(engine: sa.Engine) -> None:
    sound = run("verify", "--json")
    said = json.loads(sound.stdout)
    assert (sound.exit_code, said["sound"], said["entries"], said["faults"]) == (0, True, 30, [])
    assert run("verify", "--head", said["head"]).exit_code == 0
    with writing(engine) as con:
        con.exec_driver_sql("delete from predictions where decision_id = 'd7'")
    broken = run("verify")
    assert broken.exit_code == 1
    assert "d7" in broken.stdout
    assert "the record is missing" in broken.stdout


def test_erase_needs_one_subject_and_a_reason(engine: sa.Engine) -> None:
    assert json.loads(run("erase", "--seller", "seller-3", "--reason", "request 17", "--json").stdout)["erased"] == 4
    assert json.loads(run("erase", "--decision", "d1", "--reason", "request 18", "--json").stdout)["erased"] == 1
    wrong = [("--seller", "seller-3"), ("--reason", "x"), ("--seller", "a", "--decision", "b", "--reason", "x")]
    assert all(isinstance(run("erase", *some).exception, ForesellError) for some in wrong)
    assert isinstance(run("erase", "--seller", "nobody", "--reason", "x").exception, ForesellError)
    assert run("verify").exit_code == 0


def test_backup_and_restore(engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = json.loads(run("backup", str(tmp_path / "b.sqlite"), "--json").stdout)
    assert isinstance(run("restore", str(tmp_path / "b.sqlite")).exception, ForesellError)
    monkeypatch.setenv("FORESELL_HOME", str(tmp_path / "new"))
    assert json.loads(run("restore", str(tmp_path / "b.sqlite"), "--json").stdout) == made
    assert run("verify", "--head", made["head"]).exit_code == 0


def test_prune(engine: sa.Engine) -> None:
    assert json.loads(run("prune", "--older-than", "1", "--json").stdout)["removed"]["predictions"] == 0
    assert run("prune", "--older-than", "0").exit_code == 2


def test_a_database_out_of_reach_is_named_without_its_password(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORESELL_DATABASE", "postgresql://who:secret@127.0.0.1:1/records")
    error = run("verify").exception
    assert isinstance(error, ForesellError)
    assert "127.0.0.1" in str(error)
    assert "secret" not in str(error)


def test_the_commands_of_the_runbook_exist() -> None:
    text = (ROOT / "docs" / "operator.md").read_text()
    commands = re.findall(r"^foresell records (\w+)", text, re.MULTILINE)
    assert set(commands) == {"verify", "erase", "prune", "backup", "restore"}
    for command in re.findall(r"^foresell records (.*?)(?:  |$)", text, re.MULTILINE):
        options = re.findall(r"--[a-z-]+", command)
        assert all(option in run(command.split()[0], "--help").stdout for option in options), command
