"""Bundles that were damaged on the way or on the disk: none may be put to use."""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

from core.errors import ForesellError
from models.bundle.bundle import load
from models.bundle.files import MANIFEST, SEAL, as_bytes, digest_of, verify
from serving.scoring.champion_loader import ChampionLoader
from serving.store.bundles import current, install, local_copy
from serving.store.pointer import swap

RESEALED_SHARE = 0.02  # of the mutations: those that fit their own manifest are tried in a process, seconds each
Change = Callable[[Path, random.Random], None]


def mutated(home: Path, count: int, scratch: Path) -> dict[str, float]:
    """So many damaged bundles are offered in three ways; figures of docs/contract.md."""
    rng = random.Random(7)
    digest = str(current(home)["digest"])
    resealed = max(1, round(count * RESEALED_SHARE))
    offers = [_offered_resealed] * resealed + [_offered, _found_on_disk] * ((count - resealed + 1) // 2)
    activated = sum(offer(home, digest, scratch, rng) for offer in offers[:count])
    return {"bundle_mutations": count, "bundles_activated": activated}


def mismatched(home: Path, count: int, scratch: Path) -> dict[str, float]:
    """Bundles whose manifest fits, but whose models are not those of their features, calibration or trees.

    The trial is in this process: what refuses them does so before LightGBM could end it.
    """
    rng, activated = random.Random(9), 0
    digest = str(current(home)["digest"])
    for number in range(count):
        damaged = _copy(home, digest, scratch)
        _mismatch(damaged, MISMATCHES[number % len(MISMATCHES)], rng)
        with patch("models.bundle.trial.trial", load):
            activated += _installed(damaged, None, home)
    return {"manifest_mismatches": count, "mismatches_activated": activated}


def _mismatch(folder: Path, kind: str, rng: random.Random) -> None:
    """Change models.json in one way, and seal it again."""
    path = folder / "models.json"
    models = json.loads(path.read_bytes())
    one, other = rng.sample(models, 2)
    match kind:
        case "feature list reordered":
            one["features"][0], one["features"][1] = one["features"][1], one["features"][0]
        case "feature missing":
            one["features"].pop(rng.randrange(len(one["features"])))
        case "feature renamed":
            one["features"][rng.randrange(len(one["features"]))] += "_other"
        case "calibration of another model":
            one["calibration"] = {"a": other["calibration"]["a"] * 1.1, "c": other["calibration"]["c"] - 0.1}
        case "trees of another model":
            one["booster"], other["booster"] = other["booster"], one["booster"]
    path.write_bytes(as_bytes(models))
    _reseal(folder)


MISMATCHES = (
    "feature list reordered",
    "feature missing",
    "feature renamed",
    "calibration of another model",
    "trees of another model",
)


def _offered(home: Path, digest: str, scratch: Path, rng: random.Random) -> bool:
    """As from a registry that names the true digest; whether the pointer moved."""
    damaged = _copy(home, digest, scratch)
    rng.choice(CHANGES)(damaged, rng)
    return _installed(damaged, digest, home)


def _offered_resealed(home: Path, digest: str, scratch: Path, rng: random.Random) -> bool:
    """A damaged model whose manifest was made to fit, and that no registry vouches for."""
    damaged = _copy(home, digest, scratch)
    (_damage_number if rng.random() < 0.5 else truncate)(_model(damaged, rng), rng)
    _reseal(damaged)
    return _installed(damaged, None, home)


def _found_on_disk(home: Path, digest: str, scratch: Path, rng: random.Random) -> bool:
    """The local copy itself is damaged when a worker starts, and again when one already runs; whether it is loaded."""
    away = scratch / "home"
    shutil.rmtree(away, ignore_errors=True)
    place = local_copy(away, digest)
    place.parent.mkdir(parents=True)
    shutil.copytree(local_copy(home, digest), place)
    rng.choice(CHANGES)(place, rng)
    swap(away / "serving" / "champion.json", {"version": "1", "digest": digest, "previous": {}})
    loader = ChampionLoader(away)
    loader.look()
    return loader.champion is not None


def _installed(damaged: Path, digest: str | None, home: Path) -> bool:
    before = current(home)
    try:
        install(damaged, "damaged", home, digest)
    except (ForesellError, ValueError, KeyError):
        return current(home) != before
    return True


def _copy(home: Path, digest: str, scratch: Path) -> Path:
    place = scratch / "bundle"
    shutil.rmtree(place, ignore_errors=True)
    return Path(shutil.copytree(local_copy(home, digest), place))


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _model(folder: Path, rng: random.Random) -> Path:
    return rng.choice([path for path in _files(folder) if path.suffix == ".txt"])


def _reseal(folder: Path) -> None:
    """A manifest and seal for the files as they are."""
    facts = json.loads((folder / MANIFEST).read_bytes())
    content = {p.relative_to(folder).as_posix(): p.read_bytes() for p in _files(folder)}
    facts["files"] = {name: digest_of(data) for name, data in content.items() if name not in (MANIFEST, SEAL)}
    manifest = as_bytes(facts)
    (folder / MANIFEST).write_bytes(manifest)
    (folder / SEAL).write_text(f"{digest_of(manifest)}\n")
    verify(folder)


def flip(path: Path, rng: random.Random) -> None:
    """One bit."""
    data = bytearray(path.read_bytes())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)


def truncate(path: Path, rng: random.Random) -> None:
    """The end is missing."""
    data = path.read_bytes()
    path.write_bytes(data[: rng.randrange(len(data))])


def _damage_number(path: Path, rng: random.Random) -> None:
    """One digit of a tree's leaves, so that the text still parses and scores otherwise."""
    lines = path.read_text().split("\n")
    for place, line in enumerate(lines):
        if line.startswith("leaf_value="):
            lines[place] = " ".join(_other(value, rng) for value in line.split(" "))
    path.write_text("\n".join(lines))


def _other(value: str, rng: random.Random) -> str:
    name, equals, number = value.rpartition("=")
    return f"{name}{equals}{float(number) + rng.uniform(0.01, 0.1)}"


def _of_any(change: Change) -> Change:
    return lambda folder, rng: change(rng.choice(_files(folder)), rng)


def _remove(folder: Path, rng: random.Random) -> None:
    rng.choice(_files(folder)).unlink()


def _add(folder: Path, rng: random.Random) -> None:
    (folder / f"more-{rng.randrange(10)}.json").write_text("{}")


def _swap_files(folder: Path, rng: random.Random) -> None:
    """Two files trade places: the calibration of one model with another's, a model with a model."""
    first, second = rng.sample([p for p in _files(folder) if p.name not in (MANIFEST, SEAL)], 2)
    if first.read_bytes() == second.read_bytes():
        flip(first, rng)
    one, other = first.read_bytes(), second.read_bytes()
    first.write_bytes(other)
    second.write_bytes(one)


def _link(folder: Path, rng: random.Random) -> None:
    path = rng.choice(_files(folder))
    outside = folder.parent / "outside"
    shutil.copy(path, outside)
    path.unlink()
    path.symlink_to(outside)


CHANGES: tuple[Change, ...] = (_of_any(flip), _of_any(flip), _of_any(truncate), _remove, _add, _swap_files, _link)
