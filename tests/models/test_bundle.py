"""The bundle: the same bytes and the same scores each time, and refused when anything in it is not what it was."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import ForesellError
from models.boosting.risk_model import predict
from models.bundle.bundle import check_catalogue, load, save
from models.bundle.files import MANIFEST, SEAL, as_bytes, difference, digest_of
from models.bundle.trial import main, trial
from tests.support.small_bundle import bundle, table

BOOSTER = "boosters/service-28.txt"


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle as written; tests copy it before they spoil it."""
    folder = tmp_path_factory.mktemp("bundles") / "good"
    save(bundle(), folder)
    return folder


@pytest.fixture
def spoiled(saved: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(saved, tmp_path / "spoiled"))


@pytest.fixture
def no_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    """LightGBM may not be reached: what is refused is refused before its text is parsed."""
    monkeypatch.setattr("lightgbm.Booster", lambda **_: pytest.fail("LightGBM has parsed a refused text"))


def seal(folder: Path) -> None:
    """Make a manifest that fits whatever the files are now: what a careless hand would do."""
    facts = json.loads((folder / MANIFEST).read_text())
    facts["files"] = {
        p.relative_to(folder).as_posix(): digest_of(p.read_bytes())
        for p in folder.rglob("*")
        if p.is_file() and p.name not in (MANIFEST, SEAL)
    }
    (folder / MANIFEST).write_bytes(as_bytes(facts))
    (folder / SEAL).write_text(digest_of(as_bytes(facts)) + "\n")


def edit(folder: Path, name: str, change: Callable[[Any], object]) -> None:
    """Change a JSON file, and seal the folder again."""
    plain = json.loads((folder / name).read_text())
    change(plain)
    (folder / name).write_bytes(as_bytes(plain))
    seal(folder)


def test_what_is_loaded_scores_as_what_was_saved_to_the_bit(saved: Path) -> None:
    before, after = bundle(), load(saved)
    for model in before.models:
        twin = after.model(model.key.risk, model.key.horizon, model.key.part)
        assert np.array_equal(predict(twin, table().block).served, predict(model, table().block).served)
        assert (twin.standard, twin.bands, twin.features) == (model.standard, model.bands, model.features)
    assert {n: f.sentence for n, f in after.features.items()} == {
        n: before.features[n].sentence for n in after.features
    }


def test_the_same_bundle_gives_the_same_bytes(saved: Path, tmp_path: Path) -> None:
    for name, again in (("first", bundle()), ("second", load(saved))):
        save(again, tmp_path / name)
        for path in (p for p in saved.rglob("*") if p.is_file()):
            assert (tmp_path / name / path.relative_to(saved)).read_bytes() == path.read_bytes()


def test_the_digest_is_that_of_the_manifest(saved: Path, tmp_path: Path) -> None:
    digest = digest_of((saved / MANIFEST).read_bytes())
    assert load(saved).digest == save(bundle(), tmp_path / "again").digest == digest
    assert load(saved, digest).digest == digest
    with pytest.raises(ForesellError, match="registered"):
        load(saved, "sha256:other")


def test_the_files_are_text_and_json(saved: Path) -> None:
    names = {p.relative_to(saved).as_posix() for p in saved.rglob("*") if p.is_file()}
    assert names == {
        *(MANIFEST, SEAL, "features.json", "golden.json", "models.json", "standards.json"),
        *(BOOSTER, "boosters/returns-28.txt", "boosters/service.late_delivery-28.txt"),
    }
    manifest = json.loads((saved / MANIFEST).read_text())
    assert set(manifest["files"]) == names - {MANIFEST, SEAL}
    assert {"lightgbm", "numpy", "python"} <= set(manifest["versions"])
    assert (manifest["data_digest"], manifest["calibrated_to"]) == ("sha256:0", "2026-02-01")


def test_a_bundle_is_not_written_over_another(saved: Path) -> None:
    with pytest.raises(ForesellError, match="exists"):
        save(bundle(), saved)


@pytest.mark.parametrize(
    "name", [MANIFEST, SEAL, "golden.json", "models.json", "features.json", "standards.json", BOOSTER]
)
@pytest.mark.parametrize("fault", ["cut", "flip", "empty", "gone"])
def test_a_spoiled_file_is_refused_before_lightgbm_sees_it(
    spoiled: Path, no_trees: None, name: str, fault: str
) -> None:
    path = spoiled / name
    content = path.read_bytes()
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 4]) + content[middle + 1 :]
    if fault == "gone":
        path.unlink()
    else:
        path.write_bytes({"cut": content[: middle + 1], "flip": flipped, "empty": b""}[fault])
    with pytest.raises(ForesellError) as refusal:
        load(spoiled)
    assert name in str(refusal.value) or name == MANIFEST


def test_random_bit_flips_are_all_refused(saved: Path, tmp_path: Path, no_trees: None) -> None:
    rng = np.random.default_rng(0)
    paths = sorted(p.relative_to(saved) for p in saved.rglob("*") if p.is_file())
    folder = Path(shutil.copytree(saved, tmp_path / "flipped"))
    for _ in range(100):
        path = folder / paths[rng.integers(len(paths))]
        good = path.read_bytes()
        bad = bytearray(good)
        bad[rng.integers(len(bad))] ^= 1 << int(rng.integers(8))
        path.write_bytes(bytes(bad))
        with pytest.raises(ForesellError):
            load(folder)
        path.write_bytes(good)


def test_files_mixed_up_are_named(spoiled: Path, no_trees: None) -> None:
    other = spoiled / "boosters/returns-28.txt"
    keep = (spoiled / BOOSTER).read_bytes()
    (spoiled / BOOSTER).write_bytes(other.read_bytes())
    other.write_bytes(keep)
    with pytest.raises(ForesellError, match=r"returns-28\.txt has .*service-28\.txt has"):
        load(spoiled)


def test_a_file_too_many_and_a_link_are_refused(spoiled: Path, no_trees: None) -> None:
    (spoiled / "more.json").write_text("{}")
    with pytest.raises(ForesellError, match=r"more\.json is not in the manifest"):
        load(spoiled)
    (spoiled / "more.json").unlink()
    (spoiled / "more.json").symlink_to(spoiled / "models.json")
    with pytest.raises(ForesellError, match="links"):
        load(spoiled)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ForesellError, match="must be a folder"):
        load(tmp_path / "nowhere")


def test_boosters_exchanged_under_a_fitting_manifest_are_refused(spoiled: Path, no_trees: None) -> None:
    other = spoiled / "boosters/returns-28.txt"
    (spoiled / BOOSTER).write_bytes(other.read_bytes())
    seal(spoiled)
    with pytest.raises(ForesellError, match=r"calibration and features of its own Booster.*service-28"):
        load(spoiled)


def test_the_calibration_of_another_model_is_refused(spoiled: Path, no_trees: None) -> None:
    def exchange(models: list[dict[str, Any]]) -> None:
        first, second = models[0], models[1]
        for name in ("calibration", "booster"):
            first[name], second[name] = second[name], first[name]

    edit(spoiled, "models.json", exchange)
    with pytest.raises(ForesellError, match="made for sha256:"):
        load(spoiled)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda names: names.pop(3), "missing orders_60"),
        (lambda names: names.append("late_rate_999"), "unexpected late_rate_999"),
        (lambda names: names.insert(0, names.pop()), "another order from place 0"),
    ],
)
def test_a_wrong_feature_list_is_refused_with_the_difference(
    spoiled: Path, no_trees: None, change: Callable[[list[str]], object], said: str
) -> None:
    edit(spoiled, "models.json", lambda models: change(models[0]["features"]))
    with pytest.raises(ForesellError, match=said):
        load(spoiled)


def test_a_feature_without_its_description_is_refused(spoiled: Path, no_trees: None) -> None:
    edit(spoiled, "features.json", lambda features: features.pop(0))
    with pytest.raises(ForesellError, match="describe every feature"):
        load(spoiled)


def test_an_altered_calibration_shows_in_the_golden_rows(spoiled: Path) -> None:
    edit(spoiled, "models.json", lambda models: models[0]["calibration"].update(c=models[0]["calibration"]["c"] + 1e-6))
    with pytest.raises(ForesellError, match="golden rows"):
        load(spoiled)


def test_golden_rows_left_out_are_refused(spoiled: Path) -> None:
    edit(spoiled, "golden.json", lambda golden: golden["log_odds"].pop("service-28"))
    with pytest.raises(ForesellError, match="service-28: 0 of 20"):
        load(spoiled)


def test_golden_rows_keep_what_is_unknown(saved: Path, tmp_path: Path) -> None:
    block = bundle().golden
    values = block.values.copy()
    values[:, block.index["late_rate_28"]] = np.nan
    unknown = replace(bundle(), golden=replace(block, values=values))
    save(unknown, tmp_path / "unknown")
    assert np.isnan(load(tmp_path / "unknown").golden["late_rate_28"]).all()


def test_a_catalogue_that_means_something_else_is_refused(saved: Path) -> None:
    loaded = load(saved)
    catalogue = list(table().features)
    check_catalogue(loaded, catalogue)
    altered = [replace(f, formula="0.0") if f.name == "late_rate_28" else f for f in catalogue]
    with pytest.raises(ForesellError, match=r"late_rate_28 is 0\.0"):
        check_catalogue(loaded, altered)
    with pytest.raises(ForesellError, match="late_rate_28 is missing"):
        check_catalogue(loaded, [f for f in catalogue if f.name != "late_rate_28"])


def test_a_model_that_is_not_there_is_named() -> None:
    with pytest.raises(ForesellError, match="returns-56"):
        bundle().model("returns", 56)


@pytest.mark.slow
def test_a_trial_passes_a_good_bundle(saved: Path) -> None:
    trial(saved, digest_of((saved / MANIFEST).read_bytes()))


@pytest.mark.slow
def test_a_text_that_kills_lightgbm_kills_only_the_trial(spoiled: Path) -> None:
    path = spoiled / BOOSTER
    text = path.read_text()
    path.write_text(text[: text.index("leaf_value=") + 20])
    edit(
        spoiled,
        "models.json",
        lambda models: [
            m.update(booster=digest_of(path.read_bytes())) for m in models if m["risk"] == "service" and not m["part"]
        ],
    )
    with pytest.raises(ForesellError, match="trial process"):
        trial(spoiled)


def test_a_trial_that_hangs_is_ended(saved: Path) -> None:
    with pytest.raises(ForesellError, match="must load in time"):
        trial(saved, timeout=0.01)


def test_the_trial_command_says_how_it_went(saved: Path, spoiled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (spoiled / "models.json").write_text("[]")
    assert [main([str(saved)]), main([str(spoiled)]), main([])] == [0, 1, 2]
    said = capsys.readouterr()
    assert "3 models score their 20 golden rows" in said.out
    assert "models.json has" in said.err
    assert "usage" in said.err


def test_each_file_is_read_once_so_that_what_was_checked_is_what_is_used(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []
    once = Path.read_bytes

    def kept(path: Path) -> bytes:
        read.append(path)
        return once(path)

    monkeypatch.setattr(Path, "read_bytes", kept)
    load(saved)
    assert sorted(read) == sorted(p for p in saved.rglob("*") if p.is_file())


def test_the_guard_of_these_tests_sees_lightgbm_parse(saved: Path, no_trees: None) -> None:
    with pytest.raises(pytest.fail.Exception, match="parsed"):
        load(saved)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (["a", "b"], ""),
        (["a"], "missing b"),
        (["a", "b", "c"], "unexpected c"),
        (["b", "a"], "another order from place 0 on: b instead of a"),
    ],
)
def test_differences_are_said_in_words(found: list[str], said: str) -> None:
    assert difference(["a", "b"], found) == said
