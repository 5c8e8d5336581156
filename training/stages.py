"""What a training has done so far, kept until it is done, so that one that was ended goes on where it stopped."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import features
import models
from features.ledger import Ledger
from models.bundle import Bundle, load, save
from models.risk_model import RiskModel

LIBRARIES = ("duckdb", "lightgbm", "numpy", "scikit-learn", "scipy")
OURS = (features, models)
Plain = dict[str, Any]


@dataclass(frozen=True)
class Stages:
    """Finished parts of one training, in a folder named by all that they depend on; None keeps nothing."""

    folder: Path | None = None

    def once(self, name: str, make: Callable[[], Plain]) -> Plain:
        """A part of plain values: as it was kept, or made now and kept."""
        if self.folder is None:
            return make()
        path = self.folder / f"{name}.json"
        if not path.exists():
            _swap(path, json.dumps(make(), allow_nan=False))
        found: Plain = json.loads(path.read_text(encoding="utf-8"))
        return found

    def model(self, made: Callable[[], RiskModel], unsaved: Callable[[RiskModel], Bundle], name: str) -> RiskModel:
        """A model, kept as a bundle of its own, whose digests are checked when it is read."""
        if self.folder is None:
            return made()
        place = self.folder / name
        if not place.exists():
            save(unsaved(made()), place)
        return load(place).models[0]

    def done(self) -> None:
        """Nothing is left to go on with."""
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)


NOTHING_KEPT = Stages()


def stages(parent: Path | None, ledger: Ledger, rows: str, settings: Mapping[str, object]) -> Stages:
    """The stages of a training on these rows (their digest) with these settings, by this code."""
    if parent is None:
        return NOTHING_KEPT
    seen = sha256("\n".join([rows, _ledger(ledger), code(), repr(sorted(settings.items()))]).encode())
    folder = parent / seen.hexdigest()[:32]
    folder.mkdir(parents=True, exist_ok=True)
    return Stages(folder)


def code() -> str:
    """SHA-256 of the code and the libraries that a training runs on."""
    roots = [Path(__file__).parent, *(Path(package.__path__[0]) for package in OURS)]
    files = sorted(path for root in roots for path in root.rglob("*") if path.suffix in (".py", ".toml"))
    seen = sha256("\n".join(version(name) for name in LIBRARIES).encode())
    for path in files:
        seen.update(path.name.encode() + path.read_bytes())
    return seen.hexdigest()


def _ledger(ledger: Ledger) -> str:
    found = [
        ledger.con.execute(f"select count(*), bit_xor(hash(t)) from {table} as t").fetchall()[0]
        for table in ("ledger", "ledger_corrections")
    ]
    return repr(found)


def _swap(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
