"""A training that was ended goes on where it stopped, and comes to the same bytes as one that was not."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from core.file_lock import locked
from models.bundle.bundle import load
from tests.support.training_market import dataset, market, standards
from training import pipeline, stages
from training.backtest.backtest import backtest_risk
from training.backtest.scores import Options
from training.pipeline import digest, train
from training.stages import Stages

OPTIONS = Options(seeds=(0,))


class EndedError(Exception):
    """What ends a training here."""


@pytest.mark.slow
def test_an_ended_training_goes_on_and_comes_to_the_same_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted: list[str] = []
    fit = pipeline.final_model

    def counting(*args: Any) -> Any:
        if args[4].horizon == 56 and len(fitted) == 2:
            fitted.append("ended")
            raise EndedError
        fitted.append(str(args[4]))
        return fit(*args)

    monkeypatch.setattr(pipeline, "final_model", counting)
    unfinished = tmp_path / "unfinished"
    with pytest.raises(EndedError):
        train(market(), standards(), tmp_path / "one", OPTIONS, unfinished=unfinished)
    assert fitted == ["service-14", "service-28", "ended"]
    monkeypatch.setattr(pipeline, "backtest_risk", lambda *_: pytest.fail("the backtest was done"))
    went_on = train(market(), standards(), tmp_path / "two", OPTIONS, unfinished=unfinished)
    assert fitted == ["service-14", "service-28", "ended", "service-56"]
    assert list(unfinished.iterdir()) == [], "nothing is left to go on with"
    monkeypatch.setattr(pipeline, "backtest_risk", backtest_risk)
    at_once = train(market(), standards(), tmp_path / "three", OPTIONS)
    assert went_on.bundle.digest == at_once.bundle.digest, "the same data and seed give the same bytes"
    assert load(tmp_path / "two" / "bundle", at_once.bundle.digest).card == at_once.bundle.card
    for name in ("report.json", "card.md", "tested.parquet"):
        assert (tmp_path / "two" / name).read_bytes() == (tmp_path / "three" / name).read_bytes(), name


@pytest.mark.slow
def test_a_second_training_at_the_same_time_leaves_the_first_one_s_parts_alone(tmp_path: Path) -> None:
    unfinished = tmp_path / "unfinished"
    unfinished.mkdir()
    (unfinished / "part of the first").touch()
    with locked(tmp_path / ".unfinished.lock") as mine:
        assert mine
        train(market(), standards(), tmp_path / "second", OPTIONS, unfinished=unfinished)
    assert [part.name for part in unfinished.iterdir()] == ["part of the first"]


@cache
def rows() -> str:
    return digest(dataset().active)


def folder(parent: Path, **changed: object) -> Path:
    settings = {"options": OPTIONS} | changed
    found = stages.stages(parent, dataset().ledger, rows(), settings).folder
    assert found is not None
    return found


def test_another_setting_another_code_or_other_rows_start_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    same = folder(tmp_path)
    assert folder(tmp_path) == same
    assert folder(tmp_path, options=Options(seeds=(1,))) != same
    assert stages.stages(tmp_path, dataset().ledger, "sha256:other", {"options": OPTIONS}).folder != same
    assert stages.stages(tmp_path, dataset().ledger, rows(), {"options": OPTIONS}, tmp_path).folder == same, "no code"
    (tmp_path / "extension.py").touch()
    assert stages.stages(tmp_path, dataset().ledger, rows(), {"options": OPTIONS}, tmp_path).folder != same
    monkeypatch.setattr(stages, "code", lambda _: "another")
    assert folder(tmp_path) != same


def test_a_part_is_made_once(tmp_path: Path) -> None:
    made: list[int] = []
    kept = Stages(tmp_path)

    def part() -> dict[str, float]:
        made.append(1)
        return {"value": 0.1 + 0.2}

    for _ in range(2):
        assert kept.once("part", part) == {"value": 0.1 + 0.2}
    assert made == [1]
    assert Stages().once("part", lambda: {"value": 1}) == {"value": 1}
