"""A training that was ended goes on where it stopped, and comes to the same bytes as one that was not."""

from functools import cache
from pathlib import Path

import pytest
from training_market import market, material, standards

from models.bundle import load
from training import pipeline, stages
from training.pipeline import digest, train
from training.scoring import Options
from training.stages import Stages

OPTIONS = Options(seeds=(0,))


class EndedError(Exception):
    """What ends a training here."""


@pytest.mark.slow
def test_an_ended_training_goes_on_and_comes_to_the_same_digest(tmp_path: Path, monkeypatch) -> None:
    fitted: list[str] = []
    fit, score = pipeline.final_model, pipeline.part_of

    def counting(*args):
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
    monkeypatch.setattr(pipeline, "part_of", lambda *_: pytest.fail("the backtest was done"))
    went_on = train(market(), standards(), tmp_path / "two", OPTIONS, unfinished=unfinished)
    assert fitted == ["service-14", "service-28", "ended", "service-56"]
    assert list(unfinished.iterdir()) == [], "nothing is left to go on with"
    monkeypatch.setattr(pipeline, "part_of", score)
    at_once = train(market(), standards(), tmp_path / "three", OPTIONS)
    assert went_on.bundle.digest == at_once.bundle.digest, "the same data and seed give the same bytes"
    assert load(tmp_path / "two" / "bundle", at_once.bundle.digest).card == at_once.bundle.card
    for name in ("report.json", "card.md", "tested.parquet"):
        assert (tmp_path / "two" / name).read_bytes() == (tmp_path / "three" / name).read_bytes(), name


@cache
def rows() -> str:
    return digest(material().active)


def folder(parent: Path, **changed: object) -> Path:
    settings = {"options": OPTIONS} | changed
    return stages.stages(parent, material().ledger, rows(), settings).folder


def test_another_setting_another_code_or_other_rows_start_anew(tmp_path: Path, monkeypatch) -> None:
    same = folder(tmp_path)
    assert folder(tmp_path) == same
    assert folder(tmp_path, options=Options(seeds=(1,))) != same
    assert stages.stages(tmp_path, material().ledger, "sha256:other", {"options": OPTIONS}).folder != same
    monkeypatch.setattr(stages, "code", lambda: "another")
    assert folder(tmp_path) != same


def test_a_part_is_made_once(tmp_path: Path) -> None:
    made = []
    kept = Stages(tmp_path)
    for _ in range(2):
        assert kept.once("part", lambda: made.append(1) or {"value": 0.1 + 0.2}) == {"value": 0.1 + 0.2}
    assert made == [1]
    assert Stages().once("part", lambda: {"value": 1}) == {"value": 1}
