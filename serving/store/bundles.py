"""Verified local copies of bundles, and the pointer to the champion's: serving processes read nothing else."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.errors import ForesellError
from core.file_lock import locked
from models.bundle.files import verify
from serving.store.pointer import read, swap


def pointer(home: Path) -> Path:
    """The file that names the local champion."""
    return home / "serving" / "champion.json"


def local_copy(home: Path, digest: str) -> Path:
    """Where the bundle of a digest lies."""
    return home / "serving" / "bundles" / digest.removeprefix("sha256:")


def challenger_pointer(home: Path) -> Path:
    """The file that names the local challenger."""
    return home / "serving" / "challenger.json"


def current(home: Path) -> Mapping[str, Any]:
    """Version and digest of the local champion; empty without one."""
    return read(pointer(home)) or {}


def install(folder: Path, version: str, home: Path, digest: str | None = None) -> None:
    """Copy a bundle, check it, try it in a process that may die, and only then point to it.

    ForesellError leaves everything as it was. digest: the one the registry has; None takes the bundle's own.
    """
    digest = verify(folder, digest).digest
    with locked(home / "serving" / "copies.lock"):
        if not _intact(local_copy(home, digest), digest):
            _copy(folder, local_copy(home, digest), digest)
        _point(home, {"version": version, "digest": digest})
        _prune(home)


def install_challenger(folder: Path, version: str, home: Path, digest: str) -> None:
    """Copy the challenger's bundle, checked and tried like a champion's, for the shadow to score with."""
    verify(folder, digest)
    with locked(home / "serving" / "copies.lock"):
        if not _intact(local_copy(home, digest), digest):
            _copy(folder, local_copy(home, digest), digest)
        swap(challenger_pointer(home), {"version": version, "digest": digest})
        _prune(home)


def _point(home: Path, named: Mapping[str, str]) -> None:
    before = {name: value for name, value in current(home).items() if name != "previous"}
    if before != named:
        swap(pointer(home), {**named, "previous": before})


def _copy(folder: Path, place: Path, digest: str) -> None:
    from models.bundle.trial import trial  # brings LightGBM, which those that only look do not need

    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as scratch:
        draft = shutil.copytree(folder, Path(scratch) / "bundle")
        trial(draft, digest)
        shutil.rmtree(place, ignore_errors=True)  # a damaged one
        draft.rename(place)


def _intact(place: Path, digest: str) -> bool:
    try:
        verify(place, digest)
    except ForesellError:
        return False
    return True


def _prune(home: Path) -> None:
    """Keep the champion, the one before it, and the challenger."""
    named = current(home)
    mine = (named, named.get("previous"), read(challenger_pointer(home)))
    kept = {local_copy(home, facts["digest"]) for facts in mine if facts}
    for place in local_copy(home, "").iterdir():
        if place not in kept and not place.name.startswith("tmp"):
            shutil.rmtree(place, ignore_errors=True)
