"""Local copies of bundles: what is activated, what is not, and what serves on."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import ForesellError
from models.bundle.bundle import load, save
from models.bundle.files import MANIFEST, SEAL, as_bytes, digest_of
from serving.scoring.champion_loader import ChampionLoader
from serving.store.bundles import current, install, local_copy
from tests.support import serving_market as market


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved bundle."""
    folder = tmp_path_factory.mktemp("bundle") / "trained"
    save(market.bundle(), folder)
    return folder


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another bundle, with other facts."""
    folder = tmp_path_factory.mktemp("bundle") / "other"
    save(replace(market.bundle(), calibrated_to="2026-06-02"), folder)
    return folder


@pytest.fixture
def quick_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    """The trial in this process, for bundles that do no harm."""
    monkeypatch.setattr("models.bundle.trial.trial", load)


@pytest.mark.slow
@pytest.mark.usefixtures("quick_trial")
def test_an_installed_bundle_is_loaded_and_followed(tmp_path: Path, trained: Path, other: Path) -> None:
    loader = ChampionLoader(tmp_path)
    loader.look()
    assert loader.champion is None
    install(trained, "1", tmp_path)
    loader.look()
    assert loader.champion
    first = loader.champion
    assert (first.version, first.bundle.digest) == ("1", current(tmp_path)["digest"])
    install(other, "2", tmp_path)
    loader.look()
    assert loader.champion
    assert (loader.champion.version, loader.champion.bundle.calibrated_to) == ("2", "2026-06-02")
    assert current(tmp_path)["previous"] == {"version": "1", "digest": first.bundle.digest}


@pytest.mark.usefixtures("quick_trial")
def test_a_damaged_bundle_changes_nothing(tmp_path: Path, trained: Path, other: Path) -> None:
    install(trained, "1", tmp_path)
    before = current(tmp_path)
    for name in ("boosters/returns-28.txt", "models.json", "manifest.json"):
        damaged = shutil.copytree(other, tmp_path / "damaged")
        text = (damaged / name).read_text()
        (damaged / name).write_text(text[: len(text) // 2])
        with pytest.raises(ForesellError):
            install(damaged, "2", tmp_path)
        shutil.rmtree(damaged)
    with pytest.raises(ForesellError, match="registered"):
        install(other, "2", tmp_path, digest="sha256:another")
    assert current(tmp_path) == before
    assert [p.name for p in local_copy(tmp_path, "").iterdir()] == [before["digest"].removeprefix("sha256:")]


@pytest.mark.slow
def test_a_bundle_that_dies_in_the_trial_is_not_activated(tmp_path: Path, trained: Path) -> None:
    """Its digests are right, and LightGBM ends the process that reads it."""
    deadly = shutil.copytree(trained, tmp_path / "deadly")
    booster, models = deadly / "boosters" / "returns-28.txt", deadly / "models.json"
    text = booster.read_bytes()
    booster.write_bytes(text[: text.index(b"\nTree=1")])
    models.write_bytes(models.read_bytes().replace(digest_of(text).encode(), digest_of(booster.read_bytes()).encode()))
    manifest = json.loads((deadly / MANIFEST).read_bytes())
    for path in (booster, models):
        manifest["files"][path.relative_to(deadly).as_posix()] = digest_of(path.read_bytes())
    (deadly / MANIFEST).write_bytes(as_bytes(manifest))
    (deadly / SEAL).write_text(f"{digest_of(as_bytes(manifest))}\n")
    with pytest.raises(ForesellError, match="trial process"):
        install(deadly, "1", tmp_path)
    assert current(tmp_path) == {}


@pytest.mark.slow
@pytest.mark.usefixtures("quick_trial")
def test_the_last_good_one_stays_when_a_local_copy_rots(tmp_path: Path, trained: Path, other: Path) -> None:
    install(trained, "1", tmp_path)
    running = ChampionLoader(tmp_path)
    running.look()
    install(other, "2", tmp_path)
    (local_copy(tmp_path, current(tmp_path)["digest"]) / "golden.json").write_text("{}")
    started = ChampionLoader(tmp_path)
    for loader in (running, started):
        loader.look()
        assert loader.champion
        assert loader.champion.version == "1"
    install(other, "2", tmp_path)  # mends the copy; the pointer says what it said
    for loader in (running, started):
        loader.look()
        assert loader.champion
        assert loader.champion.version == "2"
