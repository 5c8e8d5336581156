"""The house: packages, locked versions, and files that must not carry what belongs to one machine."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import core
import features
import foresell
import models
import serving
import simulation
import training
from foresell.doctor import SAFE_MINIMUM
from tests.support.paths import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = "".join((ROOT / name).read_text() for name in ("requirements.lock", "requirements-spark.lock"))
LOCKED = dict(re.findall(r"^([a-z0-9][a-z0-9_.-]*)==([^\s;]+)", LOCK, re.MULTILINE))
# Registry hosts and machine paths are spelled apart, so that this file does not find itself.
HOSTS = ("pypi" + ".org", "pythonhosted" + ".org", "registry.npmjs" + ".org", "index" + "-url")


@pytest.mark.parametrize("package", [core, features, foresell, models, serving, simulation, training])
def test_the_packages_under_test_are_those_of_this_checkout(package: ModuleType) -> None:
    assert package.__file__ is not None
    assert Path(package.__file__).parent.parent == ROOT


@pytest.mark.parametrize("name", SAFE_MINIMUM)
def test_libraries_with_known_holes_are_at_safe_versions(name: str) -> None:
    safe = Version(SAFE_MINIMUM[name])
    assert Version(LOCKED[name]) >= safe
    assert Version(version(name)) >= safe
    assert lower_bound(name) >= safe


def lower_bound(name: str) -> Version:
    """The lowest version that pyproject.toml admits."""
    [requirement] = [r for r in map(Requirement, PROJECT["dependencies"]) if r.name == name]
    return Version(next(s.version for s in requirement.specifier if s.operator == ">="))


def test_every_declared_library_is_locked() -> None:
    extras = [line for lines in PROJECT["optional-dependencies"].values() for line in lines]
    declared = {Requirement(line).name for line in PROJECT["dependencies"] + extras}
    assert declared <= set(LOCKED)


def test_every_locked_library_has_hashes_and_no_index() -> None:
    entries = re.split(r"\n(?=\S)", LOCK.strip())
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
    assert [entry for entry in entries if "://" in entry] == []


def test_no_file_names_a_registry_or_this_machine() -> None:
    here = str(ROOT.parent) + "/"
    found = [
        (path, text)
        for path in committed_files()
        for text in (*HOSTS, here)
        if text in (ROOT / path).read_text(errors="ignore")
    ]
    assert found == []


def test_nothing_is_stored_or_read_as_pickle() -> None:
    packages = ("core/", "features/", "simulation/", "models/", "training/", "serving/", "foresell/")
    code = [path for path in committed_files() if path.startswith(packages) and path.endswith(".py")]
    importing = re.compile(r"^\s*(import|from) (pickle|cloudpickle|joblib|dill)\b", re.MULTILINE)
    assert [path for path in code if importing.search((ROOT / path).read_text())] == []


def committed_files() -> list[str]:
    """Paths of the checkout that git knows or would know."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [path for path in listed.stdout.splitlines() if (ROOT / path).is_file()]


def test_a_wheel_holds_every_file_of_the_packages(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, ROOT],
        check=True,
        capture_output=True,
    )
    [wheel] = tmp_path.glob("*.whl")
    packages = tuple(
        f"{package.__name__}/" for package in (core, features, foresell, models, serving, simulation, training)
    )
    files = {path for path in committed_files() if path.startswith(packages)}
    assert {"features/standards/standards.toml", "training/reports/report.css"} <= files
    assert files <= set(ZipFile(wheel).namelist())


def test_the_package_cannot_be_uploaded_by_mistake() -> None:
    assert "Private :: Do Not Upload" in PROJECT["classifiers"]


def test_the_commit_hooks_run_the_linters_of_make_check() -> None:
    [check] = re.findall(r"^check:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    linters = {tool for tool in re.findall(r"\$\(BIN\)/(\S+)", check) if tool != "python"}
    hooks = re.findall(r"entry: \.venv/bin/(\S+)", (ROOT / ".pre-commit-config.yaml").read_text())
    assert set(hooks) == linters


def test_the_version_has_a_dated_release_in_the_changelog() -> None:
    newest = re.search(r"^## (\S+) - (\d{4}-\d\d-\d\d)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is not None
    assert newest[1] == PROJECT["version"]
